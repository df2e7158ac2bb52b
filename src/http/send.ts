import type { OutgoingHttpHeaders } from "node:http";
import type { Request, Response } from "express";
import { problemType, type Answer } from "../operations/operation.ts";
import { browserHeaders } from "./browser-headers.ts";
import { requestIdOf } from "./request-id.ts";

/** Writes an answer; the only place that does, but for streams. */
export function send(request: Request, response: Response, answer: Answer): void {
  const { status, contentType = "application/json", version, location, replayed, retryAfterMs } = answer;
  const headers = headersOf(response);
  headers["Cache-Control"] = "no-store";
  if (location !== undefined) headers["Location"] = `${request.baseUrl}${location}`;
  if (replayed === true) headers["Idempotency-Replayed"] = "true";
  if (retryAfterMs !== undefined) headers["Retry-After"] = String(Math.ceil(retryAfterMs / 1_000));
  if (version !== undefined) {
    const etag = `"v${version}"`;
    headers["ETag"] = etag;
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (isRead && status === 200 && names(request.get("If-None-Match"), etag)) {
      response.writeHead(304, headers).end();
      return;
    }
  }
  if (contentType === "text/html" && request.path.endsWith("/")) {
    response.set(headers).redirect(308, `${request.baseUrl}${request.path.slice(0, -1)}`); // what a page loads is named relative to it
    return;
  }
  if (status === 204 || status === 303) {
    response.set(headers).status(status).end();
    return;
  }
  const policy = policies[contentType];
  if (policy !== undefined) headers["Content-Security-Policy"] = policy;
  headers["Content-Type"] = contentType.includes("charset=") ? contentType : `${contentType}; charset=utf-8`;
  const body =
    contentType === problemType ? { ...(answer.body as object), instance: requestIdOf(response) } : answer.body;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  headers["Content-Length"] = Buffer.byteLength(text);
  response.writeHead(status, headers).end(text); // Express's own `send` would answer 304 also where there is no ETag
}

/** Of every answer. Written together with the rest of its head: to set one by one costs more than to write them. */
export function headersOf(response: Response): OutgoingHttpHeaders {
  return { ...browserHeaders, "X-Request-Id": requestIdOf(response) };
}

const own = "style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:";

/** What a browser may do with an answer that it shows; with all others nothing. */
const policies: Readonly<Record<string, string>> = {
  "image/svg+xml": "default-src 'none'; style-src 'unsafe-inline'",
  "text/html": `default-src 'none'; ${own}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
};

/** RFC 9110, 13.1.2: a list of ETags, weak ones too, or `*`. */
function names(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch?.trim() === "*") return true;
  return ifNoneMatch?.split(",").some((each) => each.trim().replace(/^W\//, "") === etag) === true;
}
