import type { RolloutState } from "../../../machines/rollout/states.ts";
import type { FrozenPlan } from "../frozen-plan.ts";
import type { GateVerdict } from "../plan-types.ts";
import { verdict, type RolloutView } from "./gate.ts";

/** Other channels go first: judged on the newest rollout of each. */
export function channelEdges(view: RolloutView): readonly GateVerdict[] {
  return view.plan.channelEdges.flatMap((edge) => verdictOf(edge, view));
}

function verdictOf(edge: FrozenPlan["channelEdges"][number], { fleet, rollout }: RolloutView): readonly GateVerdict[] {
  const { before, reason } = edge;
  const why = reason === null ? "" : ` (${reason})`;
  const newest = fleet.newestOf(before);
  if (newest === null) {
    const detail = `${before} goes first${why} and has no rollout yet. It opens when one is Terminal.`;
    return [verdict("channel-edges", rollout.openedAt, detail)];
  }
  if (newest.state === "Terminal" || newest.isCleared) return [];
  const how = newest.endedBy === "cancelled" ? "was cancelled" : `is ${newest.state}`;
  const detail = `${before} goes first${why}, and ${newest.id} ${how}. ${openingOf(newest.state)}`;
  return [verdict("channel-edges", newest.since, detail)];
}

function openingOf(state: RolloutState): string {
  if (state === "Opening" || state === "Active" || state === "Converging") return "It opens when that one is Terminal.";
  if (state === "Failed" || state === "Reverted")
    return "It opens when a newer one is Terminal, or when somebody clears that one.";
  return "It opens when a newer one is Terminal."; // nobody vouches for what was stopped half way
}
