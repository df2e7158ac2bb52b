import type { z } from "zod";
import { SignalboxError, type ErrorCode } from "../core/errors.ts";
import type { Machine } from "../core/machine.ts";
import type { Engine } from "../engine/engine.ts";
import type { OpenFeed } from "../engine/feed.ts";
import type { ControlPlane } from "../fleet/control-plane.ts";
import type { ApiDocument } from "../pages/openapi.ts";
import type { Polls } from "./agent-polls.ts";
import type { ProblemDocument } from "./answer-schemas.ts";

/** What an operation may know of the one who asks. */
export interface Caller {
  principal: string;
  /** What the principal may do; without tokens `local` is everything but an approver. */
  role: Role;
  /** Whether what was begun for the caller, such as a stream, may go on: a token is revoked, or runs out. */
  isStillValid?(): boolean;
  /** `Idempotency-Key`: the same request again gets the first answer, another one under the same key is refused. */
  command?: { id: string; fingerprint: string };
  /** `If-Match`. */
  expectedVersion?: number;
  /** W3C traceparent of the request. */
  trace?: string;
  /** `Last-Event-ID`: the journal number that a stream goes on after. */
  lastEventId?: number;
  /** Of an operation that may redirect: `Accept` puts HTML before JSON, as a browser's does. */
  prefersPage?: true;
  /** Of an operation that waits: aborted when nobody is there any more to be answered. */
  gone?: AbortSignal;
}

/** `anonymous`: nobody knows who asks, which is enough for what is open. */
export type Role = "anonymous" | "local" | "viewer" | "operator" | "approver" | "admin" | `agent:${string}`;

/**
 * What an operation asks of a caller: nothing (`open`: nothing of the installation is told), to look, to send events, to
 * change, to act as the agent of a host, or to administer. Who may send which event is decided by the event, beside this.
 */
export type Permission = "open" | "read" | "send" | "operate" | "agent" | "administer";

/** What an operation works with. */
export interface Workplace {
  engine: Engine;
  /** Runs the rollouts; without it there are none here. */
  fleet?: ControlPlane;
  /** The agents that wait for something to do. */
  polls: Polls;
  /** What the host has against new work; nothing when all is well. */
  notReady(): Promise<string | undefined>;
  /** Of the program. */
  version: string;
  figures: Figures;
  drawings: Drawings;
  contract: Contract;
}

/** What the server says of what may be asked here. */
export interface Contract {
  /** As OpenAPI 3.1. */
  document(): Promise<ApiDocument>;
  /** As a page for people. */
  page(): Promise<string>;
}

export interface Figures {
  /** All of them as text for a scrape; `checks` are those of readiness, and whether each passes. */
  exposition(now: {
    checks: Readonly<Record<string, boolean>>;
    version: string;
  }): Promise<{ contentType: string; text: string }>;
  openStreams(): number;
}

export interface Drawings {
  /** The picture of a statechart as SVG. */
  of(machine: Machine): Promise<string>;
}

/** What goes back, whatever carries it. */
export interface Answer {
  status: number;
  body: unknown;
  /** `application/json` when not given. */
  contentType?: string;
  /** Of the instance in the body. */
  version?: number;
  /** Path of what was made. */
  location?: string;
  /** The first answer to the same command. */
  replayed?: boolean;
  /** When to ask again. */
  retryAfterMs?: number;
  /** Instead of the body: the journal, for as long as the caller stays. */
  stream?: OpenFeed;
}

/** What is promised of one answer. */
export interface AnswerShape<Body extends z.ZodType = z.ZodType> {
  /** One sentence. */
  readonly description: string;
  /** Of a JSON body; text when not given. */
  readonly schema?: Body;
  /** Names of its schema's examples that show it; all of them when not given. */
  readonly examples?: readonly string[];
  /** `application/json` when not given. */
  readonly contentType?: string;
  /** It has no body. */
  readonly isEmpty?: true;
  /** Those that it may come with, beside what all have. */
  readonly headers?: readonly AnswerHeader[];
}

export type AnswerHeader = "ETag" | "Location";

export type AnswerShapes = Readonly<Record<number, AnswerShape>>;

export type Method = "GET" | "POST" | "DELETE";

/** One thing that a caller may ask: its route, its check, its command, its permission and its document come from here. */
export interface Operation {
  /** Verb and noun, in kebab-case. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly method: Method;
  /** With `:name` for each parameter. */
  readonly path: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly permission: Permission;
  /** What it answers with by status, beside the problem documents. */
  readonly answers: AnswerShapes;
  /** Errors that may come of what it does, beside those that follow from the fields here. */
  readonly errors?: readonly ErrorCode[];
  /** A request that the document shows; it fits the schemas. */
  readonly example?: { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown };
  /** Takes an `Idempotency-Key`. */
  readonly isChange: boolean;
  /** Takes an `If-Match`: it is about one instance. */
  readonly isOfVersion?: true;
  /** May be answered a minute later: it waits for something to tell. */
  readonly waits?: true;
  /** How large a body may be, where the limit of all others is too small. */
  readonly bodyBytesMax?: number;
  run(asked: { params: unknown; query: unknown; body: unknown }, caller: Caller, workplace: Workplace): Promise<Answer>;
}

/** An operation whose types are known: what it takes and what it answers. */
export interface OperationOf<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answers extends AnswerShapes,
> extends Operation {
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly answers: Answers;
  readonly example?: {
    readonly params?: z.input<Params>;
    readonly query?: z.input<Query>;
    readonly body?: z.input<Body>;
  };
  run(
    asked: { params: z.output<Params>; query: z.output<Query>; body: z.output<Body> },
    caller: Caller,
    workplace: Workplace,
  ): Promise<AnswerOf<NoInfer<Answers>>>;
}

/** One of the answers that are promised, or a problem document. */
export type AnswerOf<Answers extends AnswerShapes> =
  | { [Status in keyof Answers & number]: Answer & { status: Status; body: BodyOf<Answers[Status]> } }[keyof Answers &
      number]
  | Refused;

/** What an answer says, as it is on the wire. */
export type BodyOf<Shape extends AnswerShape> = Shape extends { schema: infer Body extends z.ZodType }
  ? z.output<Body>
  : unknown;

/** A refusal: an answer, and not a fault. The edge adds the request's id. */
export interface Refused extends Answer {
  status: 409;
  contentType: typeof problemType;
  body: Omit<ProblemDocument, "instance">;
}

export const problemType = "application/problem+json";
export const eventStreamType = "text/event-stream";

/** Whether it answers with server-sent events; then it takes a `Last-Event-ID`. */
export function isStream({ answers }: Operation): boolean {
  return answers[200]?.contentType === eventStreamType;
}

/** Lets the types of the schemas flow into `run` and out of it. A part without a schema is undefined. */
export function operation<
  const Answers extends AnswerShapes,
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
>(given: OperationOf<Params, Query, Body, Answers>): OperationOf<Params, Query, Body, Answers> {
  return given;
}

/** The path of an operation with its parameters filled in. Throws `not-found` for what no URL can name. */
export function pathOf({ path }: Pick<Operation, "path">, params: Readonly<Record<string, string>> = {}): string {
  return path.replace(/:(\w+)/g, (_, name: string) => {
    const value = params[name] ?? "";
    if (isNameable(value)) return encodeURIComponent(value);
    throw new SignalboxError("not-found", `There is nothing named ${JSON.stringify(value)}.`);
  });
}

/** URLs swallow `.` and `..`, also when they are percent-encoded. */
export function isNameable(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && segment.isWellFormed();
}
