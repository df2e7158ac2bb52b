import type { Snapshot } from "../core/machine.ts";

/** The release of `@statelyai/inspect` whose messages these are; `docs/inspector.md` says what was compared. */
export const protocolVersion = "0.7.2";

interface Message {
  /** Stands for this one update: a receiver that meets it twice can tell. */
  id: string;
  _version: string;
  /** Epoch ms as text. */
  createdAt: string;
  /** The actor that it is about: an instance's id. */
  sessionId: string;
  /** The actor without a parent under which it runs. */
  rootId: string;
}

/** There is such an actor, and this is where it stands. */
export interface ActorMessage extends Message {
  type: "@xstate.actor";
  name: string;
  parentId?: string;
  /** JSON of the chart. */
  definition: string;
  snapshot: SnapshotView;
}

/** An actor was sent an event. */
export interface EventMessage extends Message {
  type: "@xstate.event";
  sourceId?: string;
  event: { type: string };
}

/** Where an event left an actor. */
export interface SnapshotMessage extends Message {
  type: "@xstate.snapshot";
  event: { type: string };
  snapshot: SnapshotView;
}

export type InspectionMessage = ActorMessage | EventMessage | SnapshotMessage;

/** What XState's own snapshot keeps as JSON, without what belongs to a running actor. */
export interface SnapshotView {
  status: Snapshot["status"];
  value: unknown;
  context: unknown;
  output?: unknown;
  error?: unknown;
  tags: string[];
}

/** An instance as the inspector knows it. */
export interface Inspected {
  readonly id: string;
  readonly rootId: string;
  readonly parentId?: string;
  /** The parent's invoke that it answers. */
  readonly callId?: string;
  readonly definition: string;
  readonly version: number;
  readonly snapshot: Snapshot;
  /** Time of its last event. */
  readonly at: number;
}

export function actorMessage(actor: Inspected): ActorMessage {
  const { id, parentId, definition, version, snapshot, at } = actor;
  return {
    type: "@xstate.actor",
    ...common(actor, `actor:${id}@${version}`, at),
    name: id,
    ...(parentId !== undefined && { parentId }),
    definition,
    snapshot: viewOf(snapshot),
  };
}

/** What of a journal entry is told. */
export interface Happening {
  seq: number;
  at: number;
  event: { type: string };
}

export function eventMessage(actor: Inspected, { seq, at, event }: Happening, sourceId?: string): EventMessage {
  return {
    type: "@xstate.event",
    ...common(actor, `event:${seq}`, at),
    ...(sourceId !== undefined && { sourceId }),
    event,
  };
}

export function snapshotMessage(actor: Inspected, { seq, at, event }: Happening): SnapshotMessage {
  return {
    type: "@xstate.snapshot",
    ...common(actor, `snapshot:${seq}`, at),
    event,
    snapshot: viewOf(actor.snapshot),
  };
}

function common({ id: sessionId, rootId }: Inspected, id: string, at: number): Message {
  return { id, _version: protocolVersion, createdAt: String(at), sessionId, rootId };
}

function viewOf({ status, value, context, output, error, tags }: Snapshot): SnapshotView {
  return {
    status,
    value: value as unknown,
    context: context as unknown,
    ...(output !== undefined && { output: output as unknown }),
    ...(error !== undefined && { error }),
    tags: [...tags].toSorted(),
  };
}
