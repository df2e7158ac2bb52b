import { retryDelayMs } from "../core/retry.ts";

/** How long to wait after failures in a row: longer each time, and not in step with others. */
export interface Backoff {
  /** One more: how long to wait, in ms. */
  failed(): number;
  succeeded(): void;
}

/** Between half of the doubled wait and all of it. `chance` gives a number from 0 to 1. */
export function createBackoff(given: { baseMs: number; maxMs: number; chance: () => number }): Backoff {
  const { baseMs, maxMs, chance } = given;
  let failed = 0;
  return {
    failed() {
      failed += 1;
      return retryDelayMs({ failed, baseMs, maxMs }) * (0.5 + chance() / 2);
    },
    succeeded() {
      failed = 0;
    },
  };
}
