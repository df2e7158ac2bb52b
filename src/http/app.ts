import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { isSignalboxError, messageOf, SignalboxError } from "../core/errors.ts";
import { silentLog, type Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";
import { createDrawings } from "../operations/machines.ts";
import { operations } from "../operations/index.ts";
import type { Operation, Workplace } from "../operations/operation.ts";
import { problemOf } from "../operations/problem.ts";
import { readBody } from "./body.ts";
import { parsePart } from "./parse.ts";
import { callerOf } from "./caller.ts";
import { requestIdOf, takeRequestId } from "./request-id.ts";
import { send } from "./send.ts";

export interface AppOptions {
  log?: Log;
  /** Why the server should get no new work; nothing when all is well. */
  notReady?: () => Promise<string | undefined>;
}

/** The HTTP facade over an engine, to be listened to or mounted in another Express app. */
export function createApp(engine: Engine, options: AppOptions = {}): Express {
  const { log = silentLog, notReady = () => probed(engine) } = options;
  const workplace: Workplace = { engine, notReady, drawings: createDrawings() };
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // ours is the version of an instance
  app.set("query parser", "simple");

  app.use(takeRequestId);
  for (const operation of operations) app[verbOf(operation)](operation.path, readBody, handler(operation, workplace));
  for (const [path, methods] of Map.groupBy(operations, ({ path }) => path)) app.all(path, methodNotAllowed(methods));
  app.use((request: Request) => {
    throw new SignalboxError("not-found", `There is no ${request.method} ${request.path}.`);
  });
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const known = asKnown(error);
    const requestId = requestIdOf(response);
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
    send(request, response, await operation.run(asked, callerOf(request, operation, asked), workplace));
  };
}

/** Answers OPTIONS; refuses what the path has no operation for. */
function methodNotAllowed(allowed: readonly Operation[]) {
  const methods = allowed.map(({ method }) => method);
  const allow = ["OPTIONS", ...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))].join(", ");
  return (request: Request, response: Response) => {
    response.set("Allow", allow);
    if (request.method === "OPTIONS") return void response.status(204).end();
    throw new SignalboxError(
      "method-not-allowed",
      `${request.path} takes ${methods.join(" and ")}, not ${request.method}.`,
    );
  };
}

function verbOf({ method }: Operation): "get" | "post" | "delete" {
  return method.toLowerCase() as "get" | "post" | "delete";
}

const lagMaxMs = 30_000; // a lease: by then even the rows of a runner that died have been taken up again

async function probed(engine: Engine): Promise<string | undefined> {
  try {
    await engine.probe();
    const lagMs = await engine.lagMs();
    return lagMs <= lagMaxMs ? undefined : `The runner is behind: what is due has been waiting for ${lagMs} ms.`;
  } catch (error) {
    return isSignalboxError(error) ? error.detail : "The store cannot be written to.";
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
