import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createMachine, type AnyStateNode } from "xstate";
import { describe, expect, it } from "vitest";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import {
  isNonActive,
  isSteadyMaintenance,
  isValidSuccessor,
  rank,
  sinceOf,
  stateNames,
  type StateName,
} from "../../machines/node-maintenance/successors.ts";
import { leadingRegion } from "../../src/core/machine.ts";

/** The page's table: one row per state, one column per successor, both in the order life runs. */
const page: Readonly<Record<StateName, string>> = {
  Active: "             yes yes -   -   -   -  ",
  EnteringMaintenance: "-   yes yes -   yes -  ",
  Maintenance: "        -   -   yes yes yes -  ",
  ExitingMaintenance: " -   -   -   yes -   yes",
  DrainFailed: "        -   -   -   yes yes -  ",
  Recovery: "           yes -   -   -   -   yes",
};

const pairs = stateNames.flatMap((from) => {
  const row = page[from].trim().split(/\s+/);
  return stateNames.map((to, column) => ({ from, to, expected: row[column] === "yes" }));
});

describe("the rank graph", () => {
  it("has an answer for each of the 36 pairs", () => {
    expect(pairs).toHaveLength(36);
  });

  it.each(pairs)("$from -> $to: $expected", ({ from, to, expected }) => {
    expect(isValidSuccessor(from, to)).toBe(expected);
  });

  it("agrees with every vector of the original", () => {
    const vectors = vectorsOf<{ from: StateName; to: StateName; expect: boolean }>("successor");

    expect(vectors).toHaveLength(36);
    for (const vector of vectors) expect(isValidSuccessor(vector.from, vector.to), vector.id).toBe(vector.expect);
  });

  it("cannot be said by ranks: of two moves between the same ranks one is allowed and the other is not", () => {
    const climbs = (from: StateName, to: StateName) => rank[to] >= rank[from];

    expect(stateNames.map((state) => rank[state])).toEqual([0, 1, 2, 3, 3, 4]);
    expect(rank.ExitingMaintenance).toBe(rank.DrainFailed);
    expect(isValidSuccessor("DrainFailed", "ExitingMaintenance")).toBe(true);
    expect(isValidSuccessor("ExitingMaintenance", "DrainFailed")).toBe(false);
    expect(climbs("ExitingMaintenance", "DrainFailed")).toBe(true); // a ladder would let a late report undo an operator's exit
    expect(climbs("Recovery", "Active")).toBe(false); // and would never let a node come back
  });

  it("allows every arc of the chart", () => {
    const lifecycle = leadingRegion(nodeMaintenance.chart);

    expect(movesOf(lifecycle).length).toBeGreaterThan(20);
    expect(forbiddenMovesOf(lifecycle)).toEqual([]);
  });

  it("would see an arc that it forbids", () => {
    const guilty = createMachine({
      initial: "ExitingMaintenance",
      states: {
        ExitingMaintenance: { on: { late: "DrainFailed" }, always: "Recovery" },
        DrainFailed: { after: { 5: "Active" } },
        Recovery: {},
        Active: {},
      },
    });

    expect(forbiddenMovesOf(guilty.root)).toEqual(["ExitingMaintenance -> DrainFailed", "DrainFailed -> Active"]);
  });
});

describe("the predicates", () => {
  interface Case {
    state: { s: StateName; since?: number };
    nonActive: boolean;
    steady: boolean;
    since: number | null;
  }

  it("agree with every vector of the original", () => {
    const cases = vectorsOf<{ cases: Case[] }>("predicates").flatMap((vector) => vector.cases);

    expect(cases.length).toBeGreaterThan(0);
    for (const { state, nonActive, steady, since } of cases) {
      expect(isNonActive(state.s)).toBe(nonActive);
      expect(isSteadyMaintenance(state.s)).toBe(steady);
      expect(sinceOf({ state: state.s, since: state.since ?? 0 }) ?? null).toBe(since);
    }
  });

  it("call each state but Active non-active, and Maintenance alone steady", () => {
    expect(stateNames.filter(isNonActive)).toEqual(stateNames.slice(1));
    expect(stateNames.filter(isSteadyMaintenance)).toEqual(["Maintenance"]);
    expect(stateNames.map((state) => sinceOf({ state, since: 7 }))).toEqual([undefined, 7, 7, 7, 7, 7]);
  });
});

/** Every arc below a region that has a target, as [from, to]. */
function movesOf(region: AnyStateNode): [string, string][] {
  return Object.values(region.states).flatMap((node) =>
    [...[...node.transitions.values()].flat(), ...(node.always ?? [])].flatMap(({ source, target }) =>
      (target ?? []).map((to): [string, string] => [source.key, (to as AnyStateNode).key]),
    ),
  );
}

function forbiddenMovesOf(region: AnyStateNode): string[] {
  return movesOf(region)
    .filter(([from, to]) => !isValidSuccessor(from as StateName, to as StateName))
    .map((move) => move.join(" -> "));
}

function vectorsOf<Vector>(kind: string): ({ id: string; kind: string } & Vector)[] {
  const lines = readFileSync(join(import.meta.dirname, "../vectors/node-maintenance.jsonl"), "utf8")
    .trim()
    .split("\n");
  return lines
    .map((line) => JSON.parse(line) as { id: string; kind: string } & Vector)
    .filter((vector) => vector.kind === kind);
}
