import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What tells this agent from another one with the name of its host: a part that was made once for its directory, and a part
 * that is made at each start, since a directory may be copied. The directory has to be ours alone.
 */
export function agentIdentity(dataDir: string): string {
  return `${idOf(join(dataDir, "agent-id"))}.${newId()}`;
}

function idOf(path: string): string {
  const known = textOf(path);
  if (/^[0-9a-f]{16}$/.test(known)) return known;
  const made = newId();
  writeFileSync(path, made, { mode: 0o600, flush: true });
  return made;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ""; // the first start
    throw error;
  }
}

function newId(): string {
  return randomBytes(8).toString("hex");
}
