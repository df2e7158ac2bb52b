import { assign, enqueueActions, setup } from "xstate";
import { message } from "../../src/core/activity.ts";
import { guardsOf } from "../../src/core/law.ts";
import type { ExampleEvent, Machine, Snapshot } from "../../src/core/machine.ts";
import { parseRolloutId, rolloutIdOf, type RolloutIdParts } from "../rollout/rollout-id.ts";
import { initialContext, lastRun, without, withoutRun, withRun, type ChannelContext } from "./context.ts";
import { eventSchemas, inputSchema, type ChannelEvent, type ChannelEventOf, type ChannelInput } from "./events.ts";
import { laws } from "./laws.ts";

/** The planner of a rollout is to judge again what this channel decides. */
const replanning = (rolloutId: string) =>
  ({ type: "message", params: { to: rolloutId, event: { type: "plan.requested" } } }) as const;

/**
 * A channel of the fleet. It owns what several rollouts have to agree on: which of them is the newest, the run numbers of
 * refs, what an undo goes back to, and which refs are quarantined.
 */
const chart = setup({
  types: { context: {} as ChannelContext, events: {} as ChannelEvent, input: {} as ChannelInput },
  guards: guardsOf(laws),
  actions: {
    message,
    recordOpened: assign(({ context, event }) => {
      const { rolloutId, ref, run, at, isRetry } = event as ChannelEventOf<"rollout.opened">;
      return {
        newest: { rolloutId, ref, run, openedAt: at, ...(isRetry && { isRetry }) },
        ...withRun(context, ref, run),
      };
    }),
    recordTerminal: enqueueActions(({ context, event, enqueue }) => {
      const { rolloutId, ref } = event as ChannelEventOf<"rollout.ended">;
      const displaced = context.lastTerminal;
      const isOtherRef = displaced !== null && displaced.ref !== ref;
      enqueue.assign({
        lastTerminal: { rolloutId, ref },
        previousTerminal: isOtherRef ? displaced : context.previousTerminal,
      });
      if (displaced !== null) enqueue(replanning(displaced.rolloutId)); // nothing keeps it any more when its time is over
    }),
    forget: assign(({ context, event }) => {
      const { rolloutId } = event as ChannelEventOf<"rollout.forgotten">;
      const { ref, run } = parseRolloutId(rolloutId) as RolloutIdParts; // the law has looked
      return withoutRun(context, ref, run);
    }),
    quarantine: assign(({ context, event }) => {
      const { ref, rolloutId, reason, at } = event as ChannelEventOf<"ref.quarantined">;
      return { quarantined: { ...context.quarantined, [ref]: { rolloutId, reason, since: at } } };
    }),
    liftQuarantine: enqueueActions(({ context, event, enqueue }) => {
      const { ref } = event as ChannelEventOf<"quarantine.cleared">;
      enqueue.assign({ quarantined: without(context.quarantined, [ref]) });
      if (context.newest?.ref === ref) enqueue(replanning(context.newest.rolloutId));
    }),
  },
}).createMachine({
  id: "channel",
  description: "What the rollouts of one channel have to agree on.",
  options: { maxIterations: 50 },
  context: initialContext,
  initial: "Clear",
  on: {
    "rollout.opened": { guard: "isNextRun", actions: "recordOpened" },
    "rollout.ended": [
      { guard: "becameTerminal", actions: "recordTerminal" },
      { description: "An undo goes back to what became Terminal; this is not news." },
    ],
    "rollout.forgotten": { guard: "mayBeForgotten", actions: "forget" },
    "ref.quarantined": [
      { guard: "isRetried", description: "Somebody tries the ref again, and knows that it failed." },
      { guard: "isQuarantinedAlready", description: "It is quarantined already: the first reason stays." },
      { guard: "hasRoomForQuarantine", actions: "quarantine" },
    ],
    "quarantine.cleared": { guard: "isQuarantined", actions: "liftQuarantine" },
  },
  states: {
    Clear: {
      description: "No ref is quarantined.",
      tags: ["steady"],
      meta: { waitingFor: "a rollout to open", noDeadline: "this is the normal state" },
      always: { guard: "hasQuarantines", target: "Quarantining" },
    },
    Quarantining: {
      description: "At least one ref has failed here and is not dispatched again.",
      tags: ["steady", "attention"],
      meta: {
        waitingFor: "somebody to clear the quarantine, or a newer ref",
        noDeadline: "a ref that failed may stay quarantined for ever",
      },
      always: { guard: "hasNoQuarantines", target: "Clear" },
    },
  },
});

export const channel: Machine = {
  name: "channel",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws,
  examples,
  abstract: ({ newest, runs, kept, lastTerminal, previousTerminal, quarantined }: ChannelContext) => ({
    newest: newest?.ref ?? null,
    isRetry: newest?.isRetry ?? false,
    runs,
    kept,
    lastTerminal: lastTerminal?.rolloutId ?? null,
    previousTerminal: previousTerminal?.rolloutId ?? null,
    quarantined: Object.keys(quarantined),
  }),
  notes: ({ newest, lastTerminal, quarantined }: ChannelContext) => [
    newest === null ? "no rollout yet" : `newest rollout: ${newest.rolloutId}`,
    ...(lastTerminal === null ? [] : [`last Terminal: ${lastTerminal.rolloutId}`]),
    ...Object.entries(quarantined).map(
      ([ref, { rolloutId, reason }]) => `${ref} quarantined by ${rolloutId}: ${reason}`,
    ),
  ],
};

const exampleRuns = { v1: 2, v2: 1 }; // further ones tell nothing new

function examples({ context }: Snapshot): ExampleEvent[] {
  const { channel: name, newest } = context as ChannelContext;
  const opened = Object.entries(exampleRuns).flatMap(([ref, most]) => {
    const run = lastRun(context as ChannelContext, ref) + 1;
    return run > most
      ? []
      : [{ type: "rollout.opened", rolloutId: rolloutIdOf({ channel: name, ref, run }), ref, run }];
  });
  const events: ExampleEvent[] = [
    ...opened,
    ...opened.filter(({ run }) => run > 1).map((each) => ({ ...each, isRetry: true })),
    { type: "rollout.opened", rolloutId: `${name}@v1~9`, ref: "v1", run: 9 },
    ...(newest === null
      ? []
      : ["Terminal", "Failed"].map((state) => ({
          type: "rollout.ended",
          rolloutId: newest.rolloutId,
          ref: newest.ref,
          state,
        }))),
    { type: "rollout.forgotten", rolloutId: `${name}@v1` },
    { type: "ref.quarantined", ref: "v1", rolloutId: `${name}@v1`, reason: "3 of 20 hosts failed" },
    { type: "quarantine.cleared", ref: "v1", reason: "a broken switch" },
  ];
  return events.map((event) => ({ at: 1_000_000, principal: "engine", ...event }));
}
