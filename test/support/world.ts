import { createEngine, type Engine } from "../../src/engine/engine.ts";
import type { Limits } from "../../src/engine/limits.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Machine } from "../../src/core/machine.ts";
import type { Activity, Call, Provider } from "../../src/core/provider.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { testMachines } from "./test-machines.ts";

/** An engine with everything around it in the hand of the test. */
export interface World {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: ReturnType<typeof virtualClock>;
  /** Lets time pass: moves to each next due row and performs what is due there. */
  advance(ms: number): Promise<void>;
  /** Performs what is due now, and what follows from it at once. */
  settle(): Promise<void>;
  /** Another engine on the same store and clock, as after a crash: the one before is not told. */
  restarted(changes?: WorldOptions): World;
}

export interface WorldOptions {
  machines?: readonly Machine[];
  store?: Store;
  providers?: readonly Provider[];
  limits?: Partial<Limits>;
  /** A clock of the engine's own, where it is not to agree with the one that `advance` moves. */
  engineClock?: Clock;
  /** What makes the engine, where it is put together otherwise. */
  makeEngine?: typeof createEngine;
}

export const startsAt = 1_000_000;

export function createWorld(options: WorldOptions = {}, clock = virtualClock(startsAt)): World {
  const { machines = testMachines, store = memoryStore(), providers = [], limits = {}, engineClock = clock } = options;
  const { makeEngine = createEngine } = options;
  const engine = makeEngine({ machines, store, providers, limits, clock: engineClock });

  async function settle(): Promise<void> {
    while ((await engine.runOnce()) > 0);
  }

  return {
    engine,
    store,
    clock,
    settle,
    async advance(ms) {
      const until = clock.now() + ms;
      await settle();
      for (let at = await nextAfter(store, clock.now()); at <= until; at = await nextAfter(store, clock.now())) {
        await clock.advance(at - clock.now());
        await settle();
      }
      await clock.advance(until - clock.now());
      await settle();
    },
    restarted: (changes = {}) => createWorld({ ...options, store, ...changes }, clock),
  };
}

/** When something may happen next; Infinity when nothing will. Rows that are due and wait for others do not count. */
async function nextAfter(store: Store, now: number): Promise<number> {
  const rows = await store.pending({ now, limit: 10_000 });
  const times = rows
    .filter(({ dead, dueAt }) => !dead && dueAt !== null)
    .map(({ dueAt, leaseUntil }) => Math.max(dueAt ?? 0, leaseUntil ?? 0))
    .filter((at) => at > now);
  return Math.min(...times);
}

export interface Recorded {
  activity: string;
  key: string;
  instance: string;
  attempt: number;
  input: unknown;
  signal: AbortSignal;
}

/** A provider that writes down what it is asked for, and then does what the test says. */
export function recordingProvider(
  activities: Readonly<Record<string, (call: Call, input: unknown) => unknown>>,
): Provider & { calls: Recorded[] } {
  const calls: Recorded[] = [];
  const recorded = (name: string): Activity<unknown> =>
    async function perform(input, call) {
      const { key, instance, attempt, signal } = call;
      calls.push({ activity: name, key, instance, attempt, input, signal });
      return await activities[name]?.(call, input);
    };
  const named = Object.keys(activities).map((name) => [name, recorded(name)]);
  return { name: "recording", calls, activities: Object.fromEntries(named) as Provider["activities"] };
}

/** An activity that goes on until its signal is aborted. */
export function untilAborted({ signal }: Pick<Call, "signal">): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = () => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}
