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
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteTooBig = 18;
const sqliteConstraint = 19;
const sqliteMismatch = 20;
const sqliteNotADatabase = 26;

/**
 * Extended codes of a disk that takes no more: SQLite says FULL of most writes that meet ENOSPC, but gives these of a
 * quota, of room that is reserved beforehand, and of the index of its log.
 */
const fullCodes: ReadonlySet<number> = new Set([
  778, // IOERR_WRITE
  4874, // IOERR_SHMSIZE
  5386, // IOERR_SHMMAP
]);

/** What the operating system says of it, where we write ourselves. */
const fullErrnos: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

export function storeError(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const said = messageOf(error);
  if (isFull(error)) {
    const detail = `The disk of the database takes no more (${said}); nothing was written. Make space: what runs goes on by itself, what could not start has to be started again.`;
    return new SignalboxError("insufficient-storage", detail, { cause: error });
  }
  if (primaryCode(error) === sqliteTooBig) {
    return new SignalboxError("payload-too-large", `This is more than the database takes in one row: ${said}.`, {
      cause: error,
    });
  }
  if (isUnwritable(error))
    return new SignalboxError("internal-fault", `This cannot be written: ${said}.`, { cause: error });
  return new SignalboxError("store-unavailable", `The database answered: ${said}`, { cause: error });
}

function isFull(error: unknown): boolean {
  const { errcode = 0, code } = error as { errcode?: number; code?: unknown };
  return primaryCode(error) === sqliteFull || fullCodes.has(errcode) || fullErrnos.has(code);
}

/** Whether it is what was to be written, and not the database, that is at fault. */
function isUnwritable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return [sqliteConstraint, sqliteMismatch].includes(primaryCode(error)) || code === "ERR_INVALID_ARG_TYPE";
}

/** Whether somebody else holds a lock. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === sqliteBusy;
}

/** Whether a file is not what a database looks like. */
export function isDamage(error: unknown): boolean {
  return [sqliteCorrupt, sqliteNotADatabase].includes(primaryCode(error));
}

/** SQLite's extended codes carry the primary one in their lowest byte. */
function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}
