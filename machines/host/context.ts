import type { FailurePolicy } from "../rollout/policy.ts";
import type { HostEvent, HostInput, ProbeMode, orderTypes } from "./events.ts";
import type { CountedState } from "./states.ts";

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

/** An order of the control plane, in the order given; the agent tells how many it has taken. */
export interface Order {
  event: Extract<HostEvent, { type: (typeof orderTypes)[number] }>["type"];
  by: string | null;
  at: number;
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
  /** What the rollout counts this host as. */
  countedAs: CountedState;
  /** When the offer that stands was made; null when none stands. */
  offeredAt: number | null;
  /** When the offer is taken back; null when none stands. */
  offerDueAt: number | null;
  observedPrior: string | null;
  rollbackTo: string | null;
  acknowledgedAt: number | null;
  startedAt: number | null;
  /** By the agent's clock. */
  completedAt: number | null;
  observedVersion: string | null;
  /** When the soak is over, by the agent's clock; null before an activation has completed. */
  soakDueAt: number | null;
  isSoakWaived: boolean;
  deferredFor: string | null;
  /** By name; cleared when an activation completes. */
  probes: Readonly<Record<string, Probe>>;
  convergedAt: number | null;
  failure: { kind: FailureKind; reason: string; at: number; exitCode?: number; stderrTail?: string } | null;
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
    countedAs: "Pending",
    offeredAt: input.at,
    offerDueAt: input.at + acknowledgeWithinMs,
    observedPrior: null,
    rollbackTo: null,
    acknowledgedAt: null,
    startedAt: null,
    completedAt: null,
    observedVersion: null,
    soakDueAt: null,
    isSoakWaived: false,
    deferredFor: null,
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
