import type { Store } from "../store/store.ts";
import { entryFrom, type JournalEntry } from "./reading.ts";

export interface FeedQuery {
  /** Begins after this journal number; with what comes from now on when not given. */
  after?: number;
  instance?: string;
  signal?: AbortSignal;
}

/** The journal from a position on, then live. Only what is committed, in order, without gap or double. */
export interface Feed {
  read(query?: FeedQuery): AsyncIterable<JournalEntry>;
  /** Something was committed. */
  notify(): void;
  /** Resolves when something is committed. */
  news(): Promise<void>;
}

const pageSize = 256; // entries read at once: bounds the memory of a reader that is far behind

export function createFeed(store: Store): Feed {
  let next = Promise.withResolvers<void>();

  async function* read({ after, instance, signal }: FeedQuery = {}): AsyncGenerator<JournalEntry> {
    let position = after ?? (await store.position());
    while (!isAborted(signal)) {
      const { promise: more } = next; // taken before reading: what is committed meanwhile is not missed
      const rows = await store.journal({
        after: position,
        limit: pageSize,
        ...(instance !== undefined && { instance }),
      });
      for (const row of rows) {
        if (isAborted(signal)) return;
        position = row.seq;
        yield entryFrom(row);
      }
      if (rows.length === 0) await untilAborted(more, signal);
    }
  }

  return {
    read,
    news: () => next.promise,
    notify() {
      const { resolve } = next;
      next = Promise.withResolvers<void>();
      resolve();
    },
  };
}

/** Resolves with the promise or the signal. Leaves nothing behind at a signal that outlives many of them. */
function untilAborted(more: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      signal?.removeEventListener("abort", end);
      resolve();
    };
    signal?.addEventListener("abort", end);
    if (isAborted(signal)) end();
    void more.then(end);
  });
}

/** Asked anew each time: the signal changes while the generator waits. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
