import type { Clock } from "../../core/clock.ts";
import { pause } from "./wait-until.ts";

export interface Pace {
  /** So many at once. */
  readonly batchSize: number;
  /** Then nothing for so long. */
  readonly pauseMs: number;
}

/** Does the work for each, batch after batch. Throws the first failure of a batch when all of that batch has ended. */
export async function inBatches<T>(
  items: readonly T[],
  { batchSize, pauseMs, clock, signal }: Pace & { clock: Clock; signal: AbortSignal },
  work: (item: T) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < items.length; i += batchSize) {
    if (i > 0) await pause(pauseMs, { clock, signal });
    await allEnded(items.slice(i, i + batchSize).map(work));
  }
}

/** Unlike `Promise.all` it leaves nothing running behind when it throws. */
export async function allEnded(works: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(works);
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
