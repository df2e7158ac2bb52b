import type { AnyEventObject } from "xstate";
import type { Effect } from "../../src/core/effect.ts";
import { leadingState, type Machine, type Snapshot } from "../../src/core/machine.ts";
import { start, step, type StepResult } from "../../src/core/step.ts";

type Call = Extract<Effect, { kind: "call" }>;
type Timer = Extract<Effect, { kind: "timer" }> & { dueAt: number };
type Said = Extract<Effect, { kind: "message" | "emitted" }>;

/** One instance with what is pending for it, under a clock that is moved by hand. Calls stay open until they are ended. */
export interface Timeline {
  readonly now: number;
  readonly snapshot: Snapshot;
  readonly state: string;
  readonly value: unknown;
  /** When the leading state last changed (epoch ms). */
  readonly since: number;
  readonly calls: ReadonlyMap<string, Call>;
  readonly timers: ReadonlyMap<string, Timer>;
  /** Messages and emitted events, in order. */
  readonly said: readonly Said[];
  send(event: AnyEventObject): StepResult;
  /** Ends a call with its output. */
  done(id: string, output?: unknown): StepResult;
  /** Ends a call with its error. */
  failed(id: string, message: string): StepResult;
  /** Lets time pass; each timer fires when it is due. */
  pass(ms: number): void;
  /** Lets time pass while nobody looks: what is due fires late, with the next `pass` or `fireDue`. */
  oversleep(ms: number): void;
  fireDue(): void;
}

export function timelineOf(machine: Machine, input: unknown, startsAt = 0): Timeline {
  let now = startsAt;
  let since = startsAt;
  let snapshot: Snapshot;
  const calls = new Map<string, Call>();
  const timers = new Map<string, Timer>();
  const said: Said[] = [];

  const begun = start(machine, machine.input.parse(input), now);
  snapshot = begun.snapshot;
  keep(begun.effects);

  function keep(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "withdraw") {
        calls.delete(effect.id);
        timers.delete(effect.id);
      } else if (effect.kind === "call") calls.set(effect.id, effect);
      else if (effect.kind === "timer") timers.set(effect.id, { ...effect, dueAt: now + effect.delayMs });
      else said.push(effect);
    }
  }

  function send(event: AnyEventObject): StepResult {
    const result = step(machine, snapshot, { principal: "local", ...event, at: now });
    if (result.outcome === "refused") return result;
    if (result.via.length > 0 || leadingState(result.snapshot) !== leadingState(snapshot)) since = now;
    snapshot = result.snapshot;
    keep(result.effects);
    return result;
  }

  /** The event of a call's end; the call is over, whatever the chart makes of it. */
  function end(id: string, word: "done" | "error", payload: object): StepResult {
    if (!calls.delete(id)) throw new Error(`${id} is not running`);
    return send({ type: `xstate.${word}.actor.${id}`, actorId: id, ...payload });
  }

  function fireUntil(until: number, clockFollows: boolean): void {
    for (;;) {
      const next = [...timers.values()].toSorted((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined || next.dueAt > until) return;
      if (clockFollows) now = Math.max(now, next.dueAt);
      timers.delete(next.id);
      send({ ...next.event, principal: "engine" });
    }
  }

  return {
    get now() {
      return now;
    },
    get snapshot() {
      return snapshot;
    },
    get state() {
      return leadingState(snapshot);
    },
    get value() {
      return snapshot.value as unknown;
    },
    get since() {
      return since;
    },
    calls,
    timers,
    said,
    send,
    done: (id, output) => end(id, "done", { output }),
    failed: (id, message) => end(id, "error", { error: { message } }),
    pass(ms) {
      const until = now + ms;
      fireUntil(until, true);
      now = until;
    },
    oversleep(ms) {
      now += ms;
    },
    fireDue: () => fireUntil(now, false),
  };
}
