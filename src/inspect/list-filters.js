import { el, fill, said } from "./dom.js";

/** @typedef {import("./api.js").MachineSummary} MachineSummary */

const typingMs = 250;

/**
 * The form that says which instances are wanted. Each change is told at once, what is typed after a rest.
 *
 * @param {{ api: import("./api.js").Api, onFilter: (changed: Record<string, string>) => void }} given
 */
export function createFilters({ api, onFilter }) {
  const machineSelect = el("select", { id: "filter-machine" }, el("option", { value: "" }, "every machine"));
  const stateSelect = el("select", { id: "filter-state" }, el("option", { value: "" }, "every state"));
  const stateField = el(
    "div",
    { class: "field", hidden: true },
    el("label", { for: "filter-state" }, "State"),
    stateSelect,
  );
  const text = el("input", {
    type: "search",
    id: "filter-text",
    placeholder: "a part of the id",
    autocomplete: "off",
    spellcheck: "false",
  });
  const label = el("p", { class: "active-label", hidden: true });
  const element = el(
    "form",
    { class: "filters", role: "search", "aria-label": "Filter the instances" },
    el("div", { class: "field" }, el("label", { for: "filter-machine" }, "Machine"), machineSelect),
    stateField,
    el("div", { class: "field grow" }, el("label", { for: "filter-text" }, "Id contains"), text),
    label,
  );
  /** @type {readonly MachineSummary[]} */
  let machines = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;

  machineSelect.addEventListener("change", () => onFilter({ machine: machineSelect.value, state: "" }));
  stateSelect.addEventListener("change", () => onFilter({ state: stateSelect.value }));
  text.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => onFilter({ text: text.value }), typingMs);
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    onFilter({ text: text.value });
  });

  /** Of the leading region. @param {string} machine */
  async function statesOf(machine) {
    try {
      const { nodes } = await api.machine(machine);
      const leading = nodes.find(({ isLeading }) => isLeading);
      return nodes.filter(({ parent, kind }) => parent === leading?.id && kind !== "history").map(({ name }) => name);
    } catch {
      return [];
    }
  }

  return {
    element,
    focus: () => text.focus(),
    stop: () => clearTimeout(typing),

    /** @param {readonly MachineSummary[]} known */
    know(known) {
      machines = known;
      fill(
        machineSelect,
        el("option", { value: "" }, "every machine"),
        ...machines.map(({ name }) => el("option", { value: name }, name)),
      );
    },

    /** @param {URLSearchParams} filters */
    async show(filters) {
      const machine = filters.get("machine") ?? "";
      if (machine !== "" && !machines.some(({ name }) => name === machine))
        machineSelect.append(el("option", { value: machine }, machine));
      machineSelect.value = machine;
      if (document.activeElement !== text) text.value = filters.get("text") ?? "";
      const state = filters.get("state") ?? "";
      const states = machine === "" ? [] : await statesOf(machine);
      const names = state !== "" && !states.includes(state) ? [...states, state] : states;
      fill(
        stateSelect,
        el("option", { value: "" }, "every state"),
        ...names.map((name) => el("option", { value: name }, name)),
      );
      stateSelect.value = state;
      stateField.hidden = names.length === 0;
      const wanted = filters.get("label");
      label.hidden = wanted === null;
      if (wanted === null) return;
      fill(
        label,
        "with the label ",
        said(wanted, { class: "tag" }),
        el("button", { type: "button", class: "small", onclick: () => onFilter({ label: "" }) }, "Take away"),
      );
    },
  };
}
