import { z } from "zod";
import {
  createDocument,
  type ZodOpenApiExampleObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from "zod-openapi";
import { errorCatalogue, type ErrorCode } from "../core/errors.ts";
import type { ApiDocument } from "../pages/openapi.ts";
import { problemDocument } from "./answer-schemas.ts";
import { errorCodesOf } from "./error-codes.ts";
import { examplesOf, examplesOfProblems, type Examples } from "./examples.ts";
import { groupOf, groups } from "./groups.ts";
import { isStream, problemType, type AnswerHeader, type AnswerShape, type Operation } from "./operation.ts";

/** The contract as OpenAPI 3.1, made of the very schemas that requests are checked by and answers are typed with. */
export function openApiDocument({
  operations,
  version,
}: {
  operations: readonly Operation[];
  version: string;
}): ApiDocument {
  const mediaExamples = createMediaExamples();
  const problemsOf = createProblems(mediaExamples);
  const paths: ZodOpenApiPathsObject = {};
  for (const each of operations) {
    const path = pathTemplateOf(each);
    paths[path] = { ...paths[path], [each.method.toLowerCase()]: operationObject(each, problemsOf, mediaExamples) };
  }
  const used = new Set(operations.map(groupOf));
  const document = createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "Signalbox",
        version,
        summary: "An interlocking for operations: durable, explained statecharts.",
        description: introduction,
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "./", description: "Where this document comes from." }],
      tags: groups.filter(({ name }) => used.has(name)).map(({ name, description }) => ({ name, description })),
      paths,
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: "A token; a server on loopback may do without." },
        },
      },
    },
    { reused: "inline" },
  );
  return document as unknown as ApiDocument; // its own type allows for what we never put in
}

const introduction = [
  "Times in our own fields are RFC 3339 in UTC; inside `input`, `event`, `context` and an effect they are epoch milliseconds, and durations are milliseconds. Percent-encode ids in paths: `node/alpha` is `node%2Falpha`.",
  "Every error is a problem document (RFC 9457) with a `code` that stays. `HEAD` works wherever `GET` does; a method that a path does not take is `method-not-allowed` (405).",
].join("\n\n");

/** `/v1/instances/{id}` */
export function pathTemplateOf({ path }: Operation): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

function operationObject(
  operation: Operation,
  problemsOf: ProblemsOf,
  mediaExamples: MediaExamples,
): ZodOpenApiOperationObject {
  const { name, summary, permission, params, query, example } = operation;
  return {
    operationId: name,
    summary,
    tags: [groupOf(operation)],
    ...(permission !== "open" && { security: [{ bearer: [] }], "x-permission": permission }),
    requestParams: {
      ...(params && { path: objectOf(params, example?.params) }),
      ...(query && { query: objectOf(query, example?.query) }),
    },
    parameters: requestHeadersOf(operation),
    ...bodyOf(operation),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, shape]) => [
          status,
          answerObject(operation, shape, mediaExamples),
        ]),
      ),
      ...(isConditional(operation) && {
        "304": { description: "It is as `If-None-Match` says.", headers: headersNamed(["X-Request-Id", "ETag"]) },
      }),
      ...problemsOf(operation),
    },
  };
}

/** The parameters of one part, each with what the example says of it. */
function objectOf(schema: z.ZodType, example: unknown): z.ZodObject {
  if (!(schema instanceof z.ZodObject)) throw new TypeError("The path and the query of an operation are objects.");
  const given = (example ?? {}) as Readonly<Record<string, unknown>>;
  const shape = schema.shape as Record<string, z.ZodType>;
  const fields = Object.entries(shape).map(([name, field]) => [
    name,
    name in given ? field.meta({ ...field.meta(), param: { example: given[name] } }) : field,
  ]);
  return z.strictObject(Object.fromEntries(fields) as Record<string, z.ZodType>);
}

function bodyOf({ body, example }: Operation): Pick<ZodOpenApiOperationObject, "requestBody"> {
  if (body === undefined) return {};
  const content = { schema: body, ...(example?.body !== undefined && { example: example.body }) };
  return { requestBody: { required: !body.safeParse(undefined).success, content: { "application/json": content } } };
}

const headerText = z.string();
const requestHeaders = {
  requestId: header("X-Request-Id", "Comes back with the answer, and stands in the log."),
  idempotencyKey: header("Idempotency-Key", "The same request again gets the first answer again.", /^.{1,255}$/),
  ifMatch: header("If-Match", "The ETag that the instance has to be at.", /^(?:\*|"v\d{1,15}")$/),
  ifNoneMatch: header("If-None-Match", "ETags that are known already."),
  lastEventId: header("Last-Event-ID", "The position of the journal to go on from.", /^\d+$/),
};

function header(name: string, description: string, pattern?: RegExp): z.ZodType {
  const text = pattern === undefined ? headerText : headerText.regex(pattern);
  return text.optional().meta({ param: { in: "header", name, id: name, description } });
}

function requestHeadersOf(operation: Operation): z.ZodType[] {
  const { isChange, isOfVersion } = operation;
  const { requestId, idempotencyKey, ifMatch, ifNoneMatch, lastEventId } = requestHeaders;
  return [
    requestId,
    ...(isChange ? [idempotencyKey] : []),
    ...(isOfVersion === true ? [ifMatch] : []),
    ...(isConditional(operation) ? [ifNoneMatch] : []),
    ...(isStream(operation) ? [lastEventId] : []),
  ];
}

/** A GET whose answer has an ETag. */
export function isConditional({ method, answers }: Operation): boolean {
  return method === "GET" && answers[200]?.headers?.includes("ETag") === true;
}

const answerHeaders = {
  "X-Request-Id": answerHeader("X-Request-Id", "The request's id."),
  ETag: answerHeader("ETag", 'The version of the instance: `"v7"`.'),
  Location: answerHeader("Location", "The path of what was made."),
  "Idempotency-Replayed": answerHeader("Idempotency-Replayed", "`true`: this is the first answer, given again."),
  "WWW-Authenticate": answerHeader("WWW-Authenticate", "How to say who asks: `Bearer`."),
  "Retry-After": answerHeader("Retry-After", "Seconds until it is worth to ask again."),
} satisfies Record<AnswerHeader, z.ZodType> & Record<string, z.ZodType>;

function headersNamed(names: readonly (keyof typeof answerHeaders)[]): z.ZodObject {
  return z.object(Object.fromEntries(names.map((name) => [name, answerHeaders[name]])));
}

function answerHeader(id: string, description: string): z.ZodType {
  return headerText.optional().meta({ header: { id, description } });
}

function answerObject(
  { isChange }: Operation,
  shape: AnswerShape,
  mediaExamples: MediaExamples,
): ZodOpenApiResponseObject {
  const { description, schema, contentType = "application/json", isEmpty = false, headers = [] } = shape;
  return {
    description,
    headers: headersNamed(["X-Request-Id", ...headers, ...(isChange ? (["Idempotency-Replayed"] as const) : [])]),
    ...(!isEmpty && { content: { [contentType]: { ...(schema && { schema }), ...mediaExamples(examplesOf(shape)) } } }),
  };
}

type MediaExamples = (examples: Examples) => { examples?: Record<string, ZodOpenApiExampleObject> };

/** What a body may look like; each example stands once in the document, as a component. */
function createMediaExamples(): MediaExamples {
  const known = new Map<unknown, ZodOpenApiExampleObject>(); // by its value: two of one name are a fault
  const objectFor = (id: string, value: unknown) => {
    const object = known.get(value) ?? { id, value };
    known.set(value, object);
    return object;
  };
  return (examples) => {
    const named = Object.entries(examples).map(([name, value]) => [name, objectFor(name, value)] as const);
    return named.length === 0 ? {} : { examples: Object.fromEntries(named) };
  };
}

type ProblemsOf = (operation: Operation) => Record<string, ZodOpenApiResponseObject>;

/** One answer for each status that the errors of an operation have. Those of the same codes are one component. */
function createProblems(mediaExamples: MediaExamples): ProblemsOf {
  const known = new Map<string, ZodOpenApiResponseObject>();
  const answerTo = (codes: readonly ErrorCode[]) => {
    const id = codes.map(pascalCase).join("Or");
    const answer = known.get(id) ?? problemObject(id, codes, mediaExamples);
    known.set(id, answer);
    return answer;
  };
  return (operation) => {
    const byStatus = Map.groupBy(errorCodesOf(operation).toSorted(), (code) => errorCatalogue[code].status);
    return Object.fromEntries([...byStatus].map(([status, codes]) => [String(status), answerTo(codes)]));
  };
}

function problemObject(
  id: string,
  codes: readonly ErrorCode[],
  mediaExamples: MediaExamples,
): ZodOpenApiResponseObject {
  const headers = [
    "X-Request-Id" as const,
    ...(codes.includes("event-refused") ? (["ETag", "Idempotency-Replayed"] as const) : []),
    ...(codes.includes("unauthenticated") ? (["WWW-Authenticate"] as const) : []),
    ...(codes.includes("too-many-requests") ? (["Retry-After"] as const) : []),
  ];
  return {
    id,
    description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].title}.`).join(" "),
    headers: headersNamed(headers),
    content: {
      [problemType]: {
        schema: z.intersection(problemDocument, z.looseObject({ code: z.enum(codes) })),
        ...mediaExamples(examplesOfProblems(codes)),
      },
    },
  };
}

/** `event-refused` -> `EventRefused` */
function pascalCase(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
