import type { GateName } from "../../../machines/rollout/events.ts";
import type { Freeze } from "../freeze-windows.ts";
import type { FrozenPlan, PlannedBudget } from "../frozen-plan.ts";
import type { FleetFacts, GateVerdict, PlannedHost, PlannedRollout } from "../plan-types.ts";

/** What a gate sees that holds a rollout as a whole. */
export interface RolloutView {
  readonly plan: FrozenPlan;
  readonly rollout: Omit<PlannedRollout, "plan">;
  readonly fleet: FleetFacts;
  readonly at: number;
  /** The window of the calendar that holds its channel. */
  readonly freeze: Freeze | null;
  /** When none holds: the one that will while an offer that is made now may still stand. */
  readonly freezeAhead: Freeze | null;
}

/** What a gate sees that holds one host. */
export interface HostView extends RolloutView {
  readonly host: string;
  /** null: in none. */
  readonly wave: number | null;
  /** Hosts that go before it. */
  readonly edges: readonly { readonly before: string; readonly reason: string | null }[];
  /** It takes a place in its budgets already. */
  readonly isOut: boolean;
  /** A host of the plan; undefined: it has no instance. */
  hostNamed(name: string): PlannedHost | undefined;
  /** Enforce failures in waves before this one. */
  failuresBefore(wave: number): Failures | null;
  /** The budgets that the host falls under. */
  readonly budgets: readonly BudgetUse[];
}

export interface Failures {
  readonly hosts: number;
  readonly first: PlannedHost;
}

export interface BudgetUse {
  readonly budget: PlannedBudget;
  /** Hosts of this rollout that are out. */
  readonly here: number;
  /** The first few of them, each with what is to be said of it. */
  readonly names: readonly string[];
  readonly elsewhere: number;
  /** When the last place was taken by this rollout; null when it has taken none. */
  readonly since: number | null;
}

/** Empty when nothing holds. */
export type Gate<View> = (view: View) => readonly GateVerdict[];

const detailMax = 1_000; // what the journal takes

export function verdict(gate: GateName, since: number, detail: string): GateVerdict {
  return { gate, since, detail: detail.length > detailMax ? `${detail.slice(0, detailMax - 1)}…` : detail };
}

/** "2026-12-20T00:00:00Z" */
export function instant(at: number): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}

/** "web-1, web-2 and 3 more" */
export function namesText(names: readonly string[], total: number): string {
  const left = total - names.length;
  return left > 0 ? `${names.join(", ")} and ${left} more` : names.join(", ");
}
