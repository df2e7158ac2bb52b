import { el, fill, keepingFocus, said, told } from "./dom.js";
import { glyph } from "./glyphs.js";
import { faultBox } from "./fault-box.js";
import { addressOf, placeOfInstance } from "./places.js";
import { now, timeOf } from "./times.js";

/**
 * @typedef {import("./api.js").AttentionView} AttentionView
 * @typedef {AttentionView["items"][number]} AttentionItem
 * @typedef {AttentionItem["reasons"][number]} AttentionReason
 */

const shownAtFirst = 8; // more of them on request

/** @type {Readonly<Record<AttentionReason["kind"], { sign: string, word: string, one: string, many: string }>>} */
const kinds = {
  "dead-letter": { sign: "dead-letter", word: "Dead letter", one: "dead letter", many: "dead letters" },
  overdue: { sign: "overdue", word: "Overdue", one: "overdue", many: "overdue" },
  refused: { sign: "refused", word: "Refused", one: "refused lately", many: "refused lately" },
  person: { sign: "person", word: "Waits for a person", one: "waits for a person", many: "wait for a person" },
};

/**
 * What needs somebody, the most urgent first.
 *
 * @param {{ announce: (text: string) => void }} given
 */
export function createAttentionPanel({ announce }) {
  const content = el("div", { "aria-busy": "true" }, el("p", { class: "quiet" }, "Looking …"));
  const count = el("p", { class: "quiet summary" });
  const more = el("button", { type: "button", class: "more", hidden: true });
  const rest = el(
    "p",
    { class: "quiet end", hidden: true },
    "There is more than can be looked through at once; filter the list below to find the rest.",
  );
  const element = el(
    "section",
    { class: "panel attention", "aria-labelledby": "attention-title" },
    el("div", { class: "panel-head" }, el("h2", { id: "attention-title" }, "Needs attention"), count),
    content,
    more,
    rest,
  );
  let shownText = "";
  let dueAt = Number.POSITIVE_INFINITY;
  let isWhole = false;
  /** @type {readonly AttentionItem[]} */
  let shown = [];

  more.addEventListener("click", () => {
    isWhole = true;
    draw();
    /** @type {HTMLElement | undefined} */ (content.querySelectorAll(".needs > a")[shownAtFirst])?.focus();
  });

  function draw() {
    const items = isWhole ? shown : shown.slice(0, shownAtFirst);
    more.hidden = items.length === shown.length;
    fill(more, `Show all ${shown.length}`);
    keepingFocus(content, () =>
      fill(
        content,
        items.length === 0
          ? el(
              "div",
              { class: "empty clear" },
              glyph("steady"),
              el("p", {}, "All clear. Nothing is stuck, late or waiting for a person."),
            )
          : el("ul", { class: "attention-list" }, ...items.map(attentionItem)),
      ),
    );
  }

  return {
    element,

    /** @param {AttentionView} needs */
    show(needs) {
      content.removeAttribute("aria-busy");
      dueAt = nextDue(needs, now());
      const text = JSON.stringify(needs);
      if (text === shownText) return;
      const { items, isComplete } = needs;
      if (shownText !== "")
        announce(items.length === 0 ? "Nothing needs attention any more" : `${items.length} need attention`);
      shownText = text;
      shown = items;
      fill(count, totalsOf(items));
      rest.hidden = isComplete;
      draw();
    },

    /** @param {unknown} error @param {() => void} retry */
    fail(error, retry) {
      content.removeAttribute("aria-busy");
      shownText = "";
      fill(count);
      more.hidden = rest.hidden = true;
      fill(content, faultBox(error, retry));
    },

    /** Whether a deadline has passed since the last look, of which nothing is written when it does. */
    isDue() {
      if (now() < dueAt) return false;
      dueAt = Number.POSITIVE_INFINITY;
      return true;
    },
  };
}

/** @param {readonly AttentionItem[]} items */
function totalsOf(items) {
  const totals = Object.entries(kinds).map(([kind, { one, many }]) => {
    const total = items.filter(({ reasons }) => reasons.some((each) => each.kind === kind)).length;
    return total === 0 ? undefined : `${total} ${total === 1 ? one : many}`;
  });
  return totals.filter(Boolean).join(" · ");
}

/** When the next deadline among those that were looked at passes. @param {AttentionView} needs @param {number} from */
function nextDue({ nextDueAt }, from) {
  const at = nextDueAt === null ? Number.POSITIVE_INFINITY : Date.parse(nextDueAt);
  return at > from ? at : Number.POSITIVE_INFINITY;
}

/** @param {AttentionItem} item */
function attentionItem({ id, machine, state, reasons }) {
  return el(
    "li",
    { class: `needs is-${reasons[0]?.kind ?? "person"}` },
    el("a", { class: "id", href: addressOf(placeOfInstance(id)) }, said(id)),
    el(
      "span",
      { class: "in" },
      said(state, { class: "state-name" }),
      el("span", { class: "quiet machine" }, said(machine)),
    ),
    el(
      "ul",
      { class: "why" },
      ...reasons.map(({ kind, detail, since }) =>
        el(
          "li",
          {},
          glyph(kinds[kind].sign),
          el("span", { class: "why-words" }, el("strong", {}, `${kinds[kind].word}: `), told(detail)),
          el("span", { class: "quiet since" }, timeOf(since, "ago")),
        ),
      ),
    ),
  );
}
