import type { z } from "zod";
import { SignalboxError } from "../core/errors.ts";

/** Checks one part of a request by its schema; a part without a schema must be empty. Throws with every fault. */
export function parsePart(schema: z.ZodType | undefined, value: unknown, part: "path" | "query" | "body"): unknown {
  if (schema === undefined) {
    if (isEmpty(value)) return undefined;
    throw new SignalboxError("invalid-request", `This takes no ${part}.`, {
      errors: [{ pointer: "", detail: `no ${part} expected` }],
    });
  }
  const parsed = schema.safeParse(part === "body" ? value : { ...(value as object) });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(({ path, message, code, ...issue }) => {
    const pointer = path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
    const keys = code === "unrecognized_keys" ? (issue as { keys: string[] }).keys : undefined;
    return (
      keys?.map((key) => ({ pointer: `${pointer}/${key}`, detail: "unknown field" })) ?? [{ pointer, detail: message }]
    );
  });
  const said = errors.map(({ pointer, detail }) => `${pointer || "/"}: ${detail}`).join("; ");
  throw new SignalboxError("invalid-request", `The ${part} does not fit: ${said}.`, { errors });
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}
