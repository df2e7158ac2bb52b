import {
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromPromise,
  log,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
  type AnyStateMachine,
  type EventObject,
} from "xstate";
import { describe, expect, it } from "vitest";
import { activity, message } from "../../src/core/activity.ts";
import { isSignalboxError } from "../../src/core/errors.ts";
import { guardsOf, type Laws } from "../../src/core/law.ts";
import { checkFitness, unfitnessOf } from "../../src/core/registration.ts";
import { machineOf } from "./machine-of.ts";

interface Guilty {
  construct: string;
  chart: AnyStateMachine;
  laws?: Laws;
  at?: string;
  fault: string;
  instead: RegExp;
}

const options = { maxIterations: 10 };
const ends = { onDone: {}, onError: {} };
const pass: Laws = { isReady: () => undefined };

/** A chart with these actions on entry, and nothing else. */
const entering = (entry: unknown, actions: object = {}) =>
  createMachine({ id: "chart", options, entry } as object).provide({ actions });

const invoking = (invoke: object, actors: object = { work: activity() }) =>
  createMachine({ id: "chart", options, invoke } as object).provide({ actors });

const hearing = (on: object) => createMachine({ id: "chart", options, on } as object);

const guarding = (guard: unknown) =>
  hearing({ go: { guard, actions: [] } }).provide({ guards: { isReady: () => true } });

const regions = (more: { root?: object; insideA?: object; insideB?: object }) =>
  createMachine({
    id: "chart",
    options,
    initial: "on",
    ...more.root,
    states: {
      on: {
        type: "parallel",
        states: {
          a: { initial: "a1", ...more.insideA, states: { a1: {}, a2: {} } },
          b: { initial: "b1", ...more.insideB, states: { b1: {}, b2: {} } },
        },
      },
      off: {},
    },
  } as object);

const guilty: readonly Guilty[] = [
  ...sends(),
  ...spawns(),
  ...invokes(),
  ...actions(),
  ...guards(),
  ...events(),
  ...timers(),
  ...entriesIntoRegions(),
  ...charts(),
];

function sends(): Guilty[] {
  const instead = /the named action `message`/;
  const sent = "sends to an actor (sendTo, sendParent or forwardTo)";
  return [
    {
      construct: "sendTo",
      chart: entering(sendTo("other", { type: "hello" })),
      fault: sent,
      instead,
    },
    {
      construct: "sendTo under a name",
      chart: entering("tell", { tell: sendTo("other", { type: "hello" }) }),
      fault: sent,
      instead,
    },
    { construct: "sendParent", chart: entering(sendParent({ type: "hello" })), fault: sent, instead },
    { construct: "forwardTo", chart: entering(forwardTo("other")), fault: sent, instead },
    {
      construct: "a send inside enqueueActions",
      chart: entering(enqueueActions(({ enqueue }) => enqueue.sendTo("other", { type: "hello" }))),
      fault: "sends or spawns inside enqueueActions",
      instead,
    },
    {
      construct: "a send built outside the queue and enqueued",
      chart: entering(enqueueActions(({ enqueue }) => enqueue(sendParent({ type: "hello" })))),
      fault: "sends or spawns inside enqueueActions",
      instead,
    },
    {
      construct: "a send on an arc",
      chart: hearing({ go: { actions: sendTo("other", { type: "hello" }) } }),
      fault: sent,
      instead,
    },
    {
      construct: "a message that setup does not declare",
      chart: entering({ type: "message", params: { to: "other", event: { type: "hello" } } }),
      fault: "sends a message that is not declared",
      instead: /`actions: \{ message \}` in setup/,
    },
  ];
}

function spawns(): Guilty[] {
  const instead = /invoke an activity from a state/;
  const spawned = "spawns an actor in an assignment";
  return [
    {
      construct: "spawn in an assignment",
      chart: entering(assign(({ spawn }) => ({ child: spawn("work") }))),
      fault: spawned,
      instead,
    },
    {
      construct: "spawn in an assignment of one field",
      chart: entering(assign({ child: ({ spawn }) => spawn("work") })),
      fault: spawned,
      instead,
    },
    {
      construct: "spawn in a named assignment",
      chart: entering("begin", { begin: assign({ child: ({ spawn }) => spawn("work") }) }),
      fault: spawned,
      instead,
    },
    {
      construct: "spawn in the context factory",
      chart: createMachine({
        id: "chart",
        options,
        context: ({ spawn }: { spawn: (src: string) => unknown }) => ({ child: spawn("work") }),
      } as object),
      at: "local",
      fault: "spawns an actor in its context",
      instead,
    },
    {
      construct: "the action spawnChild",
      chart: entering(spawnChild("work")),
      fault: "spawns a child by an action",
      instead,
    },
    {
      construct: "spawnChild inside enqueueActions",
      chart: entering(enqueueActions(({ enqueue }) => enqueue.spawnChild("work"))),
      fault: "sends or spawns inside enqueueActions",
      instead,
    },
    {
      construct: "spawn in an assignment inside enqueueActions",
      chart: entering(enqueueActions(({ enqueue }) => enqueue.assign(({ spawn }) => ({ child: spawn("work") })))),
      fault: "sends or spawns inside enqueueActions",
      instead,
    },
  ];
}

function invokes(): Guilty[] {
  return [
    {
      construct: "an invoke of inline logic",
      chart: invoking({ id: "call", src: activity(), ...ends }),
      fault: "invokes inline logic (call)",
      instead: /`setup\(\{ actors \}\)` with `activity\(\)`/,
    },
    {
      construct: "an invoke of a callback actor",
      chart: invoking({ id: "call", src: "listen", ...ends }, { listen: fromCallback(() => undefined) }),
      fault: "invokes listen, which is no activity",
      instead: /`actors: \{ listen: activity<Input, Output>\(\) \}`/,
    },
    {
      construct: "an invoke of a promise actor that is no activity",
      chart: invoking({ id: "call", src: "load", ...ends }, { load: fromPromise(() => Promise.resolve()) }),
      fault: "invokes load, which is no activity",
      instead: /a provider performs it/,
    },
    {
      construct: "an invoke of an actor that nobody declared",
      chart: invoking({ id: "call", src: "lost", ...ends }),
      fault: "invokes lost, which is no activity",
      instead: /`actors: \{ lost: activity<Input, Output>\(\) \}`/,
    },
    {
      construct: "an invoke without onDone",
      chart: invoking({ id: "call", src: "work", onError: {} }),
      fault: "invokes call without onDone",
      instead: /what follows when it is done/,
    },
    {
      construct: "an invoke without onError",
      chart: invoking({ id: "call", src: "work", onDone: {} }),
      fault: "invokes call without onError",
      instead: /what follows when it has failed/,
    },
    {
      construct: "an invoke that listens to snapshots",
      chart: invoking({ id: "call", src: "work", ...ends, onSnapshot: {} }),
      fault: "listens to snapshots of call",
      instead: /report events/,
    },
    {
      construct: "one id for the calls of two regions",
      chart: createMachine({
        id: "chart",
        options,
        initial: "on",
        states: {
          on: {
            type: "parallel",
            states: {
              a: { initial: "a1", states: { a1: { invoke: { id: "call", src: "work", ...ends } } } },
              b: { invoke: { id: "call", src: "work", ...ends } },
            },
          },
        },
      } as object).provide({ actors: { work: activity() } }),
      at: "local",
      fault: "uses the id call for two calls that may run at the same time",
      instead: /give each its own/,
    },
    {
      construct: "one id for the calls of a state and of one inside it",
      chart: createMachine({
        id: "chart",
        options,
        invoke: { id: "call", src: "work", ...ends },
        initial: "a",
        states: { a: { invoke: { id: "call", src: "work", ...ends } } },
      } as object).provide({ actors: { work: activity() } }),
      at: "local",
      fault: "uses the id call for two calls that may run at the same time",
      instead: /give each its own/,
    },
    {
      construct: "a systemId",
      chart: invoking({ id: "call", src: "work", systemId: "worker", ...ends }),
      fault: "gives call a systemId",
      instead: /a message to an instance by its id/,
    },
  ];
}

function actions(): Guilty[] {
  const instead = /let a state invoke an activity/;
  return [
    {
      construct: "an action without a name",
      chart: createMachine({ id: "chart", options, exit: [() => undefined] }),
      fault: "runs the action (anonymous)",
      instead,
    },
    {
      construct: "an inline action",
      chart: entering(function ring() {}),
      fault: "runs the action ring",
      instead,
    },
    {
      construct: "a custom action",
      chart: hearing({ go: { actions: "ring" } }).provide({ actions: { ring: () => undefined } }),
      fault: "runs the action ring",
      instead,
    },
    {
      construct: "an action that nobody declared",
      chart: entering({ type: "ring" }),
      fault: "runs the action ring",
      instead,
    },
    {
      construct: "an action on the way into the initial state",
      chart: createMachine({
        id: "chart",
        options,
        initial: { target: "a", actions: "ring" },
        states: { a: {} },
      }),
      fault: "runs the action ring",
      instead,
    },
    {
      construct: "log",
      chart: entering(log("hello")),
      fault: "runs the action xstate.log",
      instead: /the journal keeps what happened/,
    },
    {
      construct: "stopChild",
      chart: entering(stopChild("call")),
      fault: "runs the action xstate.stopChild",
      instead: /leave it out/,
    },
  ];
}

function guards(): Guilty[] {
  const unnamed = { fault: "has a guard without a name", instead: /write a law and name it/ };
  const lawless = { fault: "has the guard isReady, which is no law", instead: /`guardsOf\(laws\)`/ };
  return [
    { construct: "a guard without a name", chart: guarding(() => true), ...unnamed },
    {
      construct: "a guard without a name inside and",
      chart: guarding(and(["isReady", () => true])),
      laws: pass,
      ...unnamed,
    },
    {
      construct: "a guard without a name inside or",
      chart: guarding(or(["isReady", () => true])),
      laws: pass,
      ...unnamed,
    },
    { construct: "a guard without a name inside not", chart: guarding(not(() => true)), ...unnamed },
    {
      construct: "a guard without a name on an always arc",
      chart: createMachine({ id: "chart", options, always: { guard: () => false, actions: [] } }),
      ...unnamed,
    },
    { construct: "a named guard that is no law", chart: guarding("isReady"), ...lawless },
    {
      construct: "a named guard with params that is no law",
      chart: guarding({ type: "isReady", params: 1 }),
      ...lawless,
    },
    { construct: "a named guard that is no law inside not", chart: guarding(not("isReady")), ...lawless },
  ];
}

function events(): Guilty[] {
  return [
    { construct: "the wildcard", chart: hearing({ "*": {} }), fault: "listens to *", instead: /name each event/ },
    {
      construct: "a partial wildcard",
      chart: hearing({ "node.*": {} }),
      fault: "listens to node.*",
      instead: /name each event/,
    },
    {
      construct: "an event forbidden by undefined",
      chart: hearing({ go: undefined }),
      fault: "forbids go by undefined",
      instead: /leave the event out/,
    },
  ];
}

function timers(): Guilty[] {
  const nameless = { fault: "raises an event with a delay but without an id", instead: /give the raise an id/ };
  return [
    {
      construct: "a delayed raise without an id",
      chart: entering(raise({ type: "late" }, { delay: 1_000 })),
      ...nameless,
    },
    {
      construct: "a named delayed raise without an id",
      chart: entering("arm", { arm: raise({ type: "late" }, { delay: () => 1_000 }) }),
      ...nameless,
    },
    {
      construct: "one id for a timer and for a call",
      chart: invoking({
        id: "call",
        src: "work",
        onError: {},
        onDone: { actions: raise({ type: "late" }, { id: "call", delay: 5 }) },
      }),
      at: "local",
      fault: "uses the id call for a timer and for a call",
      instead: /give each its own/,
    },
    {
      construct: "one id for a named timer and for a call",
      chart: invoking({ id: "call", src: "work", onError: {}, onDone: { actions: "arm" } }).provide({
        actions: { arm: raise({ type: "late" }, { id: "call", delay: 5 }) },
      }),
      at: "local",
      fault: "uses the id call for a timer and for a call",
      instead: /give each its own/,
    },
    {
      construct: "an after whose delay nobody declared",
      chart: createMachine({ id: "chart", options, after: { soak: {} } } as object),
      fault: "waits for the delay soak, which nobody declared",
      instead: /`delays: \{ soak: \.\.\. \}`/,
    },
    {
      construct: "a delayed raise whose delay nobody declared",
      chart: entering(raise({ type: "late" }, { id: "late", delay: "soak" as never })),
      fault: "waits for the delay soak, which nobody declared",
      instead: /`delays: \{ soak: \.\.\. \}`/,
    },
  ];
}

function entriesIntoRegions(): Guilty[] {
  const into = (region: string, event: string) =>
    `moves into the parallel region ${region} from outside it (on ${event}), which resets its siblings`;
  return [
    {
      construct: "an arc of the root into a parallel region",
      chart: regions({ root: { on: { jump: ".on.a.a2" } } }),
      fault: into("a", "jump"),
      instead: /declare the transition on chart\.on\.a$/,
    },
    {
      construct: "an arc of the parallel state itself into one of its regions",
      chart: createMachine({
        id: "chart",
        options,
        type: "parallel",
        meta: { leads: "a" },
        on: { jump: ".a.a2" },
        states: { a: { initial: "a1", states: { a1: {}, a2: {} } }, b: {} },
      } as object),
      fault: into("a", "jump"),
      instead: /declare the transition on chart\.a$/,
    },
    {
      construct: "an arc of a sibling region",
      chart: regions({ insideB: { on: { jump: "#chart.on.a.a2" } } }),
      at: "chart.on.b",
      fault: into("a", "jump"),
      instead: /declare the transition on chart\.on\.a$/,
    },
    {
      construct: "an always arc of a sibling region",
      chart: regions({ insideB: { always: { target: "#chart.on.a.a2", guard: "isReady" } } }),
      laws: pass,
      at: "chart.on.b",
      fault: into("a", "always"),
      instead: /declare the transition on chart\.on\.a$/,
    },
    {
      construct: "an arc into a region of a nested parallel state",
      chart: createMachine({
        id: "chart",
        options,
        type: "parallel",
        meta: { leads: "outer" },
        states: {
          outer: {
            type: "parallel",
            on: { jump: ".a.a2" },
            states: { a: { initial: "a1", states: { a1: {}, a2: {} } }, b: {} },
          },
          other: {},
        },
      } as object),
      at: "chart.outer",
      fault: into("a", "jump"),
      instead: /declare the transition on chart\.outer\.a$/,
    },
  ];
}

function charts(): Guilty[] {
  const leaderless = {
    at: "local",
    fault: "has parallel regions and names none that leads",
    instead: /`meta: \{ leads: "\.\.\." \}` with one of a, b/,
  };
  return [
    {
      construct: "a chart without maxIterations",
      chart: createMachine({ id: "chart" }),
      at: "local",
      fault: "has no maxIterations, so that a circle of transitions would never end",
      instead: /`options: \{ maxIterations: 100 \}`/,
    },
    {
      construct: "a parallel chart that names no leading region",
      chart: createMachine({ id: "chart", options, type: "parallel", states: { a: {}, b: {} } }),
      ...leaderless,
    },
    {
      construct: "a parallel chart whose leading region it does not have",
      chart: createMachine({ id: "chart", options, type: "parallel", meta: { leads: "c" }, states: { a: {}, b: {} } }),
      ...leaderless,
    },
  ];
}

describe("a machine's fitness", () => {
  it.each(guilty)("is denied for $construct, with what to write instead", ({ chart, laws, at, fault, instead }) => {
    const faults = unfitnessOf(machineOf(chart, laws));

    expect(faults).toEqual([{ at: at ?? "chart", fault, instead: expect.stringMatching(instead) as string }]);
  });

  it("is denied for a state that is reached by route", () => {
    const chart = createMachine({
      id: "chart",
      options,
      initial: "a",
      states: { a: { id: "a", route: {} } },
    } as object);

    const faults = unfitnessOf(machineOf(chart));

    expect(faults).toContainEqual({ at: "a", fault: "is reached by route", instead: "name an event" });
  });

  it("is denied with all faults at once, in one error that says each", () => {
    const chart = createMachine({
      id: "chart",
      entry: [log("hello"), () => undefined],
      on: { "*": {}, go: { guard: () => true, actions: sendTo("other", { type: "hello" }) } },
      invoke: { id: "call", src: "lost" },
    });

    const error = thrownBy(() => checkFitness(machineOf(chart)));

    if (!isSignalboxError(error, "machine-unfit")) throw error;
    const { faults } = error.details.extra as { faults: { at: string; fault: string; instead: string }[] };
    expect(faults.map(({ fault }) => fault)).toEqual([
      "has no maxIterations, so that a circle of transitions would never end",
      "invokes lost, which is no activity",
      "invokes call without onDone",
      "invokes call without onError",
      "listens to *",
      "has a guard without a name",
      "runs the action xstate.log",
      "runs the action (anonymous)",
      "sends to an actor (sendTo, sendParent or forwardTo)",
    ]);
    for (const { at, fault, instead } of faults) expect(error.detail).toContain(`${at}: ${fault}; ${instead}`);
  });

  it("is granted to a chart that uses everything that is allowed", () => {
    const laws = {
      isReady: (_context: Count) => undefined,
      isOver: (_context: Count, _event: EventObject, limit: number) =>
        limit > 0 ? undefined : { code: "under", detail: "It is not over the limit." },
    } satisfies Laws;
    const vocabulary = setup({
      types: { context: {} as Count },
      actors: { work: activity<{ n: number }>() },
      guards: guardsOf(laws),
      delays: { soak: () => 1_000 },
      actions: { message, count: assign({ n: 1 }), arm: raise({ type: "late" }, { id: "deadline", delay: 60_000 }) },
    });
    const chart = vocabulary.createMachine({
      id: "chart",
      options,
      context: { n: 0 },
      initial: "Off",
      states: {
        Off: { on: { start: { target: "On", guard: "isReady" }, resume: "#chart.On.a.last" } },
        On: {
          type: "parallel",
          entry: ["count", "arm", emit({ type: "started" }), raise({ type: "kick" })],
          exit: cancel("deadline"),
          on: { stop: "Off", late: { actions: assign({ n: 2 }) }, again: { target: "On", reenter: true } },
          states: {
            a: {
              initial: "a1",
              states: {
                a1: {
                  on: { kick: "a2", go: { guard: { type: "isOver", params: 1 }, target: "a2" } },
                  after: { 500: "a2", soak: "a2" },
                },
                a2: {
                  initial: "deep",
                  invoke: { id: "call", src: "work", input: { n: 1 }, onDone: "a3", onError: "a1" },
                  always: { guard: and([not("isReady"), or(["isReady", stateIn({ On: { b: "b2" } })])]), target: "a3" },
                  states: { deep: {} },
                },
                a3: { type: "final" },
                last: { type: "history", history: "deep" },
              },
            },
            b: {
              initial: "b1",
              states: {
                b1: {
                  on: {
                    go: {
                      target: "b2",
                      actions: enqueueActions(({ enqueue, check }) => {
                        if (check("isReady")) enqueue({ type: "message", params: { to: "x", event: { type: "y" } } });
                        enqueue.raise({ type: "soon" }, { id: "soon", delay: 5 });
                      }),
                    },
                  },
                },
                b2: { on: { back: "recent" } },
                recent: { type: "history" },
              },
            },
          },
          onDone: "Over",
        },
        Over: { type: "final" },
      },
    });

    const machine = machineOf(chart, laws);

    expect(unfitnessOf(machine)).toEqual([]);
    expect(() => checkFitness(machine)).not.toThrow();
  });
});

interface Count {
  n: number;
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown");
}
