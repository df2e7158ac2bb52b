import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { messageOf, SignalboxError } from "../../core/errors.ts";
import { checkChain, type ChainReport } from "../check-chain.ts";
import { createChainReader, createPosition } from "./chain.ts";
import { isDamage, storeError, told } from "./errors.ts";
import { schemaOf } from "./schema.ts";

const pagesAtOnce = 1_000; // 4 MB between two reports

export interface CopyOptions {
  from: string;
  /** Must not be there yet. */
  to: string;
  /** What has been copied, from 0 to 1. */
  onProgress?(share: number): void;
  /** Whether a copy whose journal has faults is refused; if not, they are only told. */
  isChainToBeWhole: boolean;
}

/**
 * Copies a database as it is at one moment, also while a server writes to it, and puts the copy in place when it has been
 * checked and synchronised: `to` is whole or not there. Throws `not-found`, `already-exists`, `database-too-new`, and
 * `database-damaged` for a copy that is not sound.
 */
export async function copyDatabase({ from, to, onProgress, isChainToBeWhole }: CopyOptions): Promise<ChainReport> {
  refuseToOverwrite(to);
  const partial = `${to}.${process.pid}.partial`;
  try {
    await copyAsItIs(from, partial, onProgress);
    const report = await checkCopy(partial, from);
    const [fault] = report.faults;
    if (fault !== undefined && isChainToBeWhole)
      throw damaged(from, `row ${fault.seq} of its journal: ${fault.detail}`);
    synchronise(partial);
    refuseToOverwrite(to);
    renameSync(partial, to);
    synchronise(dirname(resolve(to)));
    return report;
  } catch (error) {
    throw copyError(error, { from, to });
  } finally {
    for (const suffix of ["", ...companions]) rmSync(`${partial}${suffix}`, { force: true });
  }
}

function copyError(error: unknown, { from, to }: { from: string; to: string }): SignalboxError {
  if (isDamage(error)) return damaged(from, messageOf(error));
  const told = storeError(error);
  if (told.code !== "insufficient-storage") return told;
  const detail = `There is no space for ${to}, and nothing was left there. Make space, or name another place.`;
  return new SignalboxError("insufficient-storage", detail, { cause: error });
}

const companions = ["-journal", "-wal", "-shm"];

/** A log that was left behind counts: SQLite would write it into the copy. */
function refuseToOverwrite(path: string): void {
  const found = ["", ...companions].map((suffix) => `${path}${suffix}`).find((each) => existsSync(each));
  if (found === undefined) return;
  const detail = `${found} is there already, and nothing is overwritten. Move it away, with all whose names begin like it, or name another place.`;
  throw new SignalboxError("already-exists", detail);
}

async function copyAsItIs(from: string, to: string, onProgress: CopyOptions["onProgress"]): Promise<void> {
  const source = openSource(from);
  try {
    source.exec("BEGIN"); // one moment for all pages: without it every commit of a server begins the copy anew
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    await backup(source, to, {
      rate: pagesAtOnce,
      progress: ({ totalPages, remainingPages }) => onProgress?.(1 - remainingPages / totalPages),
    });
    onProgress?.(1);
  } finally {
    source.close();
  }
}

/** Throws `not-found`, `database-too-new`, and `database-damaged` for a file that is no database of ours. */
export function checkSource(path: string): void {
  openSource(path).close();
}

function openSource(path: string): DatabaseSync {
  if (!existsSync(path)) throw new SignalboxError("not-found", `There is no database ${path}.`);
  const database = told(() => new DatabaseSync(path, { readOnly: true }));
  try {
    if (schemaOf(database, path) === 0) throw damaged(path, "it is no database of Signalbox");
    return database;
  } catch (error) {
    database.close();
    throw isDamage(error) ? damaged(path, messageOf(error)) : storeError(error);
  }
}

/** What the chain of the copy says. Throws when a store cannot run on it. */
async function checkCopy(path: string, from: string): Promise<ChainReport> {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode = DELETE"); // one file without companions
    const found = database
      .prepare("PRAGMA integrity_check(3)")
      .all()
      .map(({ integrity_check: said }) => String(said));
    if (found.join() !== "ok") throw damaged(from, found.join("; "));
    const chain = createChainReader(database);
    const position = createPosition(database);
    return await checkChain({ chain: async (query) => chain(query), position: async () => position() });
  } finally {
    database.close();
  }
}

function damaged(path: string, what: string): SignalboxError {
  const detail = `${path} is damaged, or somebody has changed it: ${what}. Nothing was put in place.`;
  return new SignalboxError("database-damaged", detail);
}

function synchronise(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
