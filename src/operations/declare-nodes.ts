import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";

/** What a nodes file says of nodes and their maintenance groups. */
export interface DeclaredNodes {
  nodes: readonly { name: string; groups: readonly string[]; labels: Readonly<Record<string, string>> }[];
  groups: readonly { name: string; maxUnavailable?: number | string; members: number }[];
}

/** Makes the instances that are declared and not there, and tells those that are there what has changed. Removes none. */
export async function declareNodes(engine: Engine, { nodes, groups }: DeclaredNodes): Promise<void> {
  for (const { name, maxUnavailable = 1, members } of groups) {
    const input = { name, maxUnavailable, members };
    const differs = (context: Record<string, unknown>) =>
      context["maxUnavailable"] !== maxUnavailable || context["members"] !== members;
    await declare(
      engine,
      { machine: "maintenanceGroup", id: `maintenance-group/${name}`, input, labels: {} },
      differs,
      {
        type: "group.configured",
        maxUnavailable,
        members,
      },
    );
  }
  for (const { name, groups: memberships, labels } of nodes) {
    const input = { node: name, groups: memberships };
    const differs = ({ groups: known }: Record<string, unknown>) =>
      JSON.stringify(known) !== JSON.stringify(memberships);
    await declare(engine, { machine: "nodeMaintenance", id: `node/${name}`, input, labels }, differs, {
      type: "node.configured",
      groups: memberships,
    });
  }
}

async function declare(
  engine: Engine,
  create: { machine: string; id: string; input: unknown; labels: Readonly<Record<string, string>> },
  differs: (context: Record<string, unknown>) => boolean,
  configured: { type: string } & Record<string, unknown>,
): Promise<void> {
  const known = await ifThere(engine.read(create.id));
  if (known === undefined) await engine.transact([{ create }], { principal: "engine" });
  else if (known.status === "active" && differs(known.context as Record<string, unknown>)) {
    await engine.transactAsEngine([{ id: create.id, event: configured, sender: "engine" }], { principal: "engine" });
  }
}
