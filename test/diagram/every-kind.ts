import { and, assign, cancel, createMachine, emit, fromPromise, not, or, raise, setup, stateIn } from "xstate";

const vocabulary = setup({
  types: { context: {} as { tries: number }, events: {} as { type: string } },
  actors: { fetch: fromPromise(() => Promise.resolve()) },
  guards: { isFine: () => true, isAbove: (_args, _params: { limit: number }) => true },
  actions: {
    record: () => undefined,
  },
  delays: { pause: 100 },
});

/** A chart with every kind of state, arc, guard and action; for pictures only, it would not be registered. */
export const everyKind = vocabulary
  .extend({
    actions: {
      arm: vocabulary.enqueueActions(({ context, enqueue }) => {
        if (context.tries > 99) return;
        enqueue.raise({ type: "work.late" }, { id: "late", delay: context.tries * 1_000 });
      }),
      never: vocabulary.enqueueActions(({ context, enqueue }) => {
        while (context.tries !== 0) enqueue("record"); // does not end on a stand-in
      }),
    },
  })
  .createMachine({
    id: "everyKind",
    description: "A chart with every kind of node.",
    context: { tries: 0 },
    initial: "Idle",
    on: { reset: ".Idle", shout: { actions: emit({ type: "loud" }) }, heard: { description: "Nothing follows." } },
    states: {
      Idle: {
        tags: ["steady"],
        on: {
          go: { target: "Work", actions: "never" },
          again: { target: "Idle", reenter: true },
          poke: { guard: "isFine", actions: "record" },
        },
      },
      Work: {
        description: "Something is done.",
        tags: ["busy"],
        initial: "First",
        entry: ["arm", assign({ tries: ({ context }) => context.tries + 1 })],
        exit: cancel("late"),
        invoke: { id: "fetch", src: "fetch", onDone: "Both", onError: "Broken" },
        on: {
          pause: "Paused",
          next: ".Second",
          "work.late": { guard: { type: "isAbove", params: { limit: 3 } }, target: "Broken" },
        },
        onDone: "Done",
        states: {
          First: { after: { 1500: "Second", pause: { guard: not("isFine"), target: "Second" } } },
          Second: {
            entry: raise({ type: "tick" }, { id: "tick", delay: 60_000 }),
            on: { back: "First", up: "#everyKind.Work", tick: "Last" },
          },
          Last: { type: "final" },
          Resumed: { type: "history", history: "deep", target: "First" },
          Newest: { type: "history" },
        },
      },
      Paused: { on: { resume: "Work.Resumed", newest: "Work.Newest" } },
      Both: {
        type: "parallel",
        onDone: "Done",
        on: { abort: "Broken" },
        states: {
          Left: {
            initial: "Open",
            states: { Open: { on: { shut: "Shut", quit: "#everyKind.Idle" } }, Shut: { type: "final" } },
          },
          Right: {
            initial: "Open",
            states: { Open: { on: { shut: "Shut", over: "#everyKind.Both.Left.Shut" } }, Shut: { type: "final" } },
          },
        },
      },
      Broken: {
        tags: ["attention", "page"],
        always: { guard: and(["isFine", not("isFine"), or([stateIn({ Work: "First" }), "isFine"])]), target: "Idle" },
        on: { enter: "#everyKind.Both.Left.Shut" },
      },
      Done: { type: "final" },
    },
  });

const hostile = `</text><script>alert("x")</script>'&]]> --> end note; %% # : {}\n[*] \u0000`;

/** A chart whose every name tries to be more than text. */
export const hostileNames = createMachine({
  id: `hostile"<i>`,
  description: hostile,
  initial: `a<b>"&'`,
  states: {
    [`a<b>"&'`]: {
      description: hostile,
      tags: [hostile],
      entry: [hostile],
      invoke: { id: `<id>`, src: hostile, onDone: "end note" },
      on: { [hostile]: { guard: hostile, target: "--", actions: hostile }, "<b>&": { actions: hostile } },
    },
    "--": { on: { ["long".repeat(200)]: "end note" } },
    "end note": { type: "final" },
  },
});
