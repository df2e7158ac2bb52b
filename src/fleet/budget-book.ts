import type { PlannedBudget } from "../planning/frozen-plan.ts";

/** Why a host is out: because of a rollout (its id), or for reasons of its own. */
export type OutReason = string;

/**
 * Counts, for each disruption budget, the hosts that are out. Rollouts that were opened over different declarations may have
 * a budget in common with different hosts: it holds those of all of them. A change of one host costs as much as it has
 * budgets.
 */
export interface BudgetBook {
  /** The budgets that a rollout is under. Costs as much as they have hosts. */
  declare(rolloutId: string, budgets: readonly PlannedBudget[]): void;
  /** The rollout dispatches nothing more: nobody asks for its budgets. Costs the same. */
  withdraw(rolloutId: string): void;
  setOut(host: string, reason: OutReason, isOut: boolean): void;
  /** Hosts that are out and for which this rollout is not among the reasons. */
  outElsewhere(key: string, rolloutId: string): number;
  /** Keys of the budgets that a host falls under. */
  keysOf(host: string): readonly string[];
}

interface Page {
  /** In how many lists a host is. */
  readonly listings: Map<string, number>;
  out: number;
  readonly because: Map<OutReason, number>;
}

export function createBudgetBook(): BudgetBook {
  const pages = new Map<string, Page>();
  const declared = new Map<string, readonly PlannedBudget[]>();
  const keysOfHost = new Map<string, string[]>();
  const reasonsOf = new Map<string, Set<OutReason>>();

  /** A host that is out comes into a page, or leaves it. */
  function count(page: Page, host: string, step: 1 | -1): void {
    const reasons = reasonsOf.get(host);
    if (reasons === undefined) return;
    page.out += step;
    for (const reason of reasons) countReason(page, reason, step);
  }

  function countReason({ because }: Page, reason: OutReason, step: 1 | -1): void {
    const left = (because.get(reason) ?? 0) + step;
    if (left === 0) because.delete(reason);
    else because.set(reason, left);
  }

  function list({ key, hosts }: PlannedBudget): void {
    const page = pages.get(key) ?? { listings: new Map(), out: 0, because: new Map() };
    pages.set(key, page);
    for (const host of hosts) {
      const listings = page.listings.get(host) ?? 0;
      page.listings.set(host, listings + 1);
      if (listings > 0) continue;
      keysOfHost.set(host, [...(keysOfHost.get(host) ?? []), key]);
      count(page, host, 1);
    }
  }

  function strike({ key, hosts }: PlannedBudget): void {
    const page = pages.get(key);
    if (page === undefined) return;
    for (const host of hosts) {
      const left = (page.listings.get(host) ?? 0) - 1;
      if (left > 0) page.listings.set(host, left);
      else leave(page, key, host);
    }
    if (page.listings.size === 0) pages.delete(key);
  }

  function leave(page: Page, key: string, host: string): void {
    page.listings.delete(host);
    const kept = (keysOfHost.get(host) ?? []).filter((each) => each !== key);
    if (kept.length === 0) keysOfHost.delete(host);
    else keysOfHost.set(host, kept);
    count(page, host, -1);
  }

  function pagesOf(host: string): Page[] {
    return (keysOfHost.get(host) ?? []).flatMap((key) => pages.get(key) ?? []);
  }

  return {
    declare(rolloutId, budgets) {
      if (declared.has(rolloutId)) return;
      declared.set(rolloutId, budgets);
      for (const budget of budgets) list(budget);
    },

    withdraw(rolloutId) {
      for (const budget of declared.get(rolloutId) ?? []) strike(budget);
      declared.delete(rolloutId);
    },

    setOut(host, reason, isOut) {
      const reasons = reasonsOf.get(host) ?? new Set();
      if (reasons.has(reason) === isOut) return;
      const step = isOut ? 1 : -1;
      for (const page of pagesOf(host)) {
        countReason(page, reason, step);
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
