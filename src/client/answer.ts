import { errorCatalogue, messageOf, SignalboxError, type ErrorCode } from "../core/errors.ts";
import type { Outcome } from "./outcome.ts";

const answerBytesMax = 67_108_864; // the largest page has a quarter of it; a server that never ends is none of ours

/** Reads an answer to its end. Throws when the connection ends before, and when there is no end. */
export async function textOf(response: Response): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (let { done, value } = await reader.read(); !done && value !== undefined; { done, value } = await reader.read()) {
    bytes += value.byteLength;
    if (bytes > answerBytesMax) {
      await reader.cancel();
      throw strangerAt(response);
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

/** 502 and 504 are what a proxy says while the server behind it is started again. */
const laterStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What an answer stands for: JSON, another text that we send, nothing, or a problem. */
export function outcomeOf(response: Response, text: string): Outcome<unknown> {
  if (response.status === 204) return { kind: "answered", body: undefined };
  const content = contentOf(response, text);
  if (response.ok && content !== undefined) return { kind: "answered", body: content };
  const isPassing = laterStatuses.has(response.status);
  const retryAfterMs = retryAfterMsOf(response);
  return {
    kind: "failed",
    error: problemIn(content) ?? strangerAt(response),
    isPassing,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** Whatever answers there is not Signalbox. */
export function strangerAt({ status, url }: Response): SignalboxError {
  return new SignalboxError("internal-fault", `What answered ${status} at ${originOf(url)} is no Signalbox server.`);
}

export function unreachableAt(target: URL, error: unknown): SignalboxError {
  const { cause = error } = error as { cause?: unknown };
  const why = messageOf(cause) || String((cause as { code?: unknown }).code);
  return new SignalboxError("server-unreachable", `No server answers at ${target.origin} (${why}).`, { cause: error });
}

/** Undefined when it is nothing that we send. */
function contentOf({ headers }: Response, text: string): unknown {
  const type = headers.get("content-type") ?? "";
  if (/^(?:image\/svg\+xml|text\/plain)\b/.test(type)) return text;
  if (!/^application\/(?:problem\+)?json\b/.test(type)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function problemIn(content: unknown): SignalboxError | undefined {
  const {
    code,
    detail,
    errors,
    instance,
    type: _type,
    title: _title,
    status: _status,
    ...members
  } = (content ?? {}) as Record<string, unknown>;
  if (typeof code !== "string" || !Object.hasOwn(errorCatalogue, code)) return undefined;
  const extra = { ...members, ...(typeof instance === "string" && { requestId: instance }) };
  return new SignalboxError(code as ErrorCode, String(detail), { ...(Array.isArray(errors) && { errors }), extra });
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMsOf({ headers }: Response): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function originOf(url: string): string {
  return URL.parse(url)?.origin ?? "the server";
}
