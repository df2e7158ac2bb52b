import { el, said, unseen } from "./dom.js";
import { glyph, lampOf } from "./glyphs.js";
import { addressOf } from "./places.js";
import { valueText } from "./states.js";
import { timeOf } from "./times.js";

/** @typedef {import("./api.js").InstanceView} InstanceView */

/** Who it is, and the state that it is in. @param {InstanceView} shown @param {{ isPast: boolean }} options */
export function instanceHead(shown, { isPast }) {
  const { id, labels, tags, machine: name, machineVersion, version, createdAt, updatedAt, status } = shown;
  const lamp = lampOf(shown);
  const byMachine = new URLSearchParams({ machine: name });
  return [
    el(
      "div",
      { class: "who" },
      el("h1", {}, said(id)),
      el(
        "p",
        { class: "facts" },
        el("a", { href: addressOf({ view: "list", filters: byMachine }) }, said(name)),
        el("span", { class: "quiet" }, `chart ${machineVersion}`),
        el("span", { class: "quiet" }, `version ${version}`),
        el("span", { class: "quiet" }, "made ", timeOf(createdAt, "ago")),
        el("span", { class: "quiet" }, "changed ", timeOf(updatedAt, "ago")),
      ),
      Object.keys(labels).length + tags.length > 0 &&
        el(
          "ul",
          { class: "labels", "aria-label": "Labels and tags" },
          ...Object.entries(labels).map(([label, value]) => labelItem(label, value)),
          ...tags.map((tag) => el("li", { class: "tag" }, said(tag))),
        ),
    ),
    el(
      "div",
      { class: `plaque is-${lamp}` },
      glyph(lamp),
      el(
        "div",
        {},
        el(
          "p",
          { class: "plaque-state" },
          unseen("State: "),
          said(shown.state),
          status !== "active" && el("span", { class: "quiet" }, status === "error" ? " ended by an error" : " ended"),
        ),
        el(
          "p",
          { class: "quiet" },
          isPast ? "since " : "for ",
          timeOf(shown.since, isPast ? "clock" : "for"),
          valueText(shown.value) !== shown.state &&
            el("span", { class: "whole-value" }, " · ", said(valueText(shown.value))),
        ),
      ),
    ),
  ];
}

/** @param {string} name @param {string} value */
function labelItem(name, value) {
  const filters = new URLSearchParams({ label: `${name}:${value}` });
  return el(
    "li",
    {},
    el(
      "a",
      { href: addressOf({ view: "list", filters }), title: "Instances with this label" },
      said(name),
      el("span", { class: "quiet" }, ": "),
      said(value),
    ),
  );
}
