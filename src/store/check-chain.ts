import { setImmediate as turnOfOthers } from "node:timers/promises";
import {
  chainBeginning,
  chainFaultsOf,
  kindsThatStandForOthers,
  type ChainHead,
  type ChainPage,
  type ChainRow,
} from "./chain.ts";

export interface ChainReport {
  /** Rows that were looked at. */
  checked: number;
  /** The last of them: whoever notes it can ask later whether it is still there. */
  head: ChainHead;
  /** In order of the rows; the same row may have several. */
  faults: ChainFault[];
  /** Whether the end was reached; if not, `head` is where to go on from. */
  isComplete: boolean;
}

export interface ChainFault {
  seq: number;
  detail: string;
}

/** Where a chain is read from. */
export interface ChainSource {
  chain(query: { after?: number; limit: number }): Promise<ChainPage>;
  /** The last number that was given to a row. */
  position(): Promise<number>;
}

export interface ChainQuery {
  /** Goes on behind this row; from the first one when not given. */
  from?: ChainHead;
  /** A head that was noted earlier: the row must be there, with this hash. */
  expect?: ChainHead;
  /** At most so many rows; all when not given. */
  limit?: number;
}

const pageSize = 500; // hashed without a pause: about 5 ms, then others have their turn
const faultsMax = 1_000; // nobody reads more of them, and one who did this is found

/** Reads a chain in pages and checks every row; rows that are added meanwhile are checked too. */
export async function checkChain(source: ChainSource, query: ChainQuery = {}): Promise<ChainReport> {
  const { from, expect, limit = Infinity } = query;
  const check = createChainCheck({ ...(from && { from }), ...(expect && { expect }) });
  for (let after = from?.seq; ; ) {
    const positionBefore = await source.position();
    const size = Math.min(pageSize, limit - check.checked());
    const { before, rows } = await source.chain({ ...(after !== undefined && { after }), limit: size });
    if (check.checked() === 0 && from !== undefined) check.begin(before);
    for (const row of rows) check.add(row);
    const head = check.head();
    const isStuck = head.seq <= (after ?? -Infinity); // a number that cannot be told from the one before it
    if (rows.length < size || isStuck || check.isFull()) {
      check.end({ least: positionBefore, most: await source.position() });
      return check.report({ isComplete: true });
    }
    if (check.checked() >= limit) return check.report({ isComplete: false });
    after = head.seq;
    await turnOfOthers();
  }
}

/** Checks rows one after the other, wherever they come from. */
export function createChainCheck({ from = chainBeginning, expect }: { from?: ChainHead; expect?: ChainHead } = {}) {
  const faults: ChainFault[] = [];
  const bare = new Map<string, number>(); // the first row without content of each instance for which none stands yet
  let before: ChainHead = { seq: from.seq, hash: from.hash };
  let checked = 0;

  function found(seq: number, detail: string): void {
    if (faults.length < faultsMax) faults.push({ seq, detail });
    if (faults.length === faultsMax)
      faults.push({ seq, detail: "there are more faults than are listed; the check ends here" });
  }

  function expected({ seq, hash }: ChainHead): void {
    if (expect === undefined || expect.seq <= before.seq || expect.seq > seq) return;
    if (expect.seq < seq) found(expect.seq, "the row that was noted is not there");
    else if (expect.hash !== hash) found(seq, `the row was noted with the hash ${expect.hash}, and has ${hash}`);
  }

  function keepsContent({ instance, content, compactedBy, seq }: ChainRow): void {
    if (content === null && compactedBy === null && !bare.has(instance)) bare.set(instance, seq);
    if (content !== null && kindsThatStandForOthers.has(content.kind)) bare.delete(instance);
  }

  return {
    checked: () => checked,
    head: () => before,
    isFull: () => faults.length > faultsMax,

    /** The row that the chain goes on from, as it is now. */
    begin({ seq, hash }: ChainHead): void {
      if (seq !== from.seq || hash !== from.hash)
        found(from.seq, "the row to go on from was changed or taken away meanwhile");
    },

    /** `previous`: the hash that the row itself gives for the one before it. */
    add(row: ChainRow, previous = before.hash): void {
      checked += 1;
      if (previous !== before.hash) found(row.seq, "`previous` is not the hash of the row before");
      for (const detail of chainFaultsOf(row, before)) found(row.seq, detail);
      expected(row);
      keepsContent(row);
      before = { seq: row.seq, hash: row.hash };
    },

    /** The end is reached; the last row must be within the numbers that were given, where those are known. */
    end({ least, most }: { least: number; most: number } = { least: before.seq, most: before.seq }): void {
      for (const [instance, seq] of bare)
        found(seq, `the content is gone, and no later row of ${instance} stands for it`);
      const { seq } = before;
      if (seq < least) found(least, `rows up to ${least} were written, and the last one there is ${seq}`);
      if (seq > most) found(seq, `rows up to ${most} were written, and this one is there`);
      if (expect !== undefined && expect.seq > seq)
        found(expect.seq, `the row was noted, and the last one there is ${seq}`);
    },

    report: ({ isComplete }: { isComplete: boolean }): ChainReport => ({ checked, head: before, faults, isComplete }),
  };
}
