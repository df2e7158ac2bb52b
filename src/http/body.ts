import express, { type NextFunction, type Request, type RequestHandler, type Response } from "express";
import { SignalboxError } from "../core/errors.ts";
import { pointerTo } from "../core/schema-faults.ts";

const bodyBytesMax = 262_144; // an event with a large inventory has a tenth of it
const depthMax = 32; // deeper JSON is nobody's event; walking it costs stack

/** Reads a JSON body; refuses other types, deep nesting, and keys that reach into prototypes. */
export function readBody({ limit = bodyBytesMax }: { limit: number | undefined }): RequestHandler {
  const parse = express.json({ limit, strict: false, type: "application/json" });
  return (request: Request, response: Response, next: NextFunction) => {
    if (hasBody(request) && request.is("application/json") === false) {
      throw new SignalboxError("unsupported-media-type", "Send the body as application/json.");
    }
    parse(request, response, (error?: unknown) => {
      if (error !== undefined) return next(error);
      try {
        if (hasBody(request) && request.body === undefined) {
          throw new SignalboxError("invalid-request", "The body was cut off."); // the parser takes it for one that was read
        }
        checkShape(request.body);
        next();
      } catch (fault) {
        next(fault);
      }
    });
  };
}

/** For what takes none: it is not read. */
export const refuseBody: RequestHandler = (request: Request, _response: Response, next: NextFunction) => {
  if (!hasBody(request)) return next();
  throw new SignalboxError("invalid-request", "This takes no body.", {
    errors: [{ pointer: "", detail: "no body expected" }],
  });
};

function hasBody(request: Request): boolean {
  return request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
}

const forbiddenKeys = new Set(["__proto__", "constructor", "prototype"]);

function checkShape(body: unknown): void {
  const open: { value: unknown; depth: number; pointer: string }[] = [{ value: body, depth: 0, pointer: "" }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth, pointer } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth >= depthMax) throw invalid(pointer, `nested deeper than ${depthMax} levels`);
    for (const key of Object.keys(value)) {
      const below = pointer + pointerTo([key]);
      if (forbiddenKeys.has(key)) throw invalid(below, `the key ${key} is not allowed`);
      open.push({ value: (value as Record<string, unknown>)[key], depth: depth + 1, pointer: below });
    }
  }
}

function invalid(pointer: string, detail: string): SignalboxError {
  return new SignalboxError("invalid-request", `The body cannot be taken: ${detail}.`, {
    errors: [{ pointer: pointer.slice(0, 500), detail }],
  });
}
