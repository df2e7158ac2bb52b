import type { RetryPolicy } from "./activity.ts";

const longestMs = 31_536_000_000; // a year: also without a limit of its own a wait added to a time stays a safe integer

/** Wait after the n-th failed attempt, whole ms: `baseMs`, doubled each time, at most `maxMs`. */
export function retryDelayMs({ failed, baseMs, maxMs }: { failed: number } & Omit<RetryPolicy, "attempts">): number {
  return Math.ceil(Math.min(maxMs, longestMs, baseMs * 2 ** Math.min(failed - 1, 40)));
}

/** Whether so many failed attempts are all that the policy allows. */
export function isExhausted({ failed, attempts }: { failed: number; attempts: number }): boolean {
  return failed >= attempts;
}
