import { isCollection, isPair, LineCounter, parseDocument, type Document } from "yaml";
import { messageOf, isSignalboxError } from "../core/errors.ts";
import type { SchemaFault } from "../core/schema-faults.ts";
import type { Fleet } from "./fleet.ts";
import { notWellFormed, parseFleet } from "./parse-fleet.ts";

export interface FleetText {
  readonly fleet: Fleet;
  /** The declaration as plain data: what is sent to a server. */
  readonly document: unknown;
  /** The same fault or warning with the line in which it is. */
  withLine(fault: SchemaFault): SchemaFault;
}

const charactersMax = 8_388_608; // as much as a server takes

/** Reads YAML or JSON. Throws as `parseFleet` does, and says of each fault in which line it is. */
export function parseFleetText(text: string): FleetText {
  if (text.length > charactersMax)
    throw notWellFormed([
      { pointer: "", detail: `it is longer than ${charactersMax} characters: use ranges of hosts` },
    ]);
  const lines = new LineCounter();
  const parsed = documentOf(text, lines);
  const faults = parsed.errors.map(({ code, message, pos: [at] }) => ({
    at,
    detail: code === "MULTIPLE_DOCS" ? "a second document begins here: a declaration is one" : message,
  }));
  faults.push(...doubledKeys(parsed));
  if (faults.length > 0)
    throw notWellFormed(faults.map(({ at, detail }) => ({ pointer: "", detail: `${detail} (${place(lines, at)})` })));
  const document = plainOf(parsed);
  const withLine = (fault: SchemaFault) => placed(fault, parsed, lines);
  try {
    return { fleet: parseFleet(document), document, withLine };
  } catch (error) {
    if (!isSignalboxError(error, "invalid-request")) throw error;
    throw notWellFormed(error.errors.map(withLine));
  }
}

function documentOf(text: string, lineCounter: LineCounter): Document {
  try {
    // Its own check of keys compares each with each, which takes minutes for a hundred thousand hosts.
    return parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
  } catch (error) {
    throw notWellFormed([{ pointer: "", detail: messageOf(error) }]); // nested beyond what it can follow
  }
}

/** Keys that stand twice in one mapping: the second would silently win. */
function doubledKeys(parsed: Document): { at: number; detail: string }[] {
  const faults: { at: number; detail: string }[] = [];
  const left: unknown[] = [parsed.contents];
  while (left.length > 0) {
    const node = left.pop();
    if (!isCollection(node)) continue;
    const keys = new Set<string>();
    for (const item of node.items) {
      left.push(isPair(item) ? item.value : item);
      if (!isPair(item)) continue;
      const key = textOf(item.key);
      if (keys.has(key))
        faults.push({ at: rangeStart(item.key) ?? 0, detail: `"${key}" stands here for the second time` });
      keys.add(key);
    }
  }
  return faults;
}

function plainOf(parsed: Document): unknown {
  try {
    return parsed.toJS() as unknown;
  } catch (error) {
    throw notWellFormed([{ pointer: "", detail: messageOf(error) }]); // aliases that grow beyond all bounds
  }
}

function placed({ pointer, detail }: SchemaFault, parsed: Document, lines: LineCounter): SchemaFault {
  if (pointer === "") return { pointer, detail };
  const at = startOf(parsed, stepsOf(pointer));
  return { pointer, detail: at === undefined ? detail : `${detail} (${place(lines, at)})` };
}

/** Where the innermost thing on the way begins that is there: what is missing is told with what it is missing in. */
function startOf(parsed: Document, steps: readonly string[]): number | undefined {
  let here: unknown = parsed.contents;
  let start: number | undefined;
  for (const step of steps) {
    if (!isCollection(here)) break;
    const key = here.items.map(keyOf).find((each) => textOf(each) === step);
    here = here.get(step, true);
    start = rangeStart(key) ?? rangeStart(here) ?? start;
  }
  return start;
}

function keyOf(item: unknown): unknown {
  return isPair(item) ? item.key : undefined;
}

function textOf(node: unknown): string {
  return typeof node === "object" && node !== null && "value" in node ? String(node.value) : String(node);
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range)) return undefined;
  const [start] = node.range as unknown[];
  return typeof start === "number" ? start : undefined;
}

function stepsOf(pointer: string): string[] {
  return pointer
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function place(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
}
