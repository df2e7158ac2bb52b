import type { ErrorCode } from "../core/errors.ts";
import type { ChainPage } from "./chain.ts";

/**
 * `instances` is what is. `journal` is what happened. `pending` is what is to happen. One transaction writes all three
 * tables, or none of them. Times are epoch ms, whole and safe integers; text is well-formed Unicode, and JSON is text that
 * the store does not look into. Lists are in the order of ids and keys by code point.
 */
export interface Store {
  /** An instance with its pending calls and timers; undefined when there is none. */
  load(id: string): Promise<Loaded | undefined>;

  /**
   * Writes a batch in one database transaction, element after element in the given order, and answers for each. A refused
   * element writes nothing and takes no other with it:
   * - `duplicate`: its command is recorded already;
   * - `settled`: a pending row that it fences on is gone;
   * - `stale`: an instance is not at the version that the element was made from, or exists although it is to be created.
   *
   * When it resolves, what was committed survives a crash of the machine. When it rejects, nothing is known, but with a code
   * of `wroteNothing`.
   */
  commit(batch: readonly Element[]): Promise<readonly CommitResult[]>;

  command(principal: string, id: string): Promise<CommandRow | undefined>;

  /**
   * Leases what is due, so that a runner that dies gives it back: deliveries first, then calls, each by `dueAt` (then in
   * order of arming) and at most as many as are asked for. Dead rows and rows without `dueAt` are left alone. Messages of
   * one pair keep their order: one is left while an earlier one is leased, left, or due after it; dead ones are passed over.
   */
  claim(claim: Claim): Promise<PendingRow[]>;
  /** Prolongs leases; answers with the keys that the owner still holds. */
  renew(renewal: { keys: readonly string[]; owner: string; leaseUntil: number }): Promise<string[]>;
  /** Puts rows back that are still leased by the owner; nothing when they are not. */
  putBack(rows: readonly PutBack[]): Promise<void>;
  /** Frees the leases of owners that are gone. A store with one owner frees all. */
  takeBack(owner: string): Promise<number>;
  /** Says anew when rows are due (null: never by themselves), as if nothing had been tried. Rows that are gone are passed over. */
  reschedule(rows: readonly { key: string; dueAt: number | null }[]): Promise<void>;
  /** When the next row may be claimed (a lease that ends counts); null when nothing will be. */
  nextDueAt(): Promise<number | null>;

  instances(query: InstanceQuery): Promise<InstanceRow[]>;
  /** Entries in order of `seq`. A reader that has seen n never later meets a smaller one. */
  journal(query: JournalQuery): Promise<JournalRow[]>;
  /**
   * The journal as a chain of hashes, in order of `seq`: every row that was ever written, those that were cut off without
   * their content. Begins after `after`, or with whatever is first.
   */
  chain(query: { after?: number; limit: number }): Promise<ChainPage>;
  pending(query: PendingQuery): Promise<PendingRow[]>;
  /** How many rows there are of each kind and state; those without any are left out. Lets others work in between. */
  countPending(now: number): Promise<PendingCount[]>;
  /** The last journal number; 0 when there is none. */
  position(): Promise<number>;

  /** Forgets commands older than `before`, at most `limit`; answers with how many. */
  forgetCommands(before: number, limit: number): Promise<number>;
  /** Writes next to nothing, durably: resolves when the store can be written to. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** Codes with which a commit rejects that has written nothing: there is no space, or one of its elements cannot be written. */
export const wroteNothing: ReadonlySet<ErrorCode> = new Set([
  "insufficient-storage",
  "invalid-request",
  "payload-too-large",
  "internal-fault",
]);

export type CommitResult = "committed" | "stale" | "settled" | "duplicate";

export interface Loaded {
  row: InstanceRow;
  /** Its calls and timers, not its messages. */
  pending: PendingRow[];
}

/** An instance as it is written. */
export interface NewInstanceRow {
  id: string;
  machine: string;
  machineVersion: number;
  /** Counts changes; 1 after creation. */
  version: number;
  status: "active" | "done" | "error";
  state: string;
  tags: readonly string[];
  labels: Readonly<Record<string, string>>;
  /** JSON of the frozen snapshot. */
  snapshot: string;
  /** Canonical JSON of what it was created with. */
  input: string;
  /** The call that waits for its end; null for an instance that nobody called. */
  parent: { instance: string; id: string; key: string } | null;
  /** Last number of each numbered stream. */
  streams: Readonly<Record<string, number>>;
  /** Time of the last event. */
  at: number;
  /** When `state` last changed. */
  since: number;
  /** When the state of each other region last changed. */
  regionsSince: Readonly<Record<string, number>>;
  createdAt: number;
  updatedAt: number;
}

/** An instance as it is read: the store knows the numbers of its journal entries when it writes them. */
export interface InstanceRow extends NewInstanceRow {
  /** The journal number of its creation; where the journal stood, if it was written without an entry. */
  createdSeq: number;
  /** The journal number of the last entry whose `from` differs from its `to`, the creation included. */
  transitionSeq: number;
}

/**
 * Of the last two the entries before them may have been cut off: `compacted` is where an instance that ended is read from, `forgotten`
 * all that is left of one.
 */
export type JournalKind = "created" | "event" | "migrated" | "compacted" | "forgotten";

export interface NewJournalRow {
  kind: JournalKind;
  at: number;
  instance: string;
  machine: string;
  /** After the entry; for a refusal the one that it met. */
  version: number;
  /** JSON of the stamped event; null for all kinds but `event`. */
  event: string | null;
  from: string | null;
  to: string;
  via: readonly string[];
  outcome: "changed" | "unchanged" | "refused";
  /** JSON of the reasons of a refusal. */
  reasons: string | null;
  /** JSON of the events that were emitted. */
  emitted: string | null;
  principal: string;
  commandId: string | null;
  /** W3C traceparent of the request or call that it came from. */
  trace: string | null;
  stream: { name: string; seq: number } | null;
  /** A checkpoint: JSON of the whole frozen snapshot and the machine's version that it belongs to. */
  checkpoint: { snapshot: string; machineVersion: number } | null;
}

export interface JournalRow extends NewJournalRow {
  seq: number;
}

export type PendingKind = "call" | "timer" | "message";

export interface PendingRow {
  /** `{instance}#{version}:{effect}`; the idempotency key of a call. */
  key: string;
  instance: string;
  /** Of the instance, when it was armed. */
  version: number;
  kind: PendingKind;
  /** The effect's id; one row per instance and id, but for messages. */
  id: string;
  /** Of a call. */
  activity: string | null;
  /** JSON of a call's input, or of the event of a timer or message. */
  payload: string;
  /** Of a message: the receiver. */
  to: string | null;
  /** Of a child's last message: the parent's call that it ends. */
  settles: string | null;
  /** null: nobody here performs it, or it waits for a child. */
  dueAt: number | null;
  createdAt: number;
  /** W3C traceparent of what armed it. */
  trace: string | null;
  /** Attempts that have failed. */
  attempts: number;
  error: string | null;
  leaseOwner: string | null;
  leaseUntil: number | null;
  /** Given up; stays until somebody retries or discards it. */
  dead: boolean;
}

export interface CommandRow {
  principal: string;
  id: string;
  /** Of the whole request: the same id with another one is another request. */
  fingerprint: string;
  at: number;
  /** JSON of the first answer. */
  answer: string;
}

/** An instance as it is to be. */
export interface Write {
  row: NewInstanceRow;
  /** The version that it was made from; 0: it must not be there. */
  expected: number;
  /** Nothing is other than in that version but `version`, `snapshot`, `at` and `updatedAt`: no more than these need be written. */
  isWithinState?: boolean;
}

/** What is done together or not at all. */
export interface Element {
  writes: readonly Write[];
  /** Instances that were judged and are not written. */
  expects: readonly { id: string; version: number }[];
  journal: readonly NewJournalRow[];
  /** Pending rows that must be there; those to be settled are removed. */
  fences: readonly { key: string; settle: boolean }[];
  /** In order: what one step arms, a later one may withdraw. */
  changes: readonly PendingChange[];
  /**
   * Entries of the instance before this number are cut off, and no reader meets them again; their places in the chain
   * remain. The element's own entry is their checkpoint.
   */
  cut?: { instance: string; before: number };
  /** An instance that is taken away: nothing finds it any more, and its id is free. It is to have no pending rows. */
  forget?: string;
  command?: CommandRow;
}

export type PendingChange =
  /** Takes the place of an older row of that instance and id, unless it is a message. */
  | { kind: "arm"; row: PendingRow }
  | { kind: "withdraw"; instance: string; id: string }
  /** All calls and timers of the instance. */
  | { kind: "end"; instance: string }
  | { kind: "discard"; key: string };

export interface Claim {
  now: number;
  owner: string;
  leaseUntil: number;
  /** At most so many calls. */
  calls: number;
  /** At most so many timers and messages. */
  deliveries: number;
}

export interface PutBack {
  key: string;
  owner: string;
  dueAt: number;
  attempts: number;
  error: string | null;
  dead: boolean;
}

export interface InstanceQuery {
  machine?: string;
  /** A part of the id, letter by letter. */
  text?: string;
  state?: string;
  tag?: string;
  label?: { name: string; value: string };
  status?: InstanceRow["status"];
  /** Ended before this time. */
  endedBefore?: number;
  /** Of another machine version than this. */
  notOfVersion?: number;
  /** Ids after this one. */
  after?: string;
  limit: number;
}

export interface JournalQuery {
  instance?: string;
  after?: number;
  /** Before this number, and the nearest to it. */
  before?: number;
  /** From the last checkpoint on. */
  sinceCheckpoint?: true;
  stream?: { name: string; seq: number };
  /** Of this instance and of those whose ids go on after it with a slash; looked for entry by entry. */
  under?: string;
  /** Up to this number: bounds what is looked at. */
  upTo?: number;
  limit: number;
}

export type PendingState = "due" | "waiting" | "leased" | "retrying" | "dead" | "manual";

export interface PendingQuery {
  instances?: readonly string[];
  kind?: PendingKind;
  state?: PendingState;
  key?: string;
  /** For `state`. */
  now: number;
  /** Keys after this one. */
  after?: string;
  limit: number;
}

export interface PendingCount {
  kind: PendingKind;
  state: PendingState;
  count: number;
}

/** A row is in exactly one of these. */
export function pendingStateOf(row: PendingRow, now: number): PendingState {
  if (row.dead) return "dead";
  if (row.leaseUntil !== null && row.leaseUntil > now) return "leased";
  if (row.dueAt === null) return "manual";
  if (row.attempts > 0) return "retrying";
  return row.dueAt <= now ? "due" : "waiting";
}
