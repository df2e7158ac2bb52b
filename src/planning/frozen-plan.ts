import type { Policy } from "./fleet.ts";

/** What a rollout will do, frozen when it opens: later changes of the fleet do not touch it. JSON. */
export interface FrozenPlan {
  readonly channel: string;
  readonly ref: string;
  /** SHA-256 (hex) of the canonical JSON of the rest. */
  readonly hash: string;
  readonly waves: readonly PlannedWave[];
  /** Hosts of the channel in no wave: they are refused, not put into the first. */
  readonly unstaged: readonly string[];
  readonly budgets: readonly PlannedBudget[];
  /** Of hosts of this plan. */
  readonly hostEdges: readonly { readonly before: string; readonly after: string; readonly reason: string | null }[];
  /** Channels whose newest rollout has to be Terminal. */
  readonly channelEdges: readonly { readonly before: string; readonly reason: string | null }[];
  readonly policy: Omit<Policy, "waves" | "name">;
  readonly retentionMs: number;
}

export interface PlannedWave {
  readonly name: string;
  readonly soakMs: number;
  readonly approvals: number;
  readonly maxFailures: number | string;
  readonly minConverged: number;
  /** In order of name; a host is in the first wave that selects it. */
  readonly hosts: readonly string[];
}

export interface PlannedBudget {
  /** Canonical JSON of the selector: budgets of one key are one, over all rollouts. */
  readonly key: string;
  /** How many may be out at once. */
  readonly max: number;
  /** All hosts of the selector, whatever their channel, in order of name. */
  readonly hosts: readonly string[];
}
