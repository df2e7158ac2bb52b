import { randomUUID } from "node:crypto";
import type { Request, Response } from "express";

/** Takes the client's own id if it is a plain one, else a new one. */
export function takeRequestId({ headers }: Request, response: Response): void {
  const given = headers["x-request-id"];
  response.locals["requestId"] = typeof given === "string" && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
}

export function requestIdOf(response: Response): string {
  return response.locals["requestId"] as string;
}
