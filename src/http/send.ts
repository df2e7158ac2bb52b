import type { Request, Response } from "express";
import type { Answer } from "../operations/operation.ts";

/** Writes an answer; the only place that does. */
export function send(request: Request, response: Response, answer: Answer): void {
  const { status, body, contentType = "application/json", version, location, replayed } = answer;
  response.set("Cache-Control", "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  if (location !== undefined) response.set("Location", location);
  if (replayed === true) response.set("Idempotency-Replayed", "true");
  if (version !== undefined) {
    const etag = `"v${version}"`;
    response.set("ETag", etag);
    if (request.method === "GET" && status === 200 && request.get("If-None-Match") === etag) {
      response.status(304).end();
      return;
    }
  }
  if (contentType === "image/svg+xml")
    response.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  response.status(status).type(contentType);
  response.send(typeof body === "string" ? body : JSON.stringify(body));
}
