import type { Clock } from "../core/clock.ts";
import { createHeap } from "../core/heap.ts";

/** A clock that its owner moves from one event to the next: nothing is ever waited for. */
export interface SimulatedClock extends Clock {
  /** When the next sleeper wants to be woken; Infinity when nobody sleeps. */
  nextWakeAt(): number;
  /** Moves on, and wakes whose time has come, in the order of their times (then of asking). Never back. */
  moveTo(at: number): void;
}

interface Sleeper {
  readonly at: number;
  readonly order: number;
  wake(): void;
}

export function simulatedClock(startMs: number): SimulatedClock {
  let nowMs = startMs;
  let asked = 0;
  const sleepers = createHeap<Sleeper>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));

  return {
    now: () => nowMs,
    wakeAt(at, signal) {
      if (signal.aborted || at <= nowMs) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper = { at, order: ++asked, wake };
        sleepers.push(sleeper);
        signal.addEventListener("abort", wake);
        function wake() {
          sleepers.delete(sleeper);
          signal.removeEventListener("abort", wake);
          resolve();
        }
      });
    },
    nextWakeAt: () => sleepers.peek()?.at ?? Number.POSITIVE_INFINITY,
    moveTo(at) {
      nowMs = Math.max(nowMs, at);
      for (let next = sleepers.peek(); next !== undefined && next.at <= nowMs; next = sleepers.peek()) next.wake();
    },
  };
}
