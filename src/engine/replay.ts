import { setImmediate as turnOfOthers } from "node:timers/promises";
import { thaw, type Frozen } from "../core/freeze.ts";
import type { Refusal } from "../core/law.ts";
import type { Machine } from "../core/machine.ts";
import { completedChild, type StampedEvent } from "../core/step.ts";
import type { JournalRow, Loaded, PendingRow, Store } from "../store/store.ts";
import { canonicalJson } from "../core/canonical.ts";
import { parseInput } from "./catalogue.ts";
import { describedBy, withoutSettled, type Head } from "./head.ts";
import { createMove, engineAsker, eventMove, type Performs } from "./move.ts";
import { afterEarlierMoves } from "./plan.ts";

/** One entry of a journal, and the head that it leads to. */
export interface Replayed {
  entry: JournalRow;
  head: Head;
  /** What the chart makes of the event; undefined where there is nothing to judge. */
  outcome: JournalRow["outcome"] | undefined;
}

/**
 * Folds the journal of an instance from its last checkpoint on, in order. Performs nothing and writes nothing. Attempts of
 * calls are not in a journal, so every call is as if it had not been tried yet. Throws when the journal does not begin with
 * a checkpoint, and what a step throws.
 */
export async function* replay(given: {
  store: Store;
  machine: Machine;
  loaded: Loaded;
  performs: Performs;
}): AsyncGenerator<Replayed> {
  const { store, machine, loaded, performs } = given;
  let head: Head | undefined;
  for await (const entry of entriesOf(store, loaded.row.id)) {
    if (entry.checkpoint !== null) {
      head = beginning(machine, loaded, { ...entry, checkpoint: entry.checkpoint }, performs);
      yield { entry, head, outcome: undefined };
      continue;
    }
    if (head === undefined) throw new MissingCheckpoint(entry.seq);
    const event = JSON.parse(entry.event ?? "null") as StampedEvent | null;
    head = event === null ? head : withoutSettled(head, settledBy(head, event));
    if (event === null || event.type.startsWith("signalbox.") || isJudgedElsewhere(entry)) {
      yield { entry, head, outcome: undefined };
      continue;
    }
    const moved = eventMove(head, event, engineAsker, performs);
    head = moved.head;
    yield { entry, head, outcome: moved.outcome };
  }
}

/** Entries of the last checkpoint are gone. */
export class MissingCheckpoint extends Error {
  readonly seq: number;

  constructor(seq: number) {
    super("the journal does not begin with a checkpoint");
    this.name = "MissingCheckpoint";
    this.seq = seq;
  }
}

const pageSize = 500; // replayed without a pause: about 10 ms, then others have their turn

async function* entriesOf(store: Store, instance: string): AsyncGenerator<JournalRow> {
  let query: { after?: number; sinceCheckpoint?: true } = { sinceCheckpoint: true };
  for (;;) {
    const rows = await store.journal({ instance, ...query, limit: pageSize });
    yield* rows;
    if (rows.length < pageSize) return;
    query = { after: rows.at(-1)?.seq ?? 0 };
    await turnOfOthers();
  }
}

/** A refusal that rests on moves which were given up with it. */
function isJudgedElsewhere({ outcome, reasons }: JournalRow): boolean {
  if (outcome !== "refused") return false;
  return (JSON.parse(reasons ?? "[]") as Refusal[]).some(({ code }) => code === afterEarlierMoves.code);
}

type Checkpoint = JournalRow & { checkpoint: NonNullable<JournalRow["checkpoint"]> };

/** The head that a checkpoint holds. What a checkpoint does not say comes from the instance's row. */
function beginning(machine: Machine, loaded: Loaded, entry: Checkpoint, performs: Performs): Head {
  const { kind, version, at, checkpoint } = entry;
  const snapshot = thaw(machine, JSON.parse(checkpoint.snapshot) as Frozen);
  const described = describedBy(snapshot, undefined, at);
  const isSameSince = kind === "compacted" || (kind === "migrated" && loaded.row.since < at);
  const row = {
    ...loaded.row,
    ...described,
    ...(isSameSince && { since: loaded.row.since, regionsSince: loaded.row.regionsSince }),
    version,
    machineVersion: checkpoint.machineVersion,
    snapshot: checkpoint.snapshot,
    at,
    updatedAt: kind === "compacted" ? loaded.row.updatedAt : at,
  };
  return { machine, row, snapshot, armed: armedAt(machine, loaded, entry, performs) };
}

/** Calls and timers that were open: of a creation all, of a migration those that are open still, of an end none. */
function armedAt(machine: Machine, loaded: Loaded, entry: Checkpoint, performs: Performs): Head["armed"] {
  if (entry.kind === "compacted") return new Map();
  if (entry.kind === "created") return armedByCreation(machine, loaded, entry, performs);
  const older = loaded.pending.filter(({ version }) => version < entry.version);
  return new Map(older.map((row) => [row.id, row]));
}

function armedByCreation(machine: Machine, { row }: Loaded, { at }: Checkpoint, performs: Performs): Head["armed"] {
  const { id, input, labels, parent } = row;
  const creation = {
    machine,
    id,
    input: parseInput(machine, JSON.parse(input)),
    canonicalInput: input,
    labels,
    parent,
    at,
  };
  return createMove(creation, engineAsker, performs).head.armed;
}

const nothing: ReadonlySet<string> = new Set();

/** Keys of the rows that an event comes from: they were settled in its commit. */
function settledBy({ armed }: Head, event: StampedEvent): ReadonlySet<string> {
  if (armed.size === 0) return nothing;
  if (event.type === "signalbox.discarded") return new Set([String(event["key"])]);
  const child = completedChild(event.type);
  if (child !== undefined) return keysOf(armed.get(child));
  if (event.principal !== "engine") return nothing;
  return keysOf([...armed.values()].find((row) => isTimerOf(row, event)));
}

function keysOf(row: PendingRow | undefined): ReadonlySet<string> {
  return row === undefined ? nothing : new Set([row.key]);
}

/** Whether the event is the one that the timer carries. */
function isTimerOf(
  { kind, dueAt, payload }: PendingRow,
  { at, principal: _principal, ...event }: StampedEvent,
): boolean {
  if (kind !== "timer" || dueAt === null || dueAt > at) return false;
  return canonicalJson(JSON.parse(payload)) === canonicalJson(event);
}
