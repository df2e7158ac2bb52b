import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";

/** Counts failed authentications by address. */
export interface FailureRate {
  /** Throws `too-many-requests` when the address has used up its failures of this minute. */
  count(address: string): void;
}

/** More than a person mistypes and a forgotten script sends; guessing 256 bits is hopeless at any rate, but fills the log. */
const failuresPerMinuteMax = 60;
const addressesMax = 10_000; // about a megabyte; when they are more, the oldest begins anew
const windowMs = 60_000;

/** A good token is taken at any rate: else whoever shares an address with others could lock them out. */
export function createFailureRate(clock: Clock): FailureRate {
  const counts = new Map<string, number>();
  let windowStart = clock.now();
  return {
    count(address) {
      const passedMs = clock.now() - windowStart;
      if (passedMs < 0 || passedMs >= windowMs) {
        counts.clear(); // a clock that is set back begins a new window too
        windowStart = clock.now();
      }
      const failures = (counts.get(address) ?? 0) + 1;
      const oldest = counts.keys().next().value;
      if (failures === 1 && counts.size >= addressesMax && oldest !== undefined) counts.delete(oldest);
      counts.set(address, failures);
      if (failures <= failuresPerMinuteMax) return;
      const detail = `${failuresPerMinuteMax} requests from ${address} were not let in within a minute. Mend the token, and try again later.`;
      throw new SignalboxError("too-many-requests", detail, {
        extra: { retryAfterMs: windowStart + windowMs - clock.now() },
      });
    },
  };
}
