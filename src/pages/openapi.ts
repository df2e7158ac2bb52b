/** As much of an OpenAPI document as the page shows. A type, not an interface: it is a JSON object too. */
export type ApiDocument = {
  openapi: string;
  info: { title: string; version: string; summary?: string; description?: string };
  tags?: readonly { name: string; description?: string }[];
  paths?: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  components?: {
    schemas?: Readonly<Record<string, Schema>>;
    parameters?: Readonly<Record<string, Parameter>>;
    responses?: Readonly<Record<string, Response>>;
    examples?: Readonly<Record<string, Example>>;
  };
};

export interface ApiOperation {
  operationId: string;
  summary: string;
  tags: readonly string[];
  security?: readonly unknown[];
  "x-permission"?: string;
  parameters?: readonly (Parameter | Reference)[];
  requestBody?: { required?: boolean; content: Readonly<Record<string, Content>> };
  responses: Readonly<Record<string, Response | Reference>>;
}

export interface Reference {
  $ref: string;
}

export interface Parameter {
  in: "path" | "query" | "header";
  name: string;
  description?: string;
  required?: boolean;
  schema: Schema;
  example?: unknown;
}

export interface Response {
  description: string;
  content?: Readonly<Record<string, Content>>;
}

export interface Content {
  schema?: Schema;
  /** Of a request. */
  example?: unknown;
  /** Of an answer, by name. */
  examples?: Readonly<Record<string, Example | Reference>>;
}

export interface Example {
  value: unknown;
}

export interface Schema {
  $ref?: string;
  type?: string | readonly string[];
  format?: string;
  description?: string;
  const?: unknown;
  enum?: readonly unknown[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

/** The last part of a reference: the name of a component. */
export function nameOf({ $ref }: Reference): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

/** A component in the place of a reference to it. */
export function resolved<Component extends object>(
  given: Component | Reference,
  components: Readonly<Record<string, Component>> = {},
): Component {
  if (!("$ref" in given) || typeof given.$ref !== "string") return given as Component;
  const found = components[nameOf(given)];
  if (found === undefined) throw new Error(`The document has no ${given.$ref}`);
  return found;
}
