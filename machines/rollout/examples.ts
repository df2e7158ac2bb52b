import type { ExampleEvent, Snapshot } from "../../src/core/machine.ts";
import { countedStates, type CountedState } from "../host/states.ts";
import type { RolloutContext } from "./context.ts";
import { nextWave } from "./waves.ts";

/** Where hosts of the examples go from each state: enough of life to settle, fail and excuse. */
const onward: Readonly<Partial<Record<CountedState, readonly CountedState[]>>> = {
  Pending: ["Soaking", "Excused"],
  Soaking: ["Converged", "Failed", "Deferred"],
  Deferred: ["Soaking"],
  Converged: ["Excused"],
  Failed: ["Reverted"],
};

/** Representative events for a snapshot. */
export function examples({ context }: Snapshot): ExampleEvent[] {
  const rollout = context as RolloutContext;
  const { currentWave, openedAt, planHash } = rollout;
  const next = nextWave(rollout) ?? currentWave + 1;
  const driven: ExampleEvent[] = [
    { type: "host.joined", host: "web-1", wave: currentWave },
    { type: "host.joined", wave: 7 },
    ...changes(rollout),
    { type: "wave.advanced", fromWave: currentWave, toWave: currentWave },
    { type: "wave.advanced", fromWave: currentWave, toWave: next },
    { type: "rollout.completed" },
    { type: "rollout.superseded", by: "stable@v9" },
    { type: "retention.expired" },
    { type: "plan.decided", dispatched: 1, gates: [] },
    { type: "plan.decided", dispatched: 0, gates: [{ gate: "freeze", since: openedAt, detail: "weekend" }] },
  ];
  const people: ExampleEvent[] = [
    { type: "rollout.superseded", by: "stable@v9" },
    { type: "rollout.pause", reason: "a bad disk" },
    { type: "rollout.resume" },
    { type: "rollout.promote" },
    { type: "rollout.promote", full: true },
    { type: "wave.approve" },
    { type: "wave.approve", wave: next },
    { type: "rollout.cancel" },
    { type: "operator.cleared", reason: "seen to" },
  ];
  const planner: ExampleEvent[] = [
    { type: "plan.requested" },
    { type: "plan.due" },
    { type: "retention.due" },
    { type: "xstate.done.actor.planRollout", output: { nextAt: null, again: false } },
    { type: "xstate.done.actor.planRollout", output: { nextAt: openedAt + 120_000, again: false } },
    { type: "xstate.done.actor.planRollout", output: { nextAt: null, again: true } },
    { type: "xstate.error.actor.planRollout", error: { message: "the store does not answer" } },
  ];
  const stamped = (principal: string) => (event: ExampleEvent) => ({ at: openedAt + 60_000, principal, ...event });
  return [
    ...driven.map(stamped("engine")),
    ...people.map(stamped("ann")),
    ...(planHash === null ? planner.slice(0, 3) : planner).map(stamped("engine")),
  ];
}

/** The hosts of the current wave on their way, and one that is nowhere counted. */
function changes({ waves, currentWave }: RolloutContext): ExampleEvent[] {
  const counters = waves?.[currentWave];
  const from: readonly CountedState[] =
    counters === undefined ? ["Soaking", "Failed"] : countedStates.filter((state) => counters[state] > 0);
  const pairs = from.flatMap((state) => (onward[state] ?? []).map((to) => ({ from: state, to })));
  return [...pairs, { from: "Released", to: "Pending" } as const].map((pair) => ({
    type: "host.changed",
    host: "web-1",
    ...pair,
    wave: currentWave,
  }));
}
