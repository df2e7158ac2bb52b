const farTitleFactor = 1.7; // what the title bar has room for
const titlePx = 15;

/**
 * The names of the states, larger when they are seen from far, as far as their bars have room.
 *
 * @param {Element} drawn
 * @param {boolean} isFar
 */
export function writeTitles(drawn, isFar) {
  for (const state of drawn.querySelectorAll("[data-state]")) {
    const box = state.querySelector(":scope > rect.box");
    const title = /** @type {SVGTextElement | null} */ (state.querySelector(":scope > text.title"));
    if (box === null || title === null) continue;
    const own = Number(title.dataset["length"] ?? title.getAttribute("textLength"));
    title.dataset["length"] = String(own);
    const room = Number(box.getAttribute("width")) - 44;
    const factor = isFar ? Math.min(farTitleFactor, Math.max(1, room / own)) : 1;
    title.setAttribute("textLength", String(own * factor));
    title.style.fontSize = factor === 1 ? "" : `${titlePx * factor}px`;
    title.style.transform = factor === 1 ? "" : `translateY(${(factor - 1) * 5}px)`; // it stays within its bar
  }
}

/** @type {CSSStyleSheet | undefined} */
let adopted;

/**
 * A picture and its rules apart: a strict policy blocks a style within the page, and a parser counts as one. The text of a
 * picture is escaped, so that the first of these marks is the style's own.
 *
 * @param {string} text
 */
export function withoutStyle(text) {
  const [begin, end] = ["<style>", "</style>"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) return { picture: text, rules: "" };
  return { picture: text.slice(0, from) + text.slice(to + end.length), rules: text.slice(from + begin.length, to) };
}

/**
 * Takes a picture's rules as a sheet of the page, with the page's colours in the place of its own.
 *
 * @param {string} rules
 */
export function adopt(rules) {
  if (adopted === undefined) {
    adopted = new CSSStyleSheet();
    document.adoptedStyleSheets = [adopted, ...document.adoptedStyleSheets];
  }
  adopted.replaceSync(rules);
  for (let index = adopted.cssRules.length - 1; index >= 0; index -= 1) {
    const rule = adopted.cssRules[index];
    if (rule instanceof CSSMediaRule) adopted.deleteRule(index);
    else if (rule instanceof CSSStyleRule)
      for (const name of Array.from(rule.style)) if (name.startsWith("--")) rule.style.removeProperty(name);
  }
}
