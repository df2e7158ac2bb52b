import type { Request, Response } from "express";
import type { Answer } from "../operations/operation.ts";
import { problemType } from "../operations/problem.ts";
import { requestIdOf } from "./request-id.ts";

/** Writes an answer; the only place that does. */
export function send(request: Request, response: Response, answer: Answer): void {
  const { status, contentType = "application/json", version, location, replayed, retryAfterMs } = answer;
  response.set("Cache-Control", "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  if (location !== undefined) response.set("Location", `${request.baseUrl}${location}`);
  if (replayed === true) response.set("Idempotency-Replayed", "true");
  if (retryAfterMs !== undefined) response.set("Retry-After", String(Math.ceil(retryAfterMs / 1_000)));
  if (version !== undefined) {
    const etag = `"v${version}"`;
    response.set("ETag", etag);
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (isRead && status === 200 && names(request.get("If-None-Match"), etag)) {
      response.status(304).end();
      return;
    }
  }
  if (contentType === "image/svg+xml")
    response.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  response.status(status).type(contentType);
  const body =
    contentType === problemType ? { ...(answer.body as object), instance: requestIdOf(response) } : answer.body;
  response.send(typeof body === "string" ? body : JSON.stringify(body));
}

/** RFC 9110, 13.1.2: a list of ETags, weak ones too, or `*`. */
function names(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch?.trim() === "*") return true;
  return ifNoneMatch?.split(",").some((each) => each.trim().replace(/^W\//, "") === etag) === true;
}
