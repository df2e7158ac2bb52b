import { el, svgEl } from "./dom.js";

/**
 * Signs that differ in shape, so that none depends on its colour. Each is drawn on 16 by 16 in the colour of the text.
 *
 * @type {Readonly<Record<string, readonly [tag: string, attributes: Readonly<Record<string, string>>][]>>}
 */
const shapes = {
  steady: [["circle", { cx: "8", cy: "8", r: "5", class: "solid" }]],
  busy: [
    ["circle", { cx: "8", cy: "8", r: "5" }],
    ["path", { d: "M8 3a5 5 0 0 1 0 10z", class: "solid" }],
  ],
  attention: [
    ["path", { d: "M8 1.6 15 14H1z", class: "solid" }],
    ["path", { d: "M8 6v4", class: "cut" }],
    ["circle", { cx: "8", cy: "12", r: ".9", class: "cut-dot" }],
  ],
  done: [
    ["circle", { cx: "8", cy: "8", r: "5.6" }],
    ["circle", { cx: "8", cy: "8", r: "2.6", class: "solid" }],
  ],
  error: [["path", { d: "m3.5 3.5 9 9m0-9-9 9" }]],
  plain: [["circle", { cx: "8", cy: "8", r: "5" }]],
  refused: [
    ["path", { d: "M8 1.2 14.8 8 8 14.8 1.2 8z", class: "solid" }],
    ["path", { d: "M5 8h6", class: "cut" }],
  ],
  "dead-letter": [
    ["path", { d: "M1.8 3.5h12.4v9H1.8z" }],
    ["path", { d: "m5.8 6 4.4 4m0-4-4.4 4" }],
  ],
  overdue: [
    ["circle", { cx: "8", cy: "8", r: "6" }],
    ["path", { d: "M8 4.4V8l2.6 1.8" }],
  ],
  person: [
    ["circle", { cx: "8", cy: "5", r: "2.7" }],
    ["path", { d: "M2.8 14c.4-3 2.4-4.6 5.2-4.6s4.8 1.6 5.2 4.6" }],
  ],
  changed: [["path", { d: "M2 8h11M9 4l4 4-4 4" }]],
  unchanged: [["path", { d: "M3 6h10M3 10h10" }]],
  created: [["path", { d: "M8 3v10M3 8h10" }]],
  migrated: [["path", { d: "M3 11V5h8M8 2l3 3-3 3M13 5v6H5" }]],
  compacted: [["path", { d: "M2 8h4L4 6m2 2-2 2m10-2h-4l2-2m-2 2 2 2" }]],
  forgotten: [["path", { d: "M3 8h2m2 0h2m2 0h2" }]],
  call: [["path", { d: "M4 12 12 4M6 4h6v6" }]],
  timer: [
    ["circle", { cx: "8", cy: "8", r: "6" }],
    ["path", { d: "M8 4.4V8l2.6 1.8" }],
  ],
  message: [
    ["path", { d: "M1.8 3.5h12.4v9H1.8z" }],
    ["path", { d: "m2 4 6 5 6-5" }],
  ],
  first: [["path", { d: "M4 3v10M13 3 6 8l7 5z", class: "filled" }]],
  back: [["path", { d: "M11 3 4 8l7 5z", class: "filled" }]],
  forth: [["path", { d: "m5 3 7 5-7 5z", class: "filled" }]],
  last: [["path", { d: "M12 3v10M3 3l7 5-7 5z", class: "filled" }]],
  plus: [["path", { d: "M8 3v10M3 8h10" }]],
  minus: [["path", { d: "M3 8h10" }]],
  fit: [["path", { d: "M2 6V2h4m4 0h4v4m0 4v4h-4m-4 0H2v-4" }]],
  follow: [
    ["circle", { cx: "8", cy: "8", r: "3" }],
    ["path", { d: "M8 1v3m0 8v3M1 8h3m8 0h3" }],
  ],
  sun: [
    ["circle", { cx: "8", cy: "8", r: "3" }],
    ["path", { d: "M8 1v2m0 10v2M1 8h2m10 0h2M3 3l1.5 1.5m7 7L13 13M13 3l-1.5 1.5m-7 7L3 13" }],
  ],
  moon: [["path", { d: "M13 9.6A5.6 5.6 0 1 1 6.4 3a4.6 4.6 0 0 0 6.6 6.6z" }]],
  close: [["path", { d: "m3.5 3.5 9 9m0-9-9 9" }]],
};

/**
 * A sign beside words: never without them.
 *
 * @param {string} name
 * @param {string} [tone] a class for its colour
 */
export function glyph(name, tone = name) {
  const drawn = (shapes[name] ?? shapes["plain"] ?? []).map(([tag, attributes]) => svgEl(tag, attributes));
  const attributes = { class: `glyph ${tone}`, viewBox: "0 0 16 16", width: 16, height: 16 };
  return svgEl("svg", { ...attributes, "aria-hidden": "true", focusable: "false" }, ...drawn);
}

/**
 * What a state looks like from its tags.
 *
 * @param {{ status: string, tags: readonly string[] }} instance
 */
export function lampOf({ status, tags }) {
  if (status === "error") return "error";
  if (status === "done") return "done";
  return ["attention", "busy", "steady"].find((tag) => tags.includes(tag)) ?? "plain";
}

/** A button that is a sign; its label is for ears, and in its title. @param {string} name @param {string} label @param {() => void} act */
export function iconButton(name, label, act) {
  return el("button", { type: "button", class: "icon", title: label, "aria-label": label, onclick: act }, glyph(name));
}
