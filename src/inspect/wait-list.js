import { el, said, told } from "./dom.js";
import { glyph } from "./glyphs.js";
import { valueText } from "./states.js";
import { timeOf } from "./times.js";

/** @typedef {import("./api.js").InstanceView} InstanceView */

/** What it waits for in each of its regions, since when and until when. @param {InstanceView} shown @param {{ isPast: boolean }} options */
export function waitList({ waitingFor, status, value }, { isPast }) {
  if (status !== "active") return [el("p", { class: "quiet" }, "Nothing: it has ended.")];
  const hasRegions = waitingFor.length > 1;
  return waitingFor.map(({ region, what, since, until, overdue }) =>
    el(
      "div",
      { class: overdue ? "wait is-overdue" : "wait" },
      hasRegions && el("p", { class: "region" }, said(region), stateOf(value, region)),
      ...sentencesOf(what).map((sentence, index) =>
        el("p", { class: index === 0 ? "what-for" : "note" }, told(sentence)),
      ),
      el(
        "p",
        { class: "quiet spans" },
        "since ",
        timeOf(since, "clock"),
        !isPast && el("span", {}, ", for ", timeOf(since, "for")),
      ),
      el(
        "p",
        { class: "quiet spans until" },
        ...(until === null
          ? ["no deadline"]
          : [
              overdue && glyph("overdue"),
              overdue && el("strong", {}, " overdue: "),
              "until ",
              timeOf(until, "clock"),
              !isPast && el("span", {}, ", ", timeOf(until, "until")),
            ]),
      ),
    ),
  );
}

/** The wait itself, then what the engine and the machine note beside it. @param {string} what */
function sentencesOf(what) {
  return what.split("; ");
}

/** The state that one of several regions is in. @param {unknown} value @param {string} region */
function stateOf(value, region) {
  const inner =
    typeof value === "object" && value !== null ? /** @type {Record<string, unknown>} */ (value)[region] : "";
  const text = inner === undefined ? "" : valueText(inner);
  return text !== "" && el("span", { class: "region-state" }, " is ", said(text));
}
