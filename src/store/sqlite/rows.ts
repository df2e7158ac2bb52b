import { SignalboxError } from "../../core/errors.ts";
import type { ChainContent, ChainHead, ChainRow } from "../chain.ts";
import type { CommandRow, InstanceRow, JournalRow, PendingRow } from "../store.ts";

type Value = string | number | null;
/** A row as SQLite gives it. Its columns were written by this file, so it is trusted here. */
export type Columns = Record<string, unknown>;

export const instanceColumns =
  "id, machine, machine_version, version, status, state, tags, labels, snapshot, input, parent, streams, at, since, regions_since, created_at, updated_at, created_seq, transition_seq";

export function instanceValues(row: InstanceRow): Value[] {
  return wellFormed([
    row.id,
    row.machine,
    row.machineVersion,
    row.version,
    row.status,
    row.state,
    JSON.stringify(row.tags),
    JSON.stringify(row.labels),
    row.snapshot,
    row.input,
    row.parent === null ? null : JSON.stringify(row.parent),
    JSON.stringify(row.streams),
    row.at,
    row.since,
    JSON.stringify(row.regionsSince),
    row.createdAt,
    row.updatedAt,
    row.createdSeq,
    row.transitionSeq,
  ]);
}

export function instanceOf(columns: Columns): InstanceRow {
  return {
    id: columns["id"] as string,
    machine: columns["machine"] as string,
    machineVersion: columns["machine_version"] as number,
    version: columns["version"] as number,
    status: columns["status"] as InstanceRow["status"],
    state: columns["state"] as string,
    tags: JSON.parse(columns["tags"] as string) as string[],
    labels: JSON.parse(columns["labels"] as string) as Record<string, string>,
    snapshot: columns["snapshot"] as string,
    input: columns["input"] as string,
    parent: columns["parent"] === null ? null : (JSON.parse(columns["parent"] as string) as InstanceRow["parent"]),
    streams: JSON.parse(columns["streams"] as string) as Record<string, number>,
    at: columns["at"] as number,
    since: columns["since"] as number,
    regionsSince: JSON.parse(columns["regions_since"] as string) as Record<string, number>,
    createdAt: columns["created_at"] as number,
    updatedAt: columns["updated_at"] as number,
    createdSeq: columns["created_seq"] as number,
    transitionSeq: columns["transition_seq"] as number,
  };
}

export const journalColumns =
  "seq, kind, at, instance, machine, version, event, from_state, to_state, via, outcome, reasons, emitted, principal, command_id, trace, stream, stream_seq, checkpoint, checkpoint_version, content_hash, hash";

export function journalValues(row: ChainRow & { content: ChainContent }): (Value | Buffer)[] {
  const { seq, content, contentHash, hash } = row;
  const values: (Value | Buffer)[] = wellFormed([
    seq,
    content.kind,
    content.at,
    content.instance,
    content.machine,
    content.version,
    content.event,
    content.from,
    content.to,
    content.via,
    content.outcome,
    content.reasons,
    content.emitted,
    content.principal,
    content.commandId,
    content.trace,
    content.stream,
    content.streamSeq,
    content.checkpoint,
    content.checkpointVersion,
  ]);
  values.push(Buffer.from(contentHash, "hex"), Buffer.from(hash, "hex"));
  return values;
}

export function journalOf(columns: Columns): JournalRow {
  const stream = columns["stream"] as string | null;
  const checkpoint = columns["checkpoint"] as string | null;
  return {
    seq: columns["seq"] as number,
    kind: columns["kind"] as JournalRow["kind"],
    at: columns["at"] as number,
    instance: columns["instance"] as string,
    machine: columns["machine"] as string,
    version: columns["version"] as number,
    event: columns["event"] as string | null,
    from: columns["from_state"] as string | null,
    to: columns["to_state"] as string,
    via: JSON.parse(columns["via"] as string) as string[],
    outcome: columns["outcome"] as JournalRow["outcome"],
    reasons: columns["reasons"] as string | null,
    emitted: columns["emitted"] as string | null,
    principal: columns["principal"] as string,
    commandId: columns["command_id"] as string | null,
    trace: columns["trace"] as string | null,
    stream: stream === null ? null : { name: stream, seq: columns["stream_seq"] as number },
    checkpoint:
      checkpoint === null ? null : { snapshot: checkpoint, machineVersion: columns["checkpoint_version"] as number },
  };
}

/** Columns of the chain, with whole numbers as bigint: somebody else may have written them. */
export function chainRowOf(columns: Columns): ChainRow {
  const compactedBy = columns["compacted_by"] as bigint | null;
  return {
    ...chainHeadOf(columns),
    instance: columns["instance"] as string,
    contentHash: hexOf(columns["content_hash"]),
    content: columns["has_content"] === 1n ? chainContentOf(columns) : null,
    compactedBy: compactedBy === null ? null : Number(compactedBy),
  };
}

export function chainHeadOf({ seq, hash }: Columns): ChainHead {
  return { seq: clamped(seq as bigint), hash: hexOf(hash) };
}

/** As it was hashed, whatever it says now: a number that is too large for one becomes text, which never fits the hash. */
function chainContentOf(columns: Columns): ChainContent {
  const [at, version] = [columns["at"], columns["version"]].map(numberOf) as [number, number];
  const [checkpointVersion = null, streamSeq = null] = [columns["checkpoint_version"], columns["stream_seq"]].map(
    numberOf,
  );
  return {
    at,
    checkpoint: columns["checkpoint"] as string | null,
    checkpointVersion: checkpointVersion as number | null,
    commandId: columns["command_id"] as string | null,
    emitted: columns["emitted"] as string | null,
    event: columns["event"] as string | null,
    from: columns["from_state"] as string | null,
    instance: columns["instance"] as string,
    kind: columns["kind"] as string,
    machine: columns["machine"] as string,
    outcome: columns["outcome"] as string,
    principal: columns["principal"] as string,
    reasons: columns["reasons"] as string | null,
    stream: columns["stream"] as string | null,
    streamSeq: streamSeq as number | null,
    to: columns["to_state"] as string,
    trace: columns["trace"] as string | null,
    version,
    via: columns["via"] as string,
  };
}

function numberOf(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** A number that nobody of ours gives stays one that JSON can carry. */
export function clamped(value: bigint): number {
  return Math.min(Math.max(Number(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

function hexOf(blob: unknown): string {
  return Buffer.from(blob as Uint8Array).toString("hex");
}

export const pendingColumns =
  "key, instance, version, kind, id, activity, payload, receiver, settles, due_at, created_at, trace, attempts, error, lease_owner, lease_until, dead";

export function pendingValues(row: PendingRow): Value[] {
  return wellFormed([
    row.key,
    row.instance,
    row.version,
    row.kind,
    row.id,
    row.activity,
    row.payload,
    row.to,
    row.settles,
    row.dueAt,
    row.createdAt,
    row.trace,
    row.attempts,
    row.error,
    row.leaseOwner,
    row.leaseUntil,
    row.dead ? 1 : 0,
  ]);
}

export function pendingOf(columns: Columns): PendingRow {
  return {
    key: columns["key"] as string,
    instance: columns["instance"] as string,
    version: columns["version"] as number,
    kind: columns["kind"] as PendingRow["kind"],
    id: columns["id"] as string,
    activity: columns["activity"] as string | null,
    payload: columns["payload"] as string,
    to: columns["receiver"] as string | null,
    settles: columns["settles"] as string | null,
    dueAt: columns["due_at"] as number | null,
    createdAt: columns["created_at"] as number,
    trace: columns["trace"] as string | null,
    attempts: columns["attempts"] as number,
    error: columns["error"] as string | null,
    leaseOwner: columns["lease_owner"] as string | null,
    leaseUntil: columns["lease_until"] as number | null,
    dead: columns["dead"] === 1,
  };
}

export function commandValues(row: CommandRow): Value[] {
  return wellFormed([row.principal, row.id, row.fingerprint, row.at, row.answer]);
}

export function commandOf(columns: Columns): CommandRow {
  return {
    principal: columns["principal"] as string,
    id: columns["id"] as string,
    fingerprint: columns["fingerprint"] as string,
    at: columns["at"] as number,
    answer: columns["answer"] as string,
  };
}

/** `?, ?, ?` */
export function placeholders(columns: string): string {
  return columns.replace(/[^,]+/g, "?");
}

/** SQLite would write U+FFFD for half a surrogate pair, and two different keys would become one. */
function wellFormed(values: Value[]): Value[] {
  for (const value of values) {
    if (typeof value === "string" && !value.isWellFormed())
      throw new SignalboxError("invalid-request", "Text for the database is not well-formed Unicode.");
  }
  return values;
}
