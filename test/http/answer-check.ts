import { z } from "zod";
import { errorCatalogue } from "../../src/core/errors.ts";
import { problemDocument } from "../../src/operations/answer-schemas.ts";
import { errorCodesOf } from "../../src/operations/error-codes.ts";
import { operations } from "../../src/operations/index.ts";
import { isConditional } from "../../src/operations/openapi.ts";
import { problemType, type AnswerShape, type Operation } from "../../src/operations/operation.ts";
import type { Answered } from "./site.ts";

const headersTooLarge = 431;

/**
 * What of an answer is not as its operation promises; nothing when all is. Problem documents are held to their schema
 * wherever they come from.
 */
export function broken(method: string, path: string, answered: Answered): string | undefined {
  const { status, headers } = answered;
  if (status === headersTooLarge) return undefined; // Node's parser says so, before there is a request
  const operation = operationOf(method, path);
  const isProblem = headers["content-type"]?.startsWith(problemType) === true;
  if (isProblem && method !== "HEAD") {
    const parsed = problemDocument.safeParse(answered.body);
    if (!parsed.success) return `its problem document does not fit: ${z.prettifyError(parsed.error)}`;
    const { code } = parsed.data;
    if (errorCatalogue[code].status !== status) return `${code} is no ${status}`;
    if (operation !== undefined && !errorCodesOf(operation).includes(code)) return `it does not document ${code}`;
  }
  if (operation === undefined || (isProblem && method !== "HEAD")) return undefined;
  return withHeaders(operation, answered) ?? (method === "HEAD" ? undefined : ofShape(operation, answered));
}

function ofShape(operation: Operation, { status, headers, text, body }: Answered): string | undefined {
  if (status === 304 && isConditional(operation)) return text === "" ? undefined : "a 304 has no body";
  const shape = operation.answers[status];
  if (shape === undefined) return `it does not document ${status}`;
  const { schema, contentType = "application/json", isEmpty = false } = shape;
  if (isEmpty) return text === "" ? undefined : `a ${status} has no body`;
  const [given] = (headers["content-type"] ?? "").split(";");
  if (given !== contentType) return `${status} is ${given} and not ${contentType}`;
  if (schema === undefined || contentType !== "application/json") return undefined;
  const parsed = schema.safeParse(body);
  return parsed.success ? undefined : `the body of ${status} does not fit: ${z.prettifyError(parsed.error)}`;
}

function withHeaders({ answers, isChange }: Operation, { status, headers }: Answered): string | undefined {
  if (headers["x-request-id"] === undefined) return "it has no X-Request-Id";
  const shape: AnswerShape | undefined = answers[status === 304 ? 200 : status];
  const named = ["ETag", "Location"] as const;
  const undocumented = named.filter(
    (name) => headers[name.toLowerCase()] !== undefined && shape?.headers?.includes(name) !== true,
  );
  if (undocumented.length > 0) return `${status} does not document ${undocumented.join(" and ")}`;
  return headers["idempotency-replayed"] !== undefined && !isChange ? "it replays and is no change" : undefined;
}

function operationOf(method: string, path: string): Operation | undefined {
  const [pathname = ""] = path.split("?");
  const verb = method === "HEAD" ? "GET" : method;
  return operations.find((each) => each.method === verb && patternOf(each).test(pathname));
}

/** As Express matches: in any case, and with a slash at the end or without. */
function patternOf({ path }: Operation): RegExp {
  return new RegExp(`^${path.replaceAll(".", String.raw`\.`).replace(/:\w+/g, "[^/]+")}/?$`, "i");
}
