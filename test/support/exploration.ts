import { getAdjacencyMap, getShortestPaths } from "@xstate/graph";
import type { AnyActorLogic, AnyTransitionDefinition } from "xstate";
import { leadingState, stateNodesOf, type ExampleEvent, type Machine, type Snapshot } from "../../src/core/machine.ts";
import { initialMacrostep, macrostep } from "../../src/core/macrostep.ts";
import { start, step, type StampedEvent, type StepResult } from "../../src/core/step.ts";

/** The inputs that a machine names as examples of its schema; the generic tests begin with each. */
export function exampleInputs(machine: Machine): readonly unknown[] {
  return (machine.input.meta()?.["examples"] as readonly unknown[] | undefined) ?? [];
}

/** One reachable situation and everything its examples lead to. */
export interface Situation {
  snapshot: Snapshot;
  key: string;
  answers: { event: ExampleEvent & StampedEvent; result: StepResult }[];
}

/** The first snapshot of a machine whose tests need no particular input. */
export function beginning(machine: Machine, input: unknown, at = 1_000_000): Snapshot {
  return start(machine, machine.input.parse(input), at).snapshot;
}

/** Every situation that the examples can reach, told apart by state value and abstracted context. */
export function explore(machine: Machine, input: unknown): Situation[] {
  const adjacency = getAdjacencyMap(logicOf(machine, input), optionsOf(machine));
  return Object.entries(adjacency).map(([key, { state }]) => {
    const snapshot = state as unknown as Snapshot;
    const answers = examplesOf(machine, snapshot).map((event) => ({ event, result: step(machine, snapshot, event) }));
    return { snapshot, key, answers };
  });
}

export interface Path {
  /** "Active > maintenance.enter > EnteringMaintenance > ..." */
  title: string;
  steps: { event: StampedEvent; to: Snapshot }[];
}

/** A shortest path to every situation. */
export function shortestPaths(machine: Machine, input: unknown): Path[] {
  const paths = getShortestPaths(logicOf(machine, input), optionsOf(machine));
  return paths.map(({ steps }) => {
    const snapshots = steps.map((each) => each.state as unknown as Snapshot);
    const events = steps.map(({ event }) => event as unknown as StampedEvent);
    const walked = events.map((event, index) => ({ event, to: snapshots[index] as Snapshot })).slice(1); // the first is XState's own beginning
    const words = walked.map(({ event, to }) => `${describeEvent(event)} > ${leadingState(to)}`);
    return { title: [leadingState(snapshots[0] as Snapshot), ...words].join(" > "), steps: walked };
  });
}

function describeEvent({ type, at: _at, principal: _principal, ...payload }: StampedEvent): string {
  const said = JSON.stringify(payload);
  return said === "{}" ? type : `${type} ${said}`;
}

/** Transitions taken while all examples are sent to all situations, by identity. */
export function takenTransitions(
  machine: Machine,
  input: unknown,
  situations: readonly Situation[],
): Set<AnyTransitionDefinition> {
  const begun = initialMacrostep(machine.chart, { ...(machine.input.parse(input) as object), at: 1_000_000 });
  const macrosteps = situations.flatMap(({ snapshot, answers }) =>
    answers.filter(({ result }) => result.outcome !== "refused").map(({ event }) => macrostep(snapshot, event)),
  );
  return new Set(
    [begun, ...macrosteps].flatMap(({ microsteps }) => microsteps.flatMap(({ transitions }) => transitions)),
  );
}

/** Every transition that the chart declares: events, timers, completions and `always`. */
export function declaredTransitions(machine: Machine): AnyTransitionDefinition[] {
  return stateNodesOf(machine.chart).flatMap((node) => [
    ...[...node.transitions.values()].flat(),
    ...(node.always ?? []),
  ]);
}

/** Reads an arc as the chart says it. */
export function describeTransition({ source, eventType, target, guard }: AnyTransitionDefinition): string {
  const to = target?.map(({ key }) => key).join(", ") ?? "(stays)";
  const condition = guard === undefined ? "" : ` [${typeof guard === "function" ? guard.name : JSON.stringify(guard)}]`;
  return `${source.key} --${eventType || "always"}${condition}--> ${to}`;
}

export function examplesOf(machine: Machine, snapshot: Snapshot): (ExampleEvent & StampedEvent)[] {
  return machine.examples(snapshot).map((event) => ({ at: 1_000_000, principal: "local", ...event }));
}

function keyOf(machine: Machine, snapshot: Snapshot): string {
  const abstract = machine.abstract as (context: unknown) => unknown;
  return JSON.stringify([snapshot.value, snapshot.status, abstract(snapshot.context)]);
}

/** The machine as `@xstate/graph` walks it: our own step, so that what is explored is what runs. */
function logicOf(machine: Machine, input: unknown): AnyActorLogic {
  const logic = {
    getInitialSnapshot: () => beginning(machine, input),
    transition: (snapshot: Snapshot, event: StampedEvent) => step(machine, snapshot, event).snapshot,
    getPersistedSnapshot: (snapshot: Snapshot) => snapshot,
  };
  return logic;
}

function optionsOf(machine: Machine) {
  return {
    events: (snapshot: unknown) => examplesOf(machine, snapshot as Snapshot) as never[],
    serializeState: (snapshot: unknown) => keyOf(machine, snapshot as Snapshot) as never,
    limit: 20_000, // a situation beyond this is a context that `abstract` does not bound
  };
}
