import type { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import { describeFaults, readBy } from "../core/schema-faults.ts";

/** Checks one part of a request by its schema; a part without a schema must be empty. Throws with every fault. */
export function parsePart(schema: z.ZodType | undefined, value: unknown, part: "path" | "query" | "body"): unknown {
  if (schema === undefined) {
    if (isEmpty(value)) return undefined;
    throw new SignalboxError("invalid-request", `This takes no ${part}.`, {
      errors: [{ pointer: "", detail: `no ${part} expected` }],
    });
  }
  const { fits, data, faults } = readBy(schema, part === "body" ? value : { ...(value as object) });
  if (fits) return data;
  throw new SignalboxError("invalid-request", `The ${part} does not fit: ${describeFaults(faults)}.`, {
    errors: faults,
  });
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}
