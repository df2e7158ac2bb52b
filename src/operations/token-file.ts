import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { messageOf, SignalboxError } from "../core/errors.ts";
import { parseTokens, tokensText, type TokenEntry } from "./token.ts";

const fileBytesMax = 4_194_304; // as many tokens as a file may have

/** Reads a token file. Throws `invalid-request` when it cannot be read or trusted, or with every fault in it. */
export function readTokenFile(path: string): TokenEntry[] {
  try {
    checkTrust(path);
    return parseTokens(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SignalboxError) throw error;
    throw new SignalboxError("invalid-request", `The token file cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/**
 * Changes a token file, which is made when it is not there, in one step: a reader sees the one before or the one after, and
 * two changes at once do not lose each other. What is there keeps its owner and mode; a new file is its owner's alone.
 */
export function changeTokenFile(path: string, change: (tokens: readonly TokenEntry[]) => readonly TokenEntry[]): void {
  const target = existsSync(path) ? realpathSync(path) : path; // a link stays one
  const next = `${target}.new`;
  const file = openNew(next);
  try {
    const tokens = existsSync(target) ? readTokenFile(target) : [];
    writeFileSync(file, tokensText(change(tokens)));
    if (existsSync(target)) keepOwner(file, target);
    fsyncSync(file);
    renameSync(next, target);
  } catch (error) {
    rmSync(next, { force: true });
    if (error instanceof SignalboxError) throw error;
    throw unwritable(error);
  } finally {
    closeSync(file);
  }
  syncDirectory(dirname(target));
}

/** Whoever can write to it can make himself an administrator; reading gives no more than names and roles. */
function checkTrust(path: string): void {
  const { mode, size } = statSync(path);
  if ((mode & 0o022) !== 0) {
    const detail = `The token file ${path} can be written to by others. Take that away: chmod go-w ${path}.`;
    throw new SignalboxError("invalid-request", detail);
  }
  if (size > fileBytesMax) {
    throw new SignalboxError("invalid-request", `The token file ${path} is larger than ${fileBytesMax} bytes.`);
  }
}

/** The file that is to take the other's place; it is the lock too. */
function openNew(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(error);
    const detail = `${path} is there: another command is changing the token file, or one was cut off. When none is, remove it.`;
    throw new SignalboxError("invalid-request", detail, { cause: error });
  }
}

function keepOwner(file: number, target: string): void {
  const { uid, gid, mode } = statSync(target);
  fchmodSync(file, mode & 0o777);
  if (uid !== process.getuid?.()) fchownSync(file, uid, gid);
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function unwritable(error: unknown): SignalboxError {
  return new SignalboxError("invalid-request", `The token file cannot be written: ${messageOf(error)}.`, {
    cause: error,
  });
}
