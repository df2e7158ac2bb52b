import { el, fill, focusFirst } from "./dom.js";
import { hintOf } from "./schema-words.js";

/**
 * @typedef {import("./schema-words.js").Schema} Schema
 * @typedef {import("./leaf-fields.js").Fault} Fault
 * @typedef {import("./leaf-fields.js").Field} Field
 * @typedef {import("./leaf-fields.js").Place} Place
 */

/**
 * @typedef {{ field: Field, element: HTMLElement | Element, name?: HTMLInputElement }} Row
 *
 * @param {Schema} schema
 * @param {Place} place
 * @param {object} kind
 * @param {string} kind.add
 * @param {(index: number) => Row} kind.row
 * @param {(rows: { name: string, value: unknown }[]) => unknown} kind.join
 * @param {(value: unknown) => { name?: string, value: unknown }[] | undefined} kind.part
 * @returns {Field}
 */
export function rowsField(schema, place, kind) {
  /** @type {Row[]} */
  const rows = [];
  const list = el("div", { class: "rows" });
  const fault = el("p", { class: "fault" });
  const add = el("button", { type: "button", class: "small" }, kind.add);

  /** @returns {Row} */
  function append() {
    const row = kind.row(rows.length);
    const remove = el(
      "button",
      { type: "button", class: "small" },
      "Remove",
      el("span", { class: "unseen" }, ` ${place.label}`),
    );
    const holder = el("div", { class: "row" }, row.element, remove);
    remove.addEventListener("click", () => {
      rows.splice(rows.indexOf(row), 1);
      holder.remove();
      add.focus();
    });
    rows.push(row);
    list.append(holder);
    return row;
  }

  add.addEventListener("click", () => {
    focusFirst(append().element);
  });
  const hint = hintOf(schema);
  return {
    element: el(
      "fieldset",
      { class: "group" },
      el("legend", {}, el("bdi", {}, place.label), !place.isRequired && el("span", { class: "optional" }, " optional")),
      hint !== "" && el("p", { class: "hint" }, hint),
      list,
      add,
      fault,
    ),
    pointer: place.pointer,
    fields: [],
    showFault: (detail) => fill(fault, detail),
    read(faults) {
      if (rows.length === 0 && !place.isRequired) return undefined;
      /** @type {Fault[]} */
      const inner = [];
      const read = rows.map(({ field, name }) => ({ name: name?.value ?? "", value: field.read(inner) }));
      const [first] = inner;
      if (first !== undefined) faults.push({ pointer: place.pointer, detail: first.detail });
      return kind.join(read);
    },
    write(value) {
      const parts = value === undefined ? [] : kind.part(value);
      if (parts === undefined) return false;
      rows.length = 0;
      fill(list);
      return parts.every(({ name, value: inner }) => {
        const row = append();
        if (row.name !== undefined) row.name.value = name ?? "";
        return row.field.write(inner);
      });
    },
  };
}
