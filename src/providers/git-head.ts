import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const gitTimeoutMs = 10_000;
const contentBytesMax = 16_777_216;

/** A file as it is committed, where it lies in a git work tree and is tracked; else as it lies there. */
export interface CommittedFile {
  readonly name: string;
  /** The blob in HEAD, or the time and size of the file. Throws when there is neither, and when git cannot say. */
  revision(): Promise<string>;
  read(): Promise<string>;
}

/** What is not committed yet is nobody's word: somebody may still be writing it. */
export function committedFile(path: string): CommittedFile {
  const file = resolve(path);

  async function git(...args: readonly string[]): Promise<string> {
    const options = {
      cwd: dirname(file),
      timeout: gitTimeoutMs,
      maxBuffer: contentBytesMax,
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    } as const;
    return (await run("git", args, options)).stdout;
  }

  /** Undefined outside of a work tree, for a file that HEAD does not have, and where there is no git. */
  async function blobInHead(): Promise<string | undefined> {
    try {
      return (await git("rev-parse", "--verify", "--quiet", `HEAD:./${basename(file)}`)).trim();
    } catch (error) {
      if (isNotCommitted(error, dirname(file))) return undefined;
      throw new Error(`git cannot say what is committed: ${reasonOf(error)}`, { cause: error });
    }
  }

  return {
    name: path,
    async revision() {
      const blob = await blobInHead();
      if (blob !== undefined) return `git:${blob}`;
      const { mtimeMs, size, ino } = await stat(file);
      return `file:${mtimeMs}-${size}-${ino}`;
    },
    async read() {
      const blob = await blobInHead();
      return blob === undefined ? readFile(file, "utf8") : git("cat-file", "blob", blob);
    },
  };
}

/** Another failure, such as of a repository that belongs to somebody else, must not let through what nobody has committed. */
function isNotCommitted(error: unknown, directory: string): boolean {
  const { code, stderr } = error as { code?: unknown; stderr?: unknown };
  if (/not a git repository/.test(String(stderr))) return !hasRepository(directory);
  return code === "ENOENT" || code === 1;
}

/** One that git does not take for a repository any more, such as one without its HEAD, is one all the same. */
function hasRepository(directory: string): boolean {
  const above = dirname(directory);
  return existsSync(join(directory, ".git")) || (above !== directory && hasRepository(above));
}

function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const said = typeof stderr === "string" && stderr.trim() !== "" ? stderr : String(message);
  return (
    said
      .trim()
      .split("\n")
      .find((line) => line.startsWith("fatal:")) ??
    said.trim().split("\n")[0] ??
    ""
  );
}
