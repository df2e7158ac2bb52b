import { el, fill, focusFirst, freshId } from "./dom.js";

/**
 * A form made of a JSON Schema: what a machine takes is asked for field by field, and what no field can hold as JSON.
 *
 * @typedef {Record<string, unknown>} Schema
 * @typedef {{ pointer: string, detail: string }} Fault
 *
 * @typedef {object} Field
 * @property {Element} element
 * @property {(faults: Fault[]) => unknown} read undefined: not given; adds what cannot be read
 * @property {(value: unknown) => boolean} write false: it does not fit
 * @property {string} pointer
 * @property {(detail: string | null) => void} showFault
 * @property {readonly Field[]} fields
 */

const depthMax = 6; // a deeper part is asked for as JSON

/**
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
 * @typedef {object} Place
 * @property {string} pointer
 * @property {string} label
 * @property {boolean} isRequired
 * @property {number} depth
 * @property {Schema} root where `$ref` looks
 */

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

/** @param {Schema} schema @param {Schema} root @returns {Schema} */
function resolved(schema, root) {
  const reference = schema["$ref"];
  if (typeof reference !== "string") return schema;
  const name = /^#\/(?:\$defs|definitions)\/(.+)$/.exec(reference)?.[1];
  const defs = /** @type {Record<string, Schema> | undefined} */ (root["$defs"] ?? root["definitions"]);
  return (name === undefined ? undefined : defs?.[name]) ?? {};
}

/** @param {Schema} schema */
function isRecord(schema) {
  return typeof schema["additionalProperties"] === "object" && Object.keys(schema["properties"] ?? {}).length === 0;
}

/** What may be said about a value in a few words. @param {Schema} schema */
function hintOf(schema) {
  const parts = [];
  if (typeof schema["description"] === "string") parts.push(schema["description"]);
  const { minLength, maxLength, pattern, format } = schema;
  const [least, above, most] = [schema["minimum"], schema["exclusiveMinimum"], schema["maximum"]].map(boundOf);
  if (least !== undefined && most !== undefined) parts.push(`${least} to ${most}`);
  else if (least !== undefined) parts.push(`at least ${least}`);
  if (above !== undefined) parts.push(`more than ${above}`);
  if (least === undefined && most !== undefined) parts.push(`at most ${most}`);
  if (typeof minLength === "number" && minLength > 1) parts.push(`at least ${minLength} characters`);
  if (typeof maxLength === "number" && maxLength < 100) parts.push(`at most ${maxLength} characters`);
  if (typeof format === "string") parts.push(format);
  else if (typeof pattern === "string" && pattern.length < 60) parts.push(`like ${pattern}`);
  if (schema["type"] === "integer") parts.push("a whole number");
  return parts.join(", ");
}

/** A bound that says something: the widest that a number can have does not. @param {unknown} bound */
function boundOf(bound) {
  return typeof bound === "number" && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
}

/**
 * A labelled control with its hint and its fault.
 *
 * @param {Schema} schema
 * @param {Place} place
 * @param {HTMLElement} control
 */
function labelled(schema, { label, isRequired }, control) {
  const id = freshId();
  const hint = hintOf(schema);
  const hintId = `${id}-hint`;
  const faultId = `${id}-fault`;
  control.id = id;
  control.setAttribute("aria-describedby", [hint && hintId, faultId].filter(Boolean).join(" "));
  if (isRequired) control.setAttribute("aria-required", "true");
  const fault = el("p", { class: "fault", id: faultId });
  const element = el(
    "div",
    { class: "field" },
    el("label", { for: id }, el("bdi", {}, label), !isRequired && el("span", { class: "optional" }, " optional")),
    control,
    hint !== "" && el("p", { class: "hint", id: hintId }, hint),
    fault,
  );
  return {
    element,
    /** @param {string | null} detail */
    showFault(detail) {
      fill(fault, detail);
      control.toggleAttribute("aria-invalid", detail !== null);
      if (detail !== null) control.setAttribute("aria-invalid", "true");
    },
  };
}

/** @param {Place} place @param {Fault[]} faults @returns {undefined} */
function missing({ isRequired, pointer }, faults) {
  if (isRequired) faults.push({ pointer, detail: "This is needed." });
  return undefined;
}

/** @param {Schema} schema @param {Place} place @returns {Field} */
function textField(schema, place) {
  const isLong = Number(schema["maxLength"] ?? 0) >= 500;
  const control = isLong
    ? el("textarea", { rows: 2 })
    : el("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  return {
    ...labelled(schema, place, control),
    pointer: place.pointer,
    fields: [],
    read: (faults) =>
      control.value !== "" || (place.isRequired && schema["minLength"] === undefined)
        ? control.value
        : missing(place, faults),
    write(value) {
      if (value !== undefined && typeof value !== "string") return false;
      control.value = value ?? "";
      return true;
    },
  };
}

/** @param {Schema} schema @param {Place} place @returns {Field} */
function numberField(schema, place) {
  const control = el("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
  return {
    ...labelled(schema, place, control),
    pointer: place.pointer,
    fields: [],
    read(faults) {
      const text = control.value.trim().replaceAll("_", "");
      if (text === "") return missing(place, faults);
      const value = Number(text);
      if (Number.isFinite(value) && (schema["type"] !== "integer" || Number.isInteger(value))) return value;
      faults.push({
        pointer: place.pointer,
        detail: schema["type"] === "integer" ? "This is no whole number." : "This is no number.",
      });
      return undefined;
    },
    write(value) {
      if (value !== undefined && typeof value !== "number") return false;
      control.value = value === undefined ? "" : String(value);
      return true;
    },
  };
}

/**
 * One of a few values; with nothing chosen it is not given.
 *
 * @param {Schema} schema
 * @param {Place} place
 * @param {readonly unknown[]} values
 * @returns {Field}
 */
function choiceField(schema, place, values) {
  const options = values.map((value, index) => el("option", { value: index }, textOf(value)));
  const nothing = el("option", { value: "" }, place.isRequired ? "choose" : "not given");
  const control = el("select", {}, nothing, ...options);
  if (place.isRequired && values.length === 1) control.value = "0";
  return {
    ...labelled(schema, place, control),
    pointer: place.pointer,
    fields: [],
    read: (faults) => (control.value === "" ? missing(place, faults) : values[Number(control.value)]),
    write(value) {
      const index = values.findIndex((each) => JSON.stringify(each) === JSON.stringify(value));
      if (index < 0 && value !== undefined) return false;
      control.value = index < 0 ? "" : String(index);
      return true;
    },
  };
}

/** @param {unknown} value */
function textOf(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  return typeof value === "string" ? value : JSON.stringify(value);
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
function rowsField(schema, place, kind) {
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

/** @param {Schema} schema */
function nameOf(schema) {
  const { title, type, properties } = schema;
  if (typeof title === "string") return title;
  const fixed = Object.values(/** @type {Record<string, Schema>} */ (properties ?? {})).find((each) => "const" in each);
  if (fixed !== undefined) return String(fixed["const"]);
  if (type === "null") return "nothing (null)";
  if (type === "object") return Object.keys(properties ?? {}).join(", ") || "an object";
  const names = /** @type {Record<string, string>} */ ({
    string: "text",
    integer: "a whole number",
    number: "a number",
    boolean: "yes or no",
    array: "a list",
  });
  return names[String(type)] ?? "JSON";
}

/** @param {Schema} schema @param {Place} place @returns {Field} */
function jsonField(schema, place) {
  if (schema["type"] === "null") {
    return {
      element: el("p", { class: "quiet" }, "null"),
      pointer: place.pointer,
      fields: [],
      showFault: () => undefined,
      read: () => null,
      write: (value) => value === null,
    };
  }
  const control = el("textarea", { rows: 3, class: "code", spellcheck: "false", placeholder: "JSON" });
  return {
    ...labelled(schema, place, control),
    pointer: place.pointer,
    fields: [],
    read(faults) {
      if (control.value.trim() === "") return missing(place, faults);
      try {
        return JSON.parse(control.value);
      } catch {
        faults.push({ pointer: place.pointer, detail: "This is no JSON." });
        return undefined;
      }
    },
    write(value) {
      control.value = value === undefined ? "" : JSON.stringify(value, undefined, 2);
      return true;
    },
  };
}
