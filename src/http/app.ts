import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { isSignalboxError, messageOf, SignalboxError } from "../core/errors.ts";
import { silentLog, type Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";
import type { ControlPlane } from "../fleet/control-plane.ts";
import { createPolls, defaultPollLimits, type PollLimits } from "../operations/agent-polls.ts";
import { createContract } from "../operations/documents.ts";
import { createDrawings } from "../operations/machines.ts";
import { operations } from "../operations/index.ts";
import type { Operation, Workplace } from "../operations/operation.ts";
import { problemOf } from "../operations/problem.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { packageVersion } from "../package-file.ts";
import { createGuard, identityOf, type Authenticate, type Guard } from "./authentication.ts";
import { createBodyReader, tooLarge } from "./body.ts";
import { parsePart } from "./parse.ts";
import { callerOf } from "./caller.ts";
import { checkHeaders } from "./request-headers.ts";
import { requestIdOf, takeRequestId } from "./request-id.ts";
import { noteAnswer, noteError, noteOperation, traceOf, watchRequests } from "./request-log.ts";
import { headersOf, send } from "./send.ts";
import { createStreams, defaultStreamLimits, type StreamLimits, type Streams } from "./stream.ts";

export interface AppOptions {
  log?: Log;
  /** Runs the rollouts of a fleet. Without it what is asked about them is `not-found`. */
  fleet?: ControlPlane;
  /** What the host has against new work; nothing when all is well. */
  notReady?: () => Promise<string | undefined>;
  /** Figures of the engine, where the host has made them already: to count in from its start, or to add its own. */
  metrics?: Metrics;
  tracing?: Tracing;
  /** Who asks. Without it everybody on this machine is `local`, and nobody else is answered. */
  authenticate?: Authenticate;
  /** Aborted when the server is about to stop: from then on requests are refused, and streams end. */
  stopping?: AbortSignal;
  streams?: Partial<StreamLimits>;
  polls?: Partial<PollLimits>;
}

/** The HTTP facade over an engine, to be listened to or mounted in another Express app. */
export function createApp(engine: Engine, options: AppOptions = {}): Express {
  const { log = silentLog, notReady = async () => undefined, metrics = createMetrics(engine), tracing } = options;
  const polls = createPolls({
    limits: { ...defaultPollLimits, ...options.polls },
    clock: engine.clock,
    stopping: options.stopping,
  });
  metrics.watchAgents({ waiting: polls.waiting, contested: () => options.fleet?.contested().length ?? 0 });
  const workplace: Workplace = {
    engine,
    ...(options.fleet && { fleet: options.fleet }),
    polls,
    notReady,
    version: packageVersion(),
    figures: metrics,
    drawings: createDrawings(),
    contract: createContract({ operations, version: packageVersion(), hasTokens: options.authenticate !== undefined }),
  };
  const limits = { ...defaultStreamLimits, ...options.streams };
  const streams = createStreams({ limits, stopping: options.stopping, log });
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // ours is the version of an instance
  app.set("query parser", "simple");

  const watch = watchRequests({ log, metrics, tracing });
  app.use((request: Request, response: Response, next: NextFunction) => {
    takeRequestId(request, response);
    watch(request, response);
    refuseWhen(options.stopping);
    checkHeaders(request);
    next();
  });
  const guard = createGuard({ authenticate: options.authenticate, clock: engine.clock, log });
  for (const operation of operations) {
    app[verbOf(operation)](operation.path, handler(operation, { guard, workplace, streams }));
  }
  for (const [path, methods] of Map.groupBy(operations, ({ path }) => path)) app.all(path, methodNotAllowed(methods));
  app.use((request: Request) => {
    throw new SignalboxError(
      "not-found",
      `There is no ${request.method} ${request.path}. GET /docs has what there is.`,
    );
  });
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    noteError(response, error);
    if (response.headersSent) return next(error);
    const known = asKnown(error);
    if (isSignalboxError(known, "shutting-down")) response.set("Connection", "close"); // else it would go on being asked on
    const requestId = requestIdOf(response);
    if (isSignalboxError(known, "unauthenticated")) response.set("WWW-Authenticate", challengeTo(request));
    send(request, response, problemOf(known, requestId));
  });
  return app;
}

function handler(operation: Operation, given: { guard: Guard; workplace: Workplace; streams: Streams }) {
  const { guard, workplace, streams } = given;
  const readBody = createBodyReader(operation);
  return async (request: Request, response: Response): Promise<void> => {
    noteOperation(request, response, operation);
    await guard(request, response, operation);
    const body = await readBody(request, response);
    const asked = {
      params: parsePart(operation.params, request.params, "path"),
      query: parsePart(operation.query, request.query, "query"),
      body: parsePart(operation.body, body, "body"),
    };
    const caller = {
      ...callerOf(request, operation, asked, identityOf(response)),
      ...traceOf(response),
      ...(operation.waits === true && { gone: goneOf(response) }),
    };
    const answer = await operation.run(asked, caller, workplace);
    noteAnswer(response, answer);
    if (answer.stream === undefined) send(request, response, answer);
    else await streams.send(request, response, answer.stream, caller);
  };
}

/** Aborted when the connection is closed, or the answer has been sent. */
function goneOf(response: Response): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once("close", () => gone.abort());
  return gone.signal;
}

function refuseWhen(stopping: AbortSignal | undefined): void {
  if (stopping?.aborted !== true) return;
  throw new SignalboxError(
    "shutting-down",
    "The server is stopping. Try again; the next one takes up what is pending.",
  );
}

/** RFC 6750, 3. */
function challengeTo({ headers }: Request): string {
  return `Bearer realm="signalbox"${headers.authorization === undefined ? "" : ', error="invalid_token"'}`;
}

/** Answers OPTIONS; refuses what the path has no operation for. */
function methodNotAllowed(allowed: readonly Operation[]) {
  const methods = allowed.map(({ method }) => method);
  const allow = ["OPTIONS", ...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))].join(", ");
  return (request: Request, response: Response) => {
    if (request.method === "OPTIONS") {
      response.writeHead(204, { ...headersOf(response), Allow: allow }).end();
      return;
    }
    response.set("Allow", allow);
    throw new SignalboxError(
      "method-not-allowed",
      `${request.path} takes ${methods.join(" and ")}, not ${request.method}.`,
    );
  };
}

function verbOf({ method }: Operation): "get" | "post" | "delete" {
  return method.toLowerCase() as "get" | "post" | "delete";
}

/** Express and its parsers throw errors with a status: those are the client's. */
function asKnown(error: unknown): unknown {
  if (isSignalboxError(error)) return error;
  const { status, type, limit = 0 } = error as { status?: number; type?: string; limit?: number };
  if (type === "entity.too.large") return tooLarge(limit);
  if (status === 415) return new SignalboxError("unsupported-media-type", "The encoding of the body is not read here.");
  if (typeof status === "number" && status >= 400 && status < 500) {
    return new SignalboxError("invalid-request", `The request cannot be read: ${messageOf(error)}.`);
  }
  return error;
}
