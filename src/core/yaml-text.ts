import { isCollection, isPair, LineCounter, parseDocument, type Document } from "yaml";
import { messageOf } from "./errors.ts";
import type { SchemaFault } from "./schema-faults.ts";

/** What a person wrote in YAML or JSON. */
export interface YamlText {
  /** As plain data; undefined where there are faults. */
  readonly document: unknown;
  /** Why it is no YAML, or not one document, each with its line. */
  readonly faults: readonly SchemaFault[];
  /** The same fault or warning with the line in which it is. */
  withLine(fault: SchemaFault): SchemaFault;
}

/** Reads all of it, and says of each fault in which line it is. */
export function readYamlText(text: string): YamlText {
  const lines = new LineCounter();
  const read = documentOf(text, lines);
  if (typeof read === "string") return faulty([{ pointer: "", detail: read }]);
  const faults = read.errors.map(({ code, message, pos: [at] }) => ({ at, detail: wordsFor(code, message) }));
  faults.push(...doubledKeys(read));
  if (faults.length > 0)
    return faulty(faults.map(({ at, detail }) => ({ pointer: "", detail: `${detail} (${place(lines, at)})` })));
  try {
    return { document: read.toJS() as unknown, faults: [], withLine: (fault) => placed(fault, read, lines) };
  } catch (error) {
    return faulty([{ pointer: "", detail: messageOf(error) }]); // aliases that grow beyond all bounds
  }
}

function faulty(faults: readonly SchemaFault[]): YamlText {
  return { document: undefined, faults, withLine: (fault) => fault };
}

/** Or why there is none. */
function documentOf(text: string, lineCounter: LineCounter): Document | string {
  try {
    // Its own check of keys compares each with each, which takes minutes for a hundred thousand of them.
    return parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
  } catch (error) {
    return messageOf(error); // nested beyond what it can follow
  }
}

function wordsFor(code: string, message: string): string {
  return code === "MULTIPLE_DOCS" ? "a second document begins here: there may be one" : message;
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
