import { expect, it } from "vitest";
import { rolloutStates } from "../../machines/rollout/states.ts";
import { createFleetSite, pathTo, type FleetSite } from "../http/fleet-site.ts";

const hosts = ["web-1", "web-2", "web-3"];

/** The second wave waits for an approval; the policy decides what becomes of a failure. */
function changesOf(onHealthFailure: string): object {
  const waves = [
    { name: "canary", hosts: { tags: ["canary"] }, soak: "0s" },
    { name: "rest", hosts: { all: true }, soak: "0s", approvals: 1 },
  ];
  return { policies: { careful: { onHealthFailure, waves }, plain: {} }, retention: "1h" };
}

async function stateOf(site: FleetSite, rolloutId: string): Promise<string> {
  return (await site.get(pathTo(rolloutId))).body.state;
}

it("a rollout comes to each of its states by what people, agents and time do through the API", async () => {
  const site = await createFleetSite();
  const seen = new Set<string>();
  const see = async (rolloutId: string) => void seen.add(await stateOf(site, rolloutId));

  await site.declare("v1");
  await see("stable@v1");
  for (const host of hosts) await site.converge(host, "stable@v1");
  await see("stable@v1");
  await site.declare("v2", changesOf("rollback-and-halt"));
  await site.converge("web-1", "stable@v2");
  await see("stable@v2");
  await site.declare("v3", changesOf("halt"));
  await see("stable@v2");
  await site.fail("web-1", "stable@v3");
  await see("stable@v3");
  await site.declare("v4", changesOf("rollback-and-halt"));
  const back = { type: "dispatch.acknowledged", observedPrior: "v1", rollbackTo: "v1" };
  const failed = { type: "activation.failed", exitCode: 1, stderrTail: "" };
  await site.tell("web-1", "stable@v4", 1, [back, failed, { type: "rollback.completed", revertedTo: "v1" }]);
  await see("stable@v4");
  await site.post("/v1/freeze");
  await site.declare("v5");
  await see("stable@v5");
  await site.clock.advance(2 * 3_600_000);
  await site.settle();
  await see("stable@v2");

  expect([...seen].toSorted()).toEqual([...rolloutStates].toSorted());
});

it("a line that is stopped before anything is declared holds what the declaration opens", async () => {
  const site = await createFleetSite();

  const { status } = await site.post("/v1/freeze", { reason: "the database was lost" });
  await site.declare("v1");
  const held = await site.ordersOf("web-1");
  await site.ask("DELETE", "/v1/freeze");
  await site.settle();

  expect([status, held]).toEqual([200, []]);
  expect(await site.ordersOf("web-1")).toHaveLength(1);
});
