import { el, fill, freshId } from "./dom.js";
import { choiceField, jsonField, labelled, missing, numberField, textField } from "./leaf-fields.js";
import { rowsField } from "./rows-field.js";
import { isRecord, nameOf, resolved } from "./schema-words.js";

/**
 * @typedef {import("./schema-words.js").Schema} Schema
 * @typedef {import("./leaf-fields.js").Fault} Fault
 * @typedef {import("./leaf-fields.js").Field} Field
 * @typedef {import("./leaf-fields.js").Place} Place
 */

const depthMax = 6; // a deeper part is asked for as JSON

/**
 * A form made of a JSON Schema: what a machine takes is asked for field by field, and what no field can hold as JSON.
 *
 * @param {Schema} schema of an object
 */
export function schemaForm(schema) {
  const root = objectField(schema, { pointer: "", label: "", isRequired: true, depth: 0, root: schema });

  /** @param {Field} field @returns {Field[]} */
  const allOf = (field) => [field, ...field.fields.flatMap(allOf)];

  return {
    element: root.element,
    isEmpty: root.fields.length === 0,
    /** The value, with the faults that can be seen from here. */
    read() {
      /** @type {Fault[]} */
      const faults = [];
      const value = root.read(faults) ?? {};
      return { value, faults };
    },
    write: root.write,
    /**
     * Shows each fault at its field; answers with those that have none.
     *
     * @param {readonly Fault[]} faults
     */
    showFaults(faults) {
      const fields = allOf(root);
      for (const field of fields) field.showFault(null);
      return faults.filter(({ pointer, detail }) => {
        const field = fields
          .filter((each) => each.pointer !== "" && (pointer === each.pointer || pointer.startsWith(`${each.pointer}/`)))
          .toSorted((a, b) => b.pointer.length - a.pointer.length)[0];
        field?.showFault(detail);
        return field === undefined;
      });
    },
  };
}

/**
 * @param {Schema} given
 * @param {Place} place
 * @returns {Field}
 */
function fieldOf(given, place) {
  const schema = resolved(given, place.root);
  if (place.depth >= depthMax) return jsonField(schema, place);
  if ("const" in schema) return choiceField(schema, place, [schema["const"]]);
  if (Array.isArray(schema["enum"])) return choiceField(schema, place, schema["enum"]);
  const variants = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(variants)) return variantField(schema, place, /** @type {Schema[]} */ (variants));
  switch (schema["type"]) {
    case "boolean":
      return choiceField(schema, place, [true, false]);
    case "string":
      return textField(schema, place);
    case "integer":
    case "number":
      return numberField(schema, place);
    case "array":
      return listField(schema, place);
    case "object":
      return isRecord(schema) ? recordField(schema, place) : objectField(schema, place);
    default:
      return jsonField(schema, place);
  }
}

/** @param {Schema} schema @param {Place} place @returns {Field} */
function objectField(schema, place) {
  const properties = /** @type {Record<string, Schema>} */ (schema["properties"] ?? {});
  const required = new Set(/** @type {string[]} */ (schema["required"] ?? []));
  const inner = Object.entries(properties).map(([name, each]) => ({
    name,
    field: fieldOf(each, {
      ...place,
      pointer: `${place.pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
      label: name,
      isRequired: required.has(name),
      depth: place.depth + 1,
    }),
  }));
  const isRoot = place.pointer === "";
  const given = el("input", { type: "checkbox", id: freshId() });
  const isOptional = !isRoot && !place.isRequired;
  const fault = el("p", { class: "fault" });
  const body = el("div", { class: "fields" }, ...inner.map(({ field }) => field.element));
  const show = () => (body.hidden = isOptional && !given.checked);
  given.addEventListener("change", show);
  show();
  const element = isRoot
    ? body
    : el(
        "fieldset",
        { class: "group" },
        el("legend", {}, el("bdi", {}, place.label)),
        isOptional && el("div", { class: "check" }, given, el("label", { for: given.id }, "give it")),
        body,
        fault,
      );
  return {
    element,
    pointer: place.pointer,
    fields: inner.map(({ field }) => field),
    showFault: (detail) => fill(fault, detail),
    read(faults) {
      if (isOptional && !given.checked) return undefined;
      const entries = inner
        .map(({ name, field }) => [name, field.read(faults)])
        .filter(([, value]) => value !== undefined);
      return Object.fromEntries(entries);
    },
    write(value) {
      if (value === undefined) given.checked = false;
      else if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
      else given.checked = true;
      show();
      const values = /** @type {Record<string, unknown>} */ (value ?? {});
      if (Object.keys(values).some((name) => !Object.hasOwn(properties, name))) return false;
      return inner.every(({ name, field }) => field.write(Object.hasOwn(values, name) ? values[name] : undefined));
    },
  };
}

/** @param {Schema} schema @param {Place} place @returns {Field} */
function listField(schema, place) {
  const items = /** @type {Schema} */ (typeof schema["items"] === "object" ? schema["items"] : {});
  return rowsField(schema, place, {
    add: "Add one",
    row(index) {
      const label = `${place.label} ${index + 1}`;
      const field = fieldOf(items, {
        ...place,
        pointer: `${place.pointer}/${index}`,
        label,
        isRequired: true,
        depth: place.depth + 1,
      });
      return { field, element: field.element };
    },
    join: (rows) => rows.map(({ value }) => value),
    part: (value) => (Array.isArray(value) ? value.map((each) => ({ value: each })) : undefined),
  });
}

/** @param {Schema} schema @param {Place} place @returns {Field} */
function recordField(schema, place) {
  const values = /** @type {Schema} */ (schema["additionalProperties"]);
  return rowsField(schema, place, {
    add: "Add an entry",
    row(index) {
      const name = el("input", {
        type: "text",
        "aria-label": `${place.label}: name ${index + 1}`,
        placeholder: "name",
      });
      const label = `${place.label} ${index + 1}`;
      const field = fieldOf(values, {
        ...place,
        pointer: `${place.pointer}/${index}`,
        label,
        isRequired: true,
        depth: place.depth + 1,
      });
      return { field, name, element: el("div", { class: "named" }, name, field.element) };
    },
    join: (rows) => Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    part: (value) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([name, each]) => ({ name, value: each }))
        : undefined,
  });
}

/**
 * One of several forms.
 *
 * @param {Schema} schema
 * @param {Place} place
 * @param {readonly Schema[]} variants
 * @returns {Field}
 */
function variantField(schema, place, variants) {
  const consts = variants
    .map((each) => resolved(each, place.root))
    .map((each) => ("const" in each ? each["const"] : undefined));
  if (consts.every((each) => each !== undefined)) return choiceField(schema, place, consts);
  const names = variants.map((each) => nameOf(resolved(each, place.root)));
  const choice = el(
    "select",
    {},
    el("option", { value: "" }, place.isRequired ? "choose" : "not given"),
    ...names.map((name, index) => el("option", { value: index }, name)),
  );
  const fields = variants.map((each) => fieldOf(each, { ...place, isRequired: true, depth: place.depth + 1 }));
  const body = el("div", { class: "variant" });
  const show = () => fill(body, choice.value === "" ? null : fields[Number(choice.value)]?.element);
  choice.addEventListener("change", show);
  const shown = labelled(schema, place, choice);
  return {
    element: el("div", { class: "variants" }, shown.element, body),
    pointer: place.pointer,
    fields: [],
    showFault: shown.showFault,
    read(faults) {
      return choice.value === "" ? missing(place, faults) : fields[Number(choice.value)]?.read(faults);
    },
    write(value) {
      const index = value === undefined ? -1 : fields.findIndex((field) => field.write(value));
      choice.value = index < 0 ? "" : String(index);
      show();
      return index >= 0 || value === undefined;
    },
  };
}
