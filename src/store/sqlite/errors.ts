import { messageOf, SignalboxError } from "../../core/errors.ts";

/** Runs what touches the database; what SQLite throws becomes an error of the catalogue. */
export function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storeError(error);
  }
}

const sqliteBusy = 5;
const sqliteFull = 13;

export function storeError(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const full = primaryCode(error) === sqliteFull;
  const detail = full
    ? "The disk of the database is full. Make space; nothing was written."
    : `The database answered: ${messageOf(error)}`;
  return new SignalboxError(full ? "insufficient-storage" : "store-unavailable", detail, { cause: error });
}

/** Whether somebody else holds a lock. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === sqliteBusy;
}

/** SQLite's extended codes carry the primary one in their lowest byte. */
function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}
