import { messageOf, SignalboxError } from "./errors.ts";

/** JSON with keys in order, so that equal values have equal text. Throws `invalid-request` for what JSON cannot carry. */
export function canonicalJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner: unknown) => (isRecord(inner) ? inOrder(inner) : inner)) ?? "null";
  } catch (error) {
    throw new SignalboxError("invalid-request", `The request cannot be written as JSON: ${messageOf(error)}.`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inOrder(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
