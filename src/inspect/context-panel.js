import { changesBetween } from "./changes.js";
import { el, fill, said } from "./dom.js";
import { nameOf } from "./journal-panel.js";
import { changeList, valueTree } from "./value-tree.js";

/**
 * @typedef {import("./api.js").InstanceView} InstanceView
 * @typedef {import("./api.js").MomentView} MomentView
 */

/** What the instance keeps, with what the last event changed marked. */
export function createContextPanel() {
  const element = el("div", {});
  let shownText = "";

  /** @param {InstanceView} shown @param {MomentView | undefined} change */
  function show(shown, change) {
    const isOfShown = change?.instance.version === shown.version && change.entry.outcome === "changed";
    const before = isOfShown ? change.before : null;
    const text = JSON.stringify([shown.context, before?.context ?? null]);
    if (text === shownText) return; // what is folded open stays so
    shownText = text;
    const changes = before === null ? [] : changesBetween(before.context, shown.context);
    fill(
      element,
      isOfShown &&
        before !== null &&
        el(
          "div",
          { class: "changed-by" },
          el(
            "p",
            {},
            changes.length > 0 && el("span", { class: "mark" }),
            " Changed by ",
            said(nameOf(change.entry), { class: "event-name" }),
          ),
          changeList(changes),
        ),
      valueTree(shown.context, { changes, label: "Context" }),
    );
  }

  return { element, show };
}
