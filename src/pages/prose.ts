import { html, type Html } from "./html.ts";

/** Text with `code` in it. */
export function prose(text: string): Html {
  return html`${text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

export function paragraphs(text: string): Html {
  return html`${text.split(/\n{2,}/).map((each) => html`<p>${prose(each)}</p>`)}`;
}
