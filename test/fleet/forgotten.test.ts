import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import type { Fate } from "./agents.ts";
import { ann, createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const hosts = ["a-1", "b-1", "b-2", "c-1"];

/** Three waves, each with a soak of half an hour. */
function declaration(ref: string) {
  const wave = (name: string) => ({ name, hosts: { tags: [name] }, soak: "30m" });
  return {
    channels: { stable: { ref, policy: "careful" } },
    hosts: {
      "a-1": { channel: "stable", tags: ["a"] },
      "b-[1-2]": { channel: "stable", tags: ["b"] },
      "c-1": { channel: "stable", tags: ["c"] },
    },
    policies: {
      careful: { onHealthFailure: "rollback-all", excusedMaxPct: 60, waves: [wave("a"), wave("b"), wave("c")] },
    },
  };
}

/** v1 runs everywhere, and v2 is declared. */
async function createWorldWithTwo(fateOf: (host: string, version: string) => Fate = () => "good") {
  const world = await createFleetWorld({ hosts, fateOf });
  await world.declare(declaration("v1"));
  await world.advance(3 * hours);
  await world.declare(declaration("v2"));
  await world.settle();
  return world;
}

/** Another, empty database, to which the same is declared. */
async function loseDatabase(world: FleetWorld, ref: string): Promise<void> {
  await world.restart(memoryStore());
  await world.declare(declaration(ref));
  await world.advance(2 * minutes);
}

async function statesOf(world: FleetWorld, rolloutId: string): Promise<Record<string, string>> {
  const all = await world.control.hosts(rolloutId, { limit: 10 });
  return Object.fromEntries(all.map(({ host, countedAs }) => [host, countedAs]));
}

describe("of what a control plane has ordered before its database was lost", () => {
  it("a waived soak still counts, and what it orders later is taken", async () => {
    const world = await createWorldWithTwo((host, version) => (host === "c-1" && version === "v2" ? "fails" : "good"));
    await world.advance(2 * minutes);
    await world.send("stable@v2", "rollout.promote");
    await world.advance(2 * minutes);

    await loseDatabase(world, "v2");
    const regained = await statesOf(world, "stable@v2");
    await world.advance(1 * hours);

    expect(regained).toEqual({ "a-1": "Converged", "b-1": "Soaking", "b-2": "Soaking", "c-1": "Pending" });
    expect(await statesOf(world, "stable@v2")).toMatchObject({
      "a-1": "Reverted",
      "b-1": "Reverted",
      "c-1": "Reverted",
    });
    expect(world.agents.running()).toEqual({ "a-1": "v1", "b-1": "v1", "b-2": "v1", "c-1": "v1" });
    await expectSound(world);
  });

  it("a host that was ordered back is known to have gone back", async () => {
    const world = await createWorldWithTwo((host, version) => (host === "b-1" && version === "v2" ? "fails" : "good"));
    await world.advance(1 * hours);
    expect(await world.stateOf("stable@v2/a-1")).toBe("Reverted");

    await loseDatabase(world, "v2");

    const [first] = await world.control.hosts("stable@v2", { limit: 1 });
    expect(first).toMatchObject({ host: "a-1", state: "Reverted", observedVersion: "v1" });
    expect(first?.failure).toMatchObject({ kind: "rollback-requested" });
    expect(await world.stateOf("stable@v2")).toBe("Reverted");
    expect(world.agents.of("a-1").activations).toEqual(["v1", "v2"]);
    await expectSound(world);
  });
});

describe("of what people have said before a database was lost", () => {
  it("nothing is known: a pause, a quarantine, an excuse and what an undo goes back to have to be said again", async () => {
    const world = await createWorldWithTwo((_, version) => (version === "v2" ? "fails" : "good"));
    await world.advance(1 * hours);
    await world.declare(declaration("v3"));
    await world.advance(35 * minutes);
    world.agents.of("b-2").isOnline = false;
    await world.advance(20 * minutes);
    await world.send("stable@v3", "rollout.pause", { reason: "a look at b-1" });
    expect(await statesOf(world, "stable@v3")).toMatchObject({
      "a-1": "Converged",
      "b-1": "Soaking",
      "b-2": "Excused",
    });

    await loseDatabase(world, "v3");
    const { control } = await world.control.rollout("stable@v3");
    const { context } = await world.engine.read("channel/stable");

    expect(await statesOf(world, "stable@v3")).toMatchObject({
      "a-1": "Converged",
      "b-1": "Soaking",
      "b-2": "Pending",
    });
    expect([control, context]).toMatchObject(["Running", { quarantined: {}, lastTerminal: null }]);
    await expect(world.control.undo("stable", {}, ann)).rejects.toThrow("nothing to go back to");
    await world.advance(2 * hours);
    expect(await statesOf(world, "stable@v3")).toMatchObject({ "b-2": "Excused", "c-1": "Converged" });
    for (const host of hosts) expect(world.agents.of(host).activations.filter((ref) => ref === "v3")).toEqual(["v3"]);
    await expectSound(world);
  });
});
