import type { Batch } from "./batch.ts";
import type { RolloutView } from "./gates/gate.ts";
import type { PlannedMove } from "./plan-types.ts";
import type { PositionSet } from "./position-set.ts";
import { isRetentionOver } from "./retention.ts";
import type { Roster } from "./roster.ts";

interface Given {
  readonly roster: Roster;
  readonly view: RolloutView;
  /** The rollout as a whole is held: what has not begun is not to begin. */
  readonly isHalted: boolean;
  readonly batch: Batch;
}

/** What is to be done with hosts that were dispatched, as the state of their rollout has it. */
export function addHostMoves(given: Given): void {
  const { roster, view, isHalted, batch } = given;
  const { sets, positions } = roster;
  const add = (set: PositionSet, end: number, make: (host: string) => PlannedMove) =>
    addEach({ roster, set, end, make, batch });
  const all = positions.names.length;
  if (isRetentionOver(view)) {
    add(sets.releasable, all, (host) => ({ kind: "release", host, by: "retention" }));
    add(sets.converged, all, (host) => ({ kind: "release", host, by: "retention" }));
    add(sets.lost, all, (host) => ({ kind: "release", host, by: "retention" }));
    return;
  }
  switch (view.rollout.state) {
    case "Opening":
    case "Active":
    case "Converging":
    case "Terminal": {
      if (isHalted) add(sets.offered, all, (host) => ({ kind: "withdraw", host }));
      const promotedEnd = positions.beginOf(view.rollout.promotedThrough + 1);
      add(sets.soaking, promotedEnd, (host) => ({ kind: "waive-soak", host }));
      return;
    }
    case "Failed":
    case "Reverted": {
      add(sets.offered, all, (host) => ({ kind: "withdraw", host }));
      if (view.plan.policy.onHealthFailure !== "rollback-all") return;
      const reason = `${view.rollout.id} has failed, and its policy brings every host back`;
      add(sets.converged, all, (host) => ({ kind: "roll-back", host, reason }));
      return;
    }
    case "Superseded": {
      const by = view.rollout.supersededBy ?? view.rollout.endedBy ?? "superseded";
      add(sets.releasable, all, (host) => ({ kind: "release", host, by }));
      return;
    }
    case "Pruned":
      return;
    default:
      view.rollout.state satisfies never;
  }
}

/** In order; ends when the batch is full, so that it never costs more than a batch. */
function addEach(given: {
  roster: Roster;
  set: PositionSet;
  end: number;
  make: (host: string) => PlannedMove;
  batch: Batch;
}): void {
  const { roster, set, end, make, batch } = given;
  for (let next = set.next(0); next !== undefined && next < end; next = set.next(next + 1)) {
    if (!batch.add(make(roster.positions.names[next] as string))) return;
  }
}
