import { SignalboxError } from "../core/errors.ts";
import { versionOf } from "../core/machine.ts";
import type { Instance } from "../core/outcome.ts";
import type { JournalRow, Loaded, Store } from "../store/store.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Limits } from "./limits.ts";
import type { Performs } from "./move.ts";
import { entryFrom, type JournalEntry } from "./reading.ts";
import { replay, type Replayed } from "./replay.ts";
import { viewOf } from "./view.ts";

/** An instance as one entry of its journal left it. */
export interface Moment {
  entry: JournalEntry;
  /** Right after the entry, at the time of the entry. */
  instance: Instance;
  /** Right after the entry before it; null for the first that can be replayed. */
  before: Instance | null;
}

export interface History {
  /**
   * Replays an instance's journal up to an entry. Throws `not-found` for an entry that is not there (any more),
   * `needs-migration` for one of another machine version, `invalid-request` for one too far from its checkpoint, and
   * `too-many-requests` when too many wait for a replay.
   */
  momentOf(id: string, seq: number): Promise<Moment>;
}

export function createHistory(given: {
  store: Store;
  catalogue: Catalogue;
  limits: Limits;
  performs: Performs;
}): History {
  const { store, catalogue, limits, performs } = given;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** One replay at a time: it takes the processor away from those who send. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (waiting >= limits.replayQueueMax) {
      const detail = `${limits.replayQueueMax} replays are waiting already. Ask again in a moment.`;
      throw new SignalboxError("too-many-requests", detail, { extra: { retryAfterMs: 1_000 } });
    }
    waiting += 1;
    const turn = last.then(work).finally(() => (waiting -= 1));
    last = turn.catch(() => undefined);
    return turn;
  }

  async function replayed(id: string, seq: number): Promise<Moment> {
    const loaded = await store.load(id);
    if (loaded === undefined) throw new SignalboxError("not-found", `There is no instance ${id}.`);
    const [target] = await store.journal({ instance: id, after: seq - 1, limit: 1 });
    const [checkpoint] = await store.journal({ instance: id, sinceCheckpoint: true, limit: 1 });
    if (target?.seq !== seq || checkpoint === undefined) throw noEntry(loaded, seq, checkpoint);
    if (checkpoint.kind === "created" && seq < checkpoint.seq) throw ofForgotten(loaded, seq, checkpoint);
    const machine = catalogue.machine(loaded.row.machine);
    checkVersion(loaded, { seq, checkpoint, current: versionOf(machine) });

    let before: Replayed | undefined;
    let replayedEntries = 0;
    for await (const now of replay({ store, machine, loaded, performs })) {
      checkAgrees(now);
      if (now.entry.seq === seq) return momentAt(now, before);
      before = now;
      replayedEntries += 1;
      if (replayedEntries >= limits.replayEntriesMax) throw tooFar(loaded, seq, limits.replayEntriesMax);
    }
    throw noEntry(loaded, seq, checkpoint); // it was cut off meanwhile
  }

  return { momentOf: async (id, seq) => inTurn(() => replayed(id, seq)) };
}

function momentAt({ entry, head }: Replayed, before: Replayed | undefined): Moment {
  return {
    entry: entryFrom(entry),
    instance: viewOf(head, entry.at),
    before: before === undefined ? null : viewOf(before.head, before.entry.at),
  };
}

function noEntry({ row }: Loaded, seq: number, checkpoint: JournalRow | undefined): SignalboxError {
  const isCut = checkpoint?.kind === "compacted" && seq < checkpoint.seq;
  const detail = isCut
    ? `Entry ${seq} of ${row.id} is not kept any more: its journal was compacted to entry ${checkpoint.seq}.`
    : `The journal of ${row.id} has no entry ${seq}. Its entries are listed by /v1/instances/{id}/journal.`;
  return new SignalboxError("not-found", detail);
}

function ofForgotten({ row }: Loaded, seq: number, created: JournalRow): SignalboxError {
  const detail = `Entry ${seq} is of an instance that had the id ${row.id} before and is forgotten; the present one begins with entry ${created.seq}.`;
  return new SignalboxError("not-found", detail);
}

/** Only the chart that made an entry can replay it. */
function checkVersion(
  { row }: Loaded,
  { seq, checkpoint, current }: { seq: number; checkpoint: JournalRow; current: number },
): void {
  const found = seq < checkpoint.seq ? undefined : checkpoint.checkpoint?.machineVersion;
  if (found === current) return;
  const made = found === undefined ? `before ${row.machine} was changed` : `by version ${found} of ${row.machine}`;
  const detail = `Entry ${seq} of ${row.id} was made ${made}, and version ${current} runs: it cannot be replayed. Entries from ${checkpoint.seq} on of the present version can.`;
  throw new SignalboxError("needs-migration", detail, {
    extra: { machine: row.machine, ...(found !== undefined && { found }), current },
  });
}

/** A replay that takes another way than the journal shows nothing that ever was. */
function checkAgrees({ entry, head, outcome }: Replayed): void {
  if ((outcome ?? entry.outcome) === entry.outcome && head.row.version === entry.version) return;
  const detail = `The replay of ${entry.instance} differs from its journal at entry ${entry.seq}: the chart or the journal was changed without a new version. Verify the instance to learn more.`;
  throw new SignalboxError("machine-fault", detail);
}

function tooFar({ row }: Loaded, seq: number, most: number): SignalboxError {
  const detail = `Entry ${seq} of ${row.id} is more than ${most} entries after its last checkpoint; that far nothing is replayed on request. Read the journal, or verify the instance.`;
  return new SignalboxError("invalid-request", detail, {
    errors: [{ pointer: "/seq", detail: `more than ${most} entries after the checkpoint` }],
  });
}
