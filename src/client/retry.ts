import { isExhausted, retryDelayMs } from "../core/retry.ts";
import type { Outcome } from "./outcome.ts";

export interface RetryLimits {
  /** Attempts in all, the first one among them. */
  attemptsMax: number;
  /** Wait before the second attempt; doubled each time. */
  baseMs: number;
  /** The longest wait, and the longest `Retry-After` that is waited for. */
  maxMs: number;
}

/** Together about six seconds: a server that restarts is back by then. */
export const defaultRetries: RetryLimits = { attemptsMax: 6, baseMs: 200, maxMs: 30_000 };

/** Tries until there is an answer, for as long as it may come by itself. Throws the last error, or the signal's reason. */
export async function insist<Body>(
  attempt: () => Promise<Outcome<Body>>,
  { limits, signal }: { limits: RetryLimits; signal: AbortSignal | undefined },
): Promise<Body> {
  for (let failed = 1; ; failed += 1) {
    signal?.throwIfAborted();
    const outcome = await attempt();
    if (outcome.kind === "answered") return outcome.body;
    const { error, isPassing, retryAfterMs = 0 } = outcome;
    const isOver = isExhausted({ failed, attempts: limits.attemptsMax }) || retryAfterMs > limits.maxMs;
    if (!isPassing || isOver) throw error;
    await pause(waitMs({ failed, limits, retryAfterMs }), signal);
  }
}

/** Never less than the server asks for; otherwise between half of the doubled wait and all of it, so that clients do not come back in step. */
export function waitMs(given: {
  failed: number;
  limits: Omit<RetryLimits, "attemptsMax">;
  retryAfterMs: number;
}): number {
  const { failed, limits, retryAfterMs } = given;
  const { baseMs, maxMs } = limits;
  return Math.max(retryAfterMs, retryDelayMs({ failed, baseMs, maxMs }) * (0.5 + Math.random() / 2));
}

/** Rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    if (signal?.aborted === true) return end();
    signal?.addEventListener("abort", end, { once: true });
  });
}
