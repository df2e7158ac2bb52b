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

/** Throws `invalid-request` for what is no URL of a server. */
export function createApi(url: string): Api {
  const base = baseOf(url);
  return {
    async call<Body>(operation: Operation, { params, query, body, expectedVersion }: ApiRequest = {}) {
      const target = new URL(`.${pathOf(operation, params)}`, base);
      for (const [name, value] of Object.entries(query ?? {}))
        if (value !== undefined) target.searchParams.set(name, value);
      const headers: Record<string, string> = {};
      if (body !== undefined) headers["Content-Type"] = "application/json";
      if (operation.isChange) headers["Idempotency-Key"] = randomUUID();
      if (expectedVersion !== undefined) headers["If-Match"] = `"v${expectedVersion}"`;
      const { response, text } = await exchange(target, {
        method: operation.method,
        headers,
        signal: AbortSignal.timeout(answerWithinMs),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const answer = contentOf(response, text);
      if (response.ok && answer !== undefined) return answer as Body;
      return fail(response, answer);
    },
  };
}

/** A server may be mounted under a path: it ends with a slash, so that what is asked for lies under it. */
function baseOf(url: string): URL {
  const base = URL.parse(url);
  if (base?.protocol !== "http:" && base?.protocol !== "https:") {
    throw new SignalboxError(
      "invalid-request",
      `--url is where a server is, such as http://127.0.0.1:4100, not ${url}.`,
    );
  }
  const { origin, pathname } = base;
  return new URL(pathname.endsWith("/") ? pathname : `${pathname}/`, origin);
}

async function exchange(target: URL, init: RequestInit): Promise<{ response: Response; text: string }> {
  try {
    const response = await fetch(target, init);
    return { response, text: await response.text() };
  } catch (error) {
    const cause = messageOf((error as { cause?: unknown }).cause ?? error);
    const detail = `No server answers at ${target.origin} (${cause}). Start one with \`signalbox serve --data DIR\`, or name it with --url.`;
    throw new SignalboxError("server-unreachable", detail, { cause: error });
  }
}

/** Undefined when it is nothing that we send. */
function contentOf({ headers }: Response, text: string): unknown {
  const type = headers.get("content-type") ?? "";
  if (type.startsWith("image/svg+xml")) return text;
  try {
    return /^application\/(?:problem\+)?json\b/.test(type) ? (JSON.parse(text) as unknown) : undefined;
  } catch {
    return undefined;
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
  if (typeof code === "string" && Object.hasOwn(errorCatalogue, code)) {
    throw new SignalboxError(code as ErrorCode, String(detail), { ...(Array.isArray(errors) && { errors }), extra });
  }
  const { origin } = new URL(response.url);
  throw new SignalboxError("internal-fault", `What answered ${response.status} at ${origin} is no Signalbox server.`);
}
