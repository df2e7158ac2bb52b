import { el, said, told, unseen } from "./dom.js";
import { glyph, lampOf } from "./glyphs.js";
import { addressOf, placeOfInstance } from "./places.js";
import { timeOf } from "./times.js";

/**
 * @typedef {import("./api.js").InstanceView} InstanceView
 * @typedef {import("./api.js").OverviewView["items"][number]} MachineGroup
 */

const columns = ["State", "Instance", "Waits for", "Since", "Until"];
const labelsShown = 4;

/** @param {readonly InstanceView[]} items */
export function instanceTable(items) {
  const rows = items.map((item) => instanceRow(item, { isGrouped: false }));
  return table(el("tbody", { role: "rowgroup" }, ...rows));
}

/** The same by machine, each with the way to all of its instances. @param {readonly MachineGroup[]} groups */
export function groupedTable(groups) {
  return table(
    ...groups.map(({ machine, instances, isComplete }) =>
      el(
        "tbody",
        { role: "rowgroup", class: "of-machine" },
        el(
          "tr",
          { role: "row", class: "group-head" },
          el(
            "th",
            { scope: "rowgroup", role: "rowheader", colspan: columns.length },
            el(
              "div",
              { class: "group-line" },
              said(machine),
              !isComplete &&
                el(
                  "a",
                  { href: addressOf({ view: "list", filters: new URLSearchParams({ machine }) }) },
                  "All of ",
                  said(machine),
                ),
            ),
          ),
        ),
        ...instances.map((item) => instanceRow(item, { isGrouped: true })),
      ),
    ),
  );
}

/** @param {...HTMLElement} bodies */
function table(...bodies) {
  const heads = columns.map((name) => el("th", { scope: "col", role: "columnheader" }, name));
  return el(
    "table",
    { class: "instances", role: "table" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads)),
    ...bodies,
  );
}

/** @param {InstanceView} item @param {{ isGrouped: boolean }} options */
function instanceRow(item, { isGrouped }) {
  const { id, machine, state, labels, waitingFor, since, deadline, status } = item;
  const lamp = lampOf(item);
  const [wait] = waitingFor;
  const isOverdue = wait?.overdue ?? false;
  const until = wait?.until ?? deadline;
  const telling = Object.entries(labels).filter(([, value]) => !isPartOf(id, value));
  return el(
    "tr",
    { role: "row", class: `is-${lamp}` },
    el(
      "td",
      { role: "cell", class: "cell-state" },
      glyph(lamp),
      " ",
      said(state, { class: "state-name" }),
      status !== "active" && unseen(`, ${status}`),
    ),
    el(
      "td",
      { role: "cell", class: "cell-id" },
      el("a", { href: addressOf(placeOfInstance(id)) }, said(id)),
      !isGrouped && el("span", { class: "quiet machine" }, said(machine)),
      ...telling
        .slice(0, labelsShown)
        .map(([name, value]) => el("span", { class: "label" }, said(`${name}: ${value}`))),
    ),
    el(
      "td",
      { role: "cell", class: "cell-wait" },
      wait === undefined ? el("span", { class: "quiet" }, status === "active" ? "" : "ended") : told(wait.what),
    ),
    el("td", { role: "cell", class: "cell-since quiet" }, timeOf(since, "ago")),
    el(
      "td",
      { role: "cell", class: isOverdue ? "cell-until is-overdue" : "cell-until quiet" },
      ...(until === null || until === undefined
        ? [unseen("no deadline")]
        : [isOverdue && glyph("overdue"), timeOf(until, "until")]),
    ),
  );
}

/** Whether an id says a label's value already: `edge@v1` is a part of `edge@v1/web-1`. @param {string} id @param {string} value */
function isPartOf(id, value) {
  const parted = (/** @type {string} */ text) => `/${text.replaceAll("@", "/")}/`;
  return parted(id).includes(parted(value));
}
