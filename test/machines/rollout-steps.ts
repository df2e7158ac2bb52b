import { rollout } from "../../machines/rollout/rollout.ts";
import type { CountedState } from "../../machines/host/states.ts";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import type { Refusal } from "../../src/core/law.ts";
import type { StepResult } from "../../src/core/step.ts";
import { timelineOf, type Timeline } from "./timeline.ts";

/** A rollout as its hosts and its planner move it. */
export interface Rollout extends Timeline {
  readonly context: RolloutContext;
  readonly control: string;
  readonly planning: string;
  join(wave: number, hosts?: number): void;
  /** One host of a wave after another, each one way through these states. */
  walk(wave: number, ...path: CountedState[]): StepResult;
  /** So many hosts of a wave are dispatched and converge. */
  converge(wave: number, hosts?: number): void;
  advance(fromWave: number, toWave: number): StepResult;
  notes(): readonly string[];
}

export const plain = { rolloutId: "stable@v2", channel: "stable", targetRef: "v2" };

export function rolloutOf(input: object = {}): Rollout {
  const timeline = timelineOf(rollout, { ...plain, ...input });
  const asEngine = (event: { type: string } & Record<string, unknown>) =>
    timeline.send({ principal: "engine", ...event });

  function walk(wave: number, ...path: CountedState[]): StepResult {
    let last: StepResult | undefined;
    for (const [index, to] of path.slice(1).entries()) {
      last = asEngine({ type: "host.changed", host: `web-${wave}`, from: path[index], to, wave });
    }
    if (last === undefined) throw new Error("a path has at least two states");
    return last;
  }

  function join(wave: number, hosts = 1): void {
    for (let each = 0; each < hosts; each += 1) asEngine({ type: "host.joined", wave });
  }

  const steps = {
    join,
    walk,
    converge(wave: number, hosts = 1) {
      join(wave, hosts);
      for (let each = 0; each < hosts; each += 1) walk(wave, "Pending", "Activating", "Soaking", "Converged");
    },
    advance: (fromWave: number, toWave: number) => asEngine({ type: "wave.advanced", fromWave, toWave }),
    notes: () => rollout.notes?.(timeline.snapshot.context as never, timeline.state) ?? [],
  };
  return Object.defineProperties(Object.assign(Object.create(timeline) as Timeline, steps), {
    context: { get: () => timeline.snapshot.context as RolloutContext },
    control: { get: () => (timeline.value as Record<string, string>)["control"] },
    planning: { get: () => (timeline.value as Record<string, string>)["planning"] },
  }) as Rollout;
}

/** The reasons of a refusal; none when the event was accepted. */
export function reasonsOf(result: StepResult): readonly Refusal[] {
  return result.outcome === "refused" ? result.reasons : [];
}

export function codesOf(result: StepResult): string[] {
  return reasonsOf(result).map(({ code }) => code);
}
