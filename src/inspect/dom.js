/**
 * Elements are made here and nowhere else. Whatever comes from outside becomes a text node or an attribute's value, never
 * markup.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Readonly<Record<string, string | number | boolean | null | undefined | ((event: never) => void)>>} Properties
 */

const svgNamespace = "http://www.w3.org/2000/svg";

/**
 * An element. `on…` properties are listeners; of the others undefined, null and false leave the attribute out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, properties = {}, ...children) {
  return /** @type {HTMLElementTagNameMap[Tag]} */ (filled(document.createElement(tag), properties, children));
}

/**
 * @param {string} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function svgEl(tag, properties = {}, ...children) {
  return /** @type {SVGElement} */ (filled(document.createElementNS(svgNamespace, tag), properties, children));
}

/**
 * @param {Element} element
 * @param {Properties} properties
 * @param {readonly Child[]} children
 */
function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...kept(children));
  return element;
}

/** @param {readonly Child[]} children */
function kept(children) {
  return children
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "number" ? String(child) : child));
}

/**
 * Puts new children in the place of the old ones.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

const nameMax = 160; // one that is longer tells nothing more by its rest
const sentenceMax = 1_000; // what to do stands at the end of it, behind whatever names it holds

/**
 * A name from outside, or a sentence in a line: its own direction, cut where it is endless.
 *
 * @param {string} text
 * @param {Properties} [properties]
 */
export function said(text, properties = {}) {
  return saidUpTo(nameMax, text, properties);
}

/** A sentence from outside that is there to be read to its end. @param {string} text */
export function told(text) {
  return saidUpTo(sentenceMax, text, {});
}

/** @param {number} shownMax @param {string} text @param {Properties} properties */
function saidUpTo(shownMax, text, properties) {
  const isLong = text.length > shownMax;
  const title = isLong ? text.slice(0, 2_000) : undefined;
  return el("bdi", { title, ...properties }, visible(isLong ? `${text.slice(0, shownMax)}…` : text));
}

/** A name of blanks alone would be a link that nobody finds. @param {string} text */
function visible(text) {
  if (text === "" || /[^\s\p{C}\p{Z}\u2800\u3164]/u.test(text)) return text;
  return `"${text.replace(/[^ ]/gu, (blank) => `\\u{${blank.codePointAt(0)?.toString(16)}}`)}"`;
}

/**
 * For ears only.
 *
 * @param {string} text
 */
export function unseen(text) {
  return el("span", { class: "unseen" }, text);
}

/**
 * Hands the keyboard to the first control of a part.
 *
 * @param {Element} part
 */
export function focusFirst(part) {
  const control = part.querySelector("input, select, textarea, button");
  if (control instanceof HTMLElement) control.focus();
}

/** What is drawn anew keeps the focus where it was. @param {HTMLElement} part @param {() => void} draw */
export function keepingFocus(part, draw) {
  const active = document.activeElement;
  const href = active instanceof HTMLAnchorElement && part.contains(active) ? active.getAttribute("href") : null;
  draw();
  if (href === null) return;
  const again = [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === href);
  again?.focus({ preventScroll: true });
}

let ids = 0;

/** An id that no other element has. */
export function freshId() {
  ids += 1;
  return `i${ids}`;
}
