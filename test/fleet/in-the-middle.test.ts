import { describe, expect, it } from "vitest";
import type { Fate } from "./agents.ts";
import { ann, createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const hosts = ["a-1", "b-1", "b-2", "c-1"];

/** Three waves with a soak of ten minutes each. */
function declaration(ref: string, policy: object = {}) {
  const wave = (name: string) => ({ name, hosts: { tags: [name] }, soak: "10m" });
  return {
    channels: { stable: { ref, policy: "careful" } },
    hosts: {
      "a-1": { channel: "stable", tags: ["a"] },
      "b-1": { channel: "stable", tags: ["b"] },
      "b-2": { channel: "stable", tags: ["b"] },
      "c-1": { channel: "stable", tags: ["c"] },
    } as Record<string, { channel: string; tags: string[] }>,
    policies: { careful: { waves: [wave("a"), wave("b"), wave("c")], ...policy } },
  };
}

async function createWorldWithOne(fateOf: (host: string, version: string) => Fate = () => "good") {
  const world = await createFleetWorld({ hosts, fateOf });
  await world.declare(declaration("v1"));
  await world.advance(1 * hours);
  return world;
}

async function advanceUntil(world: FleetWorld, id: string, state: string): Promise<void> {
  for (let step = 0; (await world.stateOf(id)) !== state; step += 1) {
    expect(step, `${id} does not become ${state}`).toBeLessThan(200);
    await world.advance(1_000);
  }
}

const everywhere = (version: string) => Object.fromEntries(hosts.map((host) => [host, version]));

describe("a rollout in the middle", () => {
  it("goes on by its frozen plan when the declaration drops a host in flight, renames waves and has another policy", async () => {
    const world = await createWorldWithOne();
    await world.declare(declaration("v2"));
    await world.advance(11 * minutes);
    expect(await world.stateOf("stable@v2/b-2")).toBe("Soaking");

    const changed = declaration("v2", {
      onHealthFailure: "halt",
      waves: [{ name: "x", hosts: { all: true }, soak: "0s" }],
    });
    delete changed.hosts["b-2"];
    await world.declare(changed);
    await world.advance(5 * minutes);
    const { waves } = await world.control.rollout("stable@v2");
    const early = await world.control.explainHost("stable@v2", "c-1");
    await world.advance(1 * hours);

    expect(waves.map(({ name, hosts: count, soakMs }) => [name, count, soakMs])).toEqual([
      ["a", 1, 600_000],
      ["b", 2, 600_000],
      ["c", 1, 600_000],
    ]);
    expect(early.gates.map(({ gate }) => gate)).toEqual(["wave-promotion"]);
    expect(await world.stateOf("stable@v2")).toBe("Terminal");
    expect(world.agents.running()).toEqual(everywhere("v2"));
    await world.declare({ ...changed, channels: { stable: { ref: "v3", policy: "careful" } } });
    await world.advance(1 * hours);
    expect(world.agents.running()).toEqual({ ...everywhere("v3"), "b-2": "v2" });
    await expectSound(world);
  });

  it("is aborted while it waits between two waves", async () => {
    const world = await createWorldWithOne();
    const [first, ...rest] = declaration("v2").policies.careful.waves;
    await world.declare(declaration("v2", { waves: [first, ...rest.map((wave) => ({ ...wave, approvals: 1 }))] }));
    await world.advance(15 * minutes);
    expect(await world.stateOf("stable@v2")).toBe("Converging");

    const { rolloutId } = await world.control.abort("stable@v2", {}, ann);
    await world.advance(1 * hours);

    expect([await world.stateOf("stable@v2"), await world.stateOf(rolloutId)]).toEqual(["Superseded", "Terminal"]);
    expect(world.agents.running()).toEqual(everywhere("v1"));
    await expectSound(world);
  });

  it("is undone while its hosts go back by themselves", async () => {
    const world = await createWorldWithOne((host, version) =>
      version === "v2" && host === "b-1" ? "unhealthy" : "good",
    );
    await world.declare(declaration("v2"));
    await world.advance(11 * minutes);
    await advanceUntil(world, "stable@v2/b-1", "Failed");

    const { rolloutId } = await world.control.undo("stable", {}, ann);
    await world.advance(1 * hours);

    expect(await world.stateOf(rolloutId)).toBe("Terminal");
    expect(world.agents.running()).toEqual(everywhere("v1"));
    expect(await world.stateOf("stable@v2")).toBe("Superseded");
    await expectSound(world);
  });

  it("hands out no offer any more from the moment on in which it is superseded or has halted", async () => {
    const world = await createWorldWithOne((_, version) => (version === "v3" ? "fails" : "good"));
    const waves = [{ name: "all", hosts: { all: true }, soak: "10m" }];
    world.agents.of("a-1").isOnline = false;
    const offered = async () => (await world.control.ordersFor("a-1", [])).map(({ kind }) => kind);
    await world.declare(declaration("v2", { waves }));
    await world.settle();
    const first = await offered();

    await world.control.open({ channel: "stable", ref: "v3" }, ann);
    const superseded = [await world.stateOf("stable@v2/a-1"), await offered()];
    await world.settle();
    const next = await offered();
    await advanceUntil(world, "stable@v3", "Reverted");

    expect([first, superseded, next]).toEqual([["dispatch"], ["Pending", []], ["dispatch"]]);
    expect(await offered()).toEqual([]);
  });

  it("is superseded by several at once: one is the newest, and each of the others knows by whom it was superseded", async () => {
    const world = await createWorldWithOne();
    const open = (ref: string) => world.control.open({ channel: "stable", ref }, ann);

    const opened = await Promise.all([open("v2"), open("v3"), open("v3"), open("v2")]);
    await world.advance(1 * hours);

    const all = await world.control.rollouts({ limit: 10 });
    const [newest, ...others] = all;
    expect(new Set(opened.map(({ rolloutId }) => rolloutId)).size).toBe(4);
    expect(newest).toMatchObject({ state: "Terminal", supersededBy: null });
    expect(others.map(({ supersededBy }) => supersededBy)).toEqual(all.slice(0, -1).map(({ rolloutId }) => rolloutId));
    expect(world.agents.running()).toEqual(everywhere(newest?.targetRef ?? ""));
    await expectSound(world);
  });
});
