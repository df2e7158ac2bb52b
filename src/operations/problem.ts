import { errorCatalogue, isSignalboxError, type SignalboxError } from "../core/errors.ts";
import { problemType, type Answer } from "./operation.ts";

/** An error as RFC 9457 tells it. What is not ours is told without its details. */
export function problemOf(error: unknown, requestId: string): Answer {
  if (!isSignalboxError(error)) {
    const { status, title } = errorCatalogue["internal-fault"];
    const detail = `Something failed that should not. The log has it under ${requestId}.`;
    return problem("internal-fault", { status, title, detail });
  }
  const { title, status } = errorCatalogue[error.code];
  const told = problem(error.code, { status, title, detail: error.detail, ...membersOf(error) });
  return error.code === "too-many-requests" ? { ...told, retryAfterMs: retryAfterMsOf(error) } : told;
}

function membersOf({ details }: SignalboxError): object {
  return { ...(details.errors && { errors: details.errors }), ...details.extra };
}

/** Without a better knowledge, a second: what is in the queue is gone by then. */
function retryAfterMsOf({ details }: SignalboxError): number {
  const { retryAfterMs } = details.extra ?? {};
  return typeof retryAfterMs === "number" ? retryAfterMs : 1_000;
}

function problem(code: string, members: { status: number } & Record<string, unknown>): Answer {
  return {
    status: members.status,
    contentType: problemType,
    body: { type: `urn:signalbox:problem:${code}`, code, ...members },
  };
}
