import { isParted, keysOf } from "./changes.js";
import { el, fill, said, unseen } from "./dom.js";

/** @typedef {import("./changes.js").Change} Change */

const childrenShown = 100; // more of them on request
const textShown = 400;
const changesShown = 40;
const openDepth = 2; // deeper levels are closed until somebody asks
const openChildrenMax = 12;

/**
 * A JSON value as nested lists, with what has changed marked.
 *
 * @param {unknown} value
 * @param {{ changes?: readonly Change[], label: string }} options
 */
export function valueTree(value, { changes = [], label }) {
  /** @type {Marks} */
  const marks = { changed: new Map(changes.map((change) => [change.pointer, change])), around: new Set() };
  for (const { pointer } of changes) {
    const keys = keysOf(pointer);
    for (let depth = 0; depth < keys.length; depth += 1) marks.around.add(pointerTo(keys.slice(0, depth)));
  }
  if (!isParted(value)) return el("p", { class: "tree-single" }, leaf(value));
  if (Object.keys(value).length === 0)
    return el("p", { class: "quiet" }, Array.isArray(value) ? "An empty list." : "Nothing is kept.");
  return el("div", { class: "tree", role: "group", "aria-label": label }, branch(value, "", 0, marks));
}

/** @typedef {{ changed: ReadonlyMap<string, Change>, around: Set<string> }} Marks */

/** @param {readonly string[]} keys */
function pointerTo(keys) {
  return keys.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/**
 * @param {Record<string, unknown>} value
 * @param {string} pointer
 * @param {number} depth
 * @param {Marks} marks
 */
function branch(value, pointer, depth, marks) {
  const list = el("ul", {});
  const entries = Object.entries(value);
  let shown = 0;
  const showMore = () => {
    const until = Math.min(entries.length, shown + childrenShown);
    for (const [key, inner] of entries.slice(shown, until)) {
      list.append(item(key, inner, pointer + pointerTo([key]), depth, marks));
    }
    shown = until;
    if (shown === entries.length) return;
    const more = el("button", { type: "button", class: "link" }, `${entries.length - shown} more`);
    const row = el("li", {}, more);
    more.addEventListener("click", () => {
      row.remove();
      showMore();
    });
    list.append(row);
  };
  showMore();
  return list;
}

/**
 * @param {string} key
 * @param {unknown} value
 * @param {string} pointer
 * @param {number} depth
 * @param {Marks} marks
 */
function item(key, value, pointer, depth, marks) {
  const change = marks.changed.get(pointer);
  const name = said(key, { class: "key" });
  const classes = change === undefined ? undefined : "is-changed";
  if (!isParted(value) || Object.keys(value).length === 0) {
    return el("li", { class: classes }, el("span", { class: "pair" }, name, " ", leaf(value)), changeNote(change));
  }
  const count = Object.keys(value).length;
  const isOpen = marks.around.has(pointer) || change !== undefined || (depth < openDepth && count <= openChildrenMax);
  const size = Array.isArray(value) ? `${count} in a list` : `${count} ${count === 1 ? "field" : "fields"}`;
  const details = el(
    "details",
    { open: isOpen },
    el("summary", {}, name, " ", el("span", { class: "quiet" }, size), changeNote(change)),
  );
  let isFilled = false;
  const fillOnce = () => {
    if (isFilled || !details.open) return;
    isFilled = true;
    details.append(branch(value, pointer, depth + 1, marks));
  };
  details.addEventListener("toggle", fillOnce);
  fillOnce();
  return el("li", { class: classes }, details);
}

/** @param {Change | undefined} change */
function changeNote(change) {
  if (change === undefined) return null;
  if (change.kind === "added") return el("span", { class: "change-note" }, " new");
  return el("span", { class: "change-note" }, " was ", leaf(change.before));
}

/** @param {unknown} value */
function leaf(value) {
  if (typeof value === "string") return textLeaf(value);
  if (isParted(value)) {
    const text = JSON.stringify(value);
    return el("code", { class: "leaf" }, el("bdi", {}, text.length > 60 ? `${text.slice(0, 60)}…` : text));
  }
  const kind = value === null ? "null" : typeof value;
  const node = el("code", { class: `leaf ${kind}` }, String(value));
  if (typeof value === "number" && isLikelyTime(value)) {
    return el(
      "span",
      {},
      node,
      el("span", { class: "leaf-time" }, ` ${new Date(value).toISOString().replace(".000Z", "Z")}`),
    );
  }
  return node;
}

/** Epoch ms of this time of the world: nothing else counts in such numbers. @param {number} value */
function isLikelyTime(value) {
  return Number.isInteger(value) && value > 1_200_000_000_000 && value < 4_000_000_000_000;
}

/** @param {string} text */
function textLeaf(text) {
  if (text === "") return el("code", { class: "leaf string" }, '""', unseen("empty text"));
  if (text.length <= textShown) return el("code", { class: "leaf string" }, el("bdi", {}, text));
  const holder = el("code", { class: "leaf string" });
  const more = el("button", { type: "button", class: "link" }, `all ${text.length.toLocaleString("en")} characters`);
  more.addEventListener("click", () => fill(holder, el("bdi", {}, text)));
  fill(holder, el("bdi", {}, `${text.slice(0, textShown)}…`), " ", more);
  return holder;
}

/**
 * What changed, as a list of fields.
 *
 * @param {readonly Change[]} changes
 */
export function changeList(changes) {
  if (changes.length === 0) return el("p", { class: "quiet" }, "The context is as it was.");
  const rows = changes
    .slice(0, changesShown)
    .map(({ pointer, kind, before: was, after: is }) =>
      el(
        "li",
        {},
        said(keysOf(pointer).join(".") || "all of it", { class: "key" }),
        " ",
        kind === "added" ? el("span", { class: "quiet" }, "new") : el("del", {}, leaf(was)),
        el("span", { class: "quiet" }, kind === "removed" ? " taken away" : " → "),
        kind === "removed" ? null : el("ins", {}, leaf(is)),
      ),
    );
  const rest = changes.length - rows.length;
  return el("ul", { class: "changes" }, ...rows, rest > 0 && el("li", { class: "quiet" }, `and ${rest} more`));
}
