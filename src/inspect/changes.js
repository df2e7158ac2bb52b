/**
 * @typedef {object} Change
 * @property {string} pointer RFC 6901, into the value
 * @property {"added" | "removed" | "changed"} kind
 * @property {unknown} [before]
 * @property {unknown} [after]
 */

const changesMax = 500; // nobody reads more, and a context may be large
const depthMax = 32; // no event may nest deeper

/**
 * How one JSON value differs from another, at its leaves; arrays place by place. At most `changesMax` of them.
 *
 * @param {unknown} before
 * @param {unknown} after
 * @returns {Change[]}
 */
export function changesBetween(before, after) {
  /** @type {Change[]} */
  const changes = [];
  collect(before, after, "", 0, changes);
  return changes;
}

/**
 * @param {unknown} before
 * @param {unknown} after
 * @param {string} pointer
 * @param {number} depth
 * @param {Change[]} changes
 */
function collect(before, after, pointer, depth, changes) {
  if (changes.length >= changesMax || Object.is(before, after)) return;
  if (depth >= depthMax || !isParted(before) || !isParted(after) || Array.isArray(before) !== Array.isArray(after)) {
    if (JSON.stringify(before) !== JSON.stringify(after)) changes.push({ pointer, kind: "changed", before, after });
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (changes.length >= changesMax) return;
    const below = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (!Object.hasOwn(after, key)) changes.push({ pointer: below, kind: "removed", before: before[key] });
    else if (!Object.hasOwn(before, key)) changes.push({ pointer: below, kind: "added", after: after[key] });
    else collect(before[key], after[key], below, depth + 1, changes);
  }
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isParted(value) {
  return typeof value === "object" && value !== null;
}

/**
 * The keys that a pointer goes by.
 *
 * @param {string} pointer
 */
export function keysOf(pointer) {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}
