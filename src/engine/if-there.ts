import { isSignalboxError } from "../core/errors.ts";

/** What an engine was asked for, or undefined where there is no such instance; every other error is thrown. */
export async function ifThere<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isSignalboxError(error, "not-found")) return undefined;
    throw error;
  }
}
