import {
  chainBeginning,
  chained,
  contentOf,
  kindsThatStandForOthers,
  type ChainHead,
  type ChainPage,
  type ChainRow,
} from "./chain.ts";
import type { Element, JournalQuery, JournalRow, NewJournalRow } from "./store.ts";

/** A journal in memory: reading a page costs what is on the page, however long the journal is. */
export interface MemoryJournal {
  position(): number;
  append(row: NewJournalRow): void;
  cut(cut: NonNullable<Element["cut"]>): void;
  read(query: JournalQuery): JournalRow[];
  chain(query: { after?: number; limit: number }): ChainPage;
}

type Link = Pick<ChainRow, "instance" | "contentHash" | "hash">;

/** The chain is computed when somebody asks for it, or when a content is about to be cut off: most journals in memory are never audited. */
export function createMemoryJournal(): MemoryJournal {
  const rows: (JournalRow | null)[] = []; // the entry n stands at n - 1; null: cut off
  const links: Link[] = []; // of the first entries
  const byInstance = new Map<string, JournalRow[]>();

  function link(): void {
    let before = headAt(links.length);
    for (const row of rows.slice(links.length)) {
      const next = chained(before, contentOf(row as JournalRow)); // nothing is cut off before it is linked
      const { instance, contentHash, hash } = next;
      links.push({ instance, contentHash, hash });
      before = next;
    }
  }

  function headAt(seq: number): ChainHead {
    const at = links[seq - 1];
    return at === undefined ? chainBeginning : { seq, hash: at.hash };
  }

  function chainRow({ instance, contentHash, hash }: Link, seq: number): ChainRow {
    const row = rows[seq - 1] ?? null;
    const content = row === null ? null : contentOf(row);
    return { seq, instance, contentHash, hash, content, compactedBy: row === null ? compactedBy(instance, seq) : null };
  }

  /** The entry that stands for what was cut off before it. */
  function compactedBy(instance: string, seq: number): number | null {
    const entries = byInstance.get(instance) ?? [];
    return entries.findLast((row) => row.seq > seq && kindsThatStandForOthers.has(row.kind))?.seq ?? null;
  }

  /** Where a reader of an instance, or of all, finds the entries between two numbers, both excluded. */
  function between(instance: string | undefined, after: number, before: number) {
    if (instance === undefined) return { list: rows, from: after, to: Math.min(rows.length, before - 1) };
    const list = byInstance.get(instance) ?? [];
    return { list, from: countUpTo(list, after), to: countUpTo(list, before - 1) };
  }

  return {
    position: () => rows.length,
    append(row) {
      const entry: JournalRow = { ...row, seq: rows.length + 1 };
      rows.push(entry);
      const ofInstance = byInstance.get(row.instance);
      if (ofInstance === undefined) byInstance.set(row.instance, [entry]);
      else ofInstance.push(entry);
    },
    cut({ instance, before }) {
      link();
      const entries = byInstance.get(instance) ?? [];
      const count = countUpTo(entries, before - 1);
      for (const { seq } of entries.slice(0, count)) rows[seq - 1] = null;
      byInstance.set(instance, entries.slice(count));
    },
    read({ instance, after = 0, before = Infinity, sinceCheckpoint, stream, under, upTo = Infinity, limit }) {
      const { list, from, to } = between(instance, after, Math.min(before, upTo + 1));
      const matches = (row: JournalRow | null): row is JournalRow =>
        row !== null &&
        (stream === undefined || (row.stream?.name === stream.name && row.stream.seq === stream.seq)) &&
        (under === undefined || row.instance === under || row.instance.startsWith(`${under}/`));
      if (sinceCheckpoint === true) {
        const entries = list.slice(from, to).filter(matches);
        const begin = Math.max(
          0,
          entries.findLastIndex(({ checkpoint }) => checkpoint !== null),
        );
        return before === Infinity ? entries.slice(begin, begin + limit) : entries.slice(begin).slice(-limit);
      }
      const entries: JournalRow[] = [];
      if (before === Infinity) {
        for (let place = from; place < to && entries.length < limit; place += 1) {
          const row = list[place] ?? null;
          if (matches(row)) entries.push(row);
        }
        return entries;
      }
      for (let place = to - 1; place >= from && entries.length < limit; place -= 1) {
        const row = list[place] ?? null;
        if (matches(row)) entries.push(row);
      }
      return entries.toReversed();
    },
    chain({ after = 0, limit }) {
      link();
      const asked = links.slice(after, after + limit); // there are no gaps here
      const { seq, hash } = headAt(after);
      return { before: { seq, hash }, rows: asked.map((each, index) => chainRow(each, after + index + 1)) };
    },
  };
}

/** How many entries have a number up to that one; they are in order of it. */
function countUpTo(entries: readonly JournalRow[], seq: number): number {
  let from = 0;
  let to = entries.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((entries[middle] as JournalRow).seq <= seq) from = middle + 1;
    else to = middle;
  }
  return from;
}
