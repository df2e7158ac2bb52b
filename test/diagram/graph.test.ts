import { describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { stateNodesOf } from "../../src/core/machine.ts";
import {
  describeChart,
  isNoOp,
  statesOf,
  triggerName,
  type ChartArc,
  type ChartState,
} from "../../src/diagram/graph.ts";
import { everyKind } from "./every-kind.ts";

const chart = describeChart(everyKind);

function stateOf(id: string): ChartState {
  const found = statesOf(chart).find((state) => state.id === `everyKind.${id}`);
  if (found === undefined) throw new Error(`There is no ${id}`);
  return found;
}

function written({ trigger, guard, actions, targets }: ChartArc): string {
  const inner = [triggerName(trigger), guard && `[${guard}]`, actions.length > 0 && `/ ${actions.join(", ")}`];
  const to = targets.map((id) => id.replace("everyKind.", ""));
  return [...inner, to.length > 0 && `> ${to.join(", ")}`].filter(Boolean).join(" ");
}

const arcsOf = (id: string) => stateOf(id).arcs.map(written);

describe("the description of a chart", () => {
  it("names every kind of state, parents before children", () => {
    expect(statesOf(chart).map(({ key, kind }) => `${kind} ${key}`)).toEqual([
      "compound everyKind",
      "atomic Idle",
      "compound Work",
      "atomic First",
      "atomic Second",
      "final Last",
      "history Resumed",
      "history Newest",
      "atomic Paused",
      "parallel Both",
      "compound Left",
      "atomic Open",
      "final Shut",
      "compound Right",
      "atomic Open",
      "final Shut",
      "atomic Broken",
      "final Done",
    ]);
    expect([stateOf("Work.Resumed"), stateOf("Work.Newest")]).toMatchObject([
      { history: "deep", initial: "everyKind.Work.First" },
      { history: "shallow", initial: undefined },
    ]);
  });

  it("says what a state does, without what XState adds for its delays", () => {
    expect(stateOf("Work")).toMatchObject({
      description: "Something is done.",
      tags: ["busy"],
      initial: "everyKind.Work.First",
      entry: ["arm", "assign tries"],
      exit: ["cancel late"],
      invokes: [{ id: "fetch", source: "fetch" }],
    });
    expect(stateOf("Work.First")).toMatchObject({ entry: [], exit: [] });
    expect(stateOf("Work.Second").entry).toEqual(["raise tick in 1 min"]);
  });

  it("reads an arc with its trigger, guard, actions and targets", () => {
    expect(arcsOf("Idle")).toEqual(["go / never > Work", "again > Idle", "poke [isFine] / record"]);
    expect(stateOf("Idle").arcs.map(({ reenters }) => reenters)).toEqual([false, true, false]);
    expect(arcsOf("Work")).toEqual([
      "pause > Paused",
      "next > Work.Second",
      "work.late [isAbove limit 3] > Broken",
      "done > Done",
      "done fetch > Both",
      "error fetch > Broken",
    ]);
    expect(arcsOf("Work.First")).toEqual(["after 1500 ms > Work.Second", "after pause [not isFine] > Work.Second"]);
    expect(arcsOf("Broken")).toEqual([
      "enter > Both.Left.Shut",
      "always [isFine and not isFine and (in Work.First or isFine)] > Idle",
    ]);
  });

  it("knows the timers among the events, those that an action arms by a rule too", () => {
    const timers = statesOf(chart).flatMap(({ arcs }) =>
      arcs.flatMap(({ trigger }) => (trigger.kind === "timer" ? [trigger] : [])),
    );

    expect(timers).toEqual([
      { kind: "timer", event: "work.late", delay: undefined },
      { kind: "timer", event: "tick", delay: "1 min" },
    ]);
  });

  it("knows an arc that changes nothing", () => {
    expect(chart.arcs.filter(isNoOp).map(written)).toEqual(["heard"]);
  });

  it.each(machines.map(({ name, chart: machine }) => ({ name, machine })))(
    "has every state and every arc of $name, the leading region first",
    ({ machine }) => {
      const described = statesOf(describeChart(machine));
      const nodes = stateNodesOf(machine);
      const arcs = nodes.flatMap(({ transitions, always }) => [...[...transitions.values()].flat(), ...(always ?? [])]);

      expect(described.map(({ id }) => id).toSorted()).toEqual(nodes.map(({ id }) => id).toSorted());
      expect(described.flatMap((state) => state.arcs)).toHaveLength(arcs.length);
      expect(described.findIndex(({ leads }) => leads)).toBeLessThanOrEqual(1);
    },
  );
});
