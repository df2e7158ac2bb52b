/** JSON for people: what fits into a line stands in one, of the rest each field and each item has its own. */
export function jsonText(value: unknown, lineMax: number, indent = ""): string {
  const line = lineOf(value);
  if (indent.length + line.length <= lineMax || typeof value !== "object" || value === null) return line;
  const inner = `${indent}  `;
  const [open, parts, close] = partsOf(value, (each) => jsonText(each, lineMax, inner));
  return [open, parts.map((part) => inner + part).join(",\n"), indent + close].join("\n");
}

/** With spaces, where it may be broken. */
function lineOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const [open, parts, close] = partsOf(value, lineOf);
  const space = open === "{" && parts.length > 0 ? " " : "";
  return [open, parts.join(", "), close].join(space);
}

function partsOf(value: object, textOf: (each: unknown) => string): [open: string, parts: string[], close: string] {
  if (Array.isArray(value)) return ["[", value.map(textOf), "]"];
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return ["{", fields.map(([name, field]) => `${JSON.stringify(name)}: ${textOf(field)}`), "}"];
}
