import type { FailurePolicy } from "../../machines/rollout/policy.ts";

/** What a fleet declaration says, checked and with every default filled in. Made by `parseFleet`. Durations in ms. */
export interface Fleet {
  /** SHA-256 (hex) of the declaration's canonical JSON: the same content has the same hash. */
  readonly hash: string;
  readonly channels: ReadonlyMap<string, Channel>;
  /** In order of name. */
  readonly hosts: ReadonlyMap<string, Host>;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly budgets: readonly Budget[];
  readonly hostEdges: readonly HostEdge[];
  readonly channelEdges: readonly ChannelEdge[];
  readonly freezes: readonly FreezeWindow[];
  readonly retentionMs: number;
}

export interface Channel {
  readonly name: string;
  /** The version that its hosts are meant to run. */
  readonly ref: string;
  /** Name of a policy. */
  readonly policy: string;
}

export interface Host {
  readonly name: string;
  readonly channel: string;
  readonly tags: readonly string[];
}

export interface Policy {
  readonly name: string;
  readonly onHealthFailure: FailurePolicy;
  readonly maxFailures: number | string;
  readonly minConverged: number;
  readonly sustainedMs: number;
  readonly confirmWithinMs: number;
  readonly acknowledgeWithinMs: number;
  readonly excuseAfterMs: number;
  readonly excusedMaxPct: number;
  /** Empty: all hosts of the channel at once. */
  readonly waves: readonly Wave[];
}

export interface Wave {
  readonly name: string;
  readonly hosts: Selector;
  readonly soakMs: number;
  /** Distinct people who have to approve before it begins. */
  readonly approvals: number;
  readonly maxFailures: number | string;
  readonly minConverged: number;
}

/**
 * Which hosts are meant. `not` alone negates; `and` takes those that all of its selectors take; otherwise those that any of
 * the other fields takes (`tags`: hosts with all of them).
 */
export interface Selector {
  readonly all?: true;
  readonly any?: readonly Selector[];
  readonly and?: readonly Selector[];
  readonly not?: Selector;
  readonly hosts?: readonly string[];
  readonly channel?: string;
  readonly tags?: readonly string[];
  readonly tagsAny?: readonly string[];
}

/** At most so many of the hosts may be out at once, over all rollouts. */
export interface Budget {
  readonly selector: Selector;
  readonly maxInFlight?: number;
  /** Of the selected hosts: max(1, floor(n * pct / 100)). */
  readonly maxInFlightPct?: number;
}

/** `after` is not dispatched before `before` has converged (or waits for a reboot) in the same rollout. */
export interface HostEdge {
  readonly before: string;
  readonly after: string;
  readonly reason: string | null;
}

/** `after` is not dispatched before the newest rollout of `before` is Terminal. */
export interface ChannelEdge {
  readonly before: string;
  readonly after: string;
  readonly reason: string | null;
}

/** When nothing new starts. */
export interface FreezeWindow {
  readonly name: string;
  /** IANA name; times are local to it, over changes of its clocks as well. */
  readonly timeZone: string;
  /** Those that it holds; all when null. */
  readonly channels: readonly string[] | null;
  readonly when:
    | { readonly kind: "weekly"; readonly days: readonly Weekday[]; readonly from: string; readonly to: string }
    /** Local times without an offset: `2026-12-20T00:00`. */
    | { readonly kind: "once"; readonly from: string; readonly to: string };
}

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof weekdays)[number];
