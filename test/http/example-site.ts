import { machines } from "../../machines/index.ts";
import { groupOf } from "../../src/operations/groups.ts";
import { operationsByName } from "../../src/operations/index.ts";
import type { Operation } from "../../src/operations/operation.ts";
import { acknowledged, createFleetSite, started, type FleetSite } from "./fleet-site.ts";
import { createSite, type Site } from "./site.ts";

/** Who asks may do everything: an approval takes somebody who is known. */
const authenticate = () => ({ principal: "ann", role: "admin" as const });
const startsAt = Date.parse("2026-12-16T09:00:00Z");

/** A site with what the example of an operation speaks of: the request can be sent there, and has something to tell. */
export async function exampleSite(each: Operation): Promise<Site> {
  const { name } = each;
  if (["Rollouts", "Agents"].includes(groupOf(each))) {
    const site = await createFleetSite({ machines, authenticate });
    await site.clock.advance(startsAt - site.clock.now());
    await prepareRollout(site, name);
    return site;
  }
  const site = await createSite({ machines, authenticate });
  await site.clock.advance(startsAt - site.clock.now());
  if (each !== operationsByName.createInstance) await addRackedNode(site, "alpha");
  await prepareNode(site, name);
  return site;
}

export async function addRackedNode({ engine }: Site, node: string, groups: readonly string[] = []): Promise<void> {
  const input = { node, ...(groups.length > 0 && { groups }) };
  await engine.create({ machine: "nodeMaintenance", id: `node/${node}`, input, labels: { rack: "a" } });
}

async function prepareNode({ post, advance }: Site, name: string): Promise<void> {
  if (/^(?:abort|exit|retry)-maintenance$|^(?:retry|discard)-pending$|^list-(?:nodes|attention)$/.test(name))
    await post("/v1/nodes/alpha/maintenance/enter", { drainForMs: 1_000 });
  if (/^retry-maintenance$|^list-attention$/.test(name)) await advance(1_000);
  const isDrained = { type: "drain.progressed", replicas: [], daemons: [] };
  if (/^exit-maintenance$|^list-nodes$/.test(name)) await post("/v1/instances/node%2Falpha/events", isDrained);
}

/** v41 is offered to the first host; v40 is everywhere where there has to be something to go back to. */
async function prepareRollout(site: FleetSite, name: string): Promise<void> {
  if (name === "approve-rollout") {
    await site.declare("v41", declared("v41", { soak: "0s", approvals: 1 }));
    await site.converge("web-1", "stable@v41");
    return;
  }
  if (name === "abort-rollout" || name === "undo-channel") {
    await site.declare("v40", declared("v40", { soak: "0s" }));
    for (const host of ["web-1", "web-2", "web-3"]) await site.converge(host, "stable@v40");
  }
  await site.declare("v41", declared("v41", { soak: "10m" }));
  if (name.startsWith("clear-") || name === "list-quarantines") await site.fail("web-1", "stable@v41");
  if (name === "report-events") await site.tell("web-1", "stable@v41", 1, [acknowledged]);
  if (name === "list-rollout-hosts") {
    const activated = [acknowledged, started, { type: "activation.completed", observedVersion: "v41" }];
    await site.tell("web-1", "stable@v41", 1, activated);
  }
}

/** Three hosts, of which one goes first. */
function declared(ref: string, { soak, approvals = 0 }: { soak: string; approvals?: number }) {
  return {
    channels: { stable: { ref, policy: "careful" } },
    hosts: {
      "web-1": { channel: "stable", tags: ["canary"] },
      "web-[2-3]": { channel: "stable" },
    },
    policies: {
      careful: {
        waves: [
          { name: "canary", hosts: { tags: ["canary"] }, soak },
          { name: "rest", hosts: { all: true }, soak, ...(approvals > 0 && { approvals }) },
        ],
      },
    },
  };
}
