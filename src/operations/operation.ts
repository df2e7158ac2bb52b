import type { z } from "zod";
import type { Engine } from "../engine/engine.ts";

/** What an operation may know of the one who asks. */
export interface Caller {
  principal: string;
  /** `Idempotency-Key`: the same again gets the first answer. */
  commandId?: string;
  /** `If-Match`. */
  expectedVersion?: number;
}

/** What an operation works with. */
export interface Workplace {
  engine: Engine;
  /** Why the server should get no new work; nothing when all is well. */
  notReady?(): Promise<string | undefined>;
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
  /** Takes an `Idempotency-Key`. */
  readonly isChange: boolean;
  run(asked: { params: Params; query: Query; body: Body }, caller: Caller, workplace: Workplace): Promise<Answer>;
}

/** Lets the types of the schemas flow into `run`, and forgets them for the list. */
export function operation<Params = unknown, Query = unknown, Body = unknown>(
  given: Operation<Params, Query, Body>,
): Operation {
  return given as Operation; // the edge parses with the very schemas that typed it
}

/** The path of an operation with its parameters filled in. */
export function pathOf({ path }: Operation, params: Readonly<Record<string, string>> = {}): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}
