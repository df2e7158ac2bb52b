import type { FrozenPlan, PlannedBudget } from "./frozen-plan.ts";
import { createLatest, type Latest } from "./latest.ts";
import { createPositionSet, type PositionSet } from "./position-set.ts";
import type { Positions } from "./positions.ts";

/** The places of one budget that hosts of this rollout take. */
export interface BudgetPlaces {
  readonly budget: PlannedBudget;
  readonly taken: number;
  /** When the last of them was taken. */
  readonly since: number | null;
  /** `since` null: the host is not out. */
  put(position: number, since: number | null): void;
  /** Positions of those that are out, in order. */
  first(count: number): number[];
}

/** Hosts that fall under the same budgets: what holds one of them holds all. */
export interface BudgetClass {
  readonly budgets: readonly BudgetPlaces[];
  readonly ready: Members;
}

/** Some of the positions of a plan, and which of them are in. */
export interface Members {
  readonly size: number;
  put(position: number, isIn: boolean): void;
  /** The first at or after it. */
  next(from: number): number | undefined;
}

export interface PlanBudgets {
  readonly budgets: readonly BudgetPlaces[];
  readonly classes: readonly BudgetClass[];
  /** Of a host that some wave has. */
  classOf(position: number): BudgetClass;
}

export function createPlanBudgets(plan: FrozenPlan, positions: Positions, length: number): PlanBudgets {
  const budgets: BudgetPlaces[] = [];
  const under: number[][] = Array.from({ length }, () => []);
  for (const budget of plan.budgets) {
    const members = membersOf(budget, positions, length);
    for (const position of members) under[position]?.push(budgets.length);
    budgets.push(createPlaces(budget, members));
  }
  const groups = Map.groupBy(under.keys(), (position) => (under[position] ?? []).join(" "));
  const classes: BudgetClass[] = [];
  const classAt = new Int32Array(length);
  for (const group of groups.values()) {
    for (const position of group) classAt[position] = classes.length;
    const own = (under[group[0] as number] ?? []).map((index) => budgets[index] as BudgetPlaces);
    classes.push({ budgets: own, ready: createMembers(Int32Array.from(group)) });
  }
  return { budgets, classes, classOf: (position) => classes[classAt[position] as number] as BudgetClass };
}

/** In order. */
function membersOf({ hosts }: PlannedBudget, positions: Positions, length: number): Int32Array {
  const found = hosts.map((host) => positions.of(host) ?? length).filter((position) => position < length);
  return Int32Array.from(found).toSorted();
}

function createPlaces(budget: PlannedBudget, positions: Int32Array): BudgetPlaces {
  const latest: Latest = createLatest(positions.length);
  const out: PositionSet = createPositionSet(positions.length);
  return {
    budget,
    get taken() {
      return out.size;
    },
    get since() {
      return latest.time;
    },
    put(position, since) {
      const index = indexIn(positions, position);
      out.put(index, since !== null);
      latest.put(index, since);
    },
    first: (count) => firstOf(out, count).map((index) => positions[index] as number),
  };
}

function createMembers(positions: Int32Array): Members {
  const members = createPositionSet(positions.length);
  return {
    get size() {
      return members.size;
    },
    put: (position, isIn) => members.put(indexIn(positions, position), isIn),
    next(from) {
      const index = members.next(indexIn(positions, from));
      return index === undefined ? undefined : positions[index];
    },
  };
}

/** Of the members of a set the first few. */
export function firstOf(set: PositionSet, count: number): number[] {
  const found: number[] = [];
  for (let next = set.next(0); next !== undefined && found.length < count; next = set.next(next + 1)) found.push(next);
  return found;
}

/** Where the position is in the list, or the first greater one. */
function indexIn(positions: Int32Array, position: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((positions[middle] as number) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
