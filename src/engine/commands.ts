import { createHash } from "node:crypto";
import { SignalboxError } from "../core/errors.ts";
import type { CommandRow, Store } from "../store/store.ts";
import { canonicalJson } from "../core/canonical.ts";
import { checkId } from "./check-id.ts";

/** What makes a retry get the first answer again. */
export interface CommandOptions {
  commandId?: string;
  /** Who asks; `local` when not given. */
  principal?: string;
  /** Stands for the request, where the request is more or less than what the engine is asked. */
  fingerprint?: string;
}

export type CommandKey = Pick<CommandRow, "principal" | "id" | "fingerprint">;

/** Throws `invalid-request`. */
export function checkAsker({ principal, commandId }: CommandOptions): void {
  if (principal !== undefined) checkId(principal, "principal");
  if (commandId !== undefined) checkId(commandId, "commandId");
}

/** Undefined for what is asked without a key. `request`: what the key stands for. */
export function commandKeyOf(
  { commandId, principal = "local", fingerprint }: CommandOptions,
  request: unknown,
): CommandKey | undefined {
  if (commandId === undefined) return undefined;
  const text = fingerprint ?? canonicalJson(request);
  return { principal, id: commandId, fingerprint: createHash("sha256").update(text).digest("base64") };
}

/** The first answer to a command; undefined when it was never given. Throws `idempotency-key-reused`. */
export async function recallCommand(
  store: Pick<Store, "command">,
  command: CommandKey | undefined,
): Promise<string | undefined> {
  if (command === undefined) return undefined;
  const row = await store.command(command.principal, command.id);
  if (row === undefined || row.fingerprint === command.fingerprint) return row?.answer;
  const detail = `${command.id} was used for another request. Use a new key for a new request.`;
  throw new SignalboxError("idempotency-key-reused", detail);
}
