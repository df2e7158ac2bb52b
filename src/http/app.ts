import { randomUUID } from "node:crypto";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { isSignalboxError, messageOf, SignalboxError } from "../core/errors.ts";
import { silentLog, type Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";
import { operations } from "../operations/index.ts";
import type { Answer, Operation, Workplace } from "../operations/operation.ts";
import { problemOf } from "../operations/problem.ts";
import { readBody } from "./body.ts";
import { parsePart } from "./parse.ts";
import { callerOf } from "./caller.ts";
import { send } from "./send.ts";

export interface AppOptions {
  log?: Log;
  /** Why the server should get no new work; nothing when all is well. */
  notReady?: () => Promise<string | undefined>;
}

/** The HTTP facade over an engine, to be listened to or mounted in another Express app. */
export function createApp(engine: Engine, options: AppOptions = {}): Express {
  const { log = silentLog, notReady = () => probed(engine) } = options;
  const workplace: Workplace = { engine, notReady };
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // ours is the version of an instance
  app.set("query parser", "simple");

  app.use((request, response, next) => {
    response.locals["requestId"] = requestIdOf(request);
    response.set("X-Request-Id", requestIdOf(request, response));
    next();
  });
  for (const operation of operations) app[verbOf(operation)](operation.path, readBody, handler(operation, workplace));
  for (const [path, methods] of Map.groupBy(operations, ({ path }) => path)) app.all(path, methodNotAllowed(methods));
  app.use((request: Request) => {
    throw new SignalboxError("not-found", `There is no ${request.method} ${request.path}.`);
  });
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const known = asKnown(error);
    const requestId = response.locals["requestId"] as string;
    if (!isSignalboxError(known) || known.status >= 500) {
      log.error(
        {
          requestId,
          method: request.method,
          path: request.path,
          error: messageOf(error),
          stack: (error as Error).stack,
        },
        "a request failed",
      );
    }
    send(request, response, problemOf(known, requestId));
  });
  return app;
}

function handler(operation: Operation, workplace: Workplace) {
  return async (request: Request, response: Response): Promise<void> => {
    const asked = {
      params: parsePart(operation.params, request.params, "path"),
      query: parsePart(operation.query, request.query, "query"),
      body: parsePart(operation.body, request.body as unknown, "body"),
    };
    const answer: Answer = await operation.run(asked, callerOf(request, operation), workplace);
    send(request, response, answer);
  };
}

function methodNotAllowed(allowed: readonly Operation[]) {
  return (request: Request, response: Response) => {
    const methods = allowed.map(({ method }) => method);
    response.set("Allow", methods.join(", "));
    throw new SignalboxError(
      "method-not-allowed",
      `${request.path} takes ${methods.join(" and ")}, not ${request.method}.`,
    );
  };
}

function verbOf({ method }: Operation): "get" | "post" | "delete" {
  return method.toLowerCase() as "get" | "post" | "delete";
}

/** The client's own id if it is a plain one, else a new one; the same for the whole request. */
function requestIdOf(request: Request, response?: Response): string {
  const known = response?.locals["requestId"] as string | undefined;
  if (known !== undefined) return known;
  const given = request.get("X-Request-Id");
  return given !== undefined && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
}

async function probed(engine: Engine): Promise<string | undefined> {
  try {
    await engine.probe();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Express and its parsers throw errors with a status: those are the client's. */
function asKnown(error: unknown): unknown {
  if (isSignalboxError(error)) return error;
  const { status, type } = error as { status?: number; type?: string };
  if (type === "entity.too.large") return new SignalboxError("payload-too-large", "The body is larger than 256 KiB.");
  if (status === 415) return new SignalboxError("unsupported-media-type", "The encoding of the body is not read here.");
  if (typeof status === "number" && status >= 400 && status < 500) {
    return new SignalboxError("invalid-request", `The request cannot be read: ${messageOf(error)}.`);
  }
  return error;
}
