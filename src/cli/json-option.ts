import { readFileSync } from "node:fs";
import { messageOf, SignalboxError } from "../core/errors.ts";

/** How an option takes its fields. */
export const jsonOrFile = "a JSON object, or @FILE with one";

const shownMax = 200; // a whole file would hide the sentence

/** The fields that an option gives, as JSON or as `@FILE`; none when it is not given. Throws `invalid-request`. */
export function fieldsIn(option: string, given: string | undefined): Record<string, unknown> {
  if (given === undefined) return {};
  const text = given.startsWith("@") ? fileText(option, given.slice(1)) : given;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // told below
  }
  const shown = given.length > shownMax ? `${given.slice(0, shownMax)}...` : given;
  throw new SignalboxError("invalid-request", `${option} is ${jsonOrFile}, such as {"reason":"a test"}; not ${shown}`);
}

function fileText(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const detail = `The file of ${option} cannot be read: ${messageOf(error)}.`;
    throw new SignalboxError("invalid-request", detail, { cause: error });
  }
}
