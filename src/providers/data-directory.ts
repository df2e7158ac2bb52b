import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf, SignalboxError } from "../core/errors.ts";

/** Makes the directory where it is not there, with that mode. Throws `invalid-request` when nothing can be written to it. */
export function makeDataDirectory(path: string, { mode = 0o777 }: { mode?: number } = {}): void {
  try {
    makeFolders(path, mode);
    accessSync(path, constants.W_OK);
  } catch (error) {
    const detail = `The data directory ${path} cannot be written to: ${messageOf(error)}. Name another one with --data.`;
    throw new SignalboxError("invalid-request", detail, { cause: error });
  }
}

/** One by one: `recursive` never ends below a folder in which nothing can be made, such as /proc. */
function makeFolders(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  makeFolders(dirname(path), mode);
  mkdirSync(path, { mode });
}
