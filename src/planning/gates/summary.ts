import type { BudgetPlaces } from "../budget-places.ts";
import type { GateVerdict } from "../plan-types.ts";
import type { Roster } from "../roster.ts";
import type { PositionSet } from "../position-set.ts";
import { failuresBefore, hostViewOf, useOf } from "../views.ts";
import { channelEdges } from "./channel-edges.ts";
import { complianceWave } from "./compliance-wave.ts";
import { budgetVerdict, isFull } from "./disruption-budget.ts";
import { verdict, type Gate, type HostView, type RolloutView } from "./gate.ts";
import { haltsOf } from "./gates.ts";
import { hostBusy } from "./host-busy.ts";
import { hostEdge } from "./host-edge.ts";
import { nodeMaintenance } from "./node-maintenance.ts";
import { wavePromotion } from "./wave-promotion.ts";

const verdictsMax = 20; // what a person reads, and less than a decision may carry
const budgetsMax = 10;

/**
 * What holds the waiting hosts of a rollout, in the order of the gates: of a gate that holds hosts one by one the first
 * host, and how many more.
 */
export function summaryOf(given: {
  roster: Roster;
  view: RolloutView;
  /** Where the open waves end. */
  openEnd: number;
  /** Places that are about to be taken. */
  taken: ReadonlyMap<BudgetPlaces, number>;
  picked: readonly number[];
}): GateVerdict[] {
  const { roster, view, openEnd, taken, picked } = given;
  const { sets } = roster;
  if (sets.waiting.size <= picked.length) return [];
  const eachOf = (set: PositionSet, gate: Gate<HostView>) =>
    firstAndMore({ ...given, set, gate, from: 0, end: openEnd });
  return [
    ...haltsOf(view),
    ...eachOf(sets.busy, hostBusy),
    ...eachOf(sets.inMaintenance, nodeMaintenance),
    ...channelEdges(view),
    ...firstAndMore({ ...given, set: sets.waiting, gate: wavePromotion, from: openEnd, end: Number.POSITIVE_INFINITY }),
    ...eachOf(sets.behindHost, hostEdge),
    ...fullBudgets(roster, view, openEnd, taken, picked),
    ...compliance(roster, view, openEnd),
  ].slice(0, verdictsMax);
}

function firstAndMore(given: {
  roster: Roster;
  view: RolloutView;
  set: PositionSet;
  gate: Gate<HostView>;
  from: number;
  end: number;
}): GateVerdict[] {
  const { roster, view, set, gate, from, end } = given;
  const first = set.next(from);
  if (first === undefined || first >= end) return [];
  const others = set.countBefore(end) - set.countBefore(from) - 1;
  const [held] = gate(hostViewOf(roster, view, first));
  if (held === undefined) return [];
  const more = others > 0 ? ` ${others} more ${others === 1 ? "host is" : "hosts are"} held like this.` : "";
  return [verdict(held.gate, held.since, `${held.detail}${more}`)];
}

/** Those in whose way a host of the open waves stands that is ready otherwise. */
function fullBudgets(
  roster: Roster,
  view: RolloutView,
  openEnd: number,
  taken: ReadonlyMap<BudgetPlaces, number>,
  picked: readonly number[],
): GateVerdict[] {
  const full = new Set<BudgetPlaces>();
  const isPicked = new Set(picked);
  for (const { ready, budgets } of roster.budgets.classes) {
    let next = ready.next(0);
    while (next !== undefined && isPicked.has(next)) next = ready.next(next + 1);
    if (next === undefined || next >= openEnd) continue;
    for (const places of budgets) {
      const use = useOf({ places, roster, view, picked: taken.get(places) ?? 0 });
      if (isFull(use)) full.add(places);
    }
    if (full.size >= budgetsMax) break;
  }
  return [...full]
    .slice(0, budgetsMax)
    .map((places) =>
      budgetVerdict(useOf({ places, roster, view, picked: taken.get(places) ?? 0 }), view.rollout.openedAt),
    );
}

/** The first open wave that a failure before it holds. */
function compliance(roster: Roster, view: RolloutView, openEnd: number): GateVerdict[] {
  const { sets, positions } = roster;
  const failing = sets.failing.next(0);
  const wave = failing === undefined ? null : positions.waveAt(failing);
  if (wave === null) return [];
  const held = sets.waiting.next(positions.beginOf(wave + 1));
  if (held === undefined || held >= openEnd) return [];
  const heldWave = positions.waveAt(held);
  return [
    ...complianceWave({ plan: view.plan, wave: heldWave, failuresBefore: (each) => failuresBefore(roster, each) }),
  ];
}
