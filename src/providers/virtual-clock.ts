import type { Clock } from "../core/clock.ts";

/**
 * A clock that stands still until it is moved. `advance` wakes what is due in the order of its time (then of asking) and
 * lets the consequences of each waking settle, new waits within the window included, before it goes on. Calls of
 * `advance` queue.
 */
export function virtualClock(startMs: number): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = startMs;
  let lastAdvance = Promise.resolve();
  const sleepers = new Set<Sleeper>(); // in order of asking

  async function moveTo(untilMs: number): Promise<void> {
    await settle();
    for (let next = earliest(sleepers, untilMs); next; next = earliest(sleepers, untilMs)) {
      nowMs = Math.max(nowMs, next.at);
      next.wake();
      await settle();
    }
    nowMs = Math.max(nowMs, untilMs);
  }

  return {
    now: () => nowMs,
    wakeAt(at, signal) {
      if (signal.aborted || at <= nowMs) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper = { at, wake };
        sleepers.add(sleeper);
        signal.addEventListener("abort", wake);
        function wake() {
          sleepers.delete(sleeper);
          signal.removeEventListener("abort", wake);
          resolve();
        }
      });
    },
    advance(ms) {
      lastAdvance = lastAdvance.then(() => moveTo(nowMs + ms));
      return lastAdvance;
    },
  };
}

interface Sleeper {
  readonly at: number;
  wake(): void;
}

function earliest(sleepers: Iterable<Sleeper>, untilMs: number): Sleeper | undefined {
  let first: Sleeper | undefined;
  for (const sleeper of sleepers) {
    if (sleeper.at <= untilMs && (first === undefined || sleeper.at < first.at)) first = sleeper;
  }
  return first;
}

const turnsToSettle = 10; // a chain of that many commits or timers of 0 ms follows one waking, with room to spare

async function settle(): Promise<void> {
  for (let turn = 0; turn < turnsToSettle; turn++) await new Promise((resolve) => setImmediate(resolve));
}
