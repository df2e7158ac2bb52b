import type { PlannedBudget } from "../planning/frozen-plan.ts";

/** Why a host is out: because of a rollout (its id), or for reasons of its own. */
export type OutReason = string;

/** Counts, for each disruption budget, the hosts that are out. A change of one host costs as much as it has budgets. */
export interface BudgetBook {
  /** A budget as it holds from now on. Costs as much as it has hosts, and nothing when it is known like that. */
  declare(budget: PlannedBudget): void;
  setOut(host: string, reason: OutReason, isOut: boolean): void;
  /** Hosts that are out and for which this rollout is not among the reasons. */
  outElsewhere(key: string, rolloutId: string): number;
  /** Keys of the budgets that a host falls under. */
  keysOf(host: string): readonly string[];
}

interface Page {
  readonly hosts: ReadonlySet<string>;
  readonly listed: readonly string[];
  out: number;
  readonly because: Map<OutReason, number>;
}

export function createBudgetBook(): BudgetBook {
  const pages = new Map<string, Page>();
  const keysOfHost = new Map<string, string[]>();
  const reasonsOf = new Map<string, Set<OutReason>>();

  function count(page: Page, host: string): void {
    const reasons = reasonsOf.get(host);
    if (reasons === undefined) return;
    page.out += 1;
    for (const reason of reasons) page.because.set(reason, (page.because.get(reason) ?? 0) + 1);
  }

  function close(key: string, { hosts }: Page): void {
    for (const host of hosts) {
      const kept = (keysOfHost.get(host) ?? []).filter((each) => each !== key);
      if (kept.length === 0) keysOfHost.delete(host);
      else keysOfHost.set(host, kept);
    }
  }

  function pagesOf(host: string): Page[] {
    return (keysOfHost.get(host) ?? []).flatMap((key) => pages.get(key) ?? []);
  }

  return {
    declare({ key, hosts }) {
      const known = pages.get(key);
      if (known !== undefined && isSameList(known.listed, hosts)) return;
      if (known !== undefined) close(key, known);
      const page: Page = { hosts: new Set(hosts), listed: hosts, out: 0, because: new Map() };
      pages.set(key, page);
      for (const host of page.hosts) {
        keysOfHost.set(host, [...(keysOfHost.get(host) ?? []), key]);
        count(page, host);
      }
    },

    setOut(host, reason, isOut) {
      const reasons = reasonsOf.get(host) ?? new Set();
      if (reasons.has(reason) === isOut) return;
      const step = isOut ? 1 : -1;
      for (const page of pagesOf(host)) {
        const left = (page.because.get(reason) ?? 0) + step;
        if (left === 0) page.because.delete(reason);
        else page.because.set(reason, left);
        if (reasons.size === (isOut ? 0 : 1)) page.out += step;
      }
      if (isOut) reasonsOf.set(host, reasons.add(reason));
      else if (reasons.size === 1) reasonsOf.delete(host);
      else reasons.delete(reason);
    },

    outElsewhere(key, rolloutId) {
      const page = pages.get(key);
      return page === undefined ? 0 : page.out - (page.because.get(rolloutId) ?? 0);
    },

    keysOf: (host) => keysOfHost.get(host) ?? [],
  };
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((each, index) => each === b[index]));
}
