import { assign, cancel, createMachine, emit, raise, setup } from "xstate";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { activity } from "../../src/core/activity.ts";
import { freeze, thaw, type Frozen } from "../../src/core/freeze.ts";
import { guardsOf, type Laws } from "../../src/core/law.ts";
import type { Snapshot } from "../../src/core/machine.ts";
import { start, step, type StampedEvent } from "../../src/core/step.ts";
import { machineOf } from "./machine-of.ts";

/** Nested and parallel states, both kinds of history, calls and timers: everything that a stored form must not lose. */
const chart = setup({
  types: { context: {} as { trips: number; tags: string[] }, input: {} as { tags: string[] } },
  actors: { carry: activity<{ trip: number }>(), watch: activity() },
}).createMachine({
  id: "yard",
  options: { maxIterations: 20 },
  context: ({ input }) => ({ trips: 0, tags: input.tags }),
  initial: "Open",
  output: ({ context }) => ({ trips: context.trips }),
  states: {
    Open: {
      type: "parallel",
      invoke: { id: "watch", src: "watch", onDone: {}, onError: {} },
      on: { close: "Shut", wreck: "Wrecked" },
      states: {
        track: {
          initial: "Empty",
          states: {
            Empty: { on: { arrive: "Occupied" } },
            Occupied: {
              initial: "Standing",
              on: { leave: "Empty", shunt: "Siding" },
              states: {
                Standing: { on: { load: "Loading" } },
                Loading: {
                  entry: assign({ trips: ({ context }) => context.trips + 1 }),
                  invoke: {
                    id: "carry",
                    src: "carry",
                    input: ({ context }) => ({ trip: context.trips }),
                    onDone: "Standing",
                    onError: "Standing",
                  },
                  after: { 1_000: "Standing" },
                  initial: "ByCrane",
                  states: { ByCrane: { on: { hurry: "ByBelt" } }, ByBelt: {} },
                },
                recent: { type: "history" },
              },
            },
            Siding: { on: { back: "Occupied.recent" } },
          },
        },
        signal: {
          initial: "Stop",
          states: {
            Stop: { on: { clear: "Go" } },
            Go: {
              on: { halt: "Stop" },
              initial: "Steady",
              states: { Steady: { on: { blink: "Blinking" } }, Blinking: {} },
            },
          },
        },
        asItWas: { type: "history", history: "deep" },
      },
    },
    Shut: {
      entry: raise({ type: "reopen" }, { id: "night", delay: 60_000 }),
      exit: [cancel("night"), emit({ type: "opened" })],
      on: {
        reopen: "Open",
        recall: "Open.asItWas",
      },
    },
    Wrecked: { type: "final" },
  },
});
const machine = machineOf(chart);

const eventTypes = [
  "arrive",
  "leave",
  "load",
  "hurry",
  "shunt",
  "back",
  "clear",
  "halt",
  "blink",
  "close",
  "reopen",
  "recall",
  "wreck",
  "xstate.done.actor.carry",
  "xstate.error.actor.carry",
  "xstate.done.actor.watch",
  "xstate.after.1000.yard.Open.track.Occupied.Loading",
] as const;

describe("a frozen snapshot", () => {
  it("is plain JSON that names the running calls and what history remembers", () => {
    const snapshot = after("arrive", "load", "hurry", "shunt", "clear", "close", "recall", "back");

    expect(stored(snapshot)).toEqual({
      status: "active",
      value: { Open: { track: { Occupied: { Loading: "ByCrane" } }, signal: { Go: "Steady" } } },
      context: { trips: 2, tags: ["a"] },
      children: { watch: "watch", carry: "carry" },
      history: {
        "yard.Open.track.Occupied.recent": ["yard.Open.track.Occupied.Loading"],
        "yard.Open.asItWas": ["yard.Open.track.Siding", "yard.Open.signal.Go.Steady"],
      },
    });
    expect(stored(snapshot)).toEqual(freeze(snapshot));
  });

  it("comes back as it was", () => {
    const snapshot = after("arrive", "load", "clear", "blink", "shunt");

    const back = thaw(machine, stored(snapshot));

    expect(freeze(back)).toEqual(freeze(snapshot));
    expect(back.value).toEqual(snapshot.value);
    expect(Object.keys(back.children)).toEqual(Object.keys(snapshot.children));
  });

  it.each([
    {
      history: "deep",
      path: ["arrive", "load", "hurry", "close"],
      next: "recall",
      track: { Occupied: { Loading: "ByBelt" } },
    },
    {
      history: "shallow",
      path: ["arrive", "load", "hurry", "shunt"],
      next: "back",
      track: { Occupied: { Loading: "ByCrane" } },
    },
  ])("remembers $history history", ({ path, next, track }) => {
    const back = thaw(machine, stored(after(...path)));

    const { snapshot } = step(machine, back, { type: next, at: 9 });

    expect(snapshot.value).toMatchObject({ Open: { track } });
  });

  it("hears what its running calls say, and withdraws them", () => {
    const back = thaw(machine, stored(after("arrive", "load")));

    const done = step(machine, back, { type: "xstate.done.actor.carry", at: 9 });
    const left = step(machine, back, { type: "leave", at: 9 });

    expect(done.snapshot.value).toMatchObject({ Open: { track: { Occupied: "Standing" } } });
    expect(left.outcome === "changed" && left.effects).toContainEqual({ kind: "withdraw", id: "carry" });
  });

  it("keeps the end of an instance, with its output", () => {
    const back = thaw(machine, stored(after("arrive", "load", "wreck")));

    expect(back).toMatchObject({ status: "done", output: { trips: 1 }, value: "Wrecked" });
    expect(step(machine, back, { type: "reopen", at: 9 }).outcome).toBe("refused");
  });

  it("never runs the context factory again", () => {
    let runs = 0;
    const counting = machineOf(
      createMachine({
        options: { maxIterations: 10 },
        context: () => {
          runs += 1;
          return {};
        },
      }),
    );
    const { snapshot } = start(counting, {}, 1);

    thaw(counting, freeze(snapshot));

    expect(runs).toBe(1);
  });

  it("keeps data that looks like one of XState's actors", () => {
    const looksLikeOne = { xstate$$type: 1, id: "carry" };
    const keeping = machineOf(
      createMachine({
        options: { maxIterations: 10 },
        context: ({ input }: { input: { kept: unknown } }) => ({ kept: input.kept }),
      }),
    );
    const { snapshot } = start(keeping, { kept: { deep: looksLikeOne } }, 1);

    const back = thaw(keeping, stored(snapshot));

    expect(back.context).toEqual({ kept: { deep: looksLikeOne } });
  });

  it("is refused when the chart no longer has its state, or one that history remembers", () => {
    const frozen = freeze(after("arrive", "load", "shunt"));

    expect(() => thaw(machine, { ...frozen, value: { Open: { track: "Gone", signal: "Stop" } } })).toThrow("Gone");
    expect(() => thaw(machine, { ...frozen, history: { "yard.Open.asItWas": ["yard.Gone"] } })).toThrow("Gone");
  });

  it("is refused when the chart no longer has the activity of a running call", () => {
    const frozen = freeze(after());

    expect(() => thaw(machine, { ...frozen, children: { watch: "look" } })).toThrow("local has no activity look");
  });

  it("lets its regions act in the same order as the live one, whichever moved first", () => {
    const laws: Laws = {
      isOpen: ({ open }: { open: boolean }) => (open ? undefined : { code: "shut", detail: "It is shut." }),
    };
    const region = (name: string) => ({
      initial: "Idle",
      states: {
        Idle: { on: { [name]: "Ready" } },
        Ready: { always: { guard: "isOpen", target: "Gone", actions: emit({ type: name }) } },
        Gone: {},
      },
    });
    const chart = createMachine({
      options: { maxIterations: 10 },
      context: { open: false },
      type: "parallel",
      meta: { leads: "a" },
      on: { open: { actions: assign({ open: true }) } },
      states: { a: region("a"), b: region("b") },
    } as object).provide({ guards: guardsOf(laws) });
    const regions = machineOf(chart, laws);
    const later = step(regions, start(regions, {}, 1).snapshot, { type: "b", at: 2 }).snapshot;
    const live = step(regions, later, { type: "a", at: 3 }).snapshot;

    const expected = step(regions, live, { type: "open", at: 4 });
    const result = step(regions, thaw(regions, stored(live)), { type: "open", at: 4 });

    expect(expected.outcome === "changed" && expected.effects).toEqual([
      { kind: "emitted", event: { type: "a" } },
      { kind: "emitted", event: { type: "b" } },
    ]);
    expect(result.outcome === "changed" && result.effects).toEqual(expected.outcome === "changed" && expected.effects);
  });

  it("steps like the live one, whatever happened before", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...eventTypes), { maxLength: 40 }), (types) => {
        let live = after();
        let kept = stored(live);
        for (const [index, type] of types.entries()) {
          const event: StampedEvent = { type, at: index + 2 };

          const expected = step(machine, live, event);
          const result = step(machine, thaw(machine, kept), event);

          expect({ ...result, snapshot: stored(result.snapshot) }).toEqual({
            ...expected,
            snapshot: stored(expected.snapshot),
          });
          live = expected.snapshot;
          kept = stored(result.snapshot);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** The yard after these events, all of them accepted. */
function after(...types: string[]): Snapshot {
  let { snapshot } = start(machine, { tags: ["a"] }, 1);
  for (const type of types) {
    const result = step(machine, snapshot, { type, at: 2 });
    expect(result.outcome, type).not.toBe("refused");
    snapshot = result.snapshot;
  }
  return snapshot;
}

function stored(snapshot: Snapshot): Frozen {
  return JSON.parse(JSON.stringify(freeze(snapshot))) as Frozen;
}
