import { randomUUID } from "node:crypto";
import type { RequestHandler, Response } from "express";

/** Takes the client's own id if it is a plain one, else a new one, and sends it back. */
export const takeRequestId: RequestHandler = (request, response, next) => {
  const given = request.get("X-Request-Id");
  const id = given !== undefined && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
  response.locals["requestId"] = id;
  response.setHeader("X-Request-Id", id);
  next();
};

export function requestIdOf(response: Response): string {
  return response.locals["requestId"] as string;
}
