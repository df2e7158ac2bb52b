import { sentenceOf } from "./api.js";
import { confirmed } from "./dialogs.js";
import { el, fill, said } from "./dom.js";
import { glyph } from "./glyphs.js";
import { timeOf } from "./times.js";
import { valueTree } from "./value-tree.js";

/** @typedef {import("./api.js").PendingView} PendingView */

/** @type {Readonly<Record<PendingView["state"], string>>} */
const stateWords = {
  due: "due now",
  waiting: "waits for its time",
  leased: "is being performed",
  retrying: "failed, and is tried again",
  dead: "given up",
  manual: "nobody here performs it",
};

/**
 * What is to happen: calls, timers and messages, with the dead letters first.
 *
 * @param {{ api: import("./api.js").Api, announce: (text: string) => void, onSettled: () => void }} given
 */
export function createPendingPanel({ api, announce, onSettled }) {
  const fault = el("p", { class: "fault", role: "alert" });
  const list = el("ul", { class: "pending" });
  const element = el("div", {}, fault, list);
  let shown = "";

  /** @param {PendingView} row @param {"retry" | "discard"} what */
  async function settle(row, what) {
    const name = row.activity ?? row.id;
    const isMeant = await confirmed(
      what === "retry"
        ? {
            title: `Try ${short(name)} again?`,
            text: "It is performed again now, as if it had never failed, under the same key.",
            act: "Retry",
          }
        : {
            title: `Give ${short(name)} up?`,
            text:
              row.kind === "call"
                ? "The call ends with an error that the instance hears. This cannot be taken back."
                : "It goes unheard: what it would have set off does not happen. This cannot be taken back.",
            act: "Discard",
            isGrave: true,
          },
    );
    if (!isMeant) return;
    fill(fault);
    try {
      await api.settle(row.key, what);
      announce(what === "retry" ? `${short(name)} is tried again` : `${short(name)} is given up`);
      onSettled();
    } catch (error) {
      fill(fault, sentenceOf(error));
    }
  }

  /** @param {PendingView} row */
  function itemOf(row) {
    const { kind, id, state, activity, to, dueAt, attempts, error, input, event } = row;
    const isStuck = state === "dead" || state === "retrying" || state === "manual";
    const isChild = state === "manual" && activity === "instance";
    const payload = kind === "call" ? input : event;
    const type = typeof event === "object" && event !== null && "type" in event ? String(event.type) : id;
    return el(
      "li",
      { class: `pending-row is-${state}` },
      el("span", { class: "sign" }, glyph(state === "dead" ? "dead-letter" : kind)),
      el(
        "div",
        { class: "what" },
        el(
          "p",
          { class: "line" },
          said(kind === "call" ? (activity ?? id) : type, { class: "event-name" }),
          el("span", { class: "quiet" }, kind),
          to !== undefined && el("span", { class: "quiet" }, "to ", said(to)),
        ),
        el(
          "p",
          { class: state === "dead" ? "reason" : "quiet" },
          isChild ? "waits for its child" : stateWords[state],
          attempts > 0 && ` after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}`,
          dueAt !== null &&
            (state === "waiting" || state === "retrying") &&
            el("span", {}, ", ", timeOf(dueAt, "until")),
        ),
        error !== undefined && el("p", { class: "error-text" }, el("bdi", {}, error)),
        payload !== null &&
          payload !== undefined &&
          Object.keys(payload).length > 0 &&
          el(
            "details",
            {},
            el("summary", {}, kind === "call" ? "Its input" : "Its event"),
            valueTree(payload, { label: "Its content" }),
          ),
        isStuck &&
          !isChild &&
          el(
            "div",
            { class: "buttons" },
            state !== "manual" && el("button", { type: "button", onclick: () => void settle(row, "retry") }, "Retry"),
            el("button", { type: "button", class: "grave", onclick: () => void settle(row, "discard") }, "Discard"),
          ),
      ),
    );
  }

  return {
    element,
    /** @param {readonly PendingView[]} rows */
    show(rows) {
      const text = JSON.stringify(rows);
      if (text === shown) return; // whoever is about to press a button keeps it
      shown = text;
      const order = ["dead", "retrying", "manual", "leased", "due", "waiting"];
      const sorted = rows.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
      fill(list, ...sorted.map(itemOf));
      if (rows.length === 0) fill(list, el("li", { class: "quiet" }, "Nothing: no call runs and no timer is set."));
    },
  };
}

/** @param {string} name */
function short(name) {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}
