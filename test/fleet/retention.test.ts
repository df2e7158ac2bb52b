import { expect, it } from "vitest";
import { createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
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
    "stable@v1": "Pruned",
  });
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
  expect(await statesIn(world)).toEqual({ "stable@v2": "Terminal", "stable@v1": "Pruned" });
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
  expect((await statesIn(world))["stable@v1"]).toBe("Pruned");
  expect(await world.stateOf("stable@v1/web-3")).toBe("Released");
  await expectSound(world);
});
