/**
 * @typedef {import("./api.js").MachineDetails} MachineDetails
 * @typedef {import("./api.js").JournalEntryView} JournalEntryView
 * @typedef {MachineDetails["nodes"][number]} StateNode
 */

/**
 * Ids of the state nodes that a state value means, parents among them.
 *
 * @param {readonly StateNode[]} nodes parents before children
 * @param {unknown} value
 * @returns {Set<string>}
 */
export function activeIds(nodes, value) {
  /** @type {Set<string>} */
  const active = new Set();
  const [root] = nodes;
  if (root === undefined) return active;
  const children = Map.groupBy(nodes, ({ parent }) => parent);

  /** @param {StateNode} node @param {unknown} inner */
  const walk = (node, inner) => {
    active.add(node.id);
    const names = typeof inner === "string" ? { [inner]: undefined } : inner;
    if (typeof names !== "object" || names === null) return;
    for (const child of children.get(node.id) ?? []) {
      if (Object.hasOwn(names, child.name)) walk(child, /** @type {Record<string, unknown>} */ (names)[child.name]);
    }
  };
  walk(root, value);
  return active;
}

/**
 * The hops of a transition as ids of the leading region's states: `[from, via..., to]` in pairs; none when it stayed.
 *
 * @param {readonly StateNode[]} nodes
 * @param {Pick<JournalEntryView, "from" | "to" | "via">} entry
 * @returns {[from: string, to: string][]}
 */
export function hopsOf(nodes, { from, to, via }) {
  if (from === null || (from === to && via.length === 0)) return [];
  const leading = nodes.find(({ isLeading }) => isLeading);
  const idOf = (/** @type {string} */ name) =>
    nodes.find(({ parent, name: own }) => parent === leading?.id && own === name)?.id;
  const path = [from, ...via, to].map(idOf);
  return path.slice(1).flatMap((id, index) => {
    const before = path[index];
    return id === undefined || before === undefined ? [] : [/** @type {[string, string]} */ ([before, id])];
  });
}

/**
 * Whether a node is the other one or lies within it.
 *
 * @param {readonly StateNode[]} nodes
 * @param {string} id
 * @param {string} ancestor
 */
export function isWithin(nodes, id, ancestor) {
  for (let node = nodes.find((each) => each.id === id); node !== undefined; ) {
    if (node.id === ancestor) return true;
    const { parent } = node;
    node = parent === null ? undefined : nodes.find((each) => each.id === parent);
  }
  return false;
}

/**
 * The states' outermost names, for a title: `EnteringMaintenance, Cordoned`.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function valueText(value) {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => {
      const below =
        typeof inner === "object" && inner !== null && Object.keys(inner).length === 0 ? "" : valueText(inner);
      return below === "" ? name : `${name}: ${below}`;
    })
    .join(", ");
}
