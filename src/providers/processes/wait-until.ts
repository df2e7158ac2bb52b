import type { Clock } from "../../core/clock.ts";

export interface Wait {
  clock: Clock;
  everyMs: number;
  /** Without a limit when left out. */
  forMs?: number;
  signal: AbortSignal;
}

/** Asks again and again until it holds (true) or the time is over (false). Throws the signal's reason when aborted. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  { clock, everyMs, forMs = Number.POSITIVE_INFINITY, signal }: Wait,
): Promise<boolean> {
  const until = clock.now() + forMs;
  for (;;) {
    signal.throwIfAborted();
    if (await holds()) return true;
    const now = clock.now();
    if (now >= until) return false;
    await clock.wakeAt(Math.min(now + everyMs, until), signal);
  }
}

/** Throws the signal's reason when aborted. */
export async function pause(ms: number, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<void> {
  await clock.wakeAt(clock.now() + ms, signal);
  signal.throwIfAborted();
}
