import type { Refusal } from "./law.ts";

/**
 * Every error that Signalbox hands to a caller, once: its HTTP status, the exit code of the command line, and its title.
 * `docs/errors.md` has a row for each; a test holds the two together.
 */
export const errorCatalogue = {
  "invalid-request": { status: 400, exit: 2, title: "The request is not well formed" },
  unauthenticated: { status: 401, exit: 1, title: "Who is asking is not known" },
  forbidden: { status: 403, exit: 3, title: "This principal may not do that" },
  "internal-event": { status: 403, exit: 3, title: "Only the engine sends this event" },
  "not-found": { status: 404, exit: 4, title: "There is no such thing" },
  "method-not-allowed": { status: 405, exit: 2, title: "The path does not take this method" },
  "already-exists": { status: 409, exit: 3, title: "The id is taken by something else" },
  "host-taken": { status: 409, exit: 3, title: "Another agent speaks for the host" },
  "event-refused": { status: 409, exit: 3, title: "The statechart refuses the event" },
  "sequence-gap": { status: 409, exit: 3, title: "A number of the stream is missing" },
  "needs-migration": { status: 409, exit: 3, title: "The instance was made by another version of its machine" },
  "version-mismatch": { status: 412, exit: 3, title: "The instance has moved on" },
  "payload-too-large": { status: 413, exit: 2, title: "The request is too large" },
  "unsupported-media-type": { status: 415, exit: 2, title: "The body is of a type that is not read" },
  "idempotency-key-reused": { status: 422, exit: 2, title: "The key was used for another request" },
  "too-many-requests": { status: 429, exit: 1, title: "Too many requests" },
  "machine-fault": { status: 500, exit: 1, title: "A statechart failed while it was stepped" },
  "internal-fault": { status: 500, exit: 1, title: "Something failed that should not" },
  "store-unavailable": { status: 503, exit: 1, title: "The store does not answer" },
  "shutting-down": { status: 503, exit: 1, title: "The server is stopping" },
  "insufficient-storage": { status: 507, exit: 1, title: "There is no space left" },
  "machine-unfit": { status: 500, exit: 1, title: "A statechart uses what a durable host cannot carry" },
  "database-in-use": { status: 503, exit: 1, title: "Another process owns the database" },
  "database-too-new": { status: 503, exit: 1, title: "The database was written by a newer Signalbox" },
  "database-damaged": { status: 503, exit: 1, title: "The database is not sound" },
  "wait-ended-otherwise": { status: 409, exit: 5, title: "The wait ended otherwise than asked" },
  "server-unreachable": { status: 503, exit: 69, title: "The server does not answer" },
} as const satisfies Record<string, { status: number; exit: number; title: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** What else a caller may be told beside the sentence; every field is safe to show. */
export interface ErrorDetails {
  /** Faults of the request, each with an RFC 6901 pointer into it. */
  errors?: readonly { pointer: string; detail: string }[];
  /** Any further members of the problem document. */
  extra?: Readonly<Record<string, unknown>>;
}

/** An error of the catalogue. `detail` says what, which, and what to do. */
export class SignalboxError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, detail: string, details: ErrorDetails & { cause?: unknown } = {}) {
    super(`${code}: ${detail}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "SignalboxError";
    this.code = code;
    this.status = errorCatalogue[code].status;
    this.detail = detail;
    this.details = {
      ...(details.errors && { errors: details.errors }),
      ...(details.extra && { extra: details.extra }),
    };
  }

  /** The faults of the request. */
  get errors(): NonNullable<ErrorDetails["errors"]> {
    return this.details.errors ?? [];
  }

  /** Why a statechart refused. */
  get reasons(): readonly Refusal[] {
    return (this.details.extra?.["reasons"] ?? []) as readonly Refusal[];
  }

  /** The request's id, of an error that a server told. */
  get requestId(): string | undefined {
    return this.details.extra?.["requestId"] as string | undefined;
  }
}

export function isSignalboxError(error: unknown, code?: ErrorCode): error is SignalboxError {
  return error instanceof SignalboxError && (code === undefined || error.code === code);
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
