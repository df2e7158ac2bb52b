/** What tells HTML from text; no JSON can have it. */
const markup = Symbol("markup");

/** HTML that may stand in a page as it is. */
export interface Html {
  readonly [markup]: string;
}

export type Content = Html | string | number | false | undefined | readonly Content[];

/** HTML of a template: what is put in is text, unless it is HTML itself. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { [markup]: String.raw({ raw: parts }, ...values.map(markupOf)) };
}

export function markupOf(value: Content): string {
  if (typeof value === "object") return markup in value ? value[markup] : value.map(markupOf).join("");
  return value === undefined || value === false ? "" : escaped(String(value));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (each) => entities[each] ?? each);
}
