import type { Selector } from "../fleet.ts";
import type { GateVerdict } from "../plan-types.ts";
import { selectorWords } from "../selector-words.ts";
import { namesText, verdict, type BudgetUse, type HostView } from "./gate.ts";

/** So many hosts may be out at once, over all rollouts. One that is out already takes no further place. */
export function disruptionBudget(view: Pick<HostView, "rollout" | "budgets" | "isOut">): readonly GateVerdict[] {
  if (view.isOut) return [];
  return view.budgets.filter(isFull).map((use) => budgetVerdict(use, view.rollout.openedAt));
}

export function isFull({ budget, here, elsewhere }: Pick<BudgetUse, "budget" | "here" | "elsewhere">): boolean {
  return here + elsewhere >= budget.max;
}

export function budgetVerdict(use: BudgetUse, otherwiseSince: number): GateVerdict {
  const { budget, here, elsewhere, names, since } = use;
  const takers = [
    ...(here > 0 ? [hereText(names, here)] : []),
    ...(elsewhere > 0 ? [`${elsewhere} for other reasons`] : []),
  ].join(", ");
  const detail =
    `${here + elsewhere} of at most ${budget.max} of the ${budget.hosts.length} hosts ${hostsOf(budget)} are out: ` +
    `${takers}. It opens when one of them is back, or is excused.`;
  return verdict("disruption-budget", since ?? otherwiseSince, detail);
}

/** Nobody is named where all of them are about to go. */
function hereText(names: readonly string[], here: number): string {
  return names.length === 0 ? `${here} dispatched by this decision` : `${namesText(names, here)} in this rollout`;
}

function hostsOf({ key }: BudgetUse["budget"]): string {
  return selectorWords(JSON.parse(key) as Selector); // made by `selectorKey`
}
