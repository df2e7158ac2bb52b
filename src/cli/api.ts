import { randomUUID } from "node:crypto";
import { errorCatalogue, messageOf, SignalboxError, type ErrorCode } from "../core/errors.ts";
import { pathOf, type Operation } from "../operations/operation.ts";

export interface ApiRequest {
  params?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string | undefined>>;
  body?: unknown;
  expectedVersion?: number;
}

/** Asks a server. Problems become the errors that they stand for. */
export interface Api {
  call<Body = Record<string, unknown>>(operation: Operation, request?: ApiRequest): Promise<Body>;
}

const answerWithinMs = 60_000; // a verify of everything takes a while; a server that hangs does not

export function createApi(url: string): Api {
  return {
    async call<Body>(operation: Operation, { params, query, body, expectedVersion }: ApiRequest = {}) {
      const target = new URL(pathOf(operation, params), url.endsWith("/") ? url : `${url}/`);
      for (const [name, value] of Object.entries(query ?? {}))
        if (value !== undefined) target.searchParams.set(name, value);
      const headers: Record<string, string> = {};
      if (body !== undefined) headers["Content-Type"] = "application/json";
      if (operation.isChange) headers["Idempotency-Key"] = randomUUID();
      if (expectedVersion !== undefined) headers["If-Match"] = `"v${expectedVersion}"`;
      const signal = AbortSignal.timeout(answerWithinMs);
      const init = {
        method: operation.method,
        headers,
        signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      };
      const response = await reach(target, init);
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.includes("json") === true;
      const answer: unknown = isJson ? JSON.parse(text) : text;
      if (response.ok || response.status === 503) return response.ok ? (answer as Body) : fail(response, answer);
      return fail(response, answer);
    },
  };
}

async function reach(target: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(target, init);
  } catch (error) {
    const cause = messageOf((error as { cause?: unknown }).cause ?? error);
    const detail = `No server answers at ${target.origin} (${cause}). Start one with \`signalbox serve --data DIR\`, or name it with --url.`;
    throw new SignalboxError("server-unreachable", detail, { cause: error });
  }
}

function fail(response: Response, answer: unknown): never {
  const {
    code,
    detail,
    errors,
    type: _type,
    title: _title,
    status: _status,
    ...extra
  } = (answer ?? {}) as Record<string, unknown>;
  if (typeof code === "string" && code in errorCatalogue) {
    throw new SignalboxError(code as ErrorCode, String(detail), { ...(Array.isArray(errors) && { errors }), extra });
  }
  throw new SignalboxError("internal-fault", `The server answered ${response.status} without a problem document.`);
}
