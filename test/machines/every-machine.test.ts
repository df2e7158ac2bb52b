import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { freeze, thaw } from "../../src/core/freeze.ts";
import {
  leadingState,
  metaOf,
  sendersOf,
  stateNodesOf,
  versionOf,
  type Machine,
  type Snapshot,
} from "../../src/core/machine.ts";
import { unfitnessOf } from "../../src/core/registration.ts";
import { step } from "../../src/core/step.ts";
import {
  beginning,
  declaredTransitions,
  describeTransition,
  exampleInputs,
  examplesOf,
  explore,
  shortestPaths,
  takenTransitions,
} from "../support/exploration.ts";
import { runs } from "../support/runs.ts";
import { invariants } from "./invariants.ts";
import { structures } from "./structures.ts";
import { tables, type Table } from "./tables.ts";

const coverage: string[] = [];
afterAll(() => console.log(["machine | situations | states | transitions", ...coverage].join("\n")));

describe.each(machines)("$name", (machine) => {
  const inputs = exampleInputs(machine);
  const explored = inputs.map((input) => ({ input, situations: explore(machine, input) }));
  const situations = explored.flatMap((each) => each.situations);
  const answers = situations.flatMap(({ snapshot, answers }) => answers.map((answer) => ({ snapshot, ...answer })));

  it("names example inputs that its own schema takes", () => {
    expect(inputs.length).toBeGreaterThan(0);
    for (const input of inputs) expect(machine.input.safeParse(input).error).toBeUndefined();
  });

  it("uses nothing that a durable host cannot carry", () => {
    expect(unfitnessOf(machine)).toEqual([]);
  });

  describe.each(inputs)("begun with %j", (input) => {
    it.each(shortestPaths(machine, input).map((path) => [path.title, path] as const))("%s", (_title, { steps }) => {
      let snapshot = beginning(machine, input);
      for (const { event, to } of steps) {
        const result = step(machine, thaw(machine, stored(snapshot)), event);

        expect(result.outcome).not.toBe("refused");
        expect(keyOf(machine, result.snapshot)).toBe(keyOf(machine, to));
        snapshot = result.snapshot;
      }
    });
  });

  it("reaches every state and takes every transition", () => {
    const reached = new Set(situations.flatMap(({ snapshot }) => snapshot._nodes.map(({ id }) => id)));
    const taken = new Set(
      explored.flatMap(({ input, situations }) => [...takenTransitions(machine, input, situations)]),
    );
    const states = stateNodesOf(machine.chart);
    const declared = declaredTransitions(machine);

    coverage.push(
      `${machine.name} | ${situations.length} | ${reached.size}/${states.length} | ${taken.size}/${declared.length}`,
    );
    expect(states.filter(({ id }) => !reached.has(id)).map(({ id }) => id)).toEqual([]);
    expect(declared.filter((arc) => !taken.has(arc)).map(describeTransition)).toEqual([]);
  });

  it("answers each event in each state as its table says", () => {
    expect(commandMatrix(answers), `the row of ${machine.name} in tables.ts`).toEqual(tables[machine.name]);
  });

  it("refuses by leaving the very same snapshot and saying why", () => {
    const refused = answers.filter(({ result }) => result.outcome === "refused");

    expect(refused.length).toBeGreaterThan(0);
    for (const { snapshot, event, result } of refused) {
      expect(result.snapshot).toBe(snapshot);
      if (result.outcome === "refused") expect(result.reasons, event.type).not.toEqual([]);
    }
  });

  it("gives the same answer twice", () => {
    for (const { snapshot, event, result } of answers) {
      expect(comparable(step(machine, snapshot, event))).toEqual(comparable(result));
    }
  });

  it("keeps a context of plain JSON, without undefined and NaN", () => {
    for (const { snapshot } of situations) {
      expect(unstorable(snapshot.context)).toEqual([]);
      expect(stored(snapshot)).toEqual(freeze(snapshot));
      expect(freeze(thaw(machine, stored(snapshot)))).toEqual(freeze(snapshot));
    }
  });

  it("gives every effect a finite delay and plain JSON", () => {
    const effects = answers.flatMap(({ result }) => (result.outcome === "refused" ? [] : result.effects));
    for (const effect of effects)
      expect(unstorable(effect.kind === "call" ? [effect.input ?? null] : effect)).toEqual([]);
  });

  it("can come to rest or to its end from every situation", () => {
    const byKey = new Map(situations.map((situation) => [keyOf(machine, situation.snapshot), situation]));
    const restful = new Set([...byKey].filter(([, { snapshot }]) => isRestful(snapshot)).map(([key]) => key));
    for (let before = -1; before !== restful.size; ) {
      before = restful.size;
      for (const [key, { answers }] of byKey) {
        if (answers.some(({ result }) => restful.has(keyOf(machine, result.snapshot)))) restful.add(key);
      }
    }

    expect([...byKey.keys()].filter((key) => !restful.has(key))).toEqual([]);
  });

  it("says of every state what it is, what it waits for, and until when", () => {
    const regions = new Set(
      stateNodesOf(machine.chart).filter(({ type }) => type === "parallel" || type === "compound"),
    );
    const states = stateNodesOf(machine.chart).filter((node) => !regions.has(node));
    for (const node of states) {
      expect(node.description, node.id).toBeTypeOf("string");
      if (node.type === "final") continue;
      const { waitingFor, until, noDeadline } = metaOf(node);
      expect(waitingFor, node.id).toBeTypeOf("string");
      expect(
        [until, noDeadline, node.after[0]?.eventType].filter((each) => each !== undefined),
        node.id,
      ).toHaveLength(1);
    }
  });

  it("says of every arc without target and actions why nothing follows", () => {
    const silent = declaredTransitions(machine).filter(
      ({ target, actions }) => target === undefined && actions.length === 0,
    );
    expect(silent.filter(({ description }) => description === undefined).map(describeTransition)).toEqual([]);
  });

  it("fires every `after` once", () => {
    const fired = answers.filter(
      ({ event, result }) => event.type.startsWith("xstate.after.") && result.outcome === "changed",
    );
    for (const { event, result } of fired) expect(step(machine, result.snapshot, event).outcome).toBe("refused");
  });

  it("hears exactly the events that it has schemas for, and names somebody who may send each", () => {
    const heard = new Set(declaredTransitions(machine).map(({ eventType }) => eventType));
    const fromOutside = [...heard].filter((type) => type !== "" && !type.startsWith("xstate."));

    expect(fromOutside.toSorted()).toEqual(Object.keys(machine.events).toSorted());
    for (const schema of Object.values(machine.events)) expect(sendersOf(schema).length).toBeGreaterThan(0);
  });

  it("gives examples that its own schemas take", () => {
    for (const { snapshot } of situations.slice(0, 20)) {
      for (const { type, at: _at, principal: _principal, ...payload } of examplesOf(machine, snapshot)) {
        if (!type.startsWith("xstate.")) expect(machine.events[type]?.safeParse(payload).error, type).toBeUndefined();
      }
    }
  });

  it("holds its invariants through random sequences with duplicates, reordering and stale events", () => {
    const holds = invariants[machine.name];
    expect(holds, `say in invariants.ts what holds of each step of ${machine.name}`).toBeDefined();
    const choices = fc.array(fc.record({ pick: fc.nat(), again: fc.boolean(), late: fc.nat(5) }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom(...inputs), choices, (input, chosen) => {
        let snapshot = beginning(machine, input);
        const sent: ReturnType<typeof examplesOf> = [];
        for (const { pick, again, late } of chosen) {
          const fresh = examplesOf(machine, snapshot);
          const event = (again ? sent.at(-1 - late) : undefined) ?? fresh[pick % fresh.length];
          if (event === undefined) continue;
          sent.push(event);
          const result = step(machine, snapshot, event);
          holds?.({ before: snapshot, event, result });
          snapshot = result.snapshot;
        }
      }),
      { numRuns: runs(250) },
    );
  });

  it("moves its version when its structure moves", () => {
    expect(structures[machine.name]).toEqual({ version: versionOf(machine), hash: structureHash(machine) });
  });
});

function stored(snapshot: Snapshot) {
  return JSON.parse(JSON.stringify(freeze(snapshot))) as ReturnType<typeof freeze>;
}

function comparable(result: ReturnType<typeof step>) {
  return { ...result, snapshot: freeze(result.snapshot) };
}

function keyOf(machine: Machine, snapshot: Snapshot): string {
  return JSON.stringify([snapshot.value, (machine.abstract as (context: unknown) => unknown)(snapshot.context)]);
}

function isRestful(snapshot: Snapshot): boolean {
  return snapshot.status === "done" || snapshot.hasTag("steady");
}

/** Paths to what JSON would lose or change. */
function unstorable(value: unknown, path = "$"): string[] {
  if (value === undefined || typeof value === "function" || Number.isNaN(value)) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => unstorable(inner, `${path}.${key}`));
}

/** state -> event -> what its examples lead to: a state, "stays", "no-op" or "refused". */
function commandMatrix(
  answers: readonly { snapshot: Snapshot; event: { type: string }; result: ReturnType<typeof step> }[],
): Table {
  const matrix: Record<string, Record<string, Set<string>>> = {};
  for (const { snapshot, event, result } of answers) {
    const row = (matrix[leadingState(snapshot)] ??= {});
    const cell = (row[shortName(event.type)] ??= new Set());
    cell.add(wordFor(snapshot, result));
  }
  const rows = Object.entries(matrix).map(([state, row]) => {
    const cells = Object.entries(row).map(([type, words]) => [type, [...words].toSorted().join(" | ")] as const);
    return [state, Object.fromEntries(cells.filter(([, words]) => words !== "refused"))] as const;
  });
  return Object.fromEntries(rows);
}

function shortName(eventType: string): string {
  return eventType.replace(/^xstate\.(done|error)\.actor\./, "$1 ").replace(/^xstate\.after\.([^.]+)\..*$/, "after $1");
}

function wordFor(before: Snapshot, result: ReturnType<typeof step>): string {
  if (result.outcome === "refused") return "refused";
  if (result.outcome === "unchanged") return "no-op";
  const state = leadingState(result.snapshot);
  return [...result.via, state === leadingState(before) && result.via.length === 0 ? "stays" : state].join(" > ");
}

function structureHash(machine: Machine): string {
  const { chart } = machine;
  const nodes = stateNodesOf(chart).map((node) => ({
    id: node.id,
    type: node.type,
    invoke: node.invoke.map(({ id, src }) => [id, src]),
    after: node.after.map(({ eventType }) => eventType),
    arcs: [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(describeTransition),
    entry: node.entry.length,
    exit: node.exit.length,
  }));
  return createHash("sha256").update(JSON.stringify(nodes)).digest("hex").slice(0, 16);
}
