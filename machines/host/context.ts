import type { FailurePolicy } from "../rollout/policy.ts";
import type { HostEvent, HostInput, ProbeMode, orderTypes } from "./events.ts";
import type { CountedState, HostState } from "./states.ts";

export interface Probe {
  mode: ProbeMode;
  kind: string | null;
  /** null: declared, and not seen yet. */
  status: "pass" | "fail" | null;
  reason: string | null;
  /** When it began to fail without a pass in between (the agent's clock); null while it passes. */
  failingSince: number | null;
  reportedAt: number | null;
}

export type FailureKind =
  | "version-mismatch"
  | "activation-failed"
  | "unconfirmed"
  | "health"
  | "rollback-requested"
  | "agent-error";

/** An order of the control plane; the agent tells which ones it has taken. */
export interface Order {
  event: Extract<HostEvent, { type: (typeof orderTypes)[number] }>["type"];
  by: string | null;
  at: number;
  reason?: string;
}

/**
 * What an order is known by: when it was given, and which it is. A control plane that was put back to an older copy of its
 * database does not give the same one to another order.
 */
export function orderIdOf({ event, at }: Pick<Order, "event" | "at">): string {
  return `${at.toString(36)}${event.charAt(0)}`;
}

export interface Failure {
  kind: FailureKind;
  reason: string;
  /** By the agent's clock, as far as the agent told of it. */
  at: number;
  exitCode?: number;
  stderrTail?: string;
}

export interface HostContext {
  rolloutId: string;
  host: string;
  channel: string;
  target: string;
  wave: number;
  soakMs: number;
  policy: {
    onHealthFailure: FailurePolicy;
    sustainedMs: number;
    confirmWithinMs: number;
    acknowledgeWithinMs: number;
    excuseAfterMs: number;
  };
  reportsTo: string | null;
  /** Orders that the agent took from a control plane whose database is lost: what they were, only the agent knows. Absent: none. */
  forgottenOrders?: number;
  /** The state that it is in, for whoever has to be told of it when an excuse ends. */
  standsIn: HostState;
  /** What the rollout counts this host as. */
  countedAs: CountedState;
  /** When the offer that stands was made; null when none stands. */
  offeredAt: number | null;
  /** When the offer is taken back; null when none stands. */
  offerDueAt: number | null;
  /** What is taken off the times that the agent tells, since its clock was too far ahead when it acknowledged. */
  clockAheadMs: number;
  observedPrior: string | null;
  rollbackTo: string | null;
  acknowledgedAt: number | null;
  startedAt: number | null;
  /** By the agent's clock. */
  completedAt: number | null;
  /** When somebody was heard after the completion; only where the call is performed, in the agent's own instance. */
  confirmedAt: number | null;
  observedVersion: string | null;
  /** When the soak is over, by the agent's clock; null before an activation has completed. */
  soakDueAt: number | null;
  isSoakWaived: boolean;
  deferredFor: string | null;
  /** When a reboot that has not come is overdue; null outside Deferred. */
  deferralDueAt: number | null;
  /** By name; cleared when an activation completes. */
  probes: Readonly<Record<string, Probe>>;
  convergedAt: number | null;
  failure: Failure | null;
  /** Why the last attempt to roll back failed. */
  rollbackError: string | null;
  revertedTo: string | null;
  orders: readonly Order[];
  /** Who asked for the release that is taken when the activation settles. */
  releaseAskedBy: string | null;
  releasedBy: string | null;
  unreachableSince: number | null;
  excuseDueAt: number | null;
  excused: { by: string; reason: string; at: number } | null;
}

export const defaultHostPolicy: HostContext["policy"] = {
  onHealthFailure: "rollback-and-halt",
  sustainedMs: 60_000,
  confirmWithinMs: 360_000,
  acknowledgeWithinMs: 300_000,
  excuseAfterMs: 900_000,
};

/** How far an agent's clock may be ahead of ours before what it says is cut down to that. */
export const observedSkewMs = 300_000;

/** How long a reboot may be awaited before somebody is told: 7 days. */
export const deferralPatienceMs = 604_800_000;

interface Observed {
  at: number;
  observedAt?: number | undefined;
}

/**
 * When what an event tells was observed, by the agent's clock as far as it is believed. A clock that was too far ahead from
 * the beginning is read by its differences: cut down event by event, what it measures would depend on the delivery.
 */
export function observedAtOf(event: Observed, { clockAheadMs }: Pick<HostContext, "clockAheadMs">): number {
  return Math.min((event.observedAt ?? event.at) - clockAheadMs, event.at + observedSkewMs);
}

/** What has to be taken off an agent's clock; 0 for one that is believed as it is. */
export function clockAheadMsOf({ at, observedAt = at }: Observed): number {
  return observedAt - at > observedSkewMs ? observedAt - at : 0;
}

/** A host is offered its dispatch as it is created. */
export function initialContext({ input }: { input: HostInput }): HostContext {
  const given = input.policy ?? {};
  const acknowledgeWithinMs = given.acknowledgeWithinMs ?? defaultHostPolicy.acknowledgeWithinMs;
  return {
    rolloutId: input.rolloutId,
    host: input.host,
    channel: input.channel,
    target: input.target,
    wave: input.wave,
    soakMs: input.soakMs ?? 0,
    policy: {
      onHealthFailure: given.onHealthFailure ?? defaultHostPolicy.onHealthFailure,
      sustainedMs: given.sustainedMs ?? defaultHostPolicy.sustainedMs,
      confirmWithinMs: given.confirmWithinMs ?? defaultHostPolicy.confirmWithinMs,
      acknowledgeWithinMs,
      excuseAfterMs: given.excuseAfterMs ?? defaultHostPolicy.excuseAfterMs,
    },
    reportsTo: input.reportsTo ?? null,
    standsIn: "Pending",
    countedAs: "Pending",
    offeredAt: input.at,
    offerDueAt: input.at + acknowledgeWithinMs,
    clockAheadMs: 0,
    observedPrior: null,
    rollbackTo: null,
    acknowledgedAt: null,
    startedAt: null,
    completedAt: null,
    confirmedAt: null,
    observedVersion: null,
    soakDueAt: null,
    isSoakWaived: false,
    deferredFor: null,
    deferralDueAt: null,
    probes: {},
    convergedAt: null,
    failure: null,
    rollbackError: null,
    revertedTo: null,
    orders: [],
    releaseAskedBy: null,
    releasedBy: null,
    unreachableSince: null,
    excuseDueAt: null,
    excused: null,
  };
}
