import type { Clock } from "../core/clock.ts";
import type { InstanceRow, Store } from "../store/store.ts";
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

/** Forgets what its retention allows: old command ids, and the journal of instances that ended long ago. */
export function createHousekeeping({ store, clock, limits }: { store: Store; clock: Clock; limits: Limits }) {
  let dueAt = clock.now() + sweepEveryMs;
  let after: string | undefined; // where the last sweep stopped

  async function compactSome(): Promise<void> {
    const endedBefore = clock.now() - limits.journalRetentionMs;
    const rows = await store.instances({ endedBefore, limit: sweptAtOnce, ...(after !== undefined && { after }) });
    after = rows.length < sweptAtOnce ? undefined : rows.at(-1)?.id;
    for (const row of rows) await compact(row);
  }

  /** Shrinks the journal of an instance to one checkpoint. */
  async function compact(row: InstanceRow): Promise<void> {
    const entries = await store.journal({ instance: row.id, limit: 2 });
    if (entries.length < 2) return;
    const journal = entryOf({
      kind: "compacted",
      row,
      at: clock.now(),
      event: null,
      from: row.state,
      via: [],
      outcome: "unchanged",
      asker: engineAsker,
      effects: [],
      checkpoint: { snapshot: row.snapshot, machineVersion: row.machineVersion },
    });
    const cut = { instance: row.id, before: (await store.position()) + 1 };
    const expects = [{ id: row.id, version: row.version }];
    await store.commit([{ writes: [], expects, journal: [journal], fences: [], changes: [], cut }]);
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
        await compactSome();
        if (forgotten === forgottenAtOnce || after !== undefined) dueAt = clock.now() + restAfterMs;
        hasFailed = false;
      } finally {
        last = { at: clock.now(), hasFailed };
      }
    },
  };
}
