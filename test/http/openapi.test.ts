import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { errorCatalogue } from "../../src/core/errors.ts";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { errorCodesOf } from "../../src/operations/error-codes.ts";
import { groups } from "../../src/operations/groups.ts";
import { operations, operationsByName } from "../../src/operations/index.ts";
import { openApiDocument, pathTemplateOf } from "../../src/operations/openapi.ts";
import { operation, type Operation } from "../../src/operations/operation.ts";
import { packageVersion } from "../../src/package-file.ts";
import type { ApiDocument, ApiOperation, Schema } from "../../src/pages/openapi.ts";
import { resolved } from "../../src/pages/openapi.ts";
import { createWorld } from "../support/world.ts";
import { broken } from "./answer-check.ts";
import { addNode, createAsk, createSite } from "./site.ts";

const document = openApiDocument({ operations, version: "1.2.3" });
const entries = entriesOf(document);

describe("GET /openapi.json", () => {
  it("answers with the document, of this version, to whoever asks", async () => {
    const { get } = await createSite();

    const { status, headers, body } = await get("/openapi.json");

    expect({ status, type: headers["content-type"] }).toEqual({
      status: 200,
      type: "application/json; charset=utf-8",
    });
    expect(body).toEqual({ ...document, info: { ...document.info, version: packageVersion() } });
  });

  it("has a path and method for each route of the app, and for nothing else", () => {
    const { engine } = createWorld();
    const routes = routesOf(createApp(engine));

    expect(entries.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(routes.toSorted());
    expect(routes).toContain("POST /v1/instances/{id}/events");
  });

  it("is sound OpenAPI 3.1: nothing dangles, nothing is said twice, every schema can be used", () => {
    expect(faultsOf(document)).toEqual([]);
  });

  it("is checked with eyes that see", () => {
    const guilty = structuredClone(document) as unknown as {
      paths: Record<string, Record<string, Record<string, unknown>>>;
    };
    const asks = guilty.paths["/v1/instances/{id}/events"]?.["post"] ?? {};
    asks["operationId"] = "show-instance";
    asks["parameters"] = [];
    asks["tags"] = ["Nowhere"];
    asks["responses"] = {
      "200": { content: { "application/json": { schema: { type: "thing" } } } },
      "404": { $ref: "#/components/responses/Nothing" },
    };

    expect(faultsOf(guilty as unknown as ApiDocument)).toEqual([
      "operationId show-instance is there twice",
      "POST /v1/instances/{id}/events: {id} is no parameter",
      "POST /v1/instances/{id}/events: the tag Nowhere is not described",
      "POST /v1/instances/{id}/events: 200 has no description",
      "#/components/responses/Nothing is not there",
      "POST /v1/instances/{id}/events: a schema cannot be used: Unsupported type: thing",
    ]);
  });

  it("asks for a token wherever something of the installation is told", () => {
    const open = entries.filter(({ operation: { security } }) => security === undefined);

    expect(open.map(({ operation: { operationId } }) => operationId).toSorted()).toEqual(
      operations
        .filter(({ permission }) => permission === "open")
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  it("says of each operation which errors may come, by status and code", () => {
    const send = entries.find(({ operation: { operationId } }) => operationId === "send-event")?.operation;
    const codes = Object.entries(send?.responses ?? {}).map(([status, response]) => [status, codesIn(response)]);

    expect(Object.fromEntries(codes)).toMatchObject({
      200: [],
      403: ["forbidden", "internal-event"],
      409: ["event-refused", "needs-migration"],
      412: ["version-mismatch"],
      422: ["idempotency-key-reused"],
    });
    for (const each of operations) for (const code of errorCodesOf(each)) expect(errorCatalogue[code]).toBeDefined();
  });

  it("names the headers that a request may have, where they mean something", () => {
    const headersOf = (name: string) =>
      entries
        .find(({ operation: { operationId } }) => operationId === name)
        ?.operation.parameters?.map((each) => resolved(each, document.components?.parameters))
        .filter((each) => each.in === "header")
        .map((each) => each.name);

    expect(headersOf("send-event")).toEqual(["X-Request-Id", "Idempotency-Key", "If-Match"]);
    expect(headersOf("transact")).toEqual(["X-Request-Id", "Idempotency-Key"]);
    expect(headersOf("show-instance")).toEqual(["X-Request-Id", "If-None-Match"]);
    expect(headersOf("stream-journal")).toEqual(["X-Request-Id", "Last-Event-ID"]);
  });

  it("knows every field that the view of an instance has", async () => {
    const site = await createSite();
    await addNode(site, "alpha");

    const { body } = await site.get("/v1/nodes/alpha");

    expect(usable(document.components?.schemas?.["Instance"] ?? {}).safeParse(body).error).toBeUndefined();
    expect(usable(document.components?.schemas?.["Instance"] ?? {}).safeParse({ ...body, more: 1 }).success).toBe(
      false,
    );
  });
});

describe("the examples of the operations", () => {
  it("are there wherever an operation takes something, and fit its schemas", () => {
    const faults = operations.flatMap((each) => exampleFaultsOf(each));

    expect(faults).toEqual([]);
  });

  it("are checked with eyes that see", () => {
    const guilty = operation({
      name: "guilty",
      summary: "It is guilty.",
      method: "POST",
      path: "/guilty/:id",
      params: z.strictObject({ id: z.string() }),
      body: z.strictObject({ count: z.number() }),
      permission: "open",
      answers: { 200: { description: "It is well." } },
      example: { params: { id: "a" }, body: { count: "many" } as never },
      isChange: true,
      run: async () => ({ status: 200, body: "" }),
    });
    const { example: _example, ...without } = guilty;

    expect(exampleFaultsOf(guilty)).toEqual([expect.stringContaining("guilty: body")]);
    expect(exampleFaultsOf(without)).toEqual([
      "guilty: it has no example of its params",
      "guilty: it has no example of its body",
    ]);
  });
});

describe("the check of answers, which every test that asks over HTTP goes through", () => {
  const headers = { "content-type": "application/json; charset=utf-8", "x-request-id": "1" };
  const answer = (status: number, body: unknown, more = {}) =>
    broken("GET", "/livez", { status, headers: { ...headers, ...more }, text: JSON.stringify(body), body });

  it("passes what is promised", () => {
    expect(answer(200, { status: "ok" })).toBeUndefined();
  });

  it.each([
    ["a body of another shape", answer(200, { status: "fine" }), "the body of 200 does not fit"],
    ["a field that is not in the schema", answer(200, { status: "ok", more: 1 }), "the body of 200 does not fit"],
    ["a status that is not documented", answer(204, undefined), "it does not document 204"],
    ["another content type", answer(200, "ok", { "content-type": "text/plain" }), "200 is text/plain"],
    ["a header that is not documented", answer(200, { status: "ok" }, { etag: '"v1"' }), "200 does not document ETag"],
    ["no request id", answer(200, { status: "ok" }, { "x-request-id": undefined }), "it has no X-Request-Id"],
    ["a problem with a member of its own", problem({ mood: "bad" }), "its problem document does not fit"],
    ["a problem of another status", problem({ code: "not-found" }), "not-found is no 400"],
    [
      "a code that the operation does not name",
      problem({ code: "already-exists" }, 409),
      "it does not document already-exists",
    ],
  ])("sees %s", (_what, fault, expected) => {
    expect(fault).toContain(expected);
  });

  it("fails a test whose server answers otherwise than it promises", async () => {
    const listening = await listen(
      (_request, response) => {
        response.setHeader("X-Request-Id", "1").setHeader("Content-Type", "application/json").end('{"status":"fine"}');
      },
      { host: "127.0.0.1", port: 0 },
    );
    const { ask, end } = createAsk(listening.url);
    onTestFinished(async () => {
      end();
      await listening.close();
    });

    await expect(ask("GET", "/livez")).rejects.toThrow("GET /livez is not answered as it promises: the body of 200");
    await expect(ask("GET", "/elsewhere")).resolves.toMatchObject({ status: 200 });
  });

  function problem(members: object, status = 400) {
    const body = {
      type: "urn:signalbox:problem:invalid-request",
      title: "t",
      status,
      detail: "d",
      instance: "1",
      code: "invalid-request",
      ...members,
    };
    return answer(status, body, { "content-type": "application/problem+json" });
  }
});

describe("the operations by name", () => {
  it("are all of them, each under its own name", () => {
    const named = Object.entries(operationsByName).map(([key, { name }]) => [kebabCase(key), name]);

    for (const [, name] of named) expect(operations.map((each) => each.name)).toContain(name);
    expect(named.filter(([key, name]) => key !== name)).toEqual([]);
  });

  it("belong to groups that are described", () => {
    expect(document.tags).toEqual(groups.map(({ name, description }) => ({ name, description })));
  });
});

interface Entry {
  method: string;
  path: string;
  operation: ApiOperation;
}

function entriesOf({ paths = {} }: ApiDocument): Entry[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, each]) => ({ method: method.toUpperCase(), path, operation: each })),
  );
}

/** `GET /v1/machines/{machine}` of what an Express app has mounted; what refuses the other methods of a path is left out. */
function routesOf({ router }: ReturnType<typeof createApp>): string[] {
  const { stack } = router as unknown as { stack: { route?: { path: string; methods: Record<string, boolean> } }[] };
  return stack.flatMap(({ route }) => {
    const [method, ...others] = Object.keys(route?.methods ?? {});
    const isOfOne = method !== undefined && others.length === 0;
    return isOfOne ? [`${method.toUpperCase()} ${pathTemplateOf(route as unknown as Operation)}`] : [];
  });
}

function faultsOf(given: ApiDocument): string[] {
  const all = entriesOf(given);
  const tags = new Set((given.tags ?? []).map(({ name }) => name));
  const ids = all.map((each) => each.operation.operationId);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `operationId ${id} is there twice`);
  const inOperations = all.flatMap(({ method, path, operation: each }) => {
    const declared = (each.parameters ?? []).map((one) => resolved(one, given.components?.parameters));
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const placed = declared.filter((one) => one.in === "path" && one.required === true).map(({ name }) => name);
    return [
      ...named.filter((name) => !placed.includes(name ?? "")).map((name) => `{${name}} is no parameter`),
      ...placed.filter((name) => !named.includes(name)).map((name) => `${name} is not in the path`),
      ...each.tags.filter((tag) => !tags.has(tag)).map((tag) => `the tag ${tag} is not described`),
      ...Object.entries(each.responses)
        .filter(([, response]) => !("$ref" in response) && !response.description)
        .map(([status]) => `${status} has no description`),
    ].map((fault) => `${method} ${path}: ${fault}`);
  });
  const dangling = refsIn(given).flatMap((ref) => (isThere(given, ref) ? [] : [`${ref} is not there`]));
  const schemas = all.flatMap(({ method, path, operation: each }) =>
    schemasIn(each).flatMap((schema) => unusable(schema).map((why) => `${method} ${path}: ${why}`)),
  );
  const components = Object.values(given.components?.schemas ?? {}).flatMap(unusable);
  const version = given.openapi.startsWith("3.1.") ? [] : ["it is not 3.1"];
  return [...version, ...twice, ...inOperations, ...new Set(dangling), ...schemas, ...components];
}

function refsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { $ref } = value as { $ref?: unknown };
  return [...(typeof $ref === "string" ? [$ref] : []), ...Object.values(value).flatMap(refsIn)];
}

function isThere(given: unknown, ref: string): boolean {
  let at = given;
  for (const step of ref.slice(2).split("/")) at = (at as Record<string, unknown> | undefined)?.[step];
  return ref.startsWith("#/") && at !== undefined;
}

function schemasIn(value: unknown): Schema[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => (key === "schema" ? [each as Schema] : schemasIn(each)));
}

function unusable(schema: Schema): string[] {
  try {
    usable(schema);
    return [];
  } catch (error) {
    return [`a schema cannot be used: ${(error as Error).message}`];
  }
}

/** A schema of the document, compiled with the components that it refers to. */
function usable(schema: Schema): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: document.components?.schemas });
  return z.fromJSONSchema(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")) as never);
}

/** The codes that the schema of a problem names. */
function codesIn(response: ApiOperation["responses"][string]): unknown[] {
  const { content = {} } = resolved(response, document.components?.responses);
  const schema = content["application/problem+json"]?.schema;
  return (schema?.allOf ?? []).flatMap(({ properties }) => properties?.["code"]?.enum ?? []);
}

function exampleFaultsOf({ name, params, query, body, example = {} }: Operation): string[] {
  return Object.entries({ params, query, body }).flatMap(([part, schema]) => {
    const given = example[part as keyof typeof example];
    if (schema === undefined) return given === undefined ? [] : [`${name}: it takes no ${part}`];
    if (given === undefined)
      return part === "query" && schema.safeParse({}).success ? [] : [`${name}: it has no example of its ${part}`];
    const parsed = schema.safeParse(given);
    return parsed.success ? [] : [`${name}: ${part}: ${z.prettifyError(parsed.error)}`];
  });
}

/** `listJournal` -> `list-journal`; an acronym's letters are a word. */
function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
