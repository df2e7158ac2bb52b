import type { Clock } from "../core/clock.ts";

/** The machine's own clock. A pending wait keeps the process alive until it ends or is aborted. */
export function systemClock(): Clock {
  return { now: () => Date.now(), wakeAt };
}

// Well under setTimeout's own limit of 2^31 ms, and a wait sees within a minute that the wall clock was set.
const longestSleepMs = 60_000;

function wakeAt(at: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const sleep = () => {
      const leftMs = at - Date.now();
      if (signal.aborted || !(leftMs > 0)) return end();
      timer = setTimeout(sleep, Math.min(leftMs, longestSleepMs));
    };
    signal.addEventListener("abort", end);
    sleep();
  });
}
