import { and, createMachine, not, or, raise, setup, stateIn, type EventObject } from "xstate";
import { describe, expect, it } from "vitest";
import { guardsOf, type Laws } from "../../src/core/law.ts";
import { step, type StepResult } from "../../src/core/step.ts";
import { begun, lever, reasonsOf } from "./machine-of.ts";

const options = { maxIterations: 10 };

describe("a refused event", () => {
  it("leaves the very same snapshot when no arc hears it", () => {
    const { machine, snapshot } = begun(lever());

    const result = step(machine, snapshot, { type: "push", at: 2 });

    expect(result.snapshot).toBe(snapshot);
    expect(reasonsOf(result)).toEqual([
      {
        code: "not-accepted",
        detail: "Normal does not accept push.",
        data: { state: "Normal", event: "push" },
        hint: "pull",
      },
    ]);
  });

  it("runs no macrostep: no `always` arc is asked", () => {
    let asked = 0;
    const laws: Laws = {
      isAsked: () => {
        asked += 1;
        return { code: "no", detail: "No." };
      },
    };
    const chart = setup({ guards: guardsOf(laws) }).createMachine({
      options,
      on: { poke: {} },
      always: { guard: "isAsked", actions: raise({ type: "poke" }) },
    });
    const { machine, snapshot } = begun(chart, laws);
    asked = 0;

    const refused = step(machine, snapshot, { type: "push", at: 2 });
    const askedByRefusal = asked;
    step(machine, snapshot, { type: "poke", at: 2 });

    expect(refused.outcome).toBe("refused");
    expect(askedByRefusal).toBe(0);
    expect(asked).toBeGreaterThan(0);
  });

  it("gives the reason and the hint of the law that said no, with the event, the context and the arc's params", () => {
    const laws = {
      weighsAtMost: ({ limit }: { limit: number }, { weight }: Weighed, { spare }: { spare: number }) =>
        weight <= limit + spare
          ? undefined
          : { code: "too-heavy", detail: `${weight} is over ${limit + spare}.`, hint: "unload", data: { weight } },
    } satisfies Laws;
    const chart = setup({ types: { context: {} as { limit: number } }, guards: guardsOf(laws) }).createMachine({
      options,
      context: { limit: 10 },
      on: {
        load: { guard: { type: "weighsAtMost", params: { spare: 2 } } },
        reload: { guard: { type: "weighsAtMost", params: ({ context }) => ({ spare: context.limit }) } },
      },
    });
    const { machine, snapshot } = begun(chart, laws);

    const loaded = step(machine, snapshot, { type: "load", at: 2, weight: 13 });
    const reloaded = step(machine, snapshot, { type: "reload", at: 2, weight: 21 });

    expect(reasonsOf(loaded)).toEqual([
      { code: "too-heavy", detail: "13 is over 12.", hint: "unload", data: { weight: 13 } },
    ]);
    expect(reasonsOf(reloaded)).toMatchObject([{ detail: "21 is over 20." }]);
  });

  it("gives the reasons of every arc that might have taken it, innermost first, each once", () => {
    const laws = refusing("a", "b", "c");
    const chart = setup({ guards: guardsOf(laws) }).createMachine({
      options,
      initial: "In",
      on: { go: [{ guard: "c" }, { guard: "a" }] },
      states: { In: { on: { go: [{ guard: "b" }, { guard: "a", target: "In" }] } } },
    });
    const { machine, snapshot } = begun(chart, laws);

    const result = step(machine, snapshot, { type: "go", at: 2 });

    expect(codesOf(result)).toEqual(["b", "a", "c"]);
  });

  it.each([
    { guard: "and(a, b)", of: and(["a", "b"]), codes: ["a", "b"] },
    { guard: "or(a, b)", of: or(["a", "b"]), codes: ["a", "b"] },
    { guard: "and(pass, b)", of: and(["pass", "b"]), codes: ["b"] },
    { guard: "not(pass)", of: not("pass"), codes: ["excluded"] },
    { guard: "and(not(a), b)", of: and([not("a"), "b"]), codes: ["b"] },
    { guard: "stateIn(Off)", of: stateIn("Off"), codes: ["other-state"] },
    { guard: "and(stateIn(On), b)", of: and([stateIn("On"), "b"]), codes: ["b"] },
    {
      guard: "and(stateIn(#off), not(pass))",
      of: and([stateIn("#off"), not("pass")]),
      codes: ["other-state", "excluded"],
    },
    {
      guard: "or(and(pass, a), and(not(pass), pass))",
      of: or([and(["pass", "a"]), and([not("pass"), "pass"])]),
      codes: ["a", "excluded"],
    },
  ])("is told which parts of $guard said no, and none that holds", ({ of, codes }) => {
    const laws: Laws = { ...refusing("a", "b"), pass: () => undefined };
    const chart = createMachine({
      options,
      initial: "On",
      states: { On: { on: { go: { guard: of } } }, Off: { id: "off" } },
    } as object).provide({ guards: guardsOf(laws) });
    const { machine, snapshot } = begun(chart, laws);

    const result = step(machine, snapshot, { type: "go", at: 2 });

    expect(codesOf(result)).toEqual(codes);
  });

  it("is told that the instance has ended, whatever the chart hears", () => {
    const chart = createMachine({
      options,
      initial: "Over",
      on: { again: { target: ".Before" } },
      states: { Before: {}, Over: { type: "final" } },
    });
    const { machine, snapshot } = begun(chart);

    const result = step(machine, snapshot, { type: "again", at: 2 });

    expect(result.snapshot).toBe(snapshot);
    expect(reasonsOf(result)).toEqual([
      { code: "ended", detail: "The instance has ended in Over and hears nothing any more.", data: { state: "Over" } },
    ]);
  });
});

interface Weighed extends EventObject {
  weight: number;
}

/** Laws that always say no, each with its own name as the code. */
function refusing(...names: string[]): Laws {
  return Object.fromEntries(names.map((name) => [name, () => ({ code: name, detail: `${name} says no.` })]));
}

function codesOf(result: StepResult) {
  return reasonsOf(result).map(({ code }) => code);
}
