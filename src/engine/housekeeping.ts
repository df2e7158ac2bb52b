import type { Clock } from "../core/clock.ts";
import type { Element, InstanceRow, NewJournalRow, Store } from "../store/store.ts";
import type { Heads } from "./heads.ts";
import type { Limits } from "./limits.ts";
import { engineAsker, entryOf } from "./move.ts";

const sweepEveryMs = 600_000;
const restAfterMs = 1_000; // a portion that was full leaves a rest, which is soon due
const sweptAtOnce = 100; // one transaction stays short
const forgottenAtOnce = 10_000; // about 20 ms

export interface Sweep {
  at: number;
  hasFailed: boolean;
}

/** Forgets what its retention allows: old command ids, and of instances that ended long ago first the journal, then all. */
export function createHousekeeping(given: {
  store: Store;
  clock: Clock;
  limits: Limits;
  heads: Pick<Heads, "drop">;
  /** Whether nobody needs an instance any more that ended long ago. */
  mayForget(id: string): boolean;
  onCommitted(): void;
}) {
  const { store, clock, limits, heads, mayForget, onCommitted } = given;
  let dueAt = clock.now() + sweepEveryMs;
  let after: string | undefined; // where the last sweep stopped

  async function shrinkSome(): Promise<void> {
    const now = clock.now();
    const forgottenBefore = now - limits.endedRetentionMs;
    const compactedBefore = now - limits.journalRetentionMs;
    const endedBefore = Math.max(forgottenBefore, compactedBefore);
    const rows = await store.instances({ endedBefore, limit: sweptAtOnce, ...(after !== undefined && { after }) });
    after = rows.length < sweptAtOnce ? undefined : rows.at(-1)?.id;
    for (const row of rows) {
      if (row.updatedAt < forgottenBefore && (await isUnneeded(row))) await forget(row);
      else if (row.updatedAt < compactedBefore) await compact(row);
    }
  }

  /** What an instance that ended has to say yet, and a call that waits for its end, can only become less. */
  async function isUnneeded({ id, parent }: InstanceRow): Promise<boolean> {
    if (!mayForget(id)) return false;
    const now = clock.now();
    const untold = await store.pending({ instances: [id], now, limit: 1 });
    const waiting = parent === null ? [] : await store.pending({ key: parent.key, now, limit: 1 });
    return untold.length === 0 && waiting.length === 0;
  }

  /** Leaves one entry, which stands for all before it and holds nothing of them. */
  async function forget(row: InstanceRow): Promise<void> {
    await cutOff(row, { kind: "forgotten", checkpoint: null }, { forget: row.id });
    heads.drop(row.id);
  }

  /** Shrinks the journal of an instance to one checkpoint. */
  async function compact(row: InstanceRow): Promise<void> {
    const entries = await store.journal({ instance: row.id, limit: 2 });
    if (entries.length < 2) return;
    const checkpoint = { snapshot: row.snapshot, machineVersion: row.machineVersion };
    await cutOff(row, { kind: "compacted", checkpoint });
  }

  async function cutOff(
    row: InstanceRow,
    last: Pick<NewJournalRow, "kind" | "checkpoint">,
    more: Pick<Element, "forget"> = {},
  ): Promise<void> {
    const journal = entryOf({
      ...last,
      row,
      at: clock.now(),
      event: null,
      from: row.state,
      via: [],
      outcome: "unchanged",
      asker: engineAsker,
      effects: [],
    });
    const cut = { instance: row.id, before: Number.MAX_SAFE_INTEGER }; // also what it refused since it was looked at
    const expects = [{ id: row.id, version: row.version }];
    await store.commit([{ writes: [], expects, journal: [journal], fences: [], changes: [], cut, ...more }]);
    onCommitted();
  }

  let last: Sweep | null = null;

  return {
    /** How the last one went; null before the first. */
    lastSweep: (): Sweep | null => last,

    /** Does a bounded part of it when it is time, otherwise nothing. */
    async sweep(): Promise<void> {
      if (clock.now() < dueAt) return;
      dueAt = clock.now() + sweepEveryMs;
      let hasFailed = true;
      try {
        const forgotten = await store.forgetCommands(clock.now() - limits.commandRetentionMs, forgottenAtOnce);
        await shrinkSome();
        if (forgotten === forgottenAtOnce || after !== undefined) dueAt = clock.now() + restAfterMs;
        hasFailed = false;
      } finally {
        last = { at: clock.now(), hasFailed };
      }
    },
  };
}
