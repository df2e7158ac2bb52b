import type { GateVerdict } from "../plan-types.ts";
import { channelEdges } from "./channel-edges.ts";
import { complianceWave } from "./compliance-wave.ts";
import { disruptionBudget } from "./disruption-budget.ts";
import { freeze } from "./freeze.ts";
import type { Gate, HostView, RolloutView } from "./gate.ts";
import { hostBusy } from "./host-busy.ts";
import { hostEdge } from "./host-edge.ts";
import { nodeMaintenance } from "./node-maintenance.ts";
import { paused } from "./paused.ts";
import { quarantine } from "./quarantine.ts";
import { wavePromotion } from "./wave-promotion.ts";

/** Before each dispatch, in this order; a host goes when none of them holds it. */
const gates: readonly Gate<HostView>[] = [
  paused,
  freeze,
  quarantine,
  hostBusy,
  nodeMaintenance,
  channelEdges,
  wavePromotion,
  hostEdge,
  disruptionBudget,
  complianceWave,
];

/** All that hold a host. */
export function verdictsOn(view: HostView): GateVerdict[] {
  return gates.flatMap((gate) => gate(view));
}

/** Those of them that take even an offer back that stands: nothing is to begin any more. */
export function haltsOf(view: RolloutView): GateVerdict[] {
  return [...paused(view), ...freeze(view), ...quarantine(view)];
}
