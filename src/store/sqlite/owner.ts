import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SignalboxError } from "../../core/errors.ts";
import { isBusy, storeError, told } from "./errors.ts";

/** Locks that are held: one that nothing refers to would be closed with the rest of the garbage, and the file be free. */
const held = new Set<DatabaseSync>();

/** The right to write to a database file, until it is given back or the process ends. */
export interface Ownership {
  release(): void;
}

/**
 * Takes the database for this process. The lock is an exclusive one that SQLite holds on a file beside it, so the
 * operating system frees it when the process dies, however it dies. Throws `database-in-use` and says who has it.
 */
export function takeOwnership(path: string): Ownership {
  const place = placeOf(path);
  const note = `${place}-owner.json`;
  const lock = told(() => new DatabaseSync(`${place}-owner`));
  try {
    lock.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    writeFileSync(note, JSON.stringify({ pid: process.pid, host: hostname(), since: startedAt() }));
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw storeError(error);
    const detail = `${path} belongs to ${holderOf(note)}. Stop that process first, or ask it over HTTP.`;
    throw new SignalboxError("database-in-use", detail, { cause: error });
  }
  held.add(lock);
  return {
    release() {
      held.delete(lock);
      rmSync(note, { force: true });
      lock.close();
    },
  };
}

/** Where the file lies, whatever links lead to it: one database has one owner. Also of one that is not there yet. */
export function placeOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const directory = dirname(path);
  return existsSync(directory) ? join(realpathSync(directory), basename(path)) : path;
}

function startedAt(): string {
  return new Date(performance.timeOrigin).toISOString();
}

function holderOf(note: string): string {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(note, "utf8")) as { pid: number; host: string; since: string };
    return `process ${pid} on ${host}, running since ${since}`;
  } catch {
    return "another process";
  }
}
