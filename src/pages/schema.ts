import { html, markupOf, type Html } from "./html.ts";
import { nameOf, type Schema } from "./openapi.ts";
import { prose } from "./prose.ts";

/** What a value has to be, in a few words; a component is a link to its own part of the page. */
export function typeOf(schema: Schema): Html {
  if (schema.$ref !== undefined) return linkTo(nameOf({ $ref: schema.$ref }));
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined) return joined(schema.enum.map((each) => html`<code>${String(each)}</code>`));
  const branches = branchesOf(schema);
  if (branches.length > 0) return joined(branches.map(typeOf));
  if (schema.allOf?.[0] !== undefined) return typeOf(schema.allOf[0]);
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}`;
  const { properties, additionalProperties } = schema;
  if (schema.type === "object" && properties === undefined && typeof additionalProperties === "object") {
    return html`map of text to ${typeOf(additionalProperties)}`;
  }
  return html`${wordFor(schema)}${limitsOf(schema)}`;
}

/** Which fields are told apart: of a request those that it needs, of an answer those that may be missing. */
export type Direction = "request" | "answer";

/** The fields of an object, those of its own objects under them; nothing for what has none. */
export function fieldsOf(schema: Schema, direction: Direction): Html | undefined {
  if (schema.properties === undefined) {
    const each = branchesOf(schema)
      .map((branch) => fieldsOf(branch, direction))
      .filter((fields) => fields !== undefined);
    return each.length === 0 ? undefined : html`${each.map((fields, index) => html`${index > 0 && orElse}${fields}`)}`;
  }
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties).map(([name, field]) =>
    fieldRow({ name, schema: field, direction, isRequired: required.has(name) }),
  );
  const isOpen = typeof schema.additionalProperties === "object";
  return html`<dl class="fields">${rows}${isOpen && furtherFields}</dl>`;
}

const orElse = html`<p class="or">or</p>`;
const furtherFields = html`<div class="field"><dt><span class="type">further fields</span></dt><dd>Its statechart says which.</dd></div>`;

export interface Field {
  name: string;
  schema: Schema;
  direction: Direction;
  isRequired: boolean;
  /** Of the request, where it stands. */
  place?: string;
  description?: string | undefined;
}

export function fieldRow(field: Field): Html {
  const { name, schema, direction, isRequired, place, description = schema.description } = field;
  const inner = fieldsOf(schema.items ?? schema, direction);
  return html`<div class="field">
    <dt><code class="name">${name}</code> <span class="type">${typeOf(schema)}</span>${
      place !== undefined && html` <span class="place">${place}</span>`
    }${mark(direction, isRequired)}</dt>
    ${description !== undefined && html`<dd>${prose(description)}</dd>`}
    ${inner && html`<dd>${inner}</dd>`}
  </div>`;
}

function mark(direction: Direction, isRequired: boolean): Html | undefined {
  if (direction === "request") return isRequired ? html` <span class="required">required</span>` : undefined;
  return isRequired ? undefined : html` <span class="optional">optional</span>`;
}

function linkTo(name: string): Html {
  return html`<a href="#schema-${name}">${name}</a>`;
}

function branchesOf({ type, anyOf, oneOf }: Schema): readonly Schema[] {
  if (typeof type === "object") return type.map((each) => ({ type: each }));
  return anyOf ?? oneOf ?? [];
}

/** What is said twice is said once. */
function joined(types: readonly Html[]): Html {
  const distinct = [...new Map(types.map((each) => [markupOf(each), each])).values()];
  return html`${distinct.map((each, index) => html`${index > 0 && " or "}${each}`)}`;
}

function wordFor({ type, format }: Schema): string {
  if (format === "date-time") return "time";
  switch (type) {
    case undefined:
      return "anything";
    case "integer":
      return "whole number";
    case "string":
      return "text";
    default:
      return String(type);
  }
}

/** In JSON: a schema says it of every whole number. */
const integerMax = Number.MAX_SAFE_INTEGER;

function limitsOf({ minimum, maximum = integerMax, exclusiveMinimum, minLength = 0, maxLength }: Schema): string {
  const least = exclusiveMinimum === undefined ? (minimum ?? -integerMax) : exclusiveMinimum + 1;
  if (maximum < integerMax) return `, ${least} to ${maximum}`;
  if (least > -integerMax) return `, ${least} or more`;
  return maxLength === undefined ? "" : `, ${minLength} to ${maxLength} characters`;
}
