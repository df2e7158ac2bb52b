import { assign, setup } from "xstate";
import { z } from "zod";
import { guardsOf, type Refusal } from "../../src/core/law.ts";
import { sentBy, type EventsOf, type ExampleEvent, type Machine } from "../../src/core/machine.ts";

const inputSchema = z.strictObject({}).meta({ examples: [{}] });

const eventSchemas = {
  "line.freeze": sentBy("person", { reason: z.string().min(1).max(1_000).optional() }),
  "line.thaw": sentBy("person", {}),
  /** A planner dispatches in the same transaction. `isUndo`: a freeze does not hold it. */
  "dispatch.planned": sentBy("engine", { isUndo: z.literal(true).optional() }),
} as const;

type LineEvent = EventsOf<typeof eventSchemas>;
type LineEventOf<Type extends LineEvent["type"]> = Extract<LineEvent, { type: Type }>;

export interface LineContext {
  /** Decisions to dispatch: each moves the version, so that no two are made on the same facts. */
  decisions: number;
  /** Who has stopped it; null while it runs. */
  stopped: { by: string; reason: string | null; at: number } | null;
}

const laws = {
  passesStopped({ stopped }: LineContext, event: LineEventOf<"dispatch.planned">): Refusal | undefined {
    if (event.isUndo === true) return undefined;
    const why = stopped?.reason == null ? "" : `: ${stopped.reason}`;
    return {
      code: "frozen",
      detail: `${stopped?.by ?? "Somebody"} has stopped the line${why}. Nothing is dispatched.`,
      data: stopped,
      hint: "line.thaw",
    };
  },
};

/**
 * The line that every dispatch of every rollout passes. One per installation. Stopping it holds all dispatch, of all
 * channels; what is under way on a host goes on, and an undo passes.
 */
const chart = setup({
  types: {
    context: {} as LineContext,
    events: {} as LineEvent,
    input: {} as z.output<typeof inputSchema> & { at: number },
  },
  guards: guardsOf(laws),
  actions: {
    count: assign({ decisions: ({ context }) => context.decisions + 1 }),
    recordStop: assign(({ event }) => {
      const { principal, reason, at } = event as LineEventOf<"line.freeze">;
      return { stopped: { by: principal ?? "somebody", reason: reason ?? null, at } };
    }),
    forgetStop: assign({ stopped: null }),
  },
}).createMachine({
  id: "line",
  description: "The line that every dispatch of every rollout passes.",
  options: { maxIterations: 50 },
  context: { decisions: 0, stopped: null },
  initial: "Running",
  states: {
    Running: {
      description: "Hosts are dispatched.",
      tags: ["steady"],
      meta: { waitingFor: "somebody to stop the line", noDeadline: "this is the normal state" },
      on: {
        "line.freeze": { target: "Stopped", actions: "recordStop" },
        "line.thaw": { description: "It runs already." },
        "dispatch.planned": { actions: "count" },
      },
    },
    Stopped: {
      description: "No host is dispatched, in no channel.",
      tags: ["attention"],
      meta: { waitingFor: "somebody to let the line run again", noDeadline: "whoever stopped it knows why" },
      on: {
        "line.thaw": { target: "Running", actions: "forgetStop" },
        "line.freeze": { description: "It is stopped already." },
        "dispatch.planned": { guard: "passesStopped", actions: "count" },
      },
    },
  },
});

export const line: Machine = {
  name: "line",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws,
  examples,
  abstract: () => null,
  notes: ({ stopped }: LineContext) =>
    stopped === null ? [] : [`stopped by ${stopped.by}: ${stopped.reason ?? "no reason given"}`],
};

function examples(): ExampleEvent[] {
  const events: ExampleEvent[] = [
    { type: "line.freeze", reason: "a bad disk firmware" },
    { type: "line.thaw" },
    { type: "dispatch.planned" },
    { type: "dispatch.planned", isUndo: true },
  ];
  return events.map((event) => ({ at: 1_000_000, principal: "ann", ...event }));
}
