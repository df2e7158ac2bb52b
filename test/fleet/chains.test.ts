import { describe, expect, it } from "vitest";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { ann, createFleetWorld, minutes, type FleetWorld, type FleetWorldOptions } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const hosts = ["web-1", "web-2", "web-3"];

function declaration(ref: string, more: Record<string, unknown> = {}) {
  return {
    channels: { stable: { ref, policy: "quick" } },
    hosts: { "web-[1-3]": { channel: "stable" } },
    policies: { quick: { maxFailures: 1 } },
    ...more,
  };
}

async function settledAt(ref: string, options: FleetWorldOptions = {}): Promise<FleetWorld> {
  const world = await createFleetWorld({ hosts, ...options });
  await world.declare(declaration(ref));
  await world.advance(10 * minutes);
  return world;
}

async function countsOf({ control }: FleetWorld, rolloutId: string): Promise<Record<string, string>> {
  const found = await control.hosts(rolloutId, { limit: 10 });
  return Object.fromEntries(found.map(({ host, countedAs }) => [host, countedAs]));
}

describe("a retry of a retry", () => {
  it("is over the hosts that no run of the ref has brought to it, and over those that have come since", async () => {
    const broken = new Set(["web-2", "web-3"]);
    const fateOf = (host: string, ref: string) => (ref === "v2" && broken.has(host) ? "fails" : "good");
    const world = await settledAt("v1", { fateOf });
    await world.declare(declaration("v2"));
    await world.advance(10 * minutes);
    const first = await countsOf(world, "stable@v2");
    broken.delete("web-2");

    await world.control.retry("stable@v2", { reason: "web-2 has a new disk" }, ann);
    await world.advance(10 * minutes);
    const second = await countsOf(world, "stable@v2~2");
    broken.delete("web-3");
    world.agents.of("web-4");
    await world.declare(declaration("v2", { hosts: { "web-[1-4]": { channel: "stable" } } }));
    const opened = await world.control.retry("stable@v2~2", { reason: "web-3 has one too" }, ann);
    await world.advance(10 * minutes);

    expect(first).toEqual({ "web-1": "Converged", "web-2": "Reverted", "web-3": "Reverted" });
    expect(second).toEqual({ "web-2": "Converged", "web-3": "Reverted" });
    expect(opened).toMatchObject({ rolloutId: "stable@v2~3", hosts: 2 });
    expect(await countsOf(world, "stable@v2~3")).toEqual({ "web-3": "Converged", "web-4": "Converged" });
    await expect(world.control.retry("stable@v2~3", { reason: "once more" }, ann)).rejects.toMatchObject({
      details: { extra: { reasons: [{ code: "nothing-left" }] } },
    });
    await expectSound(world);
  });

  it("knows what a run has converged that was cancelled", async () => {
    const fateOf = (host: string, ref: string) => (ref === "v2" && host === "web-3" ? "hangs" : "good");
    const world = await settledAt("v1", { fateOf });
    await world.declare(declaration("v2"));
    await world.advance(5 * minutes);
    await world.send("stable@v2", "rollout.cancel");
    await world.control.retry("stable@v2", { reason: "it was cancelled by mistake" }, ann);
    await world.restart();

    const opened = await world.control.retry("stable@v2~2", { reason: "and once more" }, ann);

    expect(opened).toMatchObject({ rolloutId: "stable@v2~3", hosts: 1 });
    await expectSound(world);
  });
});

describe("an undo", () => {
  it("of an undo brings back what was undone, each as a run of its own", async () => {
    const world = await settledAt("v1");
    await world.declare(declaration("v2"));
    await world.advance(10 * minutes);

    const back = await world.control.undo("stable", {}, ann);
    await world.advance(10 * minutes);
    const forth = await world.control.undo("stable", {}, ann);
    await world.advance(10 * minutes);
    const again = await world.control.undo("stable", {}, ann);

    expect([back, forth, again].map(({ rolloutId }) => rolloutId)).toEqual([
      "stable@v1~2",
      "stable@v2~2",
      "stable@v1~3",
    ]);
    await expectSound(world);
  });

  it("keeps why, where a person looks for it", async () => {
    const world = await settledAt("v1");
    await world.declare(declaration("v2"));
    await world.advance(10 * minutes);

    const { rolloutId } = await world.control.undo("stable", { reason: "customers cannot log in" }, ann);

    const { waitingFor } = await world.engine.read(rolloutId);
    expect(waitingFor.find(({ region }) => region === "rollout")?.what).toContain(
      "opened because: customers cannot log in",
    );
  });

  it("says what else there is where nothing is left to go back to", async () => {
    const world = await settledAt("v1");

    const undone = world.control.undo("stable", {}, ann);

    await expect(undone).rejects.toMatchObject({
      detail:
        "No other ref has become Terminal on stable: there is nothing to go back to. " +
        "rollout cancel stops it where it is; a newer ref goes on.",
    });
  });
});

describe("a declaration that says again what was undone", () => {
  it("opens nothing, and says so and why before and after", async () => {
    const world = await settledAt("v1");
    await world.declare(declaration("v2"));
    await world.advance(10 * minutes);
    await world.control.undo("stable", {}, ann);

    const compared = await world.control.compare(parseFleet(declaration("v2")));
    const applied = await world.declare(declaration("v2"));

    const why =
      "v2 was declared already, and somebody has taken stable to v1 since. " +
      "Open it by name (rollout open stable v2), or declare another ref.";
    expect(compared.rollouts).toEqual([{ channel: "stable", ref: "v2", from: "v1", hosts: 3, rolloutId: null, why }]);
    expect(applied.rollouts).toEqual(compared.rollouts);
  });
});

describe("a host that was never dispatched", () => {
  it("of a rollout that is over is held because of that, also after a restart", async () => {
    const world = await createFleetWorld({ hosts });
    await world.declare(
      declaration("v1", { policies: { quick: { waves: [{ name: "all", hosts: { all: true }, approvals: 1 }] } } }),
    );
    await world.send("stable@v1", "rollout.cancel");
    await world.settle();

    const before = await world.control.explainHost("stable@v1", "web-1");
    await world.restart();
    const after = await world.control.explainHost("stable@v1", "web-1");

    expect(before.gates.map(({ detail }) => detail)).toEqual([
      "The rollout is Superseded: nothing more is dispatched, ever.",
    ]);
    expect(after).toEqual(before);
  });
});
