import type { AnyActorRef, AnyEventObject, EventObject } from "xstate";
import type { Message } from "./activity.ts";
import { netEffects, type Effect } from "./effect.ts";
import { messageOf, SignalboxError } from "./errors.ts";
import type { Refusal } from "./law.ts";
import { initialMacrostep, macrostep, type Macrostep, type ResolvedAction } from "./macrostep.ts";
import { leadingState, type Machine, type Snapshot } from "./machine.ts";
import { whyRefused } from "./why-refused.ts";

/** An event with what the engine stamps on it. `at` is epoch ms and never smaller than the instance's last. */
export interface StampedEvent extends EventObject {
  at: number;
  principal?: string;
  [field: string]: unknown;
}

export type StepResult =
  | {
      outcome: "changed" | "unchanged";
      snapshot: Snapshot;
      /** Net, in order. */
      effects: Effect[];
      /** Leading states that the macrostep passed through, without the one it began and the one it ended in. */
      via: string[];
    }
  | {
      outcome: "refused";
      /** The very same object that was given. */
      snapshot: Snapshot;
      reasons: Refusal[];
    };

/** The first snapshot of an instance with the effects of entering it. Throws `machine-fault` when the chart throws. */
export function start(machine: Machine, input: unknown, at: number): { snapshot: Snapshot; effects: Effect[] } {
  const begun = initialMacrostep(machine.chart, { ...(input as object), at });
  if (begun.snapshot.status === "error") throw faultOf(machine, "xstate.init", begun.snapshot.error);
  return { snapshot: begun.snapshot, effects: effectsOf(machine, begun) };
}

/**
 * What one event does to one snapshot. Pure: the same twice gives the same twice. Throws `machine-fault` when a guard, an
 * assignment or an endless chain of transitions fails; the snapshot that was given is then still the valid one.
 */
export function step(machine: Machine, snapshot: Snapshot, event: StampedEvent): StepResult {
  try {
    if (!isAcceptable(snapshot, event) || snapshot.machine.getTransitionData(snapshot, event).length === 0) {
      return { outcome: "refused", snapshot, reasons: whyRefused(machine, snapshot, event) };
    }
    const stepped = macrostep(snapshot, event);
    const effects = effectsOf(machine, stepped);
    const outcome = stepped.snapshot === snapshot && effects.length === 0 ? "unchanged" : "changed";
    return { outcome, snapshot: stepped.snapshot, effects, via: passedThrough(snapshot, stepped) };
  } catch (error) {
    throw error instanceof SignalboxError ? error : faultOf(machine, event.type, error);
  }
}

const completion = /^xstate\.(?:done|error)\.actor\.(.+)$/;

/** The id of the child that an event completes; undefined for any other event. */
export function completedChild(eventType: string): string | undefined {
  return completion.exec(eventType)?.[1];
}

/** XState itself steps ended machines, obeys `xstate.stop`, and lets a stranger's error end an instance. */
function isAcceptable(snapshot: Snapshot, event: EventObject): boolean {
  if (snapshot.status !== "active") return false;
  if (!event.type.startsWith("xstate.")) return true;
  const child = completedChild(event.type);
  return child === undefined ? event.type.startsWith("xstate.after.") : child in snapshot.children;
}

function passedThrough(from: Snapshot, { microsteps }: Macrostep): string[] {
  if (microsteps.length < 2) return [];
  const path = [leadingState(from)];
  for (const { snapshot } of microsteps) {
    const state = leadingState(snapshot);
    if (state !== path.at(-1)) path.push(state);
  }
  return path.slice(1, -1);
}

function effectsOf(machine: Machine, { actions }: Macrostep): Effect[] {
  if (actions.length === 0) return [];
  const effects: Effect[] = [];
  for (const action of actions) {
    const effect = effectOf(machine, action);
    if (effect !== undefined) effects.push(effect);
  }
  return netEffects(effects);
}

function effectOf(machine: Machine, { type, params }: ResolvedAction): Effect | undefined {
  switch (type) {
    case "xstate.raise":
      return timerOf(machine, params as { event: AnyEventObject; id?: string; delay?: number });
    case "xstate.cancel":
      return { kind: "withdraw", id: (params as { sendId: string }).sendId };
    case "xstate.spawnChild": {
      const { id, src, input } = params as { id: string; src: string; input: unknown };
      return { kind: "call", id, activity: src, input };
    }
    case "xstate.stopChild":
      return params === undefined ? undefined : { kind: "withdraw", id: (params as AnyActorRef).id };
    case "xstate.emit":
      return { kind: "emitted", event: (params as { event: AnyEventObject }).event };
    case "message":
      return { kind: "message", ...(params as Message) };
    default:
      throw new SignalboxError(
        "machine-fault",
        `${machine.name} ran the action ${type}, which a durable host cannot carry.`,
      );
  }
}

/** An immediate raise is already consumed by the macrostep; a delayed one is a timer. */
function timerOf(machine: Machine, raised: { event: AnyEventObject; id?: string; delay?: number }): Effect | undefined {
  if (typeof raised.delay !== "number") return undefined;
  if (raised.id === undefined) {
    throw new SignalboxError(
      "machine-fault",
      `${machine.name} raised ${raised.event.type} with a delay but without an id.`,
    );
  }
  if (!Number.isFinite(raised.delay)) {
    throw new SignalboxError(
      "machine-fault",
      `${machine.name} raised ${raised.event.type} with the delay ${raised.delay}.`,
    );
  }
  return { kind: "timer", id: raised.id, delayMs: Math.max(0, raised.delay), event: raised.event };
}

function faultOf(machine: Machine, eventType: string, error: unknown): SignalboxError {
  const detail = `${machine.name} failed while it was stepped with ${eventType}: ${messageOf(error)}`;
  return new SignalboxError("machine-fault", detail, { cause: error });
}
