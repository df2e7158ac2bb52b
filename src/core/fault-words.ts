import type { z } from "zod";

/** What does not fit, in the words of whoever writes JSON or YAML; undefined where nothing can be said. */
export function faultWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return expectedOneOf(issue.values);
    case "too_big":
      return boundText({ ...issue, bound: issue.maximum, word: "at most", beyond: "less than" });
    case "too_small":
      if (Number(issue.minimum) === 1 && units[issue.origin] !== undefined) return "must not be empty";
      return boundText({ ...issue, bound: issue.minimum, word: "at least", beyond: "more than" });
    case "invalid_format":
      return formatText(issue);
    case "not_multiple_of":
      return `expected a multiple of ${issue.divisor}`;
    case "invalid_union":
      return Array.isArray(issue.options) ? expectedOneOf(issue.options) : "has none of the shapes that are known here";
    default:
      return "does not fit";
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
  never: "nothing here: leave it out",
  undefined: "nothing here: leave it out",
};

const units: Readonly<Record<string, string>> = {
  string: "characters",
  array: "entries",
  set: "entries",
  map: "entries",
};

function expectedOneOf(values: readonly unknown[]): string {
  const named = values.map((value) => (value === "" ? "an empty text" : String(value)));
  return `expected ${named.length === 1 ? "" : "one of "}${named.join(", ")}`;
}

function boundText(given: {
  bound: unknown;
  word: string;
  beyond: string;
  origin: string;
  exact?: boolean | undefined;
  inclusive?: boolean | undefined;
}): string {
  const { bound, word, beyond, origin, exact, inclusive } = given;
  const how = exact === true ? "exactly" : inclusive === false ? beyond : word;
  const unit = units[origin];
  return `expected ${how} ${String(bound)}${unit === undefined ? "" : ` ${unit}`}`;
}

const formats: Readonly<Record<string, string>> = {
  url: "a URL",
  datetime: "a time such as 2030-01-31T18:00:00Z",
  date: "a day such as 2030-01-31",
  uuid: "a UUID",
  email: "an email address",
};

function formatText({ format, pattern, prefix, suffix }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidStringFormat>) {
  if (typeof prefix === "string") return `expected text that begins with ${prefix}`;
  if (typeof suffix === "string") return `expected text that ends with ${suffix}`;
  return `expected ${formats[format] ?? (pattern === undefined ? format : `text that matches ${pattern}`)}`;
}
