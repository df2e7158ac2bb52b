import { outcomeOf, textOf } from "./answer.ts";
import { failedOnTheWay, type Connection } from "./connection.ts";
import type { Outcome } from "./outcome.ts";
import { insist, type RetryLimits } from "./retry.ts";
import type { Route } from "./routes.ts";

/** How something is asked, whatever it is. */
export interface CallOptions {
  /** Ends the call, and the waits between its attempts; it is thrown with the signal's reason. */
  signal?: AbortSignal;
  /** How long one attempt may take. */
  timeoutMs?: number;
  /** Of a change: only if the instance is at this version. */
  expectedVersion?: number;
  /** Of a change that is to be known again later, by another process say; otherwise each has a new one. */
  idempotencyKey?: string;
}

/** The parts of a request, as its operation takes them. */
export interface CallParts {
  params?: object;
  query?: object;
  body?: unknown;
}

/** Asks, again under the same key when nothing or "later" is answered, and gives back what is answered. */
export function call(
  connection: Connection,
  route: Route,
  asked: CallOptions & CallParts,
  limits: { retries: RetryLimits; answerWithinMs: number },
): Promise<unknown> {
  const { signal, body, expectedVersion } = asked;
  const { timeoutMs = limits.answerWithinMs + (route.waits === true ? waitMaxMs : 0) } = asked;
  const target = connection.target(route, asked);
  const headers = connection.headers({
    ...(body !== undefined && { "Content-Type": "application/json" }),
    ...(route.isChange === true && { "Idempotency-Key": asked.idempotencyKey ?? newKey() }),
    ...(expectedVersion !== undefined && { "If-Match": `"v${expectedVersion}"` }),
  });
  const request: RequestInit = {
    method: route.method,
    headers,
    cache: "no-store",
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };

  async function attempt(): Promise<Outcome<unknown>> {
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await connection.fetch(target, {
        ...request,
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      return outcomeOf(response, await textOf(response));
    } catch (error) {
      signal?.throwIfAborted();
      return failedOnTheWay(target, error);
    }
  }

  return insist(attempt, { limits: limits.retries, signal });
}

const waitMaxMs = 60_000; // the longest that a server makes somebody wait for something to tell

/** 128 bits of chance, also where a page is no secure context. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
