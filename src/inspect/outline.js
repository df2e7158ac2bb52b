import { el, said } from "./dom.js";
import { glyph, lampOf } from "./glyphs.js";

/**
 * The chart in words: its states as nested lists, the current ones marked.
 *
 * @param {import("./api.js").MachineDetails} machine
 * @param {ReadonlySet<string>} active
 */
export function outline(machine, active) {
  const details = new Map(machine.states.map((state) => [state.id, state]));
  const children = Map.groupBy(machine.nodes, ({ parent }) => parent);

  /** @param {string | null} parent @returns {HTMLUListElement | null} */
  const listOf = (parent) => {
    const nodes = (children.get(parent) ?? []).filter(({ kind }) => kind !== "history");
    if (nodes.length === 0) return null;
    return el("ul", {}, ...nodes.map(itemOf));
  };

  /** @param {import("./states.js").StateNode} node */
  const itemOf = (node) => {
    const { id, name, kind } = node;
    const state = details.get(id);
    const isActive = active.has(id);
    const isLeaf = !children.has(id);
    const tags = state?.tags ?? [];
    const lamp = kind === "final" ? "done" : lampOf({ status: "active", tags });
    return el(
      "li",
      { "aria-current": isActive ? "true" : undefined, class: isLeaf ? "leaf-state" : "around" },
      el(
        "span",
        { class: "state-line" },
        isLeaf && glyph(lamp),
        said(name, { class: "state-name" }),
        isActive && isLeaf && el("span", { class: "now" }, "current"),
        state?.description != null && isLeaf && el("span", { class: "quiet" }, said(state.description)),
      ),
      listOf(id),
    );
  };

  const [root] = machine.nodes;
  return el("div", { class: "outline" }, root === undefined ? null : listOf(root.id));
}
