import type { GateVerdict } from "../plan-types.ts";
import { verdict, type HostView } from "./gate.ts";

/** The node that the host runs on is not Active, or is cordoned. */
export function nodeMaintenance({ fleet, host }: Pick<HostView, "fleet" | "host">): readonly GateVerdict[] {
  const node = fleet.nodeOf(host);
  if (node === null) return [];
  const why = node.detail.replace(/\.$/, "");
  return [verdict("node-maintenance", node.since, `${why}. It opens when the node is Active and not cordoned.`)];
}
