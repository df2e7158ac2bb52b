import { setImmediate as turnOfOthers } from "node:timers/promises";
import type { JournalRow, Store } from "../store/store.ts";
import type { Limits } from "./limits.ts";
import { entryFrom, type JournalEntry } from "./reading.ts";

/** The newest part of the journal, read once for all who follow it. */
export interface Tail {
  /** The journal number up to which it has read. */
  end(): number;
  /** What it keeps after a position, the same objects for everybody; undefined when the position lies before that. */
  since(position: number): readonly JournalEntry[] | undefined;
  /** Whether something was committed that it has not read to its end. */
  isBehind(): boolean;
  /** Reads on. Whoever asks while a reading is under way shares it, and its failure. */
  advance(): Promise<void>;
  /** Something was committed. */
  notify(): void;
  /** The journal ends at `position`. A tail that nobody has read for a while begins anew there. */
  catchUp(position: number): void;
}

export function createTail({ store, limits }: { store: Store; limits: Limits }): Tail {
  const { tailPageMax, tailKeptMax, tailKeptCharactersMax } = limits;
  let kept: { entry: JournalEntry; characters: number }[] = [];
  let from = 0; // everything after it, up to `to`, is kept
  let to = 0;
  let isBehind = true;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    await turnOfOthers(); // who commits in this turn is read with it, and sockets take what they were given
    const begunAt = to;
    isBehind = false; // before reading: what is committed meanwhile is not missed
    try {
      const rows = await store.journal({ after: begunAt, limit: tailPageMax });
      if (begunAt !== to) return; // it began anew elsewhere
      trim(); // before adding: whoever was at the end finds the whole page
      for (const row of rows) kept.push({ entry: entryFrom(row), characters: charactersOf(row) });
      to = rows.at(-1)?.seq ?? to;
      if (rows.length === tailPageMax) isBehind = true;
    } catch (error) {
      isBehind = true;
      throw error;
    }
  }

  function trim(): void {
    let characters = kept.reduce((sum, each) => sum + each.characters, 0);
    let dropped = 0;
    for (const each of kept) {
      if (kept.length - dropped <= tailKeptMax && characters <= tailKeptCharactersMax) break;
      characters -= each.characters;
      from = each.entry.seq;
      dropped += 1;
    }
    kept = kept.slice(dropped);
  }

  return {
    end: () => to,
    since(position) {
      if (position < from) return undefined;
      return kept.slice(kept.findLastIndex(({ entry }) => entry.seq <= position) + 1).map(({ entry }) => entry);
    },
    isBehind: () => isBehind || reading !== undefined,
    advance() {
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    notify() {
      isBehind = true;
    },
    catchUp(position) {
      if (position <= to) return;
      isBehind = true;
      if (position - to <= tailPageMax) return;
      kept = [];
      from = position;
      to = position;
    },
  };
}

const rowCharacters = 500; // of the fields that are short

export function charactersOf({ event, reasons, emitted }: JournalRow): number {
  return rowCharacters + (event?.length ?? 0) + (reasons?.length ?? 0) + (emitted?.length ?? 0);
}
