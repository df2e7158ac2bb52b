import type { Clock } from "../core/clock.ts";

/** The machine's own clock. A pending wait keeps the process alive until it ends or is aborted. */
export function systemClock(): Clock {
  return clockOf(() => Date.now());
}

/**
 * Begins at the machine's own clock and goes on by the time that passes: whoever sets that clock meanwhile neither shortens nor
 * prolongs what is measured by this one.
 */
export function steadyClock(): Clock {
  const startedAt = Date.now() - performance.now();
  return clockOf(() => Math.floor(startedAt + performance.now()));
}

// Well under setTimeout's own limit of 2^31 ms, and a wait sees within a minute that the wall clock was set.
const longestSleepMs = 60_000;

function clockOf(now: () => number): Clock {
  return {
    now,
    wakeAt: (at, signal) =>
      new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", end);
          resolve();
        };
        const sleep = () => {
          const leftMs = at - now();
          if (signal.aborted || !(leftMs > 0)) return end();
          timer = setTimeout(sleep, Math.min(leftMs, longestSleepMs));
        };
        signal.addEventListener("abort", end);
        sleep();
      }),
  };
}
