import { firstOf, type BudgetPlaces } from "./budget-places.ts";
import { instant, type BudgetUse, type Failures, type HostView, type RolloutView } from "./gates/gate.ts";
import { isOut } from "./out.ts";
import type { Roster } from "./roster.ts";

/** What the gates see of the host at a position. */
export function hostViewOf(roster: Roster, view: RolloutView, position: number): HostView {
  const { positions, budgets, edges } = roster;
  const known = roster.at(position);
  const wave = positions.waveAt(position);
  return {
    ...view,
    host: positions.names[position] as string,
    wave,
    edges: edges.before(position),
    isOut: known !== undefined && isOut(known),
    hostNamed: (name) => hostNamed(roster, name),
    failuresBefore: (before) => failuresBefore(roster, before),
    budgets: wave === null ? [] : budgets.classOf(position).budgets.map((places) => useOf({ places, roster, view })),
  };
}

const namesShown = 3;

/** How a budget is taken; `picked` more are about to be. */
export function useOf(given: { places: BudgetPlaces; roster: Roster; view: RolloutView; picked?: number }): BudgetUse {
  const { places, roster, view, picked = 0 } = given;
  return {
    budget: places.budget,
    here: places.taken + picked,
    names: places.first(namesShown).map((position) => outText(roster, position)),
    elsewhere: view.fleet.unavailableElsewhere(places.budget.key),
    since: places.since,
  };
}

/** Nobody comes back by itself whose agent says nothing. */
function outText({ positions, at }: Roster, position: number): string {
  const name = positions.names[position] as string;
  const { isUnreachable = false, missedSince = null } = at(position) ?? {};
  if (!isUnreachable) return name;
  return `${name} (its agent is not heard${missedSince === null ? "" : `, missed since ${instant(missedSince)}`})`;
}

/** Enforce failures in waves before this one. */
export function failuresBefore({ sets, positions, at }: Roster, wave: number): Failures | null {
  const hosts = sets.failing.countBefore(positions.beginOf(wave));
  const [position] = hosts === 0 ? [] : firstOf(sets.failing, 1);
  const first = position === undefined ? undefined : at(position);
  return first === undefined ? null : { hosts, first };
}

function hostNamed({ positions, at }: Roster, name: string) {
  const position = positions.of(name);
  return position === undefined ? undefined : at(position);
}
