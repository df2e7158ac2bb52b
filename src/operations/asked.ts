import { SignalboxError } from "../core/errors.ts";
import type { Instance } from "../core/outcome.ts";
import type { Caller } from "./operation.ts";

/** What the engine is told of the caller. */
export function asked({ principal, command, trace }: Caller) {
  return {
    principal,
    ...(trace !== undefined && { trace }),
    ...(command && { commandId: command.id, fingerprint: command.fingerprint }),
  };
}

export function versionOf({ expectedVersion }: Caller): { expectedVersion?: number } {
  return expectedVersion === undefined ? {} : { expectedVersion };
}

/** For what the engine does not check itself. Throws `version-mismatch`. */
export function checkVersion({ id, version }: Instance, { expectedVersion }: Caller): void {
  if (expectedVersion === undefined || expectedVersion === version) return;
  const detail = `${id} is at version ${version}, not ${expectedVersion}. Read it again and decide anew.`;
  throw new SignalboxError("version-mismatch", detail, { extra: { version } });
}
