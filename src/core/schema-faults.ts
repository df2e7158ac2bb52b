import type { z } from "zod";
import { faultWords } from "./fault-words.ts";

/** What does not fit, and where: an RFC 6901 pointer. */
export interface SchemaFault {
  pointer: string;
  detail: string;
}

/** A value as its schema reads it, or what does not fit: everything, or the first hundred of very much. */
export type Reading<Value> =
  | { fits: true; data: Value; faults: readonly SchemaFault[] }
  | { fits: false; data: undefined; faults: readonly SchemaFault[] };

/**
 * Reads a value by a schema. What a schema has no words of its own for is said in those of `fault-words.ts`. An unknown field
 * is named itself, and of a union the shape that came closest.
 */
export function readBy<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  under: readonly PropertyKey[] = [],
): Reading<z.output<Schema>> {
  const { data, error } = schema.safeParse(value, inOurWords);
  if (error === undefined) return { fits: true, data, faults: [] };
  return { fits: false, data: undefined, faults: firstOf(error.issues.flatMap((issue) => faultsIn(issue, under))) };
}

const faultsMax = 100; // what a person reads; the rest comes back with the next try

function firstOf(faults: readonly SchemaFault[]): readonly SchemaFault[] {
  const left = faults.length - faultsMax;
  return left <= 0 ? faults : [...faults.slice(0, faultsMax), { pointer: "", detail: `and ${left} faults more` }];
}

const inOurWords = { error: faultWords, reportInput: true }; // the input tells what is missing

/** "/reason: expected text; /at: unknown field" */
export function describeFaults(faults: readonly SchemaFault[]): string {
  return faults.map(({ pointer, detail }) => `${pointer || "/"}: ${detail}`).join("; ");
}

/** RFC 6901. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function faultsIn(issue: z.core.$ZodIssue, under: readonly PropertyKey[]): SchemaFault[] {
  const path = [...under, ...issue.path];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ pointer: pointerTo([...path, key]), detail: "unknown field" }));
    case "invalid_key":
    case "invalid_element":
      return issue.issues.flatMap((each) => faultsIn(each, path));
    case "invalid_union":
      return faultsInUnion(issue, path);
    default:
      return [{ pointer: pointerTo(path), detail: isMissing(issue) ? "required" : issue.message }];
  }
}

function faultsInUnion(issue: z.core.$ZodIssueInvalidUnion, path: readonly PropertyKey[]): SchemaFault[] {
  const shapes = issue.errors.map((each) => each.flatMap((inner) => faultsIn(inner, path)));
  const pointer = pointerTo(path);
  const expected = shapes.map(([fault]) => /^expected (.*)$/.exec(fault?.detail ?? "")?.[1]);
  if (shapes.length > 1 && shapes.every((each) => each.length === 1 && each[0]?.pointer === pointer)) {
    if (!expected.includes(undefined)) return [{ pointer, detail: `expected ${[...new Set(expected)].join(" or ")}` }];
  }
  const atItsTop = (faults: readonly z.core.$ZodIssue[]) => faults.filter((each) => each.path.length <= 1).length;
  const places = issue.errors.map((each, index) => ({ atTop: atItsTop(each), all: each.length, shape: shapes[index] }));
  const [closest] = places.toSorted((a, b) => a.atTop - b.atTop || a.all - b.all);
  return closest?.shape ?? [{ pointer, detail: issue.message }];
}

/** A field that has to be there and is not, whatever the schema would say of what stands there. */
function isMissing({ code, input }: z.core.$ZodIssue): boolean {
  return input === undefined && (code === "invalid_type" || code === "invalid_value");
}
