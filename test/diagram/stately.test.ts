import { createMachine, type AnyStateMachine } from "xstate";
import { describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { describeChart, statesOf } from "../../src/diagram/graph.ts";
import { statelyConfig } from "../../src/diagram/stately.ts";
import { everyKind, hostileNames } from "./every-kind.ts";

const charts: [name: string, chart: AnyStateMachine][] = [
  ...machines.map(({ name, chart }): [string, AnyStateMachine] => [name, chart]),
  ["everyKind", everyKind],
  ["hostileNames", hostileNames],
];

/** Everything that a picture shows of a chart, except which events are timers: that is in the functions. */
function shapeOf(chart: AnyStateMachine): unknown {
  return statesOf(describeChart(chart)).map(({ states, arcs, ...state }) => ({
    ...state,
    states: states.map(({ id }) => id),
    arcs: arcs.map(({ trigger, ...arc }) => ({ ...arc, event: trigger.event })),
  }));
}

describe("the configuration for Stately's editor", () => {
  it.each(charts)("makes the same states and arcs of %s again", (_, chart) => {
    const json = JSON.stringify(statelyConfig({ chart }));

    const again = createMachine(JSON.parse(json) as Parameters<typeof createMachine>[0]);

    expect(shapeOf(again)).toEqual(shapeOf(chart));
  });

  it("is nothing but JSON", () => {
    for (const [, chart] of charts) {
      const config = statelyConfig({ chart });

      expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    }
  });

  it("names functions and keeps what a chart says beside the names", () => {
    const { states } = statelyConfig({ chart: everyKind }) as { states: Record<string, Record<string, unknown>> };

    expect(states["Work"]).toMatchObject({
      entry: [{ type: "arm" }, { type: "assign tries" }],
      exit: { type: "cancel late" },
      invoke: { id: "fetch", src: "fetch", onDone: "Both", onError: "Broken" },
      on: { "work.late": { guard: { type: "isAbove", params: { limit: 3 } }, target: "Broken" } },
    });
    expect(states["Broken"]).toMatchObject({
      always: { guard: { type: "isFine and not isFine and (in Work.First or isFine)" }, target: "Idle" },
    });
  });
});
