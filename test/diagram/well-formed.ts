export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The elements of an XML document in the order of their start tags; throws where the document is not well formed. */
export function elementsOf(xml: string): XmlElement[] {
  const open: string[] = [];
  const elements: XmlElement[] = [];
  let at = 0;
  for (const tag of xml.matchAll(
    /<(?:\/(?<end>[\w:-]+)\s*|(?<start>[\w:-]+)(?<attributes>(?:\s+[\w:-]+="[^"<]*")*)\s*(?<empty>\/?))>/g,
  )) {
    checkText(xml.slice(at, tag.index), open);
    at = tag.index + tag[0].length;
    const { start, end, attributes = "", empty } = tag.groups ?? {};
    if (end !== undefined && open.pop() !== end) throw new Error(`</${end}> closes nothing`);
    if (start === undefined) continue;
    elements.push({ name: start, attributes: attributesOf(attributes) });
    if (empty === "") open.push(start);
  }
  checkText(xml.slice(at), open);
  if (open.length > 0) throw new Error(`<${open.join("><")}> is not closed`);
  return elements;
}

function attributesOf(written: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = "", value = ""] of written.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    if (name in attributes) throw new Error(`${name} is given twice`);
    checkText(value, ["attribute"]);
    attributes[name] = unescaped(value);
  }
  return attributes;
}

function checkText(text: string, open: readonly string[]): void {
  if (open.length === 0 && text.trim() !== "") throw new Error(`text outside the root: ${text}`);
  if (/<|&(?!(?:amp|lt|gt|quot|#\d+);)|\]\]>|[^\P{Cc}\t\n\r]/u.test(text)) throw new Error(`no text: ${text}`);
}

const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
    code === undefined ? (named[name] ?? "") : String.fromCodePoint(Number(code)),
  );
}
