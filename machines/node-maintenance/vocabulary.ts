import { assign, setup, type AnyEventObject, type EventObject } from "xstate";
import { activity, message } from "../../src/core/activity.ts";
import { guardsOf } from "../../src/core/law.ts";
import { configuredPolicy, type FailureKind, type NodeContext } from "./context.ts";
import type { NodeEvent, NodeEventOf, NodeInput } from "./events.ts";
import { laws } from "./laws.ts";

/** What a call is about: one window of one node. */
export interface Window {
  node: string;
  epoch: number;
}
export interface Inventory {
  replicas: string[];
  daemons: string[];
}

/** Every event that reaches an action carries the engine's time: an inner one would have to copy it. */
const atOf = (event: EventObject) => (event as { at?: number }).at ?? Number.NaN;

/** The sentence of a failed call. */
export function errorOf(event: EventObject): string {
  const { error } = event as unknown as { error: unknown };
  return typeof error === "object" && error !== null && "message" in error ? String(error.message) : String(error);
}

const base = setup({
  types: {
    context: {} as NodeContext,
    events: {} as NodeEvent,
    input: {} as NodeInput,
    emitted: {} as {
      type: "node.overdue";
      node: string;
      dueAt: number | null;
      since: "Maintenance" | "ExitingMaintenance";
    },
  },
  actors: {
    drainNode: activity<Window, Inventory>(),
    resumeNode: activity<Window>({ retry: { attempts: 3, baseMs: 1_000, maxMs: 10_000 } }),
    watchNode: activity<Window>({
      retry: { attempts: Number.POSITIVE_INFINITY, baseMs: 1_000, maxMs: 60_000 },
      untilWithdrawn: true,
    }),
  },
  guards: guardsOf(laws),
  delays: { recoveryRamp: ({ context }) => context.policy.recoveryRampMs },
  actions: {
    message,
    recordFailure: assign((_, failure: { kind: FailureKind; reason: string }) => ({ failure })),
  },
});

/** The words that the chart is written in: its calls, laws, delays and actions. */
export const vocabulary = base.extend({
  actions: {
    openWindow: base.assign(({ context, event }) => {
      const { reason, drainForMs, noDeadline, expectedUntil, onBehalfOf, principal, at } =
        event as NodeEventOf<"maintenance.enter">;
      return {
        epoch: context.epoch + 1,
        requestedBy: onBehalfOf ?? principal ?? null,
        requestedReason: reason ?? null,
        expectedUntil: expectedUntil ?? null,
        drainingSince: at,
        drainDueAt: noDeadline === true ? null : at + (drainForMs ?? context.policy.drainForMs),
        blockers: "unknown" as const,
        ...outOfLine(context),
      };
    }),
    openObservedWindow: base.assign(({ context, event }) => {
      const { state, principal, at } = event as NodeEventOf<"maintenance.observed">;
      return {
        epoch: context.epoch + 1,
        requestedBy: principal ?? null,
        requestedReason: state.reason ?? null,
        expectedUntil: null,
        drainingSince: at,
        drainDueAt: state.deadline ?? at + context.policy.drainForMs,
        blockers: "unknown" as const,
        ...outOfLine(context),
      };
    }),
    openRetriedWindow: base.assign(({ context, event }) => {
      const { reason, drainForMs, principal, at } = event as NodeEventOf<"maintenance.retry">;
      return {
        epoch: context.epoch + 1,
        requestedBy: principal ?? context.requestedBy,
        requestedReason: reason ?? context.requestedReason,
        drainingSince: at,
        drainDueAt: at + (drainForMs ?? context.policy.drainForMs),
        blockers: "unknown" as const,
      };
    }),
    takeObservedSlots: base.enqueueActions(({ context, enqueue }) => {
      for (const group of context.groups) enqueue(takingSlot(context, group));
    }),
    giveSlotsBack: base.enqueueActions(({ context, event, enqueue }) => {
      if (context.epoch === 0 || event.type === "maintenance.retry") return; // nothing was held; a retry keeps its slots
      for (const group of context.groups) enqueue(givingSlotBack(context, group));
    }),
    armDrainDeadline: base.enqueueActions(({ context, event, enqueue }) => {
      if (context.drainDueAt === null) return;
      enqueue.raise({ type: "drain.deadlineElapsed" } as NodeEvent, {
        id: "drainDeadline",
        delay: Math.max(0, context.drainDueAt - atOf(event)),
      });
    }),
    moveDrainDeadline: base.assign(({ context, event }) => {
      const { reason, drainForMs, noDeadline, expectedUntil, at } = event as NodeEventOf<"maintenance.enter">;
      return {
        requestedReason: reason ?? context.requestedReason,
        expectedUntil: expectedUntil ?? context.expectedUntil,
        drainDueAt: noDeadline === true ? null : at + (drainForMs ?? context.policy.drainForMs),
      };
    }),
    fillReason: base.assign(({ event }) => ({
      requestedReason: (event as NodeEventOf<"maintenance.observed">).state.reason ?? null,
    })),
    recordBlockers: base.assign(({ context, event }) => {
      const { replicas, daemons, reasons } = event as NodeEventOf<"drain.progressed">;
      const why = { ...knownReasons(context.blockers, [...replicas, ...daemons]), ...reasons };
      return { blockers: { replicas, daemons, ...(Object.keys(why).length > 0 && { reasons: why }) } };
    }),
    recordDrained: base.assign({ blockers: { replicas: [], daemons: [] } }),
    forgetBlockers: base.assign({ blockers: "unknown" }), // the observation and the inventory disagree: the next inventory tells
    recordWaiting: base.assign(({ event }) => ({ waiting: (event as NodeEventOf<"daemons.progressed">).waiting })),
    clearFailure: base.assign({ failure: null }),
    recordResumeError: base.assign(({ event }) => ({ resumeError: errorOf(event) })),
    endDrain: base.assign({ drainDueAt: null }),
    armExpectedEnd: base.enqueueActions(({ context, event, enqueue }) => {
      if (context.expectedUntil === null) return;
      enqueue.raise({ type: "maintenance.overdue" } as NodeEvent, {
        id: "overdue",
        delay: Math.max(0, context.expectedUntil - atOf(event)),
      });
    }),
    beginExit: base.enqueueActions(({ context, event, enqueue }) => {
      if (event.type === "resume.retryDue") return; // the same exit goes on: its deadline does not move
      enqueue.assign({ exitDueAt: atOf(event) + context.policy.exitForMs });
      enqueue.raise({ type: "maintenance.overdue" } as NodeEvent, { id: "overdue", delay: context.policy.exitForMs });
    }),
    endExit: base.enqueueActions(({ event, enqueue }) => {
      if (event.type === "resume.retryDue") return;
      enqueue.cancel("overdue");
      enqueue.assign({ exitDueAt: null, resumeError: null, waiting: null });
    }),
    reportOverdue: base.emit(({ context }) => ({
      type: "node.overdue" as const,
      node: context.node,
      dueAt: context.exitDueAt ?? context.expectedUntil,
      since: context.exitDueAt === null ? ("Maintenance" as const) : ("ExitingMaintenance" as const),
    })),
    endWindow: base.enqueueActions(({ event, enqueue }) => {
      if (event.type === "maintenance.retry") return; // who asked, and why, goes on into the next window
      enqueue.assign({
        expectedUntil: null,
        requestedReason: null,
        requestedBy: null,
        drainingSince: null,
        blockers: "unknown",
      });
    }),
    keepCordoned: base.enqueueActions(({ event, enqueue }) => {
      if ((event as NodeEventOf<"maintenance.exit">).keepCordoned === true)
        enqueue.assign({ cordonedByOperator: true });
    }),
    holdCordoned: base.assign({ cordonedByOperator: true }),
    letGo: base.assign({ cordonedByOperator: false }),
    standInLine: base.assign(({ context, event }) => {
      const { group } = event as NodeEventOf<"node.queued">;
      return context.groups.includes(group) ? { inLineAt: group } : {}; // it has left a group that it is no member of
    }),
    configure: base.enqueueActions(({ context, event, enqueue }) => {
      const { groups = context.groups, policy } = event as NodeEventOf<"node.configured">;
      enqueue.assign({ groups, policy: configuredPolicy(context.policy, policy) });
      const left = context.groups.filter((group) => !groups.includes(group));
      const joined = groups.filter((group) => !context.groups.includes(group));
      if (context.drainingSince !== null) {
        for (const group of left) enqueue(givingSlotBack(context, group));
        for (const group of joined) enqueue(takingSlot(context, group));
      } else if (left.length + joined.length > 0) {
        for (const group of context.groups) enqueue(givingSlotBack(context, group)); // it may stand in their lines
        enqueue.assign(outOfLine(context));
      }
    }),
  },
});

/** Whoever only looks knows no reasons: those that are known stay with the names that are still there. */
function knownReasons(blockers: NodeContext["blockers"], names: readonly string[]): Record<string, string> {
  const known = blockers === "unknown" ? {} : (blockers.reasons ?? {});
  return Object.fromEntries(Object.entries(known).filter(([name]) => names.includes(name)));
}

function outOfLine({ inLineAt }: NodeContext): { inLineAt?: null } {
  return inLineAt === undefined ? {} : { inLineAt: null };
}

/** The node is out already, so its groups have to count it, over their budget if need be. */
function takingSlot({ node }: NodeContext, group: string) {
  return messageTo(group, { type: "slot.taken", node, observed: true });
}

function givingSlotBack({ node }: NodeContext, group: string) {
  return messageTo(group, { type: "slot.released", node });
}

function messageTo(group: string, event: AnyEventObject) {
  return { type: "message", params: { to: `maintenance-group/${group}`, event } } as const;
}
