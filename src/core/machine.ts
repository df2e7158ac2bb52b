import type { AnyActorLogic, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, EventObject } from "xstate";
import { z } from "zod";
import type { Laws } from "./law.ts";

/** XState's live snapshot: what `start` and `step` take and return. */
export type Snapshot = AnyMachineSnapshot;

/** Who may send an event. Only the engine sends timers, completions and what one instance tells another. */
export type Sender = "person" | "agent" | "provider" | "engine";

/** Payload schemas by event type (without `type`, `at` and `principal`), made by `sentBy`. */
export type EventSchemas = Readonly<Record<string, z.ZodType>>;

/** An event as a representative test would send it. */
export type ExampleEvent = EventObject & Record<string, unknown>;

/** A statechart with what the edges, the engine and the generic tests need to know about it. */
export interface Machine {
  /** The name it is created by; also the prefix of ids that nobody chose. */
  readonly name: string;
  readonly chart: AnyStateMachine;
  /** Schema of what `create` is given. The chart's context factory gets it parsed, with `at`. */
  readonly input: z.ZodType;
  readonly events: EventSchemas;
  /** The machine's rules by guard name. */
  readonly laws: Laws;
  /** Representative events for a snapshot, for the generic tests. */
  readonly examples: (snapshot: Snapshot) => readonly ExampleEvent[];
  /** What distinguishes two contexts for path generation: a small JSON value. */
  readonly abstract: (context: never) => unknown;
  /** Number of the chart's structure; 1 when not given. Moves with it, and a migration comes along. */
  readonly version?: number;
  /** `migrations[n]` turns a stored snapshot of version n into one of version n + 1. */
  readonly migrations?: Readonly<Record<number, (stored: unknown) => unknown>>;
  /** The event that a parent's withdrawal sends to a child of this machine. */
  readonly cancelEvent?: string;
  /** Characters of an input as JSON, where the engine's limit for payloads is too small: for what is kept outside the context. */
  readonly inputCharactersMax?: number;
  /** Whether its calls are performed elsewhere where no provider does it here, and told by events: then that is no trouble. */
  readonly isPerformedElsewhere?: boolean;
  /** What a person should know beside what a state waits for: a missing limit, a failing part. */
  readonly notes?: (context: never, state: string) => readonly string[];
}

/** A schema for an event's payload, and who may send it. Unknown fields are refused. */
export function sentBy<Shape extends z.ZodRawShape>(
  senders: Sender | readonly Sender[],
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape).meta({ sentBy: typeof senders === "string" ? [senders] : senders });
}

const everyone: readonly Sender[] = ["person", "agent", "provider", "engine"];

/** Kept, since a schema puts its `meta` together anew each time. */
const sendersBySchema = new WeakMap<z.ZodType, readonly Sender[]>();

/** Who may send an event of this schema; everybody where the schema does not say. */
export function sendersOf(schema: z.ZodType): readonly Sender[] {
  let senders = sendersBySchema.get(schema);
  if (senders === undefined) {
    const declared = schema.meta()?.["sentBy"];
    senders = Array.isArray(declared) ? (declared as readonly Sender[]) : everyone;
    sendersBySchema.set(schema, senders);
  }
  return senders;
}

/** Marks an event by which a person answers for something: it takes an approver who is known. */
export function approval<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), approval: true });
}

export function isApproval(schema: z.ZodType): boolean {
  return schema.meta()?.["approval"] === true;
}

/** Marks a field that only an operation of ours fills in; from outside an event that carries it is refused. */
export function setByOperation<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ setByOperation: true });
}

const setByOperationBySchema = new WeakMap<z.ZodType, readonly string[]>();

/** Names of the fields of an event that only an operation of ours fills in. */
export function fieldsSetByOperation(schema: z.ZodType): readonly string[] {
  let fields = setByOperationBySchema.get(schema);
  if (fields === undefined) {
    const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
    fields = Object.keys(shape).filter((name) => shape[name]?.meta()?.["setByOperation"] === true);
    setByOperationBySchema.set(schema, fields);
  }
  return fields;
}

/** The event union that a record of payload schemas describes, with what the engine stamps on each. */
export type EventsOf<Schemas extends EventSchemas> = {
  [Type in keyof Schemas & string]: { type: Type; at: number; principal?: string } & z.output<Schemas[Type]>;
}[keyof Schemas & string];

export function versionOf(machine: Machine): number {
  return machine.version ?? 1;
}

/** The region that `state` means: the one that a parallel root names in `meta.leads`, otherwise the chart itself. */
export function leadingRegion(chart: AnyStateMachine): AnyStateNode {
  const leads = chart.root.type === "parallel" ? metaOf(chart.root).leads : undefined;
  return (leads === undefined ? undefined : chart.root.states[leads]) ?? chart.root;
}

/** The leading region's state, a name. */
export function leadingState(snapshot: Snapshot): string {
  const region = leadingRegion(snapshot.machine);
  const value: unknown =
    region === snapshot.machine.root ? snapshot.value : (snapshot.value as Record<string, unknown>)[region.key];
  return typeof value === "string" ? value : (Object.keys(value ?? {})[0] ?? region.key);
}

/** What the project's charts may say in `meta`. */
export interface StateMeta {
  /** On a parallel root: the name of the leading region. */
  leads?: string;
  /** What the state waits for, as the end of "waits for ...". */
  waitingFor?: string;
  /** The context field (epoch ms or null) that holds the state's deadline. */
  until?: string;
  /** Why the state may last for ever. */
  noDeadline?: string;
  /** Events that are not for this state, with the one that the sender wants. */
  instead?: Readonly<Record<string, string>>;
}

export function metaOf(node: AnyStateNode): StateMeta {
  return (node.meta ?? {}) as StateMeta;
}

/** Every state node of a chart, parents before children, in the order of the file. */
export function stateNodesOf(chart: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(below)];
  return below(chart.root);
}

/** The logic that a chart declares under a name. */
export function actorLogicOf(chart: AnyStateMachine, name: string): AnyActorLogic | undefined {
  return (chart.implementations.actors as Record<string, AnyActorLogic | undefined>)[name];
}
