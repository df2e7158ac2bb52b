import { assign, cancel, createMachine, emit, enqueueActions, log, raise, setup, type EventObject } from "xstate";
import { describe, expect, it } from "vitest";
import { activity, message } from "../../src/core/activity.ts";
import { isSignalboxError, type SignalboxError } from "../../src/core/errors.ts";
import { guardsOf, type Laws } from "../../src/core/law.ts";
import { start, step } from "../../src/core/step.ts";
import { accepted, begun, lever, machineOf, reasonsOf } from "./machine-of.ts";

const options = { maxIterations: 10 };

describe("an accepted event", () => {
  it("changes the instance when a state follows", () => {
    const { machine, snapshot } = begun(lever());

    const result = accepted(step(machine, snapshot, { type: "pull", at: 2 }));

    expect(result.outcome).toBe("changed");
    expect(result.snapshot.value).toBe("Reversed");
  });

  it("changes the instance when only its context follows", () => {
    const { machine, snapshot } = begun(lever());

    const result = accepted(step(machine, snapshot, { type: "oil", at: 2 }));

    expect(result.outcome).toBe("changed");
    expect(result.snapshot.value).toBe("Normal");
    expect(result.snapshot.context).toEqual({ oiledAt: 2 });
  });

  it("changes the instance when only an effect follows", () => {
    const { machine, snapshot } = begun(lever());

    const result = accepted(step(machine, snapshot, { type: "ring", at: 2 }));

    expect(result.outcome).toBe("changed");
    expect(result.snapshot).toBe(snapshot);
    expect(result.effects).toEqual([{ kind: "emitted", event: { type: "rung" } }]);
  });

  it("leaves the instance unchanged when its arc has neither target nor actions", () => {
    const { machine, snapshot } = begun(lever());

    const result = accepted(step(machine, snapshot, { type: "touch", at: 2 }));

    expect(result).toEqual({ outcome: "unchanged", snapshot, effects: [], via: [] });
    expect(result.snapshot).toBe(snapshot);
  });

  it("gives the same twice", () => {
    const { machine, snapshot } = begun(lever());

    const [first, second] = [1, 2].map(() => accepted(step(machine, snapshot, { type: "pull", at: 2 })));

    expect(second?.snapshot.value).toEqual(first?.snapshot.value);
    expect(second?.effects).toEqual(first?.effects);
    expect(snapshot.value).toBe("Normal");
  });
});

describe("an event of XState's own", () => {
  it.each([
    "xstate.stop",
    "xstate.init",
    "xstate.error.actor.stranger",
    "xstate.done.actor.stranger",
    "xstate.done.state.local",
    "xstate.snapshot.actor.carry",
    "xstate.after.1000.other",
  ])("never moves or ends an instance from outside: %s", (type) => {
    const { machine, snapshot } = begun(carrier());

    const result = step(machine, snapshot, { type, at: 2, error: "no", output: "yes" });

    expect(reasonsOf(result)).toMatchObject([{ code: "not-accepted" }]);
    expect(result.snapshot).toBe(snapshot);
    expect(snapshot.status).toBe("active");
  });

  it.each(["xstate.done.actor.carry", "xstate.error.actor.carry"])(
    "is refused when the call that it completes was withdrawn: %s",
    (type) => {
      const { machine, snapshot } = begun(carrier());
      const { snapshot: idle } = step(machine, snapshot, { type: "drop", at: 2 });

      const result = step(machine, idle, { type, at: 3, error: "late" });

      expect(result.outcome).toBe("refused");
      expect(result.snapshot).toBe(idle);
    },
  );

  it.each(["xstate.done.actor.carry", "xstate.error.actor.carry", "xstate.done.state.local.Trip", "xstate.stop"])(
    "is refused although the chart has an arc for it, when nothing of the instance's own has said it: %s",
    (type) => {
      const chart = createMachine({
        id: "local",
        options,
        initial: "Trip",
        on: {
          "xstate.done.actor.carry": ".Home",
          "xstate.error.actor.carry": ".Home",
          "xstate.stop": ".Home",
        },
        states: {
          Trip: { initial: "Out", onDone: "Home", states: { Out: {}, Back: { type: "final" } } },
          Home: {},
        },
      });
      const { machine, snapshot } = begun(chart);

      const result = step(machine, snapshot, { type, at: 2 });

      expect(result.outcome).toBe("refused");
      expect(result.snapshot).toBe(snapshot);
    },
  );

  it("completes the call that is running", () => {
    const { machine, snapshot } = begun(carrier());

    const done = accepted(step(machine, snapshot, { type: "xstate.done.actor.carry", at: 2, output: "there" }));
    const failed = accepted(step(machine, snapshot, { type: "xstate.error.actor.carry", at: 2, error: "lost" }));

    expect(done.snapshot.value).toBe("Delivered");
    expect(failed.snapshot.value).toBe("Idle");
  });
});

describe("a chart that fails", () => {
  const laws: Laws = {
    breaks: () => {
      throw new Error("a law broke");
    },
  };
  const faults = setup({ guards: guardsOf(laws), actors: { work: activity() }, actions: { message } });
  const chart = faults.createMachine({
    options,
    context: { n: 0 },
    initial: "Calm",
    states: {
      Calm: {
        on: {
          law: { guard: "breaks", target: "Moved" },
          assignment: {
            target: "Moved",
            actions: [
              emit({ type: "never" }),
              assign(() => {
                throw new Error("an assignment broke");
              }),
            ],
          },
          circle: "Here",
          self: { actions: assign({ n: ({ self }) => self.getSnapshot() as never }) },
          unnamed: { actions: enqueueActions(({ enqueue }) => enqueue.raise({ type: "late" }, { delay: 5 })) },
          endless: {
            actions: enqueueActions(({ enqueue }) =>
              enqueue.raise({ type: "late" }, { id: "late", delay: Number.NaN }),
            ),
          },
          custom: { actions: enqueueActions(({ enqueue }) => enqueue(() => undefined)) },
          logged: { actions: enqueueActions(({ enqueue }) => enqueue(log("hello"))) },
          move: { target: "Moved", actions: emit({ type: "moved" }) },
        },
      },
      Here: { always: "There" },
      There: { always: "Here" },
      Moved: {},
    },
  });

  it.each([
    { type: "law", says: "a law broke" },
    { type: "assignment", says: "an assignment broke" },
    { type: "circle", says: "more than 10 microsteps" },
    { type: "self", says: "self.getSnapshot()" },
    { type: "unnamed", says: "local raised late with a delay but without an id" },
    { type: "endless", says: "local raised late with the delay NaN" },
    { type: "custom", says: "local ran the action (anonymous)" },
    { type: "logged", says: "local ran the action xstate.log" },
  ])("is a machine-fault ($type), and the old snapshot still steps", ({ type, says }) => {
    const { machine, snapshot } = begun(chart, laws);

    const fault = faultOf(() => step(machine, snapshot, { type, at: 2 }));
    const next = accepted(step(machine, snapshot, { type: "move", at: 3 }));

    expect(fault.detail).toContain(says);
    expect(next.snapshot.value).toBe("Moved");
    expect(next.effects).toEqual([{ kind: "emitted", event: { type: "moved" } }]);
  });

  it("is a machine-fault when it spawns where registration could not see it", () => {
    const sly = { spawned: ({ spawn }: { spawn: (src: string) => unknown }) => spawn("work") };
    const chart = createMachine({
      options,
      on: { go: { actions: assign({ child: (args) => sly.spawned(args as never) }) } },
    });
    const { machine, snapshot } = begun(chart.provide({ actors: { work: activity() } }));

    const fault = faultOf(() => step(machine, snapshot, { type: "go", at: 2 }));

    expect(fault.detail).toContain("spawned an actor inside an assignment");
  });
});

describe("a start", () => {
  it("gives the context factory the input with the engine's time", () => {
    const givenInput = ({ input }: { input: unknown }) => ({ given: input });
    const machine = machineOf(createMachine({ options, context: givenInput }));

    const { snapshot } = start(machine, { name: "signal" }, 7);

    expect(snapshot.context).toEqual({ given: { name: "signal", at: 7 } });
  });

  it("runs the context factory once, and a step never", () => {
    let runs = 0;
    const context = () => {
      runs += 1;
      return { n: 0 };
    };
    const machine = machineOf(createMachine({ options, context, on: { go: { actions: assign({ n: 1 }) } } }));

    const { snapshot } = start(machine, {}, 1);
    step(machine, snapshot, { type: "go", at: 2 });
    step(machine, snapshot, { type: "unheard", at: 3 });

    expect(runs).toBe(1);
  });

  it("gives the effects of entering the first states, outer ones first", () => {
    const { effects } = start(machineOf(carrier()), {}, 1);

    expect(effects).toEqual([
      { kind: "timer", id: "shift", delayMs: 5_000, event: { type: "shift.ended" } },
      {
        kind: "timer",
        id: "xstate.after.1000.local.Carrying",
        delayMs: 1_000,
        event: { type: "xstate.after.1000.local.Carrying" },
      },
      { kind: "call", id: "carry", activity: "carry", input: { to: "the yard" } },
    ]);
  });

  it("is a machine-fault when the context factory cannot use the input", () => {
    const context = ({ input }: { input: unknown }) => ({ length: (input as { name: string }).name.length });
    const machine = machineOf(createMachine({ options, context } as object));

    const fault = faultOf(() => start(machine, {}, 1));

    expect(fault.detail).toContain("xstate.init");
  });

  it("is a machine-fault when an entry action asks for a running self", () => {
    const entry = assign({ n: ({ self }) => self.getSnapshot() as never });
    const machine = machineOf(createMachine({ options, context: { n: 0 }, entry }));

    const fault = faultOf(() => start(machine, {}, 1));

    expect(fault.detail).toContain("self.getSnapshot()");
  });
});

describe("the effects of a step", () => {
  it("are a call with its resolved input for an invoke, and its withdrawal for the exit", () => {
    const chart = setup({
      types: { context: {} as { to: string } },
      actors: { carry: activity<{ to: string }>() },
    }).createMachine({
      options,
      context: { to: "the yard" },
      initial: "Idle",
      states: {
        Idle: { on: { lift: "Carrying" } },
        Carrying: {
          invoke: {
            id: "carry",
            src: "carry",
            input: ({ context }) => ({ to: context.to }),
            onDone: "Idle",
            onError: "Idle",
          },
          on: { drop: "Idle" },
        },
      },
    });
    const { machine, snapshot } = begun(chart);

    const lifted = accepted(step(machine, snapshot, { type: "lift", at: 2 }));
    const dropped = accepted(step(machine, lifted.snapshot, { type: "drop", at: 3 }));

    expect(lifted.effects).toEqual([{ kind: "call", id: "carry", activity: "carry", input: { to: "the yard" } }]);
    expect(dropped.effects).toEqual([{ kind: "withdraw", id: "carry" }]);
  });

  it("are a withdrawal and a call, in this order, for a state that is entered again", () => {
    const { machine, snapshot } = begun(carrier());

    const { effects } = accepted(step(machine, snapshot, { type: "again", at: 2 }));

    expect(effects.map(({ kind, ...rest }) => [kind, "id" in rest ? rest.id : undefined])).toEqual([
      ["withdraw", "xstate.after.1000.local.Carrying"],
      ["withdraw", "carry"],
      ["timer", "xstate.after.1000.local.Carrying"],
      ["call", "carry"],
    ]);
  });

  it("are a timer for a delayed raise, of at least no delay, and nothing for an immediate one", () => {
    const chart = createMachine({
      options,
      initial: "Idle",
      states: {
        Idle: {
          on: {
            arm: {
              actions: [
                raise({ type: "kick" }),
                raise(({ event }) => ({ type: "late", about: (event as Armed).about }), {
                  id: "late",
                  delay: ({ event }) => (event as Armed).delayMs,
                }),
              ],
            },
            kick: "Kicked",
          },
        },
        Kicked: {},
      },
    });
    const { machine, snapshot } = begun(chart);

    const armed = accepted(step(machine, snapshot, { type: "arm", at: 2, delayMs: 40, about: "tea" }));
    const overdue = accepted(step(machine, snapshot, { type: "arm", at: 2, delayMs: -40 }));

    expect(armed.snapshot.value).toBe("Kicked");
    expect(armed.effects).toEqual([{ kind: "timer", id: "late", delayMs: 40, event: { type: "late", about: "tea" } }]);
    expect(overdue.effects).toMatchObject([{ delayMs: 0 }]);
  });

  it("are a message for the named action and an emitted event for emit, in the order of the chart", () => {
    const chart = setup({ types: { context: {} as { to: string } }, actions: { message } }).createMachine({
      options,
      context: { to: "box/north" },
      on: {
        ring: {
          actions: [
            emit({ type: "rung" }),
            {
              type: "message",
              params: ({ context, event }) => ({ to: context.to, event: { type: "bell", at: event["at"] as number } }),
            },
            enqueueActions(({ enqueue }) =>
              enqueue({ type: "message", params: { to: "box/south", event: { type: "bell" } } }),
            ),
          ],
        },
      },
    });
    const { machine, snapshot } = begun(chart);

    const { effects } = accepted(step(machine, snapshot, { type: "ring", at: 2 }));

    expect(effects).toEqual([
      { kind: "emitted", event: { type: "rung" } },
      { kind: "message", to: "box/north", event: { type: "bell", at: 2 } },
      { kind: "message", to: "box/south", event: { type: "bell" } },
    ]);
  });

  it("are those of exit, arc and entry, in this order", () => {
    const said = (type: string) => emit({ type });
    const chart = createMachine({
      options,
      initial: "A",
      states: {
        A: { exit: said("exit A"), on: { go: { target: "B", actions: said("arc") } } },
        B: { entry: said("entry B"), initial: "B1", states: { B1: { entry: said("entry B1") } } },
      },
    });
    const { machine, snapshot } = begun(chart);

    const { effects } = accepted(step(machine, snapshot, { type: "go", at: 2 }));

    expect(effects.map((effect) => effect.kind === "emitted" && effect.event.type)).toEqual([
      "exit A",
      "arc",
      "entry B",
      "entry B1",
    ]);
  });

  it("leave out what the macrostep armed and withdrew again", () => {
    const chart = setup({ actors: { work: activity() } }).createMachine({
      options,
      initial: "A",
      states: {
        A: { on: { go: "Between" } },
        Between: {
          after: { 1_000: "A" },
          entry: raise({ type: "late" }, { id: "deadline", delay: 5 }),
          exit: cancel("deadline"),
          invoke: { id: "work", src: "work", onDone: {}, onError: {} },
          always: "B",
        },
        B: {},
      },
    });
    const { machine, snapshot } = begun(chart);

    const result = accepted(step(machine, snapshot, { type: "go", at: 2 }));

    expect(result.snapshot.value).toBe("B");
    expect(result.snapshot.children).toEqual({});
    expect(result.effects).toEqual([]);
  });
});

describe("the states a macrostep passed through", () => {
  const chart = createMachine({
    options,
    type: "parallel",
    meta: { leads: "track" },
    states: {
      track: {
        initial: "Clear",
        states: {
          Clear: { on: { enter: "Occupied", rush: "Approach", bounce: "Bounced" } },
          Approach: { always: "Occupied" },
          Occupied: {
            initial: "Front",
            states: { Front: { on: { creep: "Rear" } }, Rear: { always: "Tail" }, Tail: {} },
          },
          Bounced: { always: "Clear" },
        },
      },
      bell: {
        initial: "Still",
        states: { Still: { on: { ring: "Struck" } }, Struck: { always: "Ringing" }, Ringing: {} },
      },
    },
  });

  it.each([
    { event: "enter", to: "Occupied", via: [] },
    { event: "rush", to: "Occupied", via: ["Approach"] },
    { event: "bounce", to: "Clear", via: ["Bounced"] },
    { event: "ring", to: "Clear", via: [] },
  ])("are named in order, of the leading region alone: $event", ({ event, to, via }) => {
    const { machine, snapshot } = begun(chart);

    const result = accepted(step(machine, snapshot, { type: event, at: 2 }));

    expect(result.via).toEqual(via);
    expect(JSON.stringify(result.snapshot.value)).toContain(to);
  });

  it("leave out steps below the leading state", () => {
    const { machine, snapshot } = begun(chart);
    const { snapshot: occupied } = step(machine, snapshot, { type: "enter", at: 2 });

    const result = accepted(step(machine, occupied, { type: "creep", at: 3 }));

    expect(result.snapshot.value).toMatchObject({ track: { Occupied: "Tail" } });
    expect(result.via).toEqual([]);
  });
});

describe("the end of an instance", () => {
  it("gives its output, and withdraws what still runs", () => {
    const { machine, snapshot } = begun(carrier());

    const result = accepted(step(machine, snapshot, { type: "shift.ended", at: 9 }));

    expect(result.snapshot).toMatchObject({ status: "done", value: "Over", output: { endedAt: 9 } });
    expect(result.effects).toEqual([
      { kind: "withdraw", id: "xstate.after.1000.local.Carrying" },
      { kind: "withdraw", id: "carry" },
      { kind: "withdraw", id: "shift" },
    ]);
  });

  it("withdraws the calls of every region", () => {
    const work = (id: string) => ({ id, src: "work", onDone: {}, onError: {} }) as const;
    const chart = setup({ actors: { work: activity() } }).createMachine({
      options,
      initial: "On",
      states: {
        On: { type: "parallel", on: { stop: "Off" }, states: { a: { invoke: work("a") }, b: { invoke: work("b") } } },
        Off: { type: "final" },
      },
      invoke: work("root"),
    });
    const { machine, snapshot } = begun(chart);

    const { effects } = accepted(step(machine, snapshot, { type: "stop", at: 2 }));

    expect(effects.map((effect) => effect.kind === "withdraw" && effect.id).toSorted()).toEqual(["a", "b", "root"]);
  });
});

interface Armed extends EventObject {
  delayMs: number;
  about?: string;
}

/** Carries under a call, with a deadline for each trip and one for the whole shift. */
function carrier() {
  return setup({
    types: { context: {} as { endedAt: number } },
    actors: { carry: activity<{ to: string }>() },
  }).createMachine({
    id: "local",
    options,
    context: { endedAt: 0 },
    initial: "Carrying",
    entry: raise({ type: "shift.ended" }, { id: "shift", delay: 5_000 }),
    exit: cancel("shift"),
    on: {
      "shift.ended": { target: ".Over", actions: assign({ endedAt: ({ event }) => event["at"] as number }) },
    },
    output: ({ context }) => ({ endedAt: context.endedAt }),
    states: {
      Idle: {},
      Carrying: {
        invoke: { id: "carry", src: "carry", input: { to: "the yard" }, onDone: "Delivered", onError: "Idle" },
        after: { 1_000: "Idle" },
        on: { drop: "Idle", again: { target: "Carrying", reenter: true } },
      },
      Delivered: {},
      Over: { type: "final" },
    },
  });
}

function faultOf(run: () => unknown): SignalboxError {
  try {
    run();
  } catch (error) {
    if (isSignalboxError(error, "machine-fault")) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}
