import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Limits } from "./limits.ts";

/** Counts refusals by principal: a client in a loop must not fill the journal. */
export interface RefusalRate {
  /** Throws `too-many-requests` when the principal has used up its refusals of this minute. */
  check(principal: string): void;
  count(principal: string): void;
}

const windowMs = 60_000;

export function createRefusalRate({ clock, limits }: { clock: Clock; limits: Limits }): RefusalRate {
  const counts = new Map<string, number>();
  let windowStart = clock.now();

  function turnWindow(): void {
    const passedMs = clock.now() - windowStart;
    if (passedMs >= 0 && passedMs < windowMs) return; // a clock that is set back begins a new window
    counts.clear();
    windowStart = clock.now();
  }

  return {
    check(principal) {
      turnWindow();
      if ((counts.get(principal) ?? 0) < limits.refusalsPerMinuteMax) return;
      const detail = `${principal} has been refused ${limits.refusalsPerMinuteMax} times within a minute. Read the reasons, and try again later.`;
      throw new SignalboxError("too-many-requests", detail, {
        extra: { retryAfterMs: windowStart + windowMs - clock.now() },
      });
    },
    count(principal) {
      turnWindow();
      counts.set(principal, (counts.get(principal) ?? 0) + 1);
    },
  };
}
