import { expect, it, onTestFinished } from "vitest";
import { machines } from "../../machines/index.ts";
import type { Clock } from "../../src/core/clock.ts";
import { createControlPlane } from "../../src/fleet/create-control-plane.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { createWorld, startsAt } from "../support/world.ts";

const seconds = 1_000;
const hour = 3_600 * seconds;

/** A control plane on a machine whose clock a person may set, with one host that waits for its dispatch. */
async function createSite() {
  const steady = virtualClock(startsAt);
  let setByMs = 0;
  const wall: Clock & { advance(ms: number): Promise<void> } = {
    now: () => steady.now() + setByMs,
    wakeAt: (at, signal) => steady.wakeAt(at - setByMs, signal),
    advance: steady.advance,
  };
  const control = createControlPlane({ clock: wall, steady });
  const { engine, settle } = createWorld({ machines, providers: [control.provider] }, wall);
  await control.start(engine);
  onTestFinished(() => control.stop());
  const document = {
    channels: { stable: { ref: "v1", policy: "plain" } },
    hosts: { "web-1": { channel: "stable" } },
    policies: { plain: {} },
  };

  async function settled(): Promise<void> {
    for (let before = -1, position = 0; before !== position; position = await engine.position()) {
      before = position;
      await settle();
      await control.settled();
    }
  }

  await control.apply(parseFleet(document), document, { principal: "ann" });
  await settled();
  return {
    control,
    now: wall.now,
    set: (byMs: number) => void (setByMs += byMs),
    async pass(ms: number) {
      await steady.advance(ms);
      await settled();
    },
    ask(agent: string): string {
      try {
        control.admit("web-1", agent);
      } catch {
        return "refused";
      }
      control.seen("web-1", agent);
      return "taken";
    },
    isMissed: async () => (await control.explainHost("stable@v1", "web-1")).isUnreachable,
  };
}

it("a clock that is set back neither keeps a dead agent's place nor its host from being missed", async () => {
  const site = await createSite();
  site.ask("old.1");

  site.set(-hour);
  await site.pass(60 * seconds);
  const early = [site.ask("new.1"), await site.isMissed()];
  await site.pass(31 * seconds);

  expect(early).toEqual(["refused", false]);
  expect([await site.isMissed(), site.ask("new.1")]).toEqual([true, "taken"]);
});

it("a clock that is set forward has nobody missed, and gives nobody's place away", async () => {
  const site = await createSite();
  site.ask("old.1");

  site.set(hour);
  await site.pass(10 * seconds);

  expect([await site.isMissed(), site.ask("new.1"), site.ask("old.1")]).toEqual([false, "refused", "taken"]);
});

it("a second agent is shown since when the machine's clock says, and for as long as it asks", async () => {
  const site = await createSite();
  site.ask("old.1");
  site.set(-hour);
  site.ask("new.1");

  const during = site.control.contested();
  await site.pass(91 * seconds);

  expect(during).toMatchObject([{ host: "web-1", since: startsAt - hour }]);
  expect(site.control.contested()).toEqual([]);
});
