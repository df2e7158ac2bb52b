import { defaultHostPolicy, type HostContext } from "../host/context.ts";
import { countedStates, type CountedState } from "../host/states.ts";
import type { GateName, RolloutInput } from "./events.ts";

/** Hosts of one wave by what they are counted as; together they are the hosts of the wave. */
export type WaveCounters = Readonly<Record<CountedState, number>> & {
  /** Hosts that were dispatched. */
  readonly joined: number;
};

export interface WaveRules {
  approvals: number;
  maxFailures: number | string;
  minConverged: number;
}

export interface RolloutContext {
  rolloutId: string;
  channel: string;
  targetRef: string;
  currentWave: number;
  openedAt: number;
  terminalAt: number | null;
  supersededAt: number | null;
  supersededBy: string | null;
  /** How it came to its end: "completed", "failed", "superseded", "cancelled". The first word stays, but for a cancellation. */
  endedBy: string | null;
  /** When it last came to an end: Terminal, Failed, Reverted or Superseded. */
  endedAt: number | null;
  /** Until when a planned one is kept at least; null before its end and when that time is over. */
  retainedUntil: number | null;
  cancelled: { by: string; reason: string | null; at: number } | null;
  policy: HostContext["policy"] & { maxFailures: number | string; excusedMaxPct: number; retentionMs: number };
  /** null: it is driven by its events alone, or by numbers without a plan. */
  planHash: string | null;
  /** The newest rollout of the channel when it was opened; null: it is the first, or nobody said. */
  previous: string | null;
  isUndo: boolean;
  /** Why somebody has opened it, as far as they said. */
  reason: string | null;
  /** null: without numbers of hosts nothing is counted up. */
  waves: readonly WaveCounters[] | null;
  /** Hosts that have failed, where `waves` does not count them. */
  failedHosts: number;
  rules: readonly WaveRules[];
  /** Who approved which wave, by its number. */
  approvals: Readonly<Record<string, readonly { by: string; at: number }[]>>;
  /** Waves up to this one do not soak; -1: none is waived. */
  promotedThrough: number;
  /** All waves are open. */
  isFullyPromoted: boolean;
  paused: { by: string; reason: string | null; at: number } | null;
  /** Excused hosts of the current wave that somebody has accepted by resuming. */
  excusedAccepted: number;
  /** What the planner said last holds hosts back. */
  gates: readonly { gate: GateName; since: number; detail: string }[];
  failure: { host: string | null; wave: number; to: string; at: number } | null;
  cleared: { by: string; reason: string; at: number } | null;
  /** When it is planned again although nothing changes. */
  planDueAt: number | null;
  /** Something has changed since the planner began. */
  isPlanStale: boolean;
  planError: string | null;
}

const retentionMs = 7_776_000_000; // 90 days

export function initialContext({ input }: { input: RolloutInput }): RolloutContext {
  const { onHealthFailure, sustainedMs, confirmWithinMs, acknowledgeWithinMs, excuseAfterMs } = input.policy ?? {};
  const waves = input.waves?.map(countersOf) ?? null;
  return {
    rolloutId: input.rolloutId,
    channel: input.channel,
    targetRef: input.targetRef,
    currentWave: Math.max(0, input.waves?.findIndex((hosts) => hosts > 0) ?? 0),
    openedAt: input.at,
    terminalAt: null,
    supersededAt: null,
    supersededBy: null,
    endedBy: null,
    endedAt: null,
    retainedUntil: null,
    cancelled: null,
    policy: {
      onHealthFailure: onHealthFailure ?? defaultHostPolicy.onHealthFailure,
      sustainedMs: sustainedMs ?? defaultHostPolicy.sustainedMs,
      confirmWithinMs: confirmWithinMs ?? defaultHostPolicy.confirmWithinMs,
      acknowledgeWithinMs: acknowledgeWithinMs ?? defaultHostPolicy.acknowledgeWithinMs,
      excuseAfterMs: excuseAfterMs ?? defaultHostPolicy.excuseAfterMs,
      maxFailures: input.policy?.maxFailures ?? 0,
      excusedMaxPct: input.policy?.excusedMaxPct ?? 10,
      retentionMs: input.policy?.retentionMs ?? retentionMs,
    },
    planHash: input.planHash ?? null,
    previous: input.previous ?? null,
    isUndo: input.isUndo === true,
    reason: input.reason ?? null,
    waves,
    failedHosts: 0,
    rules: (input.waves ?? []).map((_, index) => ({
      approvals: input.waveRules?.[index]?.approvals ?? 0,
      maxFailures: input.waveRules?.[index]?.maxFailures ?? input.policy?.maxFailures ?? 0,
      minConverged: input.waveRules?.[index]?.minConverged ?? input.policy?.minConverged ?? 1,
    })),
    approvals: {},
    promotedThrough: -1,
    isFullyPromoted: false,
    paused: null,
    excusedAccepted: 0,
    gates: [],
    failure: null,
    cleared: null,
    planDueAt: null,
    isPlanStale: false,
    planError: null,
  };
}

function countersOf(hosts: number): WaveCounters {
  const none = Object.fromEntries(countedStates.map((state) => [state, 0])) as Record<CountedState, number>;
  return { ...none, Pending: hosts, joined: 0 };
}
