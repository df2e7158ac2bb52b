import { SignalboxError } from "../core/errors.ts";
import type { JournalRow, Store } from "../store/store.ts";
import type { Limits } from "./limits.ts";
import { entryFrom, type JournalEntry } from "./reading.ts";
import { charactersOf, createTail } from "./tail.ts";

export interface FeedQuery {
  /** Begins after this journal number; with what comes from now on when not given. */
  after?: number;
  instance?: string;
  signal?: AbortSignal;
}

/** Entries that follow each other. They are shared by all readers, and not to be changed. */
export interface FeedPage {
  entries: readonly JournalEntry[];
  /** The reader had seen all that there was: these are new. */
  isLive: boolean;
}

/** A place in the journal to read on from. */
export interface OpenFeed {
  /** The journal number that it begins after. */
  position: number;
  /** Ends with the signal. Throws what the store throws; reading on from the last entry misses nothing then. */
  pages(signal?: AbortSignal): AsyncIterable<FeedPage>;
}

/** The journal from a position on, then live. Only what is committed, in order, without gap or double. */
export interface Feed {
  /** Throws `invalid-request` for a position that the journal has not reached. */
  open(query?: Omit<FeedQuery, "signal">): Promise<OpenFeed>;
  /** Entries of the reader's own. Throws as `open` does. */
  read(query?: FeedQuery): AsyncIterable<JournalEntry>;
  /** Something was committed. */
  notify(): void;
  /** Resolves when something is committed, or with the signal. */
  news(signal?: AbortSignal): Promise<void>;
}

export function createFeed({ store, limits }: { store: Store; limits: Limits }): Feed {
  const tail = createTail({ store, limits });
  const waiting = new Set<() => void>();

  async function open({ after, instance }: Omit<FeedQuery, "signal"> = {}): Promise<OpenFeed> {
    const end = await store.position();
    const position = after ?? end;
    if (position > end) {
      const detail = `The journal ends at ${end}: there is no position ${position} to go on from. Give the number of the last entry that you have, or none to begin with what comes.`;
      throw new SignalboxError("invalid-request", detail, {
        errors: [{ pointer: "/after", detail: `expected at most ${end}` }],
      });
    }
    tail.catchUp(end);
    return { position, pages: (signal) => pages({ position, instance, signal }) };
  }

  /** Catches up from the store, then takes from the tail what all readers share. A reader that falls behind it catches up again. */
  async function* pages(given: {
    position: number;
    instance: string | undefined;
    signal: AbortSignal | undefined;
  }): AsyncGenerator<FeedPage> {
    const { instance, signal } = given;
    let { position } = given;
    let isLive = false;
    let limit = limits.tailPageMax;
    const { news, leave } = createWaiter(signal);
    try {
      while (!isAborted(signal)) {
        const shared = tail.since(position);
        if (shared === undefined) {
          const read = await readStore({ position, instance, limit });
          ({ position, limit } = read);
          isLive = false;
          if (read.entries.length > 0) yield { entries: read.entries, isLive };
        } else if (shared.length > 0) {
          position = shared.at(-1)?.seq ?? position;
          const entries = instance === undefined ? shared : shared.filter((each) => each.instance === instance);
          if (entries.length > 0) yield { entries, isLive };
        } else if (tail.isBehind()) {
          await tail.advance();
        } else {
          isLive = true;
          await news();
        }
      }
    } finally {
      leave();
    }
  }

  /** A page, the position up to which nothing is missing after it, and how many rows to read for the next one. */
  async function readStore(given: { position: number; instance: string | undefined; limit: number }) {
    const { position, instance, limit } = given;
    const end = tail.end(); // before reading: all up to there is committed
    const rows = await store.journal({ after: position, limit, ...(instance !== undefined && { instance }) });
    const kept = rows.slice(0, countWithin(rows, limits.tailPageCharactersMax));
    const last = kept.at(-1)?.seq ?? position;
    const isAll = kept.length === rows.length && rows.length < limit;
    return {
      entries: kept.map(entryFrom),
      position: isAll ? Math.max(last, end) : last,
      limit: Math.min(limits.tailPageMax, kept.length * 2 || limit), // no more is read only to be dropped
    };
  }

  /** Waits for commits, again and again, by one listener at the signal. */
  function createWaiter(signal: AbortSignal | undefined) {
    let wake = () => {};
    const end = () => wake();
    signal?.addEventListener("abort", end);
    return {
      news: () =>
        new Promise<void>((resolve) => {
          if (isAborted(signal)) return resolve();
          wake = resolve;
          waiting.add(wake);
        }),
      leave() {
        waiting.delete(wake);
        signal?.removeEventListener("abort", end);
      },
    };
  }

  return {
    open,
    async *read({ signal, ...query } = {}) {
      const opened = await open(query);
      for await (const { entries } of opened.pages(signal)) {
        for (const entry of entries) {
          if (isAborted(signal)) return;
          yield structuredClone(entry);
        }
      }
    },
    notify() {
      tail.notify();
      for (const wake of waiting) wake();
      waiting.clear();
    },
    news(signal) {
      const { news, leave } = createWaiter(signal);
      return news().finally(leave);
    },
  };
}

/** How many of the first rows have no more characters together; at least one. */
function countWithin(rows: readonly JournalRow[], charactersMax: number): number {
  let characters = 0;
  const beyond = rows.findIndex((row) => (characters += charactersOf(row)) > charactersMax);
  return beyond < 0 ? rows.length : Math.max(1, beyond);
}

/** Asked anew each time: the signal changes while a generator waits. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
