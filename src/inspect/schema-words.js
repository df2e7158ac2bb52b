/** @typedef {Record<string, unknown>} Schema a JSON Schema */

/** @param {Schema} schema @param {Schema} root @returns {Schema} */
export function resolved(schema, root) {
  const reference = schema["$ref"];
  if (typeof reference !== "string") return schema;
  const name = /^#\/(?:\$defs|definitions)\/(.+)$/.exec(reference)?.[1];
  const defs = /** @type {Record<string, Schema> | undefined} */ (root["$defs"] ?? root["definitions"]);
  return (name === undefined ? undefined : defs?.[name]) ?? {};
}

/** @param {Schema} schema */
export function isRecord(schema) {
  return typeof schema["additionalProperties"] === "object" && Object.keys(schema["properties"] ?? {}).length === 0;
}

/**
 * What a number stands for: a name that ends in `Ms` is of a duration, one that ends in `At` or `Until` of a time.
 *
 * @param {string} name
 * @returns {"duration" | "time" | undefined}
 */
export function unitOf(name) {
  if (name.endsWith("Ms")) return "duration";
  return /(?:At|Until)$/.test(name) ? "time" : undefined;
}

const unitHints = {
  duration: "such as 90 s, 10 min or 1 h 30 min; a bare number is milliseconds",
  time: "such as 2030-01-31 18:00; a bare number is epoch milliseconds",
};

/** What may be said about a value in a few words. @param {Schema} schema @param {"duration" | "time"} [unit] */
export function hintOf(schema, unit) {
  const parts = [];
  if (typeof schema["description"] === "string") parts.push(schema["description"]);
  if (unit !== undefined) return [...parts, unitHints[unit]].join(", ");
  const { minLength, maxLength, pattern, format } = schema;
  const [least, above, most] = [schema["minimum"], schema["exclusiveMinimum"], schema["maximum"]].map(boundOf);
  if (least !== undefined && most !== undefined) parts.push(`${least} to ${most}`);
  else if (least !== undefined) parts.push(`at least ${least}`);
  if (above !== undefined) parts.push(`more than ${above}`);
  if (least === undefined && most !== undefined) parts.push(`at most ${most}`);
  if (typeof minLength === "number" && minLength > 1) parts.push(`at least ${minLength} characters`);
  if (typeof maxLength === "number" && maxLength < 100) parts.push(`at most ${maxLength} characters`);
  if (typeof format === "string") parts.push(format);
  else if (typeof pattern === "string" && pattern.length < 60) parts.push(`like ${pattern}`);
  if (schema["type"] === "integer") parts.push("a whole number");
  return parts.join(", ");
}

/** A bound that says something: the widest that a number can have does not. @param {unknown} bound */
function boundOf(bound) {
  return typeof bound === "number" && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
}

/** @param {Schema} schema */
export function nameOf(schema) {
  const { title, type, properties } = schema;
  if (typeof title === "string") return title;
  const fixed = Object.values(/** @type {Record<string, Schema>} */ (properties ?? {})).find((each) => "const" in each);
  if (fixed !== undefined) return String(fixed["const"]);
  if (type === "null") return "nothing (null)";
  if (type === "object") return Object.keys(properties ?? {}).join(", ") || "an object";
  const names = /** @type {Record<string, string>} */ ({
    string: "text",
    integer: "a whole number",
    number: "a number",
    boolean: "yes or no",
    array: "a list",
  });
  return names[String(type)] ?? "JSON";
}
