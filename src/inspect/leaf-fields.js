import { el, fill, freshId } from "./dom.js";
import { hintOf, unitOf } from "./schema-words.js";
import { clockText, durationIn, durationText, timeIn } from "./times.js";

/**
 * @typedef {import("./schema-words.js").Schema} Schema
 * @typedef {{ pointer: string, detail: string }} Fault
 *
 * @typedef {object} Field
 * @property {Element} element
 * @property {(faults: Fault[]) => unknown} read undefined: not given; adds what cannot be read
 * @property {(value: unknown) => boolean} write false: it does not fit
 * @property {string} pointer
 * @property {(detail: string | null) => void} showFault
 * @property {readonly Field[]} fields
 *
 * @typedef {object} Place
 * @property {string} pointer
 * @property {string} label
 * @property {boolean} isRequired
 * @property {number} depth
 * @property {Schema} root where `$ref` looks
 */

/**
 * A labelled control with its hint and its fault.
 *
 * @param {Schema} schema
 * @param {Place} place
 * @param {HTMLElement} control
 * @param {{ hint?: string, reading?: Element }} [options] `reading`: how what is typed is understood
 */
export function labelled(schema, { label, isRequired }, control, { hint = hintOf(schema), reading } = {}) {
  const id = freshId();
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
    reading,
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
export function missing({ isRequired, pointer }, faults) {
  if (isRequired) faults.push({ pointer, detail: "This is needed." });
  return undefined;
}

/** @param {Schema} schema @param {Place} place @returns {Field} */
export function textField(schema, place) {
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
export function numberField(schema, place) {
  const unit = unitOf(place.label);
  const control = el("input", { type: "text", inputmode: unit ? "text" : "decimal", autocomplete: "off" });
  const reading = el("output", { class: "hint" });
  const showReading = () => fill(reading, readingOf(numberIn(control.value), unit));
  control.addEventListener("input", showReading);

  /** @param {string} given */
  function numberIn(given) {
    const text = given.trim().replaceAll("_", "");
    if (unit === "duration") return durationIn(text);
    if (unit === "time") return timeIn(text);
    return text === "" ? undefined : Number(text);
  }

  return {
    ...labelled(schema, place, control, { hint: hintOf(schema, unit), reading }),
    pointer: place.pointer,
    fields: [],
    read(faults) {
      if (control.value.trim() === "") return missing(place, faults);
      const value = numberIn(control.value);
      const isWhole = schema["type"] === "integer";
      if (value !== undefined && Number.isFinite(value) && (!isWhole || Number.isInteger(value))) return value;
      const wanted = unit === undefined ? (isWhole ? "whole number" : "number") : unit;
      faults.push({ pointer: place.pointer, detail: `This is no ${wanted}.` });
      return undefined;
    },
    write(value) {
      if (value !== undefined && typeof value !== "number") return false;
      control.value = value === undefined ? "" : String(value);
      showReading();
      return true;
    },
  };
}

/** @param {number | undefined} value @param {"duration" | "time" | undefined} unit */
function readingOf(value, unit) {
  if (value === undefined || unit === undefined) return null;
  if (unit === "time") return `= ${clockText(value, { withDate: true })}, ${value}`;
  return value < 1_000 ? `= ${value} ms` : `= ${durationText(value)}, ${value} ms`;
}

/**
 * One of a few values; with nothing chosen it is not given.
 *
 * @param {Schema} schema
 * @param {Place} place
 * @param {readonly unknown[]} values
 * @returns {Field}
 */
export function choiceField(schema, place, values) {
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
export function jsonField(schema, place) {
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
