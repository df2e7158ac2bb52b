import { assign, setup } from "xstate";
import { activity, message } from "../../src/core/activity.ts";
import { guardsOf } from "../../src/core/law.ts";
import { completedChild } from "../../src/core/step.ts";
import { clockAheadMsOf, deferralPatienceMs, observedAtOf, type HostContext, type Order } from "./context.ts";
import type { CallName, HostEvent, HostEventOf, HostInput } from "./events.ts";
import { errorOf, failureOf, type FailingEvent } from "./failure.ts";
import { laws } from "./laws.ts";
import { declaredProbes, failingProbes, reportedProbes } from "./probes.ts";
import type { HostState } from "./states.ts";

/** What every call of a host is about. */
export interface Dispatch {
  rolloutId: string;
  host: string;
  target: string;
}

const base = setup({
  types: {
    context: {} as HostContext,
    events: {} as HostEvent,
    input: {} as HostInput,
    emitted: {} as { type: "host.deferralOverdue"; rolloutId: string; host: string; component: string | null },
  },
  actors: {
    /** Reports `activation.started`, and before it ends one of `activation.completed`, `.deferred` and `.failed`. */
    activate: activity<Dispatch & { prior: string | null }>({ retry: { attempts: 3, baseMs: 1_000, maxMs: 10_000 } }),
    /** Reports `activation.completed` or `activation.failed` when the host has been restarted. */
    awaitReboot: activity<Dispatch & { component: string | null }>({
      retry: { attempts: Number.POSITIVE_INFINITY, baseMs: 1_000, maxMs: 60_000 },
      untilWithdrawn: true,
    }),
    /** Reports `probes.declared`, each `probe.reported`, and `health.failed` or `host.converged` when the laws bear it. */
    probe: activity<Dispatch & { soakDueAt: number | null; sustainedMs: number }>({
      retry: { attempts: Number.POSITIVE_INFINITY, baseMs: 1_000, maxMs: 60_000 },
      untilWithdrawn: true,
    }),
    /** Ends when somebody was heard after the completion; reports `activation.unconfirmed` when nobody was in time. */
    awaitConfirmation: activity<Dispatch & { completedAt: number | null; confirmWithinMs: number }>(),
    /** Reports `rollback.completed`. Throws when an attempt fails: the last error is the failure of the rollback. */
    rollBack: activity<Dispatch & { rollbackTo: string | null }>({
      retry: { attempts: 3, baseMs: 5_000, maxMs: 30_000 },
    }),
  },
  guards: guardsOf(laws),
  actions: {
    message,
    stand: assign((_, { state }: { state: HostState }) => ({ standsIn: state })),
  },
});

/** The words that the chart is written in: its calls, laws and actions. */
export const vocabulary = base.extend({
  actions: {
    /** Whoever counts this host hears what it counts as from now on. While it is excused it counts as nothing else. */
    tell: base.enqueueActions(({ context, enqueue }) => {
      const { countedAs: from, standsIn, excused, reportsTo, host, wave } = context;
      const to = excused === null ? standsIn : "Excused";
      if (from === to) return;
      enqueue.assign({ countedAs: to });
      if (reportsTo === null) return;
      enqueue({ type: "message", params: { to: reportsTo, event: { type: "host.changed", host, from, to, wave } } });
    }),
    offer: base.assign(({ context, event }) => {
      const { at } = event as HostEventOf<"dispatch.offered">;
      return { offeredAt: at, offerDueAt: at + context.policy.acknowledgeWithinMs };
    }),
    armOfferExpiry: base.enqueueActions(({ context, enqueue }) => {
      if (context.offeredAt === null) return;
      const delay = context.policy.acknowledgeWithinMs;
      enqueue.raise({ type: "dispatch.withdrawn" } as HostEvent, { id: "offerExpiry", delay });
    }),
    endOffer: base.enqueueActions(({ context, enqueue }) => {
      if (context.offeredAt === null) return;
      enqueue.cancel("offerExpiry");
      enqueue.assign({ offeredAt: null, offerDueAt: null });
    }),
    /** Others may have its slot. */
    withdrawOffer: base.enqueueActions(({ context, enqueue }) => {
      enqueue.cancel("offerExpiry");
      enqueue.assign({ offeredAt: null, offerDueAt: null });
      if (context.reportsTo !== null) enqueue(planRequestTo(context.reportsTo));
    }),
    recordAcknowledgement: base.assign(({ event }) => {
      const acknowledged = event as HostEventOf<"dispatch.acknowledged">;
      const clockAheadMs = clockAheadMsOf(acknowledged);
      return {
        clockAheadMs,
        observedPrior: acknowledged.observedPrior,
        rollbackTo: acknowledged.rollbackTo ?? null,
        acknowledgedAt: observedAtOf(acknowledged, { clockAheadMs }),
      };
    }),
    recordStart: base.assign(({ context, event }) => ({
      startedAt: observedAtOf(event as HostEventOf<"activation.started">, context),
    })),
    recordCompletion: base.assign(({ context, event }) => {
      const completed = event as HostEventOf<"activation.completed">;
      const completedAt = observedAtOf(completed, context);
      return {
        completedAt,
        observedVersion: completed.observedVersion,
        soakDueAt: completedAt + context.soakMs,
        probes: {}, // what was seen before the activation says nothing about the version after it
      };
    }),
    recordDeferral: base.enqueueActions(({ event, enqueue }) => {
      const { component, at } = event as HostEventOf<"activation.deferred">;
      enqueue.assign({ deferredFor: component, deferralDueAt: at + deferralPatienceMs });
      enqueue.raise({ type: "deferral.overdue" } as HostEvent, { id: "deferralDue", delay: deferralPatienceMs });
    }),
    endDeferral: base.enqueueActions(({ enqueue }) => {
      enqueue.cancel("deferralDue");
      enqueue.assign({ deferralDueAt: null });
    }),
    warn: base.emit(({ context: { rolloutId, host, deferredFor } }) => ({
      type: "host.deferralOverdue" as const,
      rolloutId,
      host,
      component: deferredFor,
    })),
    /** Told as an event of its own, so that it is in the journal like everything else that an agent tells. */
    reportFault: base.enqueueActions(({ event, enqueue }) => {
      const call = completedChild(event.type) as CallName | "rollBack";
      const reason = errorOf(event);
      const told = call === "rollBack" ? { type: "rollback.failed", reason } : { type: "agent.failed", call, reason };
      enqueue.raise(told as HostEvent, { id: "fault", delay: 0 });
    }),
    confirm: base.assign(({ event }) => ({ confirmedAt: (event as { at?: number }).at ?? null })),
    recordDeclaration: base.enqueueActions(({ context, event, enqueue }) => {
      const probes = declaredProbes(context, event as HostEventOf<"probes.declared">);
      enqueue.assign({ probes });
      if (recoversWith(context, probes)) enqueue(planRequestTo(context.reportsTo));
    }),
    recordReport: base.enqueueActions(({ context, event, enqueue }) => {
      const probes = reportedProbes(context, event as HostEventOf<"probe.reported">);
      enqueue.assign({ probes });
      if (recoversWith(context, probes)) enqueue(planRequestTo(context.reportsTo));
    }),
    waiveSoak: base.assign(({ context, event }) => ({
      isSoakWaived: true,
      orders: [...context.orders, orderOf(event)],
    })),
    recordConvergence: base.assign(({ context, event }) => {
      const converged = event as HostEventOf<"host.converged">;
      return { observedVersion: converged.version, convergedAt: observedAtOf(converged, context) };
    }),
    recordFailure: base.assign(({ context, event }) => ({ failure: failureOf(context, event as FailingEvent) })),
    recordOrder: base.assign(({ context, event }) => ({ orders: [...context.orders, orderOf(event)] })),
    recordReversion: base.assign(({ event }) => {
      const { revertedTo } = event as HostEventOf<"rollback.completed">;
      return { revertedTo, observedVersion: revertedTo, rollbackError: null };
    }),
    recordRollbackError: base.assign(({ event }) => ({
      rollbackError: (event as HostEventOf<"rollback.failed">).reason,
    })),
    recordForgotten: base.assign(({ event }) => ({
      forgottenOrders: (event as HostEventOf<"orders.taken">).forgotten,
    })),
    rememberRelease: base.assign(({ context, event }) => ({
      releaseAskedBy: (event as HostEventOf<"host.released">).by,
      orders: [...context.orders, orderOf(event)],
    })),
    /** The order that was remembered is heard again, now that it can be taken. */
    releaseIfAsked: base.enqueueActions(({ context, event, enqueue }) => {
      const { releaseAskedBy: by } = context;
      if (by !== null) enqueue.raise({ type: "host.released", by, at: event.at });
    }),
    takeRelease: base.assign(({ context, event }) => ({
      releasedBy: context.releaseAskedBy ?? (event as HostEventOf<"host.released">).by,
      orders: context.releaseAskedBy === null ? [...context.orders, orderOf(event)] : context.orders,
    })),
    miss: base.enqueueActions(({ context, event, enqueue }) => {
      const { at } = event as HostEventOf<"host.unreachable">;
      enqueue.assign({ unreachableSince: at });
      if (context.excused !== null) return;
      const { excuseAfterMs } = context.policy;
      enqueue.assign({ excuseDueAt: at + excuseAfterMs });
      enqueue.raise({ type: "host.excuseDue" } as HostEvent, { id: "excuseDue", delay: excuseAfterMs });
    }),
    excuse: base.enqueueActions(({ context, event, enqueue }) => {
      const { at, principal, ...given } = event as HostEventOf<"host.excused" | "host.excuseDue">;
      const waited = `unreachable for ${Math.round(context.policy.excuseAfterMs / 60_000)} min`;
      const reason = given.type === "host.excused" ? given.reason : waited;
      const by = given.type === "host.excused" ? (principal ?? "engine") : "engine";
      if (context.excuseDueAt !== null) enqueue.cancel("excuseDue");
      enqueue.assign({ excused: { by, reason, at }, excuseDueAt: null });
    }),
    comeBack: base.enqueueActions(({ context, enqueue }) => {
      if (context.excuseDueAt !== null) enqueue.cancel("excuseDue");
      enqueue.assign({ unreachableSince: null, excuseDueAt: null, excused: null });
      if (context.excused === null && context.reportsTo !== null) enqueue(planRequestTo(context.reportsTo));
    }),
  },
});

/** What the host counts as has not changed, but what it kept from others has. */
function planRequestTo(to: string) {
  return { type: "message", params: { to, event: { type: "plan.requested" } } } as const;
}

/** Later waves wait while an enforced probe fails, and somebody counts on being told when none does any more. */
function recoversWith(
  context: HostContext,
  probes: HostContext["probes"],
): context is HostContext & { reportsTo: string } {
  const isFailing = failingProbes(context).length > 0;
  return context.reportsTo !== null && isFailing && failingProbes({ probes }).length === 0;
}

function orderOf(event: HostEvent): Order {
  const { type, at, principal, ...given } = event as HostEventOf<Order["event"]>;
  const by = "by" in given && given.by !== undefined ? given.by : (principal ?? null);
  return { event: type, by, at, ...("reason" in given && given.reason !== undefined && { reason: given.reason }) };
}
