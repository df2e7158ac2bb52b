import type { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import type { Machine } from "../core/machine.ts";
import type { Engine } from "../engine/engine.ts";

/** What an operation may know of the one who asks. */
export interface Caller {
  principal: string;
  /** What the principal may do; without tokens `local` is everything but an approver. */
  role: Role;
  /** `Idempotency-Key`: the same request again gets the first answer, another one under the same key is refused. */
  command?: { id: string; fingerprint: string };
  /** `If-Match`. */
  expectedVersion?: number;
}

export type Role = "local" | "viewer" | "operator" | "approver" | "admin" | `agent:${string}`;

/**
 * What an operation asks of a caller: nothing (`open`: nothing of the installation is told), to look, to change, to act as
 * the agent of a host, or to administer. Who may send which event is decided by the event, beside this.
 */
export type Permission = "open" | "read" | "operate" | "agent" | "administer";

/** What an operation works with. */
export interface Workplace {
  engine: Engine;
  /** Why the server should get no new work; nothing when all is well. */
  notReady(): Promise<string | undefined>;
  drawings: Drawings;
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
}

/** What is promised of one answer. */
export interface AnswerShape {
  /** One sentence. */
  readonly description: string;
  /** Of a JSON body; text when not given. */
  readonly schema?: z.ZodType;
  /** `application/json` when not given. */
  readonly contentType?: string;
}

export type Method = "GET" | "POST" | "DELETE";

/** One thing that a caller may ask: its route, its check, its command and its permission come from here. */
export interface Operation<Params = unknown, Query = unknown, Body = unknown> {
  /** Verb and noun, in kebab-case. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly method: Method;
  /** With `:name` for each parameter. */
  readonly path: string;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  readonly permission: Permission;
  /** What it answers with by status, beside the problem documents. */
  readonly answers: Readonly<Record<number, AnswerShape>>;
  /** A request that the document shows; it fits the schemas. */
  readonly example?: { readonly params?: Params; readonly query?: unknown; readonly body?: unknown };
  /** Takes an `Idempotency-Key`. */
  readonly isChange: boolean;
  /** Takes an `If-Match`: it is about one instance. */
  readonly isOfVersion?: true;
  run(asked: { params: Params; query: Query; body: Body }, caller: Caller, workplace: Workplace): Promise<Answer>;
}

/** Lets the types of the schemas flow into `run`, and forgets them for the list. */
export function operation<Params = unknown, Query = unknown, Body = unknown>(
  given: Omit<Operation<Params, Query, Body>, "answers"> & Partial<Pick<Operation, "answers">>,
): Operation {
  return { answers: {}, ...given }; // the edge parses with the very schemas that typed it
}

/** The path of an operation with its parameters filled in. Throws `not-found` for what no URL can name. */
export function pathOf({ path }: Operation, params: Readonly<Record<string, string>> = {}): string {
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
