import { createMachine, assign, emit, type AnyStateMachine } from "xstate";
import { expect } from "vitest";
import { z } from "zod";
import type { Effect } from "../../src/core/effect.ts";
import type { Laws, Refusal } from "../../src/core/law.ts";
import type { Machine, Snapshot } from "../../src/core/machine.ts";
import { start, type StepResult } from "../../src/core/step.ts";

/** A chart as a machine, for tests that are about the chart alone. */
export function machineOf(chart: AnyStateMachine, laws: Laws = {}): Machine {
  return { name: "local", chart, input: z.any(), events: {}, laws, examples: () => [], abstract: () => null };
}

/** The same, with its first snapshot. */
export function begun(chart: AnyStateMachine, laws: Laws = {}) {
  const machine = machineOf(chart, laws);
  return { machine, snapshot: start(machine, {}, 1).snapshot };
}

export function accepted(result: StepResult): {
  outcome: string;
  snapshot: Snapshot;
  effects: Effect[];
  via: string[];
} {
  if (result.outcome === "refused") throw new Error(`refused: ${JSON.stringify(result.reasons)}`);
  return result;
}

export function reasonsOf(result: StepResult): Refusal[] {
  expect(result.outcome).toBe("refused");
  return result.outcome === "refused" ? result.reasons : [];
}

/** Two positions, and arcs of every kind. */
export function lever() {
  return createMachine({
    options: { maxIterations: 10 },
    context: { oiledAt: 0 },
    initial: "Normal",
    states: {
      Normal: {
        meta: { instead: { push: "pull" } },
        on: {
          pull: "Reversed",
          oil: { actions: assign({ oiledAt: ({ event }) => event["at"] as number }) },
          ring: { actions: emit({ type: "rung" }) },
          touch: { description: "Nothing follows." },
        },
      },
      Reversed: { on: { push: "Normal" } },
    },
  });
}
