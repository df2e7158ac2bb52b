import { el, fill, said, svgEl } from "./dom.js";
import { glyph, iconButton } from "./glyphs.js";
import { nameOf } from "./journal-panel.js";
import { clockText, timeOf } from "./times.js";

/** @typedef {import("./api.js").JournalEntryView} JournalEntryView */

const ticksMax = 400; // more of them would lie on each other

/**
 * A lever for time: each notch is an entry of the journal, the last one is now.
 *
 * @param {{ onMove: (seq: number | null) => void }} given `null`: now
 */
export function createTimeline({ onMove }) {
  /** @type {readonly JournalEntryView[]} */
  let entries = [];
  /** @type {JournalEntryView | null} the moment that is shown; it may be older than those that are loaded */
  let at = null;
  /** @type {number | null} the one that is on its way: quick steps go on from there */
  let wanted = null;

  const slider = el("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "Moment in the journal" });
  const ticks = svgEl("svg", { class: "ticks", "aria-hidden": "true", preserveAspectRatio: "none" });
  const label = el("p", { class: "moment" });
  const present = el("button", { type: "button", class: "small" }, "Back to now");
  present.addEventListener("click", () => go(entries.length));
  const beneath = el("div", { class: "beneath" });
  const back = step("back", "One entry back", -1);
  const forth = step("forth", "One entry forward", 1);
  const first = iconButton("first", "To the oldest entry that is loaded", () => go(0));
  const last = iconButton("last", "To now", () => go(entries.length));
  const element = el(
    "div",
    { class: "timeline" },
    el("div", { class: "transport" }, first, back, el("div", { class: "rail" }, ticks, slider), forth, last),
    el("div", { class: "moment-line" }, label, present),
    beneath,
  );
  slider.addEventListener("input", () => go(Number(slider.value)));

  /** @param {string} name @param {string} text @param {number} by */
  function step(name, text, by) {
    return iconButton(name, text, () => move(by));
  }

  /** Before all of them where it is older than they are. @param {number | null} moment */
  function placeOf(moment) {
    return moment === null ? entries.length - 1 : entries.findIndex(({ seq }) => seq === moment);
  }

  /** @param {number} index */
  function go(index) {
    const isNow = index >= entries.length - 1;
    wanted = isNow ? null : (entries[index]?.seq ?? null);
    onMove(wanted);
  }

  /** @param {number} by */
  function move(by) {
    const index = placeOf(wanted) + by;
    if (index >= 0) go(index);
  }

  function drawTicks() {
    const step = Math.max(1, Math.ceil(entries.length / ticksMax));
    const count = Math.max(1, entries.length - 1);
    const drawn = entries.flatMap((entry, index) => {
      const isMoved = entry.from !== entry.to;
      const isRefused = entry.outcome === "refused";
      if (index % step !== 0 && !isMoved && !isRefused) return [];
      const x = (index / count) * 1_000;
      const height = isMoved ? 10 : isRefused ? 7 : 4;
      return svgEl("path", {
        d: `M${x.toFixed(1)} ${10 - height}V10`,
        class: isRefused ? "refused" : isMoved ? "moved" : "",
      });
    });
    ticks.setAttribute("viewBox", "0 0 1000 10");
    ticks.replaceChildren(...drawn);
  }

  function showLabel() {
    const entry = at ?? entries.at(-1);
    if (entry === undefined) return fill(label, "The journal is empty.");
    const index = placeOf(entry.seq);
    const place = index < 0 ? "an older one" : `${index + 1} of ${entries.length}`;
    const text = `${nameOf(entry)}, ${entry.outcome}, ${clockText(Date.parse(entry.at))}`;
    slider.setAttribute("aria-valuetext", at === null ? `now: ${text}` : `entry ${place}: ${text}`);
    fill(
      label,
      el("span", { class: at === null ? "badge live" : "badge past" }, at === null ? "now" : place),
      el("span", {}, at === null ? " after " : " The past, right after "),
      entry.outcome === "refused" && glyph("refused"),
      said(nameOf(entry), { class: "event-name" }),
      entry.outcome === "refused" && " (refused)",
      " by ",
      said(entry.principal),
      ", ",
      timeOf(entry.at, at === null ? "clock" : "full"),
    );
  }

  return {
    element,
    move,
    /**
     * @param {readonly JournalEntryView[]} loaded in order
     * @param {{ shown: JournalEntryView | null, wanted: number | null, more: Element | null }} options `more` about the entry
     */
    show(loaded, { shown, wanted: next, more }) {
      const isSame = loaded.length === entries.length && loaded.at(-1)?.seq === entries.at(-1)?.seq;
      entries = loaded;
      at = shown;
      wanted = next;
      slider.max = String(Math.max(0, entries.length - 1));
      const index = placeOf(at?.seq ?? null);
      slider.value = String(index);
      slider.disabled = entries.length < 2;
      present.hidden = at === null;
      first.disabled = back.disabled = index <= 0;
      forth.disabled = last.disabled = at === null;
      if (!isSame) drawTicks();
      fill(beneath, more);
      showLabel();
    },
  };
}
