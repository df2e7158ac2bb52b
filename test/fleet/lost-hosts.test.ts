import { expect, it } from "vitest";
import { createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const hosts = ["web-1", "web-2", "web-3"];

/** One host at a time, so that one that is lost is in the way of all others. */
function declaration(ref: string) {
  return {
    channels: { stable: { ref, policy: "quick" } },
    hosts: { "web-[1-3]": { channel: "stable" } },
    policies: { quick: { excusedMaxPct: 50 } },
    budgets: [{ hosts: { all: true }, maxInFlight: 1 }],
    retention: "2h",
  };
}

async function hostOf({ control }: FleetWorld, rolloutId: string, name: string) {
  const found = (await control.hosts(rolloutId, { limit: 10 })).find(({ host }) => host === name);
  return found ?? expect.unreachable(`no ${name}`);
}

/** web-3 is switched off while it activates v2, and v3 is declared. */
async function createWorldWithoutOne() {
  const fateOf = (host: string, version: string) => (host === "web-3" && version === "v2" ? "hangs" : "good");
  const world = await createFleetWorld({ hosts, fateOf });
  await world.declare(declaration("v1"));
  await world.advance(10 * minutes);
  await world.declare(declaration("v2"));
  await world.advance(2 * minutes);
  expect(await world.stateOf("stable@v2/web-3")).toBe("Activating");
  world.agents.of("web-3").isOnline = false;
  await world.declare(declaration("v3"));
  return world;
}

it("does not let a host that was lost while it activated hold the next ref longer than an absent one", async () => {
  const world = await createWorldWithoutOne();
  await world.advance(5 * minutes);
  const { gates } = await world.control.explainHost("stable@v3", "web-3");

  await world.advance(1 * hours);

  expect(gates.map(({ gate, detail }) => `${gate}: ${detail}`)).toContain(
    "host-busy: web-3 was activating for stable@v2 when it was last heard of. " +
      "It opens when that activation has settled, or when web-3 is excused there.",
  );
  expect(await world.stateOf("stable@v3")).toBe("Terminal");
  expect(await hostOf(world, "stable@v3", "web-3")).toMatchObject({ countedAs: "Excused" });
  await expectSound(world);
});

it("brings a host that was lost while it activated to the newest ref when it comes back", async () => {
  const world = await createWorldWithoutOne();
  await world.advance(1 * hours);

  world.agents.of("web-3").isOnline = true;
  await world.advance(2 * minutes);
  const busy = await world.control.explainHost("stable@v3", "web-3");
  await world.engine.send(
    "stable@v2/web-3",
    { type: "activation.failed", exitCode: 1, stderrTail: "it was interrupted" },
    { principal: "agent:web-3", stream: { name: "agent", seq: 3 } },
  );
  await world.advance(10 * minutes);

  expect(busy.gates.map(({ gate }) => gate)).toContain("host-busy");
  expect(await world.stateOf("stable@v2/web-3")).toBe("Released");
  expect(await hostOf(world, "stable@v3", "web-3")).toMatchObject({ countedAs: "Converged", excused: null });
  await expectSound(world);
});

it("prunes a rollout although one of its hosts was lost before it could be released", async () => {
  const world = await createWorldWithoutOne();

  await world.advance(4 * hours);

  expect(await world.stateOf("stable@v2")).toBe("Pruned");
  expect(await world.stateOf("stable@v2/web-3")).toBe("Released");
  await expectSound(world);
});

it("misses a host that goes away again after the rollout was complete without it, and offers it nothing meanwhile", async () => {
  const world = await createFleetWorld({ hosts });
  world.agents.of("web-3").isOnline = false;
  await world.declare(declaration("v1"));
  await world.advance(1 * hours);
  world.control.seen("web-3"); // it asks once, and is gone
  await world.settle();
  const offered = await hostOf(world, "stable@v1", "web-3");

  await world.advance(1 * hours);
  const excused = await hostOf(world, "stable@v1", "web-3");
  const position = await world.engine.position();
  await world.advance(10 * minutes);

  expect(offered).toMatchObject({ isOffered: true });
  expect(excused).toMatchObject({ isOffered: false, countedAs: "Excused", isUnreachable: true });
  expect(await world.engine.position()).toBe(position);
  world.agents.of("web-3").isOnline = true;
  await world.advance(5 * minutes);
  expect(await hostOf(world, "stable@v1", "web-3")).toMatchObject({ countedAs: "Converged" });
  await expectSound(world);
});
