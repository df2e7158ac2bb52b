import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";

/** Wakes whoever waits for something to happen here. */
export interface Changes {
  /** How many there were; to be asked before one looks at what there is. */
  count(): number;
  /** Resolves when there are more than that, at a time, or with the signal. */
  beyond(count: number, until: number, signal: AbortSignal): Promise<void>;
  /** Until the signal is aborted. Misses nothing of what is committed after it was called. */
  run(signal: AbortSignal): Promise<void>;
}

const retryMs = 1_000;

export function createChanges(given: {
  engine: Pick<Engine, "feed" | "position">;
  /** Is told of each instance that was moved, before whoever waits is woken. */
  onMoved(instance: string): void;
  clock: Clock;
  log: Log;
}): Changes {
  const { engine, onMoved, clock, log } = given;
  let seen = 0;
  let news = new AbortController();

  async function follow(from: number | undefined, signal: AbortSignal): Promise<void> {
    let after = from;
    while (!signal.aborted) {
      try {
        after ??= await engine.position();
        for await (const { seq, instance, kind } of engine.feed({ after, signal })) {
          after = seq;
          if (kind === "compacted" || kind === "forgotten") continue;
          seen += 1;
          onMoved(instance);
          news.abort("committed"); // a reason of its own: making the default one is what costs
          news = new AbortController();
        }
      } catch (error) {
        log.error({ error: messageOf(error) }, "the journal cannot be followed just now");
        await clock.wakeAt(clock.now() + retryMs, signal);
      }
    }
  }

  return {
    count: () => seen,
    async beyond(count, until, signal) {
      if (seen === count) await clock.wakeAt(until, AbortSignal.any([signal, news.signal]));
    },
    run: (signal) => follow(undefined, signal),
  };
}
