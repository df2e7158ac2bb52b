import type { z } from "zod";

/** What does not fit, and where: an RFC 6901 pointer. */
export interface SchemaFault {
  pointer: string;
  detail: string;
}

/** Every fault that a schema found; an unknown field is named itself, and of a union the shape that came closest. */
export function faultsOf(error: z.ZodError, under: readonly PropertyKey[] = []): SchemaFault[] {
  return error.issues.flatMap((issue) => faultsIn(issue, under));
}

/** "/reason: expected string; /at: unknown field" */
export function describeFaults(faults: readonly SchemaFault[]): string {
  return faults.map(({ pointer, detail }) => `${pointer || "/"}: ${detail}`).join("; ");
}

/** RFC 6901. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function faultsIn(issue: z.core.$ZodIssue, under: readonly PropertyKey[]): SchemaFault[] {
  const path = [...under, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ pointer: pointerTo([...path, key]), detail: "unknown field" }));
  }
  if (issue.code === "invalid_union") {
    const atItsTop = (faults: readonly z.core.$ZodIssue[]) => faults.filter((each) => each.path.length <= 1).length;
    const [closest] = issue.errors.toSorted((a, b) => atItsTop(a) - atItsTop(b) || a.length - b.length);
    if (closest !== undefined) return closest.flatMap((each) => faultsIn(each, path));
  }
  return [{ pointer: pointerTo(path), detail: issue.message }];
}
