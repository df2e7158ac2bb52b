import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const gitTimeoutMs = 10_000;
const contentBytesMax = 16_777_216;

/** A file as it is committed, where it lies in a git work tree and is tracked; else as it lies there. */
export interface CommittedFile {
  readonly name: string;
  /** The blob in HEAD, or the time and size of the file. Throws when there is neither. */
  revision(): Promise<string>;
  read(): Promise<string>;
}

/** What is not committed yet is nobody's word: somebody may still be writing it. */
export function committedFile(path: string): CommittedFile {
  const file = resolve(path);

  /** Undefined outside of a work tree, for a file that HEAD does not have, and where there is no git. */
  async function git(...args: readonly string[]): Promise<string | undefined> {
    try {
      const options = {
        cwd: dirname(file),
        timeout: gitTimeoutMs,
        maxBuffer: contentBytesMax,
        encoding: "utf8",
      } as const;
      return (await run("git", args, options)).stdout;
    } catch {
      return undefined;
    }
  }

  return {
    name: path,
    async revision() {
      const blob = await git("rev-parse", "--verify", "--quiet", `HEAD:./${basename(file)}`);
      if (blob !== undefined) return `git:${blob.trim()}`;
      const { mtimeMs, size, ino } = await stat(file);
      return `file:${mtimeMs}-${size}-${ino}`;
    },
    async read() {
      return (await git("show", `HEAD:./${basename(file)}`)) ?? readFile(file, "utf8");
    },
  };
}
