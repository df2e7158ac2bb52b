import { el, fill, said, unseen } from "./dom.js";
import { glyph } from "./glyphs.js";
import { timeOf } from "./times.js";

/** @typedef {import("./api.js").JournalEntryView} JournalEntryView */

const rowsKept = 1_000; // beyond it older ones go from the page, never from the journal, until somebody asks for them
const rowsMore = 200; // shown each time that somebody does

/**
 * What happened, the newest on top; each entry leads to the moment after it.
 *
 * @param {{ onOlder: () => void, onChoose: (seq: number) => void, linkTo: (seq: number) => string }} given
 */
export function createJournalPanel({ onOlder, onChoose, linkTo }) {
  const list = el("ol", { class: "journal", reversed: true });
  const older = el("button", { type: "button", class: "small", onclick: showOlder }, "Older entries");
  const end = el("p", { class: "quiet end" }, "This is where it began.");
  const element = el("div", {}, list, older, end);
  /** @type {Map<number, HTMLLIElement>} */
  const rows = new Map();
  let rowsMax = rowsKept;

  function showOlder() {
    rowsMax += rowsMore;
    onOlder();
  }

  /** @param {JournalEntryView} entry */
  function rowOf(entry) {
    const { seq, outcome, kind, from, to, via, principal, reasons, emitted, version, at } = entry;
    const link = el(
      "a",
      { href: linkTo(seq), "data-seq": seq, title: `Entry ${seq}: show the instance as it was` },
      said(nameOf(entry), { class: "event-name" }),
    );
    link.addEventListener("click", (click) => {
      if (click.ctrlKey || click.metaKey || click.shiftKey) return;
      click.preventDefault();
      onChoose(seq);
    });
    const sign = outcome === "refused" ? "refused" : kind === "event" ? outcome : kind;
    const path = from === null || from === to ? [to] : [from, ...via, to];
    return el(
      "li",
      { class: `entry is-${outcome}` },
      el("span", { class: "sign" }, glyph(sign), unseen(kind === "event" ? outcome : kind)),
      el(
        "div",
        { class: "what" },
        el("p", { class: "line" }, link, outcome === "refused" && el("span", { class: "badge refused" }, "refused")),
        el("p", { class: "path" }, ...joined(path, outcome)),
        ...(reasons ?? []).map(({ detail, hint }) =>
          el(
            "p",
            { class: "reason" },
            said(detail),
            hint !== undefined && el("span", { class: "quiet" }, " Instead: ", said(hint)),
          ),
        ),
        ...(emitted ?? []).map(({ type }) => el("p", { class: "quiet" }, "emitted ", said(type))),
      ),
      el(
        "div",
        { class: "when" },
        timeOf(at, "clock"),
        el("span", { class: "quiet" }, said(principal)),
        el("span", { class: "quiet" }, `v${version}`),
      ),
    );
  }

  return {
    element,
    /**
     * @param {readonly JournalEntryView[]} entries in order
     * @param {{ hasOlder: boolean, current: number | undefined, fresh: ReadonlySet<number> }} options
     */
    show(entries, { hasOlder, current, fresh }) {
      const shown = entries.slice(-rowsMax);
      const wanted = new Set(shown.map(({ seq }) => seq));
      for (const [seq, row] of rows) {
        if (wanted.has(seq)) continue;
        row.remove();
        rows.delete(seq);
      }
      let next = list.firstElementChild;
      for (const entry of shown.toReversed()) {
        const known = rows.get(entry.seq);
        const row = known ?? rowOf(entry);
        if (known === undefined) {
          rows.set(entry.seq, row);
          list.insertBefore(row, next);
          if (fresh.has(entry.seq)) row.classList.add("is-new");
        } else {
          next = row.nextElementSibling;
        }
        row.classList.toggle("is-current", entry.seq === current);
        const link = row.querySelector("a");
        if (entry.seq === current) link?.setAttribute("aria-current", "true");
        else link?.removeAttribute("aria-current");
      }
      older.hidden = !hasOlder && entries.length <= rowsMax;
      end.hidden = !older.hidden || entries.length === 0;
    },
    clear() {
      rows.clear();
      fill(list);
    },
  };
}

/** @param {Pick<JournalEntryView, "event" | "kind">} entry */
export function nameOf({ event, kind }) {
  if (event !== null) return event.type;
  return {
    created: "created",
    event: "an event",
    migrated: "migrated to the chart of today",
    compacted: "journal compacted",
    forgotten: "an earlier one of this name, forgotten",
  }[kind];
}

/** @param {readonly string[]} path @param {string} outcome */
function joined(path, outcome) {
  if (path.length === 1) {
    const word = outcome === "changed" ? "in " : "stays in ";
    return [el("span", { class: "quiet" }, word), said(path[0] ?? "", { class: "state-name" })];
  }
  return path.flatMap((state, index) => [
    index > 0 && el("span", { class: "arrow", "aria-label": "to" }, " → "),
    said(state, { class: index === path.length - 1 ? "state-name" : "quiet" }),
  ]);
}
