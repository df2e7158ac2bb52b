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
  const errors = parsed.error.issues.flatMap((issue) => faultsOf(issue));
  const said = errors.map(({ pointer, detail }) => `${pointer || "/"}: ${detail}`).join("; ");
  throw new SignalboxError("invalid-request", `The ${part} does not fit: ${said}.`, { errors });
}

/** RFC 6901. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

interface Fault {
  pointer: string;
  detail: string;
}

function faultsOf(issue: z.core.$ZodIssue, under: readonly PropertyKey[] = []): Fault[] {
  const path = [...under, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ pointer: pointerTo([...path, key]), detail: "unknown field" }));
  }
  if (issue.code === "invalid_union") {
    const atItsTop = (faults: readonly z.core.$ZodIssue[]) => faults.filter((each) => each.path.length <= 1).length;
    const [closest] = issue.errors.toSorted((a, b) => atItsTop(a) - atItsTop(b) || a.length - b.length);
    if (closest !== undefined) return closest.flatMap((each) => faultsOf(each, path));
  }
  return [{ pointer: pointerTo(path), detail: issue.message }];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}
