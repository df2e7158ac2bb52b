import { expect, it, onTestFinished } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { createFleetIndex, type FleetIndex } from "../../src/fleet/fleet-index.ts";
import { createFollower } from "../../src/fleet/follower.ts";
import { createPlans } from "../../src/fleet/plans.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { createFleetWorld, minutes } from "./fleet-world.ts";

const hosts = ["web-1", "web-2", "web-3"];

it("reads all hosts of a rollout that was let go, also when it changes while they are read", async () => {
  const world = await createFleetWorld({ hosts });
  for (const ref of ["v1", "v2"]) {
    await world.declare({
      channels: { stable: { ref, policy: "quick" } },
      hosts: { "web-[1-3]": { channel: "stable" } },
      policies: { quick: {} },
    });
    await world.advance(30 * minutes);
  }
  const { engine } = world;
  let changesLeft = 0;
  const index: FleetIndex = createFleetIndex(({ kind }) => {
    const { facts } = index.rollouts.get("stable@v1") ?? {};
    if (kind !== "host" || facts === undefined || changesLeft === 0) return;
    changesLeft -= 1;
    index.putRollout(facts, null); // as the journal tells it
  });
  const plans = createPlans(engine);
  const follower = createFollower({ engine, index, plans, clock: virtualClock(0), log: silentLog });
  await follower.start();
  onTestFinished(() => follower.stop());
  const letGo = index.rollouts.get("stable@v1");

  changesLeft = 2;
  const read = await follower.readHosts("stable@v1");

  expect([changesLeft, letGo?.isComplete, [...read.keys()]]).toEqual([0, true, hosts]);
  expect([...(letGo?.hosts.keys() ?? [])]).toEqual(hosts);
});
