import { setImmediate as turnOfOthers } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";

/** What waiting agents may cost, by name. */
export interface PollLimits {
  /** Hosts that wait at the same time. Each holds a connection, and some have to be left for people. Beyond it 429. */
  waitingMax: number;
  /** The longest wait: below what proxies and the server itself take for a stalled connection. */
  waitMaxMs: number;
}

export const defaultPollLimits: PollLimits = { waitingMax: 7_500, waitMaxMs: 60_000 };

export interface Poll<Found> {
  host: string;
  waitMs: number;
  /** Aborted when nobody is there any more to be answered. */
  gone?: AbortSignal;
  /** Looks for something to tell. */
  look(): Promise<Found | undefined>;
  /** Resolves when it is worth to look again, or the signal is aborted. */
  changed(signal: AbortSignal): Promise<void>;
}

/** Everybody who waits for something to do. */
export interface Polls {
  /**
   * Looks until there is something to tell. Undefined when the time is over, nobody is there any more, or the host asks a
   * second time: its connection was lost, and only the newest is answered. Throws `too-many-requests`, and `shutting-down`.
   */
  wait<Found>(poll: Poll<Found>): Promise<Found | undefined>;
  waiting(): number;
}

const askAgainMs = 5_000; // by then one of so many that wait has been answered

export function createPolls(given: { limits: PollLimits; clock: Clock; stopping: AbortSignal | undefined }): Polls {
  const { limits, clock, stopping } = given;
  const waiting = new Map<string, AbortController>(); // one for each host
  stopping?.addEventListener("abort", () => {
    for (const each of waiting.values()) each.abort();
  });

  /** A second one of a host takes the place of the first. */
  function takePlace(host: string): AbortController {
    const first = waiting.get(host);
    if (first === undefined && waiting.size >= limits.waitingMax) {
      const detail = `${waiting.size} hosts wait already, which is as many as may. Ask again later, or without a wait.`;
      throw new SignalboxError("too-many-requests", detail, { extra: { retryAfterMs: askAgainMs } });
    }
    first?.abort();
    const ended = new AbortController();
    waiting.set(host, ended);
    return ended;
  }

  async function lookUntil<Found>({ look, changed }: Poll<Found>, ended: AbortSignal): Promise<Found | undefined> {
    while (!ended.aborted) {
      const news = changed(ended); // before it looks: nothing that happens in between is missed
      const found = await look();
      if (found !== undefined) return found;
      await news;
      await turnOfOthers(); // much of what happens at once is looked at once
    }
    if (stopping?.aborted !== true) return undefined;
    throw new SignalboxError("shutting-down", "The server is stopping. Ask the next one.");
  }

  return {
    async wait(poll) {
      const { host, gone, look } = poll;
      const waitMs = Math.min(poll.waitMs, limits.waitMaxMs);
      const found = await look();
      if (found !== undefined || waitMs <= 0 || gone?.aborted === true) return found;
      const ended = takePlace(host);
      const end = () => ended.abort();
      gone?.addEventListener("abort", end, { once: true });
      if (stopping?.aborted === true) end();
      void clock.wakeAt(clock.now() + waitMs, ended.signal).then(end);
      try {
        return await lookUntil(poll, ended.signal);
      } finally {
        end(); // gives back the timer, and whatever listens
        gone?.removeEventListener("abort", end);
        if (waiting.get(host) === ended) waiting.delete(host);
      }
    },
    waiting: () => waiting.size,
  };
}
