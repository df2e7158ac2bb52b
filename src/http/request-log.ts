import type { Request, Response } from "express";
import { isSignalboxError, messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { traceparentIn } from "../core/traceparent.ts";
import type { Answer, Operation } from "../operations/operation.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { identityOf } from "./authentication.ts";
import { requestIdOf } from "./request-id.ts";

/** What is found out about a request on its way. */
interface Notes {
  operation?: Operation;
  /** Of the path. */
  params?: Request["params"];
  /** The one that it is about. */
  instance?: string;
  /** W3C traceparent of what it does. */
  trace?: string;
  /** Why it failed, if it did. */
  error?: unknown;
}

/** Follows every request to the end of its answer: one line in the log, one count, one span. To come after `takeRequestId`. */
export function watchRequests(given: {
  log: Log;
  metrics: Metrics;
  tracing: Tracing | undefined;
}): (request: Request, response: Response) => void {
  const { log, metrics, tracing } = given;
  return (request, response) => {
    const startedMs = performance.now();
    const { method } = request;
    const notes: Notes = {};
    response.locals["notes"] = notes;
    const trace = traceparentIn(request.get("traceparent"));
    const figure = metrics.requesting({
      method,
      isStream: () => isStream(response),
      waits: () => notes.operation?.waits === true,
    });
    const span = tracing?.requesting({ method, path: request.path, ...(trace !== undefined && { trace }) });
    const carried = span?.trace ?? trace;
    if (carried !== undefined) notes.trace = carried;
    response.once("close", () => {
      const status = response.writableFinished || isStream(response) ? response.statusCode : clientClosedRequest;
      const end = { route: notes.operation?.path, status };
      figure.ended(end);
      span?.ended(end);
      write(log, { request, response, notes, status, durationMs: Math.round(performance.now() - startedMs) });
    });
  };
}

const clientClosedRequest = 499; // nobody was there any more to be answered; what proxies log for it

/** What the request asks for, as soon as it is known. */
export function noteOperation({ params }: Request, response: Response, operation: Operation): void {
  Object.assign(notesOf(response), { operation, params });
}

/** Which instance the answer is about. */
export function noteAnswer(response: Response, { body }: Answer): void {
  const { id, instance } = Object(body) as { id?: unknown; instance?: { id?: unknown } };
  const about = id ?? instance?.id;
  if (typeof about === "string") notesOf(response).instance = about;
}

export function noteError(response: Response, error: unknown): void {
  notesOf(response).error = error;
}

/** W3C traceparent of the request, for what follows from it. */
export function traceOf(response: Response): { trace?: string } {
  const { trace } = notesOf(response);
  return trace === undefined ? {} : { trace };
}

function notesOf(response: Response): Notes {
  return response.locals["notes"] as Notes;
}

function isStream(response: Response): boolean {
  return String(response.getHeader("Content-Type")).startsWith("text/event-stream");
}

interface Written {
  request: Request;
  response: Response;
  notes: Notes;
  status: number;
  durationMs: number;
}

const notWritten: ReadonlySet<string | undefined> = new Set(["liveness", "readiness", "metrics"]); // asked every few seconds

/** Changes and faults of ours are for everybody, reads for whoever asked for all of it. Never the path as it came. */
function write(log: Log, { request, response, notes, status, durationMs }: Written): void {
  const { operation, params, instance = params?.["id"], trace, error } = notes;
  if (notWritten.has(operation?.name)) return;
  const fields = {
    requestId: requestIdOf(response),
    method: request.method,
    route: operation?.path,
    instance,
    principal: (identityOf(response) as { principal: string } | undefined)?.principal,
    status,
    durationMs,
    trace,
  };
  if (status >= 500 && !isSignalboxError(error, "shutting-down")) {
    const stack = error instanceof Error ? error.stack : undefined;
    log.error({ ...fields, error: messageOf(error), stack }, "a request failed");
  } else if (operation?.isChange === true) log.info(fields, "a request was answered");
  else log.debug(fields, "a request was answered");
}
