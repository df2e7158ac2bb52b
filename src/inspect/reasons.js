import { el, said, told } from "./dom.js";
import { valueTree } from "./value-tree.js";

/** @typedef {{ code: string, detail: string, hint?: string | undefined, data?: unknown }} Reason */

/**
 * Why something was refused, reason by reason.
 *
 * @param {readonly Reason[]} reasons
 * @param {{ onHint?: (event: string) => (() => void) | undefined }} [options] what a hint that names an event leads to
 */
export function reasonList(reasons, { onHint } = {}) {
  return el("ul", { class: "reasons" }, ...reasons.map((reason) => reasonItem(reason, onHint)));
}

/** @param {Reason} reason @param {((event: string) => (() => void) | undefined) | undefined} onHint */
function reasonItem({ code, detail, hint, data }, onHint) {
  const follow = hint === undefined ? undefined : onHint?.(hint);
  return el(
    "li",
    {},
    el("p", {}, told(detail), " ", el("code", { class: "code-name" }, said(code))),
    hint !== undefined &&
      el(
        "p",
        { class: "hint-line" },
        "Instead: ",
        follow === undefined
          ? said(hint)
          : el("button", { type: "button", class: "link", onclick: follow }, said(hint)),
      ),
    data !== undefined &&
      el("details", {}, el("summary", {}, "What the law went by"), valueTree(data, { label: `Facts of ${code}` })),
  );
}
