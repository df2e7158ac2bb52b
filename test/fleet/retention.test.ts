import { expect, it, onTestFinished } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { createFleetIndex } from "../../src/fleet/fleet-index.ts";
import { createFollower } from "../../src/fleet/follower.ts";
import { createPlans } from "../../src/fleet/plans.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { ann, createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

function declaration(ref: string) {
  return {
    channels: { stable: { ref, policy: "quick" } },
    hosts: { "web-[1-3]": { channel: "stable" } },
    policies: { quick: {} },
    retention: "6h",
  };
}

const hosts = ["web-1", "web-2", "web-3"];

async function statesIn(world: FleetWorld): Promise<Record<string, string>> {
  const rollouts = await world.control.rollouts({ limit: 100 });
  return Object.fromEntries(rollouts.map(({ rolloutId, state }) => [rolloutId, state]));
}

it("prunes what ended long ago with its hosts and its plan, but never the newest and the last that became Terminal", async () => {
  const world = await createFleetWorld({
    hosts,
    fateOf: (_host, version) => (version === "v3" ? "fails" : "good"),
  });
  for (const ref of ["v1", "v2", "v3"]) {
    await world.declare(declaration(ref));
    await world.advance(30 * minutes);
  }
  const before = await statesIn(world);

  await world.advance(4 * hours);
  const kept = await statesIn(world);
  await world.advance(4 * hours);

  expect(before).toEqual({ "stable@v3": "Reverted", "stable@v2": "Superseded", "stable@v1": "Superseded" });
  expect(kept).toEqual(before);
  expect(await statesIn(world)).toEqual({
    "stable@v3": "Reverted",
    "stable@v2": "Superseded", // what an undo brings back
  });
  expect(await world.stateOf("stable@v1")).toBe("Pruned");
  expect(await world.stateOf("stable@v1/web-1")).toBe("Released");
  expect(await world.stateOf("plan/stable@v1")).toBe("Dropped");
  expect((await world.engine.read("stable@v1")).status).toBe("done");
  await expectSound(world);
});

it("prunes what an undo went back to before, as soon as something else is kept for that", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(30 * minutes);
  await world.declare({ ...declaration("v2"), hosts: { "web-[1-4]": { channel: "stable" } } }); // one that never comes
  await world.advance(12 * hours);
  const waiting = await statesIn(world);

  world.agents.of("web-4");
  await world.send("stable@v2", "rollout.resume");
  await world.advance(1 * hours);

  expect(waiting["stable@v1"]).toBe("Superseded");
  expect(await statesIn(world)).toEqual({ "stable@v2": "Terminal" });
  expect(await world.stateOf("stable@v1")).toBe("Pruned");
  await expectSound(world);
});

it("numbers a ref that comes back after its rollouts were pruned on", async () => {
  const world = await createFleetWorld({ hosts });
  for (const ref of ["v1", "v2", "v3"]) {
    await world.declare(declaration(ref));
    await world.advance(30 * minutes);
  }
  await world.advance(12 * hours);

  const { rollouts } = await world.declare(declaration("v1"));
  await world.advance(1 * hours);

  expect(rollouts).toMatchObject([{ rolloutId: "stable@v1~2", from: "v3" }]);
  expect((await statesIn(world))["stable@v1~2"]).toBe("Terminal");
  await expectSound(world);
});

it("prunes after a restart what it has not kept in memory", async () => {
  const world = await createFleetWorld({ hosts });
  for (const ref of ["v1", "v2"]) {
    await world.declare(declaration(ref));
    await world.advance(30 * minutes);
  }
  await world.restart();
  const records = await world.control.hosts("stable@v1", { state: "Converged", limit: 10 });

  await world.advance(8 * hours);

  expect(records.map(({ host }) => host)).toEqual(hosts);
  expect(await world.stateOf("stable@v1")).toBe("Pruned");
  expect(await world.stateOf("stable@v1/web-3")).toBe("Released");
  await expectSound(world);
});

/** What a control plane keeps in memory that began before the first rollout. */
async function rememberedBy({ engine }: FleetWorld) {
  const index = createFleetIndex(() => {});
  const follower = createFollower({
    engine,
    index,
    plans: createPlans(engine),
    clock: virtualClock(0),
    log: silentLog,
  });
  await follower.start();
  onTestFinished(() => follower.stop());
  return async () => {
    await follower.reached(await engine.position());
    return [...index.rollouts.keys()].toSorted();
  };
}

it("keeps nothing of pruned rollouts in memory, however many there were, neither as they are pruned nor after a restart", async () => {
  const world = await createFleetWorld({ hosts });
  const remembered = await rememberedBy(world);
  for (let number = 1; number <= 8; number += 1) {
    await world.declare(declaration(`v${number}`));
    await world.advance(4 * hours);
  }
  await world.advance(8 * hours);

  const inMemory = await remembered();
  const afterRestart = await (await rememberedBy(world))();

  expect(inMemory).toEqual(["stable@v8"]);
  expect(afterRestart).toEqual(["stable@v8"]);
  expect(await statesIn(world)).toEqual({ "stable@v8": "Terminal" });
});

it("shows what is pruned by its name, and refuses to do anything with it", async () => {
  const world = await createFleetWorld({ hosts });
  for (const ref of ["v1", "v2"]) {
    await world.declare(declaration(ref));
    await world.advance(8 * hours);
  }

  const shown = await world.control.rollout("stable@v1");
  const [host] = await world.control.hosts("stable@v1", { limit: 1 });

  expect(shown).toMatchObject({ state: "Pruned", supersededBy: "stable@v2" });
  expect(host).toMatchObject({ host: "web-1", state: "Released" });
  await expect(world.control.retry("stable@v1", { reason: "again" }, ann)).rejects.toThrow("stable@v1 is Pruned");
  await expect(world.control.retry("stable@v9", { reason: "again" }, ann)).rejects.toThrow("There is no rollout");
});

it("goes on with a list where it was, also when the rollout that its last page ended with was pruned meanwhile", async () => {
  const world = await createFleetWorld({ hosts, fateOf: (_host, version) => (version === "v1" ? "good" : "fails") });
  for (const ref of ["v1", "v2", "v3"]) {
    await world.declare(declaration(ref));
    await world.advance(30 * minutes);
  }
  const first = await world.control.rollouts({ limit: 2 });
  await world.advance(8 * hours);

  const second = await world.control.rollouts({ after: "stable@v2", limit: 2 });

  expect(first.map(({ rolloutId }) => rolloutId)).toEqual(["stable@v3", "stable@v2"]);
  expect(await world.stateOf("stable@v2")).toBe("Pruned");
  expect(second.map(({ rolloutId }) => rolloutId)).toEqual(["stable@v1"]);
});

it("tells an agent that comes back after its rollout was pruned that it is let go", async () => {
  const world = await createFleetWorld({ hosts });
  for (const ref of ["v1", "v2"]) {
    await world.declare(declaration(ref));
    await world.advance(8 * hours);
  }

  const orders = await world.control.ordersFor("web-1", [{ rolloutId: "stable@v1", orders: [], sent: 0 }]);

  expect(await world.stateOf("stable@v1")).toBe("Pruned");
  expect(orders).toMatchObject([{ kind: "order", rolloutId: "stable@v1", event: { type: "host.released" } }]);
});
