import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import express, { type Request, type Response } from "express";
import { SignalboxError } from "../core/errors.ts";
import { pointerTo } from "../core/schema-faults.ts";
import type { Operation } from "../operations/operation.ts";

const bodyBytesMax = 262_144; // an event with a large inventory has a tenth of it
const depthMax = 32; // deeper JSON is nobody's event; walking it costs stack

export type ReadBody = (request: Request, response: Response) => Promise<unknown>;

/** Reads the JSON body of an operation; of one that takes none nothing is read, and a body is refused. */
export function createBodyReader({ body, isChange, bodyBytesMax }: Operation): ReadBody {
  return body === undefined && !isChange ? refuseBody : readJson(bodyBytesMax);
}

/** Refuses other types, what is too large before it is sent, what is no UTF-8, deep nesting, and keys that reach into prototypes. */
function readJson(limit = bodyBytesMax): ReadBody {
  const type = (request: IncomingMessage) => hasBody(request) || isJson(request as Request); // one that is there is JSON then
  const parse = promisify(express.json({ limit, strict: false, type, verify: checkEncoding }));
  return async (request, response) => {
    const isThere = hasBody(request);
    if (isThere && !isJson(request)) {
      throw new SignalboxError("unsupported-media-type", "Send the body as application/json.");
    }
    if (Number(request.headers["content-length"]) > limit) throw tooLarge(limit); // the parser would have all of it sent first
    await parse(request, response);
    const body = request.body as unknown;
    if (isThere && body === undefined) {
      throw new SignalboxError("invalid-request", "The body was cut off."); // the parser takes it for one that was read
    }
    checkShape(body);
    return body;
  };
}

/** Of a body beyond what its operation takes. */
export function tooLarge(limitBytes: number): SignalboxError {
  return new SignalboxError("payload-too-large", `The body is larger than ${limitBytes / 1_024} KiB.`);
}

/** Else the parser would put U+FFFD for bytes that are none, or read it in another encoding. */
function checkEncoding(_request: IncomingMessage, _response: unknown, bytes: Buffer, charset: string): void {
  if (charset !== "utf-8")
    throw new SignalboxError("unsupported-media-type", `Send the body in UTF-8, not ${charset}.`);
  if (!isUtf8(bytes))
    throw new SignalboxError("invalid-request", "The body is not valid UTF-8. Send it as JSON in UTF-8.");
}

async function refuseBody(request: Request): Promise<undefined> {
  if (!hasBody(request)) return;
  throw new SignalboxError("invalid-request", "This takes no body.", {
    errors: [{ pointer: "", detail: "no body expected" }],
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function isJson(request: Request): boolean {
  return request.is("application/json") !== false;
}

const forbiddenKeys = new Set(["__proto__", "constructor", "prototype"]);

/** An object in a body, and where it is. */
interface Place {
  value: object;
  path: readonly string[];
}

function checkShape(body: unknown): void {
  const open: Place[] = isObject(body) ? [{ value: body, path: [] }] : [];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (path.length >= depthMax) throw invalid(path, `nested deeper than ${depthMax} levels`);
    for (const [key, below] of Object.entries(value)) {
      if (forbiddenKeys.has(key)) throw invalid([...path, key], `the key ${key} is not allowed`);
      if (isObject(below)) open.push({ value: below, path: [...path, key] });
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function invalid(path: readonly string[], detail: string): SignalboxError {
  return new SignalboxError("invalid-request", `The body cannot be taken: ${detail}.`, {
    errors: [{ pointer: pointerTo(path).slice(0, 500), detail }],
  });
}
