import { jsonText } from "./json-text.ts";
import { resolved, type ApiDocument, type ApiOperation } from "./openapi.ts";

/**
 * A request as a command that can be pasted into a shell, which knows `SIGNALBOX_URL`, and `SIGNALBOX_TOKEN` where the
 * server asks for one. It is made of the document's examples.
 */
export function curlOf(
  { components }: ApiDocument,
  { method, path, operation, hasTokens }: { method: string; path: string; operation: ApiOperation; hasTokens: boolean },
): string {
  const parameters = (operation.parameters ?? []).map((each) => resolved(each, components?.parameters));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(exampleOf(name)));
  const query = parameters
    .filter((each) => each.in === "query" && each.example !== undefined)
    .map(({ name, example }) => `${encodeURIComponent(name)}=${encodeURIComponent(textOf(example))}`)
    .join("&");
  const body = operation.requestBody?.content["application/json"]?.example;
  const flags = [
    ...(isStream(operation) ? ["--no-buffer"] : []),
    ...(method === "GET" || body !== undefined ? [] : [`-X ${method}`]),
    ...(hasTokens && operation.security !== undefined ? ['-H "Authorization: Bearer $SIGNALBOX_TOKEN"'] : []),
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quoted(jsonText(body, lineMax))}`]),
  ];
  const address = `curl "$SIGNALBOX_URL${filled}${query === "" ? "" : `?${query}`}"`;
  return [address, ...flags].join(" \\\n  ");

  function exampleOf(name: string): string {
    const parameter = parameters.find((each) => each.in === "path" && each.name === name);
    return textOf(parameter?.example ?? name);
  }
}

function isStream({ responses }: ApiOperation): boolean {
  return Object.values(responses).some((each) => "content" in each && "text/event-stream" in (each.content ?? {}));
}

const lineMax = 48; // characters that stand in one line of the column

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** One word for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
