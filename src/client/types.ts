import type { z } from "zod";
import type { operationsByName } from "../operations/index.ts";
import type { AnswerShapes } from "../operations/operation.ts";
import type { routes } from "./routes.ts";

/** Types of what is asked and answered: those of the schemas by which the server checks and answers. */

type Kebab<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : "";

type Operations = {
  [Key in keyof typeof operationsByName as Kebab<Key>]: (typeof operationsByName)[Key];
};

export type OperationName = keyof Operations;

/** What `call` takes. */
export type CallName = keyof typeof routes;

/** The parts of a request that an operation takes: those that it needs, and those that may be left out. */
export type RequestOf<Name extends CallName> = Part<"params", Operations[Name]["params"]> &
  Part<"query", Operations[Name]["query"]> &
  Part<"body", Operations[Name]["body"]>;

type Part<Key extends string, Schema> =
  Exclude<Schema, undefined> extends infer Known extends z.ZodType
    ? undefined extends z.input<Known>
      ? { [K in Key]?: Given<Known> }
      : Partial<z.input<Known>> extends z.input<Known>
        ? { [K in Key]?: Given<Known> }
        : { [K in Key]: Given<Known> }
    : never;

/** What a schema takes; where it takes anything and makes a number of it, as in a query, what it makes. */
type Given<Schema extends z.ZodType> =
  z.input<Schema> extends infer Input extends object
    ? { [K in keyof Input]: unknown extends Input[K] ? Made<z.output<Schema>, K, Input[K]> : Input[K] }
    : z.input<Schema>;

type Made<Output, Key, Otherwise> = Key extends keyof Output ? Output[Key] : Otherwise;

/** What an operation answers with when all is well. */
export type AnswerTo<Name extends CallName> = BodyOf<Operations[Name]["answers"]>;

type BodyOf<Answers extends AnswerShapes> = Answers extends AnswerShapes // one after the other, where there are several
  ? {
      [Status in keyof Answers]: Answers[Status] extends { schema: infer Schema extends z.ZodType }
        ? z.output<Schema>
        : Answers[Status] extends { isEmpty: true }
          ? undefined
          : string;
    }[keyof Answers]
  : never;
