import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What tells this agent from another one with the name of its host, as `{directory}.{start}`: a word that was made once for its
 * directory, and which start of it this is, with letters of this start alone, since a directory may be copied. The start is
 * counted on the disk before anybody hears of it, so that a later one has a higher count. The directory has to be ours alone.
 */
export function agentIdentity(dataDir: string): string {
  const path = join(dataDir, "agent-id");
  const { directory, starts } = kept(path) ?? { directory: newWord(), starts: 0 };
  const count = starts + 1;
  keep(dataDir, path, `${directory}.${count}`);
  return `${directory}.${count}r${newWord()}`;
}

function kept(path: string): { directory: string; starts: number } | undefined {
  const [, directory, starts] = /^([0-9a-f]{16})\.(\d{1,12})$/.exec(textOf(path)) ?? [];
  return directory === undefined ? undefined : { directory, starts: Number(starts) };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ""; // the first start
    throw error;
  }
}

/** All or nothing, also when the power fails. */
function keep(dataDir: string, path: string, text: string): void {
  const draft = `${path}.draft`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
  const directory = openSync(dataDir, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function newWord(): string {
  return randomBytes(8).toString("hex");
}
