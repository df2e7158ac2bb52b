import type { Request } from "express";
import { SignalboxError } from "../core/errors.ts";
import { canonicalJson } from "../core/canonical.ts";
import { isStream, type Caller, type Operation } from "../operations/operation.ts";
import type { Identity } from "./authentication.ts";

const keyLengthMax = 255;

/** Who asks, and under which conditions. `asked` is what a key stands for. */
export function callerOf(request: Request, operation: Operation, asked: object, identity: Identity): Caller {
  const { name, isChange, isOfVersion, answers } = operation;
  const id = isChange ? request.get("Idempotency-Key") : undefined;
  if (id !== undefined && (id === "" || id.length > keyLengthMax)) {
    throw new SignalboxError("invalid-request", `An Idempotency-Key has 1 to ${keyLengthMax} characters.`);
  }
  const ifMatch = isChange ? request.get("If-Match") : undefined;
  if (ifMatch !== undefined && isOfVersion !== true) {
    const detail = "This is not about one instance: leave If-Match out. A move of a transaction has `expectedVersion`.";
    throw new SignalboxError("invalid-request", detail);
  }
  const lastEventId = isStream(operation) ? request.get("Last-Event-ID") : undefined;
  return {
    ...identity,
    ...(id !== undefined && { command: { id, fingerprint: canonicalJson([name, asked]) } }),
    ...(ifMatch !== undefined && ifMatch !== "*" && { expectedVersion: versionIn(ifMatch) }),
    ...(answers[303] !== undefined && request.accepts(["json", "html"]) === "html" && { prefersPage: true as const }),
    ...(lastEventId !== undefined && lastEventId !== "" && { lastEventId: positionIn(lastEventId) }),
  };
}

function positionIn(lastEventId: string): number {
  if (/^\d{1,15}$/.test(lastEventId)) return Number(lastEventId);
  throw new SignalboxError("invalid-request", "Last-Event-ID is the `id` of the last event of this stream, a number.");
}

function versionIn(ifMatch: string): number {
  const version = /^"v(\d{1,15})"$/.exec(ifMatch.trim())?.[1];
  if (version !== undefined) return Number(version);
  throw new SignalboxError("invalid-request", 'If-Match is one ETag as an answer gave it, for example "v7".');
}
