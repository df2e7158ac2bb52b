import type { Quantiles, RunOutcome, Spread } from "./outcome.ts";

/** How the outcomes of many runs are spread. A run has halted when one of its rollouts has, and completed when all have. */
export function spreadOf(outcomes: readonly RunOutcome[]): Spread {
  const completed = outcomes.filter(({ rollouts }) => rollouts.every(({ state }) => state === "Terminal"));
  const halted = outcomes.filter(({ rollouts }) => rollouts.some(({ halt }) => halt !== null));
  const unfinished = outcomes.filter((each) => !completed.includes(each) && !halted.includes(each));
  const sum = (pick: (rollout: RunOutcome["rollouts"][number]) => number) =>
    quantilesOf(outcomes.map(({ rollouts }) => rollouts.reduce((total, rollout) => total + pick(rollout), 0)));
  return {
    runs: outcomes.length,
    completed: completed.length / outcomes.length,
    halted: halted.length / outcomes.length,
    unfinished: unfinished.length / outcomes.length,
    durationMs: quantilesIfAny(completed.map(({ rollouts }) => Math.max(...rollouts.map((each) => each.endedMs ?? 0)))),
    haltedAfterMs: quantilesIfAny(halted.map(firstHaltMs)),
    touched: sum(({ blast }) => blast.touched),
    failed: sum(({ blast }) => blast.failed),
    reverted: sum(({ blast }) => blast.reverted),
  };
}

function firstHaltMs({ rollouts }: RunOutcome): number {
  return Math.min(...rollouts.map(({ halt }) => halt?.atMs ?? Number.POSITIVE_INFINITY));
}

function quantilesIfAny(values: readonly number[]): Quantiles | null {
  return values.length === 0 ? null : quantilesOf(values);
}

/** The value that so large a share is not above: nearest rank, so that each is one that has occurred. */
export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p5: at(0.05), p50: at(0.5), p95: at(0.95) };
}
