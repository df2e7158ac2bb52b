import { assign, cancel, emit, enqueueActions, raise, setup } from "xstate";
import { z } from "zod";
import { activity, instanceActivity, message } from "../../src/core/activity.ts";
import { guardsOf, type Refusal } from "../../src/core/law.ts";
import { sentBy, type EventSchemas, type EventsOf, type Machine } from "../../src/core/machine.ts";

/** What a machine of the engine's tests leaves out: nobody generates paths through it. */
const forTests = { examples: () => [], abstract: () => null };
const options = { maxIterations: 50 };

const counterEvents = {
  inc: sentBy(["person", "agent", "engine"], { by: z.number().int().optional() }),
  dec: sentBy("person", {}),
  touch: sentBy("person", {}),
  ring: sentBy("person", {}),
  finish: sentBy("person", {}),
  boom: sentBy(["person", "engine"], {}),
  reset: sentBy("engine", {}),
} satisfies EventSchemas;

type CounterContext = { count: number; times: number[]; by: string[] };

const counterLaws = {
  isPositive: ({ count }: CounterContext): Refusal | undefined =>
    count > 0 ? undefined : { code: "at-zero", detail: "There is nothing left to take away.", data: { count } },
  explodes: (): undefined => {
    throw new Error("the law exploded");
  },
};

/** Counts; refuses to go below zero; hears `touch` without consequence; its guard of `boom` throws. */
export const counter: Machine = {
  ...forTests,
  name: "counter",
  input: z.strictObject({ count: z.number().int().optional() }),
  events: counterEvents,
  laws: counterLaws,
  chart: setup({
    types: {
      context: {} as CounterContext,
      events: {} as EventsOf<typeof counterEvents>,
      input: {} as { count: number | undefined },
      emitted: {} as { type: "rung"; count: number },
    },
    guards: guardsOf(counterLaws),
  }).createMachine({
    id: "counter",
    options,
    context: ({ input }) => ({ count: input.count ?? 0, times: [], by: [] }),
    initial: "Counting",
    states: {
      Counting: {
        on: {
          inc: {
            actions: assign({
              count: ({ context, event }) => context.count + (event.by ?? 1),
              times: ({ context, event }) => [...context.times, event.at],
              by: ({ context, event }) => [...context.by, event.principal ?? ""],
            }),
          },
          dec: { guard: "isPositive", actions: assign({ count: ({ context }) => context.count - 1 }) },
          touch: { description: "Nothing follows." },
          ring: { actions: emit(({ context }) => ({ type: "rung" as const, count: context.count })) },
          finish: "Finished",
          boom: { guard: "explodes", target: "Finished" },
          reset: { actions: assign({ count: 0 }) },
        },
      },
      Finished: { type: "final" },
    },
    output: ({ context }) => context.count,
  }),
};

const eggEvents = {
  start: sentBy("person", { ms: z.number() }),
  extend: sentBy("person", { ms: z.number() }),
  stop: sentBy("person", {}),
  "deadline.passed": sentBy("engine", {}),
} satisfies EventSchemas;

type EggEvent = EventsOf<typeof eggEvents>;

/** A timer of every kind: `after` says when it is soft, a deadline that `extend` moves says when it rings. */
export const egg: Machine = {
  ...forTests,
  name: "egg",
  input: z.strictObject({ softMs: z.number() }),
  events: eggEvents,
  laws: {},
  chart: setup({
    types: {
      context: {} as { softMs: number; ms: number; fired: { what: string; at: number }[] },
      events: {} as EggEvent,
      input: {} as { softMs: number },
    },
    delays: { soft: ({ context }) => context.softMs },
    actions: {
      armDeadline: raise({ type: "deadline.passed" } as EggEvent, {
        id: "deadline",
        delay: ({ context }) => context.ms,
      }),
      keep: assign({ ms: ({ context, event }) => ("ms" in event ? event.ms : context.ms) }),
      record: assign({
        fired: ({ context, event }) => [...context.fired, { what: event.type, at: event.at }],
      }),
    },
  }).createMachine({
    id: "egg",
    options,
    context: ({ input }) => ({ softMs: input.softMs, ms: 0, fired: [] }),
    initial: "Cold",
    states: {
      Cold: { on: { start: { target: "Boiling", actions: ["keep", "armDeadline"] } } },
      Boiling: {
        on: {
          extend: { actions: ["keep", cancel("deadline"), "armDeadline"] },
          stop: "Cold",
          "deadline.passed": { target: "Hard", actions: "record" },
        },
        exit: cancel("deadline"),
        initial: "Raw",
        states: { Raw: { after: { soft: { target: "Soft", actions: "record" } } }, Soft: {} },
      },
      Hard: { on: { start: { target: "Boiling", actions: ["keep", "armDeadline"] } } },
    },
  }),
};

const callerEvents = {
  go: sentBy("person", { what: z.string().optional() }),
  again: sentBy("person", {}),
  cancel: sentBy("person", {}),
  spoil: sentBy("person", {}),
  once: sentBy("person", {}),
  watch: sentBy("person", {}),
  progress: sentBy("provider", { percent: z.number() }),
} satisfies EventSchemas;

type CallerContext = { what: string; spoilt: boolean; percent: number; result: unknown };

const callerLaws = {
  isUnspoilt: ({ spoilt }: CallerContext): Refusal | undefined =>
    spoilt ? { code: "spoilt", detail: "The result is not wanted any more." } : undefined,
};

/** Makes calls: `work` is tried three times, `once` a single time, `watch` runs until it is withdrawn. */
export const caller: Machine = {
  ...forTests,
  name: "caller",
  input: z.strictObject({}),
  events: callerEvents,
  laws: callerLaws,
  chart: setup({
    types: { context: {} as CallerContext, events: {} as EventsOf<typeof callerEvents> },
    actors: {
      work: activity<{ what: string }, unknown>({ retry: { attempts: 3, baseMs: 1_000, maxMs: 10_000 } }),
      once: activity<Record<string, never>, unknown>({ retry: { attempts: 1, baseMs: 1, maxMs: 1 } }),
      watch: activity<Record<string, never>>({ untilWithdrawn: true }),
    },
    guards: guardsOf(callerLaws),
    actions: {
      keepWhat: assign({ what: ({ event }) => (event.type === "go" ? event.what : undefined) ?? "something" }),
      keepOutput: assign({ result: ({ event }) => (event as unknown as { output: unknown }).output }),
      keepError: assign({ result: ({ event }) => (event as unknown as { error: unknown }).error }),
    },
  }).createMachine({
    id: "caller",
    options,
    context: { what: "", spoilt: false, percent: 0, result: null },
    initial: "Idle",
    states: {
      Idle: {
        on: {
          go: { target: "Working", actions: "keepWhat" },
          once: "Trying",
          watch: "Watching",
        },
      },
      Working: {
        invoke: {
          id: "work",
          src: "work",
          input: ({ context }) => ({ what: context.what }),
          onDone: { guard: "isUnspoilt", target: "Done", actions: "keepOutput" },
          onError: { target: "Failed", actions: "keepError" },
        },
        on: {
          again: { target: "Working", reenter: true },
          cancel: "Idle",
          spoil: { actions: assign({ spoilt: true }) },
          progress: { actions: assign({ percent: ({ event }) => event.percent }) },
        },
      },
      Trying: {
        invoke: {
          id: "once",
          src: "once",
          input: {},
          onDone: { target: "Done", actions: "keepOutput" },
          onError: { target: "Failed", actions: "keepError" },
        },
      },
      Watching: {
        invoke: {
          id: "watch",
          src: "watch",
          input: {},
          onDone: { target: "Done", actions: "keepOutput" },
          onError: { target: "Failed", actions: "keepError" },
        },
        on: {
          cancel: "Idle",
          progress: { actions: assign({ percent: ({ event }) => event.percent }) },
        },
      },
      Done: { on: { go: { target: "Working", actions: "keepWhat" }, cancel: "Idle" } },
      Failed: { on: { go: { target: "Working", actions: "keepWhat" } } },
    },
  }),
};

const parentEvents = {
  hire: sentBy("person", { child: z.string(), machine: z.string().optional(), grandchild: z.string().optional() }),
  dismiss: sentBy("person", {}),
  retire: sentBy("person", {}),
} satisfies EventSchemas;

/** Has one child at a time. A child's machine is `child` unless the event names another. */
export const parent: Machine = {
  ...forTests,
  name: "parent",
  input: z.strictObject({}),
  events: parentEvents,
  laws: {},
  chart: setup({
    types: {
      context: {} as { child: string; machine: string; grandchild: string | null; result: unknown },
      events: {} as EventsOf<typeof parentEvents>,
    },
    actors: { instance: instanceActivity() },
  }).createMachine({
    id: "parent",
    options,
    context: { child: "", machine: "", grandchild: null, result: null },
    initial: "Alone",
    states: {
      Alone: {
        on: {
          hire: {
            target: "Waiting",
            actions: assign({
              child: ({ event }) => event.child,
              machine: ({ event }) => event.machine ?? "child",
              grandchild: ({ event }) => event.grandchild ?? null,
            }),
          },
          retire: "Gone",
        },
      },
      Waiting: {
        invoke: {
          id: "child",
          src: "instance",
          input: ({ context: { machine, child, grandchild } }) => ({
            machine,
            id: child,
            input: grandchild === null ? {} : { grandchild },
          }),
          onDone: { target: "Alone", actions: assign({ result: ({ event }) => ({ output: event.output }) }) },
          onError: { target: "Alone", actions: assign({ result: ({ event }) => ({ error: event.error }) }) },
        },
        on: { dismiss: "Alone", retire: "Gone" },
      },
      Gone: { type: "final" },
    },
  }),
};

const childEvents = {
  finish: sentBy("person", { result: z.string() }),
  stop: sentBy(["person", "engine"], {}),
} satisfies EventSchemas;

type ChildContext = { grandchild: string | null; result: string };

const childLaws = {
  hasGrandchild: ({ grandchild }: ChildContext): Refusal | undefined =>
    grandchild === null ? { code: "no-grandchild", detail: "It works itself." } : undefined,
};

/** Ends with a result, or stopped; may have a child of its own. */
export const child: Machine = {
  ...forTests,
  name: "child",
  input: z.strictObject({ grandchild: z.string().optional() }),
  events: childEvents,
  laws: childLaws,
  cancelEvent: "stop",
  chart: setup({
    types: {
      context: {} as ChildContext,
      events: {} as EventsOf<typeof childEvents>,
      input: {} as { grandchild: string | undefined },
    },
    actors: { instance: instanceActivity() },
    guards: guardsOf(childLaws),
  }).createMachine({
    id: "child",
    options,
    context: ({ input }) => ({ grandchild: input.grandchild ?? null, result: "" }),
    initial: "Beginning",
    on: {
      finish: { target: ".Done", actions: assign({ result: ({ event }) => event.result }) },
      stop: ".Stopped",
    },
    states: {
      Beginning: { always: [{ guard: "hasGrandchild", target: "Delegating" }, { target: "Working" }] },
      Working: {},
      Delegating: {
        invoke: {
          id: "grandchild",
          src: "instance",
          input: ({ context }) => ({ machine: "child", id: context.grandchild ?? "", input: {} }),
          onDone: { target: "Done", actions: assign({ result: "delegated" }) },
          onError: "Stopped",
        },
      },
      Done: { type: "final" },
      Stopped: { type: "final" },
    },
    output: ({ context }) => context.result,
  }),
};

const messengerEvents = {
  say: sentBy("person", { to: z.string(), words: z.array(z.string()) }),
  hear: sentBy("engine", { word: z.string() }),
  mumble: sentBy("person", {}),
  hush: sentBy("person", {}),
  listen: sentBy("person", {}),
} satisfies EventSchemas;

type MessengerContext = { heard: string[] };

const messengerLaws = {
  isBearable: (_context: MessengerContext, event: EventsOf<typeof messengerEvents>): Refusal | undefined => {
    if (event.type === "hear" && event.word === "poison") throw new Error("poisoned");
    return undefined;
  },
};

/** Says words to another one, which hears them in order unless it is deaf; one word makes it throw. */
export const messenger: Machine = {
  ...forTests,
  name: "messenger",
  input: z.strictObject({}),
  events: messengerEvents,
  laws: messengerLaws,
  chart: setup({
    types: { context: {} as MessengerContext, events: {} as EventsOf<typeof messengerEvents> },
    guards: guardsOf(messengerLaws),
    actions: { message },
  }).createMachine({
    id: "messenger",
    options,
    context: { heard: [] },
    initial: "Listening",
    on: {
      say: {
        actions: enqueueActions(({ enqueue, event }) => {
          for (const word of event.words) {
            enqueue({ type: "message", params: { to: event.to, event: { type: "hear", word } } });
          }
        }),
      },
      mumble: {
        actions: {
          type: "message",
          params: ({ context }) => ({ to: context.heard[99] as string, event: { type: "hear", word: "mmh" } }), // to nobody
        },
      },
    },
    states: {
      Listening: {
        on: {
          hear: {
            guard: "isBearable",
            actions: assign({ heard: ({ context, event }) => [...context.heard, event.word] }),
          },
          hush: "Deaf",
        },
      },
      Deaf: { on: { listen: "Listening" } },
    },
  }),
};

export const testMachines: readonly Machine[] = [counter, egg, caller, parent, child, messenger];

const doorEvents = { open: sentBy("person", {}), close: sentBy("person", {}) } satisfies EventSchemas;

/** The same door at three versions: the second renames `Shut`, the third adds a count. */
export function door(version: 1 | 2 | 3, migrations: Machine["migrations"] = doorMigrations): Machine {
  const shut = version === 1 ? "Shut" : "Closed";
  const chart = setup({
    types: { context: {} as { opened: number | undefined }, events: {} as EventsOf<typeof doorEvents> },
  }).createMachine({
    id: "door",
    options,
    context: { opened: version === 3 ? 0 : undefined },
    initial: shut,
    states: {
      [shut]: {
        on: {
          open: {
            target: "Open",
            actions: assign(({ context }) => ({ opened: version === 3 ? (context.opened ?? 0) + 1 : undefined })),
          },
        },
      },
      Open: { on: { close: shut } },
    },
  });
  return {
    ...forTests,
    name: "door",
    version,
    input: z.strictObject({}),
    events: doorEvents,
    laws: {},
    chart,
    ...(version > 1 && migrations && { migrations }),
  };
}

interface StoredDoor {
  value: string;
  context: object;
}

const doorMigrations: NonNullable<Machine["migrations"]> = {
  1: (stored) => {
    const { value, ...rest } = stored as StoredDoor;
    return { ...rest, value: value === "Shut" ? "Closed" : value };
  },
  2: (stored) => ({ ...(stored as StoredDoor), context: { opened: 0 } }),
};
