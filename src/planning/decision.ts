import { advanceOf, nextWaveOf } from "./advance.ts";
import type { BudgetPlaces } from "./budget-places.ts";
import { createBatch, type Batch } from "./batch.ts";
import { channelEdges } from "./gates/channel-edges.ts";
import type { RolloutView } from "./gates/gate.ts";
import { haltsOf } from "./gates/gates.ts";
import { summaryOf } from "./gates/summary.ts";
import { addHostMoves } from "./host-moves.ts";
import { pickDispatches, type Picks } from "./pick-dispatches.ts";
import type { Decision, PlannedMove } from "./plan-types.ts";
import { isPrunable, retentionEndOf } from "./retention.ts";
import type { Roster } from "./roster.ts";

/** What is to be done now: the same for the same hosts and facts, in whatever order they were told. */
export function decisionOn(roster: Roster, view: RolloutView): Decision {
  const halts = haltsOf(view);
  const isHeld = halts.length > 0 || channelEdges(view).length > 0;
  const batch = createBatch();
  const openEnd = openEndOf(roster, view);
  const picks = isHeld ? nothingPicked : picksOf(roster, view, openEnd, batch);
  for (const position of picks.positions) batch.add(dispatchOf(roster, position));
  addHostMoves({ roster, view, isHalted: halts.length > 0, batch });
  const advance = isHeld ? undefined : advanceOf(roster, view);
  if (advance !== undefined) batch.add(advance);
  if (isPrunable(roster, view)) batch.add({ kind: "prune" });
  const summaryEnd = advance === undefined ? openEnd : roster.positions.beginOf(advance.toWave + 1);
  return {
    moves: batch.moves,
    gates: isOver(view) ? [] : summaryOf({ roster, view, openEnd: summaryEnd, ...picks, picked: picks.positions }),
    nextAt: nextAtOf(roster, view, picks),
    again: batch.isCutOff || picks.isCutOff,
  };
}

const nothingPicked: Picks = { positions: [], isCutOff: false, taken: new Map() };

/** Behind the last host whose wave is open. */
function openEndOf({ positions }: Roster, { plan, rollout }: RolloutView): number {
  return positions.beginOf(rollout.isFullyPromoted ? plan.waves.length : rollout.currentWave + 1);
}

function picksOf(roster: Roster, view: RolloutView, openEnd: number, batch: Batch): Picks {
  const elsewhere = new Map<BudgetPlaces, number>();
  return pickDispatches({
    roster,
    end: Math.min(openEnd, complianceEndOf(roster)),
    max: batch.room,
    elsewhere(places) {
      const known = elsewhere.get(places) ?? view.fleet.unavailableElsewhere(places.budget.key);
      elsewhere.set(places, known);
      return known;
    },
  });
}

/** Waves after one with an enforce failure are held. */
function complianceEndOf({ sets, positions }: Roster): number {
  const failing = sets.failing.next(0);
  const wave = failing === undefined ? null : positions.waveAt(failing);
  return wave === null ? Number.POSITIVE_INFINITY : positions.beginOf(wave + 1);
}

function dispatchOf({ positions, at }: Roster, position: number): PlannedMove {
  const wave = positions.waveAt(position) ?? 0;
  const known = at(position);
  return {
    kind: "dispatch",
    host: positions.names[position] as string,
    wave,
    isNew: known === undefined || known.isJoined === false,
  };
}

function isOver({ rollout }: RolloutView): boolean {
  return rollout.state === "Superseded" || rollout.state === "Pruned";
}

/** The end of a freeze that holds something back, the begin of one that offers would stand into, and the end of retention. */
function nextAtOf(roster: Roster, view: RolloutView, picks: Picks): number | null {
  const times = [...freezeTimesOf(roster, view, picks), ...retentionEndOf(view)].filter((time) => time > view.at);
  return times.length === 0 ? null : Math.min(...times);
}

function freezeTimesOf({ sets }: Roster, view: RolloutView, picks: Picks): number[] {
  const { freeze, freezeAhead, rollout } = view;
  const isEnded = isOver(view) || rollout.state === "Failed" || rollout.state === "Reverted";
  if (rollout.isUndo || isEnded) return [];
  const isWaiting = sets.waiting.size > 0 || (rollout.isWaveSettled && nextWaveOf(view) !== undefined);
  if (freeze !== null) return isWaiting ? [freeze.until] : [];
  const isOffering = sets.offered.size > 0 || picks.positions.length > 0;
  return isOffering && freezeAhead !== null ? [freezeAhead.since] : [];
}
