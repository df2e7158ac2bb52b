import { assign, setup, type AnyEventObject, type EventObject } from "xstate";
import { activity, message } from "../../src/core/activity.ts";
import { guardsOf } from "../../src/core/law.ts";
import type { RolloutContext } from "./context.ts";
import { countedAfter, failedAfter, joinedAfter } from "./counting.ts";
import type { RolloutEvent, RolloutEventOf, RolloutInput } from "./events.ts";
import { approverOf, describeFailure, laws, type PlanOutcome } from "./laws.ts";
import { isEveryWaveComplete, isWaveSettled, lossText, nextWave, waveOf, waveText, waveToApprove } from "./waves.ts";

const planRetryMs = 30_000; // a planner that fails needs somebody, or a store that comes back

const base = setup({
  types: { context: {} as RolloutContext, events: {} as RolloutEvent, input: {} as RolloutInput },
  actors: {
    planRollout: activity<{ rolloutId: string }, PlanOutcome>({
      retry: { attempts: 3, baseMs: 1_000, maxMs: 10_000 },
    }),
  },
  guards: guardsOf(laws),
  actions: { message, clearPlanError: assign({ planError: null }) },
});

/** The words that the chart is written in: its calls, laws and actions. */
export const vocabulary = base.extend({
  actions: {
    join: base.assign(({ context, event }) => joinedAfter(context, (event as RolloutEventOf<"host.joined">).wave)),
    count: base.assign(({ context, event }) => {
      const changed = event as RolloutEventOf<"host.changed">;
      return { ...countedAfter(context, changed), failedHosts: failedAfter(context, changed) };
    }),
    /** What the counters say follows at once, by the events that would say it from outside. */
    settle: base.enqueueActions(({ context, event, enqueue }) => {
      const { currentWave } = context;
      const stamps = { at: atOf(context, event), principal: "engine" };
      if (context.waves === null) return;
      if (isEveryWaveComplete(context)) enqueue.raise({ type: "rollout.completed", ...stamps } as RolloutEvent);
      else if (isWaveSettled(context, currentWave) && nextWave(context) !== undefined)
        enqueue.raise({ type: "wave.advanced", fromWave: currentWave, toWave: currentWave, ...stamps });
    }),
    advance: base.assign(({ context, event }) => {
      const { toWave } = event as RolloutEventOf<"wave.advanced">;
      if (toWave <= context.currentWave) return {};
      return { currentWave: toWave, excusedAccepted: 0 };
    }),
    recordComplete: base.assign(({ context, event }) => ({
      terminalAt: atOf(context, event),
      endedBy: "completed",
    })),
    recordFailure: base.assign(({ context, event }) => {
      const { host, wave, to, at } = event as RolloutEventOf<"host.changed">;
      return { failure: { host: host ?? null, wave, to, at }, endedBy: context.endedBy ?? "failed" };
    }),
    recordSuperseded: base.assign(({ context, event }) => {
      const { by, at } = event as RolloutEventOf<"rollout.superseded">;
      return { supersededAt: at, supersededBy: by, endedBy: context.endedBy ?? "superseded" };
    }),
    recordCancelled: base.assign(({ event }) => {
      const { principal, reason, at } = event as RolloutEventOf<"rollout.cancel">;
      return {
        supersededAt: at,
        endedBy: "cancelled",
        cancelled: { by: principal ?? "somebody", reason: reason ?? null, at },
      };
    }),
    recordCleared: base.assign(({ event }) => {
      const { principal, reason, at } = event as RolloutEventOf<"operator.cleared">;
      return { cleared: { by: principal ?? "somebody", reason, at } };
    }),

    /** It is kept for a while from now on; a later end begins anew. */
    beginRetention: base.enqueueActions(({ context, event, enqueue }) => {
      const endedAt = atOf(context, event);
      const { retentionMs } = context.policy;
      enqueue.assign({ endedAt });
      if (context.planHash === null) return; // nobody would prune it: it is driven by its events alone
      enqueue.assign({ retainedUntil: endedAt + retentionMs });
      enqueue.cancel("retention");
      enqueue.raise({ type: "retention.due" } as RolloutEvent, { id: "retention", delay: retentionMs });
    }),
    endRetention: base.assign({ retainedUntil: null }),

    tellComplete: base.enqueueActions(({ context, enqueue }) => {
      const { rolloutId, targetRef: ref } = context;
      if (context.planHash !== null)
        enqueue(toChannel(context, { type: "rollout.ended", rolloutId, ref, state: "Terminal" }));
    }),
    quarantine: base.enqueueActions(({ context, event, enqueue }) => {
      const { rolloutId, targetRef: ref } = context;
      const reason = describeTooMany(context, event as RolloutEventOf<"host.changed">);
      if (context.planHash !== null) enqueue(toChannel(context, { type: "ref.quarantined", ref, rolloutId, reason }));
    }),

    recordPause: base.assign(({ event }) => {
      const { principal, reason, at } = event as RolloutEventOf<"rollout.pause">;
      return { paused: { by: principal ?? "somebody", reason: reason ?? null, at } };
    }),
    recordExcusedStop: base.assign(({ context, event }) => {
      const { counters, hosts } = waveOf(context, context.currentWave) ?? { counters: { Excused: 0 }, hosts: 0 };
      const most = `more than ${context.policy.excusedMaxPct} %`;
      const reason = `${counters.Excused} of ${hosts} hosts of ${waveText(context, context.currentWave)} are excused, ${most} beyond what was accepted`;
      return { paused: { by: "engine", reason, at: atOf(context, event) } };
    }),
    acceptExcused: base.assign({
      excusedAccepted: ({ context }) => context.waves?.[context.currentWave]?.Excused ?? 0,
    }),
    endPause: base.assign({ paused: null }),
    promote: base.assign(({ context, event }) => {
      const isFull = (event as RolloutEventOf<"rollout.promote">).full === true;
      const last = Math.max(context.currentWave, (context.waves?.length ?? 1) - 1);
      return {
        promotedThrough: Math.max(context.promotedThrough, isFull ? last : context.currentWave),
        isFullyPromoted: context.isFullyPromoted || isFull,
      };
    }),
    approve: base.assign(({ context, event }) => {
      const approve = event as RolloutEventOf<"wave.approve">;
      const wave = approve.wave ?? waveToApprove(context) ?? context.currentWave;
      const given = context.approvals[wave] ?? [];
      return {
        approvals: { ...context.approvals, [wave]: [...given, { by: approverOf(approve), at: approve.at }] },
      };
    }),

    /** What the planner judges has changed. */
    requestPlan: base.enqueueActions(({ context, event, enqueue }) => {
      if (context.planHash === null) return;
      enqueue.raise({ type: "plan.requested", at: atOf(context, event), principal: "engine" } as RolloutEvent);
    }),
    recordDecision: base.assign(({ event }) => ({ gates: (event as RolloutEventOf<"plan.decided">).gates })),
    markStale: base.assign({ isPlanStale: true }),
    beginPlan: base.assign({ isPlanStale: false }),
    armPlan: base.enqueueActions(({ context, event, enqueue }) => {
      const { nextAt } = (event as unknown as { output: PlanOutcome }).output;
      if (nextAt === null) return;
      enqueue.assign({ planDueAt: nextAt });
      enqueue.raise({ type: "plan.due" } as RolloutEvent, {
        id: "planDue",
        delay: Math.max(0, nextAt - atOf(context, event)),
      });
    }),
    retryPlan: base.enqueueActions(({ context, event, enqueue }) => {
      enqueue.assign({ planError: errorOf(event), planDueAt: atOf(context, event) + planRetryMs });
      enqueue.raise({ type: "plan.due" } as RolloutEvent, { id: "planDue", delay: planRetryMs });
    }),
    endWait: base.enqueueActions(({ enqueue }) => {
      enqueue.cancel("planDue");
      enqueue.assign({ planDueAt: null });
    }),
  },
});

/** Every event carries the engine's time, but for the one that begins the instance. */
function atOf({ openedAt }: RolloutContext, event: EventObject): number {
  return (event as { at?: number }).at ?? openedAt;
}

/** The sentence of a failed call. */
function errorOf(event: EventObject): string {
  const { error } = event as unknown as { error: unknown };
  return typeof error === "object" && error !== null && "message" in error ? String(error.message) : String(error);
}

function describeTooMany(context: RolloutContext, { wave: number }: RolloutEventOf<"host.changed">): string {
  const wave = waveOf(context, number);
  return wave === undefined ? describeFailure(context) : `${describeFailure(context)}: ${lossText(wave)}`;
}

function toChannel({ channel }: RolloutContext, event: AnyEventObject) {
  return { type: "message", params: { to: `channel/${channel}`, event } } as const;
}
