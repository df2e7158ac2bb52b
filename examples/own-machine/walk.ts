import { getAdjacencyMap, getShortestPaths } from "@xstate/graph";
import { start, step, type Machine, type Snapshot, type StampedEvent, type StepResult } from "signalbox";
import type { AnyActorLogic } from "xstate";

/** A situation that a machine can come into, and what each example does to it. */
export interface Situation {
  snapshot: Snapshot;
  answers: { event: StampedEvent; result: StepResult }[];
}

/** Every situation that the examples lead to from an input. */
export function situationsOf(machine: Machine, input: unknown): Situation[] {
  return Object.values(getAdjacencyMap(logicOf(machine, input), optionsOf(machine))).map(({ state }) => {
    const snapshot = state as unknown as Snapshot;
    return {
      snapshot,
      answers: examplesOf(machine, snapshot).map((event) => ({ event, result: step(machine, snapshot, event) })),
    };
  });
}

/** A shortest path to each of them, as text. */
export function pathsOf(machine: Machine, input: unknown): string[] {
  return getShortestPaths(logicOf(machine, input), optionsOf(machine)).map(({ steps: [begun, ...steps] }) =>
    [nameOf(begun?.state), ...steps.map(({ event, state }) => `${event.type} > ${nameOf(state)}`)].join(" > "),
  );
}

/** The machine as @xstate/graph walks it: by the step that the engine takes, so that what is walked is what runs. */
function logicOf(machine: Machine, input: unknown): AnyActorLogic {
  return {
    getInitialSnapshot: () => start(machine, machine.input.parse(input), 0).snapshot,
    transition: (snapshot: Snapshot, event: StampedEvent) => step(machine, snapshot, event).snapshot,
    getPersistedSnapshot: (snapshot: Snapshot) => snapshot,
  };
}

function optionsOf(machine: Machine) {
  const abstract = machine.abstract as (context: unknown) => unknown; // each machine has its own type of context
  return {
    events: (snapshot: unknown) => examplesOf(machine, snapshot as Snapshot) as never[],
    serializeState: ({ value, context }: Snapshot) => JSON.stringify([value, abstract(context)]) as never,
    limit: 1_000, // beyond it `abstract` lets too much through
  };
}

function examplesOf(machine: Machine, snapshot: Snapshot): StampedEvent[] {
  return machine.examples(snapshot).map((event) => ({ at: 0, principal: "local", ...event }));
}

function nameOf(snapshot: unknown): string {
  return String((snapshot as Snapshot).value);
}
