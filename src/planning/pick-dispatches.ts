import type { BudgetClass, BudgetPlaces } from "./budget-places.ts";
import { isFull } from "./gates/disruption-budget.ts";
import type { Roster } from "./roster.ts";

export interface Picks {
  /** Positions, in order of dispatch. */
  readonly positions: readonly number[];
  /** There are more that nothing holds. */
  readonly isCutOff: boolean;
  /** Places of each budget that are taken by these picks. */
  readonly taken: ReadonlyMap<BudgetPlaces, number>;
}

/**
 * The first hosts before `end` that nothing holds, each counted before the next is judged. Hosts under the same budgets
 * stand in one line, so that a full budget is asked once and not for each host that it holds.
 */
export function pickDispatches(given: {
  roster: Roster;
  end: number;
  max: number;
  elsewhere: (budget: BudgetPlaces) => number;
}): Picks {
  const { roster, end, max, elsewhere } = given;
  const taken = new Map<BudgetPlaces, number>();
  const hasRoom = (each: BudgetClass) =>
    each.budgets.every(
      (places) =>
        !isFull({
          budget: places.budget,
          here: places.taken + (taken.get(places) ?? 0),
          elsewhere: elsewhere(places),
        }),
    );
  const lines: Line[] = [
    { queue: roster.sets.readyWithoutPlace, from: 0, isClosed: false, budgets: [], hasRoom: () => true },
    ...roster.budgets.classes
      .filter(({ ready }) => ready.size > 0)
      .map((each) => ({
        queue: each.ready,
        from: 0,
        isClosed: false,
        budgets: each.budgets,
        hasRoom: () => hasRoom(each),
      })),
  ];
  const positions: number[] = [];
  for (let first = firstOf(lines, end); first !== undefined; first = firstOf(lines, end)) {
    if (positions.length === max) return { positions, isCutOff: true, taken };
    positions.push(first.position);
    first.line.from = first.position + 1;
    for (const places of first.line.budgets) taken.set(places, (taken.get(places) ?? 0) + 1);
  }
  return { positions, isCutOff: false, taken };
}

interface Line {
  readonly queue: { next(from: number): number | undefined };
  /** Those before are picked. */
  from: number;
  /** A full budget gets no room again while it is picked. */
  isClosed: boolean;
  readonly budgets: readonly BudgetPlaces[];
  hasRoom(): boolean;
}

/** Of the heads of all lines the first. */
function firstOf(lines: readonly Line[], end: number): { line: Line; position: number } | undefined {
  let first: { line: Line; position: number } | undefined;
  for (const line of lines) {
    const position = line.isClosed ? undefined : line.queue.next(line.from);
    if (position === undefined || position >= end || (first !== undefined && position > first.position)) continue;
    if (line.hasRoom()) first = { line, position };
    else line.isClosed = true;
  }
  return first;
}
