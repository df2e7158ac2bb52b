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
    return [verdict("channel-edges", rollout.since, detail)];
  }
  if (newest.state === "Terminal" || newest.isCleared) return [];
  const how = newest.endedBy === "cancelled" ? "was cancelled" : `is ${newest.state}`;
  const opens = isUnderWay(newest.state)
    ? "It opens when that one is Terminal."
    : "It opens when a newer one is Terminal, or when somebody clears that one.";
  return [verdict("channel-edges", newest.since, `${before} goes first${why}, and ${newest.id} ${how}. ${opens}`)];
}

function isUnderWay(state: string): boolean {
  return state === "Opening" || state === "Active" || state === "Converging";
}
