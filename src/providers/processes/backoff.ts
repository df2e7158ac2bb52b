import type { Clock } from "../../core/clock.ts";

/** Keeps what fails from being started again at once: twice as long after each failure in a row, up to a limit. */
export interface Backoff {
  failed(key: string, why: string): void;
  /** It could not even be tried; it may be at once. */
  refused(key: string, why: string): void;
  succeeded(key: string): void;
  /** Why it failed the last time, as long as it is too early to try again. */
  tooEarly(key: string): string | undefined;
  /** Why it failed the last time. */
  lastFailure(key: string): string | undefined;
}

const firstMs = 1_000;
const longestMs = 30_000;

export function createBackoff(clock: Clock): Backoff {
  const failures = new Map<string, { why: string; delayMs: number; until: number }>();

  return {
    failed(key, why) {
      const delayMs = Math.min(longestMs, 2 * (failures.get(key)?.delayMs ?? firstMs / 2));
      failures.set(key, { why, delayMs, until: clock.now() + delayMs });
    },
    refused: (key, why) => void failures.set(key, { why, delayMs: firstMs / 2, until: clock.now() }),
    succeeded: (key) => void failures.delete(key),
    tooEarly(key) {
      const failure = failures.get(key);
      return failure !== undefined && clock.now() < failure.until ? failure.why : undefined;
    },
    lastFailure: (key) => failures.get(key)?.why,
  };
}
