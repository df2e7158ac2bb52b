import type { Request } from "express";
import { SignalboxError } from "../core/errors.ts";
import type { Caller, Operation } from "../operations/operation.ts";

const keyLengthMax = 255;

/** Who asks, and under which conditions. Without tokens everybody is `local`: the server listens on loopback only. */
export function callerOf(request: Request, { isChange }: Operation): Caller {
  const commandId = isChange ? request.get("Idempotency-Key") : undefined;
  if (commandId !== undefined && (commandId === "" || commandId.length > keyLengthMax)) {
    throw new SignalboxError("invalid-request", `An Idempotency-Key has 1 to ${keyLengthMax} characters.`);
  }
  const ifMatch = request.get("If-Match");
  return {
    principal: "local",
    ...(commandId !== undefined && { commandId }),
    ...(ifMatch !== undefined && ifMatch !== "*" && { expectedVersion: versionIn(ifMatch) }),
  };
}

function versionIn(ifMatch: string): number {
  const version = /^"v(\d{1,15})"$/.exec(ifMatch.trim())?.[1];
  if (version !== undefined) return Number(version);
  throw new SignalboxError("invalid-request", 'If-Match is one ETag as an answer gave it, for example "v7".');
}
