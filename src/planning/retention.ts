import type { RolloutView } from "./gates/gate.ts";
import type { Roster } from "./roster.ts";

/** It ended as long ago as it is kept, and neither undo nor status needs it any more. */
export function isRetentionOver(view: RolloutView): boolean {
  return retentionEndOf(view).some((end) => end <= view.at);
}

export function isPrunable({ sets }: Roster, view: RolloutView): boolean {
  return isRetentionOver(view) && sets.unfinished.size === 0;
}

/** When it may be pruned; empty while nothing says so. */
export function retentionEndOf({ rollout, plan }: RolloutView): number[] {
  const { state, endedAt, isNewest, isLastTerminal } = rollout;
  const hasEnded = state === "Terminal" || state === "Reverted" || state === "Failed" || state === "Superseded";
  if (!hasEnded || endedAt === null || isNewest || isLastTerminal) return [];
  return [endedAt + plan.retentionMs];
}
