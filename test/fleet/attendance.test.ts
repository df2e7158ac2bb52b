import { expect, it } from "vitest";
import { ann, createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const hosts = Array.from({ length: 12 }, (_, index) => `web-${index + 1}`);

function declaration(ref: string, more: Record<string, unknown> = {}) {
  return {
    channels: { stable: { ref, policy: "quick" } },
    hosts: { "web-[1-12]": { channel: "stable" } },
    policies: { quick: { waves: [{ name: "all", hosts: { all: true }, soak: "10m" }], ...more } },
  };
}

async function hostOf(world: FleetWorld, rolloutId: string, name: string) {
  const found = (await world.control.hosts(rolloutId, { limit: 100 })).find(({ host }) => host === name);
  return found ?? expect.unreachable(`no ${name}`);
}

it("excuses a host that stays away, completes without it, and brings it to the ref when it comes back", async () => {
  const world = await createFleetWorld({ hosts });
  world.agents.of("web-7").isOnline = false;
  await world.declare(declaration("v1"));
  await world.advance(2 * minutes);
  const missed = await hostOf(world, "stable@v1", "web-7");
  await world.advance(10 * minutes);
  const waiting = await world.stateOf("stable@v1");
  await world.advance(10 * minutes);
  const excused = await hostOf(world, "stable@v1", "web-7");
  const complete = await world.stateOf("stable@v1");

  world.agents.of("web-7").isOnline = true;
  await world.advance(20 * minutes);

  expect(missed).toMatchObject({ isUnreachable: true, countedAs: "Pending" });
  expect(waiting).toBe("Active");
  expect(excused).toMatchObject({ countedAs: "Excused", excused: { by: "engine" } });
  expect(complete).toBe("Terminal");
  expect(await hostOf(world, "stable@v1", "web-7")).toMatchObject({ countedAs: "Converged", isUnreachable: false });
  expect(world.agents.running()["web-7"]).toBe("v1");
  await expectSound(world);
});

it("says to whoever waits for a budget that the agent of the host that takes it is missed, and since when", async () => {
  const world = await createFleetWorld({ hosts });
  world.agents.of("web-1").isOnline = false;
  await world.declare({ ...declaration("v1"), budgets: [{ hosts: { all: true }, maxInFlight: 1 }] });
  await world.advance(2 * minutes);

  const { gates } = await world.control.explainHost("stable@v1", "web-2");

  expect(gates.map(({ gate }) => gate)).toEqual(["disruption-budget"]);
  expect(gates[0]?.detail).toMatch(/are out: web-1 \(its agent is not heard, missed since \S+Z\) in this rollout/);
});

it("stops when too many are excused, and goes on without them when somebody says so", async () => {
  const world = await createFleetWorld({ hosts });
  for (const name of ["web-7", "web-8"]) world.agents.of(name).isOnline = false;
  await world.declare(declaration("v1"));
  await world.advance(1 * hours);

  const stopped = await world.control.rollout("stable@v1");
  await world.send("stable@v1", "rollout.resume");
  await world.settle();

  expect(stopped).toMatchObject({ state: "Active", control: "Paused", paused: { by: "engine" } });
  expect(await world.stateOf("stable@v1")).toBe("Terminal");
  await expectSound(world);
});

it("excuses a host that was never dispatched when a person says so, without offering it anything", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.send("stable@v1", "rollout.pause");
  await world.settle();
  const offered = (await world.control.hosts("stable@v1", { limit: 100 })).filter(({ instance }) => instance !== null);

  await world.control.excuse("stable@v1", "web-12", { reason: "scrapped" }, ann);
  await world.settle();

  expect(offered).toEqual([]);
  expect(await hostOf(world, "stable@v1", "web-12")).toMatchObject({
    countedAs: "Excused",
    isOffered: false,
    excused: { by: "ann", reason: "scrapped" },
  });
  await expectSound(world);
});

it("misses nobody after a restart before the agents had the time to ask", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(1 * minutes);
  await world.restart();
  await world.advance(3 * minutes);

  const missed = (await world.control.hosts("stable@v1", { limit: 100 })).filter(({ isUnreachable }) => isUnreachable);

  expect(missed).toEqual([]);
});

it("welcomes a host that was missed before a restart and asks after it", async () => {
  const world = await createFleetWorld({ hosts });
  world.agents.of("web-3").isOnline = false;
  await world.declare(declaration("v1"));
  await world.advance(3 * minutes);
  const missed = await hostOf(world, "stable@v1", "web-3");

  await world.restart();
  await world.advance(1 * minutes);
  const stillMissed = await hostOf(world, "stable@v1", "web-3");
  world.agents.of("web-3").isOnline = true;
  await world.advance(15 * minutes);

  expect([missed.isUnreachable, stillMissed.isUnreachable]).toEqual([true, true]);
  expect(await world.stateOf("stable@v1")).toBe("Terminal");
  await expectSound(world);
});

it("brings a host that a person has excused before its agent was ever heard to the ref when it comes", async () => {
  const world = await createFleetWorld({ hosts });
  world.agents.of("web-12").isOnline = false;
  await world.declare(declaration("v1", { waves: [{ name: "all", hosts: { all: true } }] }));
  await world.control.excuse("stable@v1", "web-12", { reason: "switched off" }, ann);
  await world.advance(1 * minutes);
  const complete = await world.stateOf("stable@v1");

  world.agents.of("web-12").isOnline = true;
  await world.advance(5 * minutes);

  expect(complete).toBe("Terminal");
  expect(await hostOf(world, "stable@v1", "web-12")).toMatchObject({ countedAs: "Converged", excused: null });
  await expectSound(world);
});

it("leaves a host excused that a person has excused although its agent is there", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(1 * minutes);

  await world.control.excuse("stable@v1", "web-12", { reason: "its disk is bad" }, ann);
  await world.advance(5 * minutes);

  expect(await hostOf(world, "stable@v1", "web-12")).toMatchObject({ countedAs: "Excused", isUnreachable: false });
  await expectSound(world);
});
