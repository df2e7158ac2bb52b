import type { RetryPolicy } from "./activity.ts";

/** Wait after the n-th failed attempt: `baseMs`, doubled each time, at most `maxMs`. */
export function retryDelayMs({ failed, baseMs, maxMs }: { failed: number } & Omit<RetryPolicy, "attempts">): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failed - 1, 40)); // 2^40 ms is beyond any limit, and still a safe integer
}

/** Whether so many failed attempts are all that the policy allows. */
export function isExhausted({ failed, attempts }: { failed: number; attempts: number }): boolean {
  return failed >= attempts;
}
