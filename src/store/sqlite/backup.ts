import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, SignalboxError } from "../../core/errors.ts";
import type { ChainReport } from "../check-chain.ts";
import { checkSource, copyDatabase, type CopyOptions } from "./copy.ts";
import { takeOwnership } from "./owner.ts";

/** The file of the database in a data directory. */
export function databaseIn(data: string): string {
  return join(data, "signalbox.db");
}

type Progress = Pick<CopyOptions, "onProgress">;

/**
 * Copies the database of a data directory into one file, also while a server runs on it. Faults of the journal are told
 * and do not keep anybody from having a backup. Throws `not-found`, `already-exists`, `database-damaged`.
 */
export async function backUp({ data, to, ...progress }: { data: string; to: string } & Progress): Promise<ChainReport> {
  const from = databaseIn(data);
  if (!existsSync(from))
    throw new SignalboxError(
      "not-found",
      `There is no database in ${data}: ${from} is missing. Name the directory that the server was started with.`,
    );
  if (!existsSync(dirname(to)))
    throw new SignalboxError("not-found", `There is no directory ${dirname(to)} for the backup. Make it first.`);
  return copyDatabase({ from, to, isChainToBeWhole: false, ...progress });
}

/**
 * Puts a backup into a data directory that has no database, and that nobody owns. Throws `not-found`, `already-exists`,
 * `database-in-use`, `database-too-new`, and `database-damaged` for one that somebody has changed.
 */
export async function restore({
  from,
  data,
  ...progress
}: { from: string; data: string } & Progress): Promise<ChainReport> {
  checkSource(from); // before anything is made
  const to = databaseIn(data);
  makeDirectory(data);
  const ownership = takeOwnership(to);
  try {
    return await copyDatabase({ from, to, isChainToBeWhole: true, ...progress });
  } finally {
    ownership.release();
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const detail = `The data directory ${path} cannot be made: ${messageOf(error)}. Name another one with --data.`;
    throw new SignalboxError("invalid-request", detail, { cause: error });
  }
}
