import fc from "fast-check";
import { z } from "zod";
import { agentEventTypes } from "../../machines/host/events.ts";
import type { Machine } from "../../src/core/machine.ts";
import type { Operation } from "../../src/operations/operation.ts";
import type { Asked } from "./site.ts";

export interface Request {
  method: string;
  path: string;
  asked: Asked;
}

/** Requests to an operation: most of them nearly right, so that they get far; some of them rubbish. */
export function requestsTo(operation: Operation, { machines, ids }: RequestWorld): fc.Arbitrary<Request> {
  return fc
    .record({ path: pathOf(operation, ids), query: queryOf(operation), asked: askedOf(operation, machines, ids) })
    .map(({ path, query, asked }) => ({ method: operation.method, path: path + query, asked }));
}

export interface RequestWorld {
  machines: readonly Machine[];
  /** What there is, or will be: ids, nodes and keys. */
  ids: readonly string[];
}

/** Any code point: the library's own unit for that takes a second to make. */
const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code));

type JsonSchema = z.core.JSONSchema.BaseSchema;

const nastyWords = [
  "",
  ".",
  "..",
  "__proto__",
  "constructor",
  "toString",
  "xstate.init",
  "node/",
  "\u0000",
  "\ud800",
  "'; --",
  "%2e",
];
const nastyValues = [null, true, -1, 0, 0.5, 2 ** 53, 1e308, -0, [], {}, [[]], { a: { b: {} } }];
const nasty = fc.constantFrom<unknown>(...nastyWords, ...nastyValues);
const rubbish = fc.oneof(nasty, fc.jsonValue({ maxDepth: 4 }), fc.string({ unit: anyCharacter, maxLength: 40 }));

/** A value that fits the schema, but for a part of it now and then. */
function nearly(schema: JsonSchema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: fitting(schema) }, { weight: 1, arbitrary: rubbish });
}

function fitting(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { anyOf, oneOf, enum: choices } = schema;
  const branches = [...(anyOf ?? []), ...(oneOf ?? [])] as JsonSchema[];
  if (branches.length > 0) return fc.oneof(...branches.map(nearly));
  if (choices !== undefined) return fc.constantFrom(...(choices as unknown[]));
  if ("const" in schema) return fc.constant(schema.const);
  switch (schema.type) {
    case "object":
      return objects(schema);
    case "array":
      return fc.array(nearly((schema.items ?? {}) as JsonSchema), { maxLength: 4 });
    case "string":
      return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 40, 40) });
    case "integer":
    case "number":
      return fc.integer({
        min: Math.max(schema.minimum ?? 0, 0),
        max: Math.min(schema.maximum ?? 1_000_000, 1_000_000),
      });
    case "boolean":
      return fc.boolean();
    default:
      return rubbish;
  }
}

function objects({ properties = {}, required = [], additionalProperties }: JsonSchema): fc.Arbitrary<unknown> {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, nearly(each as JsonSchema)])),
    { requiredKeys: required },
  );
  const extra = typeof additionalProperties === "object" ? nearly(additionalProperties) : rubbish;
  const more = fc.dictionary(fc.string({ maxLength: 12 }), extra, { maxKeys: 2 });
  const withMore = fc.tuple(known, more).map(([a, b]) => ({ ...b, ...a }));
  return fc.oneof(
    { weight: 12, arbitrary: known },
    { weight: typeof additionalProperties === "object" ? 12 : 1, arbitrary: withMore },
  );
}

function schemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
}

/** Any event of any machine, and creations that work: what makes a request get to the engine. */
function bodies(operation: Operation, machines: readonly Machine[], ids: readonly string[]): fc.Arbitrary<unknown> {
  if (operation.body === undefined) return rubbish;
  const event = fc.oneof(
    ...machines.flatMap(({ events }) =>
      Object.entries(events).map(([type, schema]) =>
        fitting(schemaOf(schema)).map((payload) => ({ ...(payload as object), type })),
      ),
    ),
  );
  const id = fc.oneof(fc.constantFrom(...ids), fc.string({ minLength: 1, maxLength: 20 }));
  const create = fc.oneof(
    ...machines.map(({ name, input }) => fc.record({ machine: fc.constant(name), id, input: nearly(schemaOf(input)) })),
  );
  const moves = fc.array(
    fc.oneof(
      create.map((each) => ({ create: each })),
      fc.record({ id, event }),
    ),
    { maxLength: 4 },
  );
  switch (operation.name) {
    case "send-event":
    case "explain-event":
      return fc.oneof({ weight: 4, arbitrary: event }, nearly(schemaOf(operation.body)));
    case "create-instance":
      return fc.oneof({ weight: 4, arbitrary: create }, nearly(schemaOf(operation.body)));
    case "transact":
      return fc.oneof(
        { weight: 4, arbitrary: moves.map((each) => ({ moves: each })) },
        nearly(schemaOf(operation.body)),
      );
    case "report-events":
      return fc.oneof({ weight: 4, arbitrary: told(machines, ids) }, nearly(schemaOf(operation.body)));
    case "apply-fleet":
      return fc.oneof({ weight: 4, arbitrary: declarations }, nearly(schemaOf(operation.body)));
    default:
      if (!operation.path.startsWith("/v1/nodes/")) return nearly(schemaOf(operation.body));
      return fc.oneof({ weight: 4, arbitrary: payloads(operation, machines) }, nearly(schemaOf(operation.body)));
  }
}

/** What the event takes that a route stands for. */
function payloads({ path }: Operation, machines: readonly Machine[]): fc.Arbitrary<unknown> {
  const [, action] = /:node\/(?:maintenance\/)?(\w+)$/.exec(path) ?? [];
  const events = machines.flatMap(({ events: all }) => Object.entries(all));
  const [, schema] = events.find(([type]) => type.endsWith(`.${action}`)) ?? [];
  if (schema === undefined) return fc.constant({});
  const { slots: _slots, onBehalfOf: _by, ...open } = schemaOf(schema).properties ?? {};
  return fc.tuple(fitting({ type: "object", properties: open }), fc.boolean()).map(([payload, queue]) => ({
    ...(payload as object),
    ...(action === "enter" && { queue }),
  }));
}

/** What an agent of some host might tell, most often numbered as it should be. */
function told(machines: readonly Machine[], ids: readonly string[]): fc.Arbitrary<unknown> {
  const { events = {} } = machines.find(({ name }) => name === "host") ?? {};
  const ofAgents = agentEventTypes.map((type) =>
    fitting(schemaOf(events[type] ?? z.strictObject({}))).map((payload) => ({ ...(payload as object), type })),
  );
  return fc
    .record({
      host: fc.constantFrom(...ids),
      agent: fc.constant("a.1"),
      rolloutId: fc.constantFrom(...ids),
      first: fc.integer({ min: 1, max: 4 }),
      events: fc.array(fc.oneof(...ofAgents), { minLength: 1, maxLength: 4 }),
      odd: fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, fc.dictionary(fc.string({ maxLength: 12 }), rubbish)),
    })
    .map(({ first, events: given, odd, ...about }) => ({
      ...odd,
      ...about,
      events: given.map((event, index) => ({ seq: first + index, event })),
    }));
}

const name = fc.constantFrom(
  "stable",
  "edge",
  "careful",
  "web-1",
  "web-[1-3]",
  "lab-1",
  "v1",
  "v2",
  "none",
  "__proto__",
);
const declarations = fc
  .record({
    channels: fc.dictionary(name, fc.record({ ref: name, policy: name }), { maxKeys: 2 }),
    hosts: fc.dictionary(name, fc.record({ channel: name, tags: fc.array(name, { maxLength: 2 }) }), { maxKeys: 3 }),
    policies: fc.dictionary(name, fc.oneof(fc.constant({}), rubbish), { maxKeys: 2 }),
    budgets: fc.oneof(fc.constant([]), rubbish),
  })
  .map((document) => ({ document }));

function askedOf(operation: Operation, machines: readonly Machine[], ids: readonly string[]): fc.Arbitrary<Asked> {
  const json = { "Content-Type": "application/json" };
  const text = (maxLength: number) => fc.string({ unit: "grapheme-ascii", maxLength });
  const key = fc.oneof(fc.constantFrom("a", "b", "c"), text(260));
  const ifMatch = fc.oneof(fc.constantFrom('"v1"', '"v2"', "*"), text(20));
  const headers: fc.Arbitrary<Record<string, string>> = fc.oneof(
    { weight: 6, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: fc.record({ "Idempotency-Key": key }) },
    { weight: 1, arbitrary: fc.record({ "Idempotency-Key": key, "If-Match": ifMatch, "X-Request-Id": text(120) }) },
  );
  const raw = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json(),
  );
  const types = fc.constantFrom(
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "",
    "application/json;;",
  );
  return fc
    .oneof(
      { weight: 9, arbitrary: fc.record({ body: bodies(operation, machines, ids), headers }) },
      { weight: 2, arbitrary: headers.map((each) => ({ headers: each })) },
      { weight: 1, arbitrary: fc.record({ raw, headers: types.map((type) => ({ ...json, "Content-Type": type })) }) },
    )
    .map((asked) => (operation.method === "GET" && "body" in asked ? { headers: asked.headers } : asked));
}

function queryOf({ query }: Operation): fc.Arbitrary<string> {
  const properties = query === undefined ? {} : (schemaOf(query).properties ?? {});
  const values = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom("1", "5", "true", "false", "call", "dead", "Active", "a:b", "nodeMaintenance"),
    },
    rubbish.map((value) => (typeof value === "string" ? value : JSON.stringify(value))),
  );
  const names = fc.constantFrom(...Object.keys(properties), "x", "__proto__", "dryRun");
  const pairs = fc.array(fc.tuple(names, values), { maxLength: 2 });
  const some = pairs.map((all) => `?${all.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&")}`);
  const printable = fc
    .string({ unit: "grapheme-ascii", maxLength: 20 })
    .map((text) => `?${text.replace(/[\s#]/g, "")}`);
  return fc.oneof(
    { weight: query === undefined ? 40 : 8, arbitrary: fc.constant("") },
    { weight: 6, arbitrary: some },
    printable,
  );
}

function pathOf({ path }: Operation, ids: readonly string[]): fc.Arbitrary<string> {
  const segment = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...ids) },
    fc.string({ unit: anyCharacter, maxLength: 40 }),
    nasty.map(String),
  );
  return fc.array(segment, { minLength: 2, maxLength: 2 }).map((segments) => {
    let used = 0;
    return path.replace(/:\w+/g, () => encoded(segments[used++] ?? "") || "%20");
  });
}

/** Percent-encoded UTF-8; lone surrogates become the replacement character. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text, "utf8").toString("utf8"));
}
