import { instanceActivityName, type InstanceInput } from "../core/activity.ts";
import type { Effect } from "../core/effect.ts";
import { messageOf, SignalboxError } from "../core/errors.ts";
import { freeze } from "../core/freeze.ts";
import type { Refusal } from "../core/law.ts";
import { leadingState, versionOf, type Machine } from "../core/machine.ts";
import { start, step, type StampedEvent } from "../core/step.ts";
import type { NewInstanceRow, NewJournalRow, PendingChange, PendingRow } from "../store/store.ts";
import { childOf, describedBy, type Head } from "./head.ts";

/** What one event or creation makes of an instance, before it is committed. Pure. */
export interface Moved {
  head: Head;
  outcome: "changed" | "unchanged" | "refused";
  reasons?: Refusal[];
  via: readonly string[];
  effects: readonly Effect[];
  journal: NewJournalRow;
  changes: PendingChange[];
  /** Children to be created in the same commit. */
  children: Child[];
  /** Keys of calls that are no longer wanted. */
  withdrawn: string[];
}

export interface Child extends InstanceInput {
  /** The call that waits for it. */
  parent: NonNullable<NewInstanceRow["parent"]>;
}

/** Who asked, and under which numbers. */
export interface Asker {
  principal: string;
  commandId: string | null;
  /** W3C traceparent. */
  trace: string | null;
  stream: { name: string; seq: number } | null;
}

/** The engine itself, of its own accord. */
export const engineAsker: Asker = { principal: "engine", commandId: null, trace: null, stream: null };

/** Whether somebody here performs a call. */
export type Performs = (activity: string, input: unknown) => boolean;

export interface Creation {
  machine: Machine;
  id: string;
  input: unknown;
  canonicalInput: string;
  labels: Readonly<Record<string, string>>;
  parent: NewInstanceRow["parent"];
  at: number;
}

/** The first move of an instance. */
export function createMove(creation: Creation, asker: Asker, performs: Performs): Moved {
  const { machine, id, input, canonicalInput, labels, parent, at } = creation;
  const { snapshot, effects } = start(machine, input, at);
  const row: NewInstanceRow = {
    id,
    machine: machine.name,
    machineVersion: versionOf(machine),
    version: 1,
    labels,
    snapshot: storedJson(freeze(snapshot), `The state of ${id}`),
    input: canonicalInput,
    parent,
    streams: {},
    at,
    createdAt: at,
    updatedAt: at,
    ...describedBy(snapshot, undefined, at),
  };
  const journal = entryOf({
    kind: "created",
    row,
    at,
    event: null,
    from: null,
    via: [],
    outcome: "changed",
    asker,
    effects,
    checkpoint: { snapshot: row.snapshot, machineVersion: row.machineVersion },
  });
  const empty: Head = { machine, row, snapshot, armed: new Map() };
  return { ...withEffects(empty, effects, asker, performs), outcome: "changed", via: [], effects, journal };
}

/** What an event makes of a head. Throws `machine-fault`. */
export function eventMove(head: Head, event: StampedEvent, asker: Asker, performs: Performs): Moved {
  const { machine, snapshot } = head;
  const { at } = event;
  const stepped = step(machine, snapshot, event);
  const isChanged = stepped.outcome === "changed";
  const row: NewInstanceRow = { ...head.row, at };
  if (isChanged) {
    row.version += 1;
    row.snapshot = storedJson(freeze(stepped.snapshot), `The state of ${row.id}`);
    row.updatedAt = at;
    Object.assign(row, describedBy(stepped.snapshot, head, at));
  }
  if (asker.stream !== null) row.streams = { ...row.streams, [asker.stream.name]: asker.stream.seq };
  const after: Head = { ...head, row, snapshot: stepped.snapshot };
  const isRefused = stepped.outcome === "refused";
  const effects = isRefused ? [] : stepped.effects;
  const via = isRefused ? [] : stepped.via;
  const journal = entryOf({
    kind: "event",
    row,
    at,
    event,
    from: leadingState(snapshot),
    via,
    outcome: stepped.outcome,
    ...(isRefused && { reasons: stepped.reasons }),
    asker,
    effects,
    checkpoint: null,
  });
  return {
    ...withEffects(after, effects, asker, performs),
    outcome: stepped.outcome,
    ...(isRefused && { reasons: stepped.reasons }),
    via,
    effects,
    journal,
  };
}

interface Entry {
  kind: NewJournalRow["kind"];
  row: NewInstanceRow;
  at: number;
  event: StampedEvent | null;
  from: string | null;
  via: readonly string[];
  outcome: Moved["outcome"];
  reasons?: readonly Refusal[];
  asker: Asker;
  effects: readonly Effect[];
  checkpoint: NewJournalRow["checkpoint"];
}

export function entryOf({
  kind,
  row,
  at,
  event,
  from,
  via,
  outcome,
  reasons,
  asker,
  effects,
  checkpoint,
}: Entry): NewJournalRow {
  const emitted: object[] = [];
  for (const effect of effects) if (effect.kind === "emitted") emitted.push(effect.event);
  return {
    kind,
    at,
    instance: row.id,
    machine: row.machine,
    version: row.version,
    event: event === null ? null : storedJson(event, `The event ${event.type}`),
    from,
    to: row.state,
    via,
    outcome,
    reasons: reasons === undefined ? null : JSON.stringify(reasons),
    emitted: emitted.length === 0 ? null : storedJson(emitted, `What ${row.id} emitted`),
    principal: asker.principal,
    commandId: asker.commandId,
    trace: asker.trace,
    stream: asker.stream,
    checkpoint,
  };
}

/** Rows in the making, of one move. */
interface Arming {
  head: Head;
  trace: string | null;
  armed: Map<string, PendingRow>;
  changes: PendingChange[];
  children: Child[];
  withdrawn: string[];
  messages: number;
}

/** Turns effects into rows. An instance that ends withdraws what is left of its own and tells its parent. */
function withEffects(
  head: Head,
  effects: readonly Effect[],
  { trace }: Asker,
  performs: Performs,
): Pick<Moved, "head" | "changes" | "children" | "withdrawn"> {
  const { row } = head;
  if (effects.length === 0 && row.status === "active") return { head, changes: [], children: [], withdrawn: [] };
  const armed = new Map(head.armed);
  const arming: Arming = { head, trace, armed, changes: [], children: [], withdrawn: [], messages: 0 };
  const { changes, children, withdrawn } = arming;
  for (const effect of effects) take(arming, effect, performs);
  if (row.status !== "active") {
    for (const older of armed.values()) letGo(arming, older);
    changes.push({ kind: "end", instance: row.id });
    const { parent } = row;
    if (parent !== null) message(arming, parent.instance, endOf(head, parent.id), parent.key);
  }
  return { head: { ...head, armed }, changes, children, withdrawn };
}

function take(arming: Arming, effect: Effect, performs: Performs): void {
  const { head, armed, changes, children } = arming;
  const { row } = head;
  switch (effect.kind) {
    case "call": {
      const isChild = effect.activity === instanceActivityName;
      const dueAt = !isChild && performs(effect.activity, effect.input) ? row.at : null;
      arm(arming, { kind: "call", id: effect.id, activity: effect.activity, payload: effect.input ?? null, dueAt });
      if (isChild) {
        const parent = { instance: row.id, id: effect.id, key: keyOf(row, effect.id) };
        children.push({ ...(effect.input as InstanceInput), parent });
      }
      break;
    }
    case "timer":
      arm(arming, { kind: "timer", id: effect.id, payload: effect.event, dueAt: dueAfter(row.at, effect.delayMs) });
      break;
    case "message":
      if (typeof effect.to !== "string") throw nobody(head, effect.event.type);
      message(arming, effect.to, effect.event);
      break;
    case "withdraw": {
      const older = armed.get(effect.id);
      if (older === undefined) break; // it has been settled: an exit withdraws whatever its state had armed
      letGo(arming, older);
      changes.push({ kind: "withdraw", instance: row.id, id: effect.id });
      break;
    }
    case "emitted":
      break; // kept in the journal entry
    default:
      effect satisfies never;
  }
}

/** A row takes the place of the older one of its id: the withdrawal of that need not be written as well. */
function arm({ head, trace, armed, changes }: Arming, given: ArmedEffect): void {
  const row = pendingRow(head.row, trace, given);
  if (given.kind !== "message") {
    armed.set(given.id, row);
    const withdrawal = changes.findIndex((change) => change.kind === "withdraw" && change.id === given.id);
    if (withdrawal >= 0) changes.splice(withdrawal, 1);
  }
  changes.push({ kind: "arm", row });
}

function message(arming: Arming, to: string, event: object, settles: string | null = null): void {
  const id = `message.${arming.messages++}`;
  arm(arming, { kind: "message", id, to, payload: event, dueAt: arming.head.row.at, settles });
}

function letGo(arming: Arming, older: PendingRow): void {
  arming.armed.delete(older.id);
  if (older.kind !== "call") return;
  arming.withdrawn.push(older.key);
  const child = childOf(older);
  if (child !== undefined) message(arming, child, { type: cancelRequest });
}

/** A whole number of ms, never early, and one that a database can hold. */
function dueAfter(at: number, delayMs: number): number {
  return Math.min(Math.ceil(at + delayMs), Number.MAX_SAFE_INTEGER);
}

/** The type under which a parent's withdrawal travels; at the child it becomes the cancel event that its machine names. */
export const cancelRequest = "signalbox.cancel";

function endOf({ row, snapshot }: Head, callId: string): object {
  if (row.status === "done")
    return { type: `xstate.done.actor.${callId}`, output: snapshot.output as unknown, actorId: callId };
  const error: unknown = snapshot.error;
  const message = error instanceof Error ? error.message : String(error);
  return { type: `xstate.error.actor.${callId}`, error: { message }, actorId: callId };
}

function nobody({ machine, row }: Head, eventType: string): SignalboxError {
  return new SignalboxError("machine-fault", `${machine.name} sent ${eventType} from ${row.id} to nobody.`);
}

/** JSON as a row keeps it. Throws `machine-fault` for what JSON cannot carry. */
function storedJson(value: unknown, of: string): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new SignalboxError("machine-fault", `${of} cannot be kept as JSON: ${messageOf(error)}`, { cause: error });
  }
}

interface ArmedEffect {
  kind: PendingRow["kind"];
  id: string;
  payload: unknown;
  dueAt: number | null;
  activity?: string;
  to?: string;
  settles?: string | null;
}

function pendingRow(
  row: NewInstanceRow,
  trace: string | null,
  { kind, id, payload, dueAt, activity, to, settles }: ArmedEffect,
): PendingRow {
  return {
    key: keyOf(row, id),
    instance: row.id,
    version: row.version,
    kind,
    id,
    activity: activity ?? null,
    payload: storedJson(payload, `What ${row.id} gave to ${id}`),
    to: to ?? null,
    settles: settles ?? null,
    dueAt,
    createdAt: row.at,
    trace,
    attempts: 0,
    error: null,
    leaseOwner: null,
    leaseUntil: null,
    dead: false,
  };
}

function keyOf(row: NewInstanceRow, effectId: string): string {
  return `${row.id}#${row.version}:${effectId}`;
}
