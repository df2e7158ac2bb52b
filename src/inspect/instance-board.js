import { el } from "./dom.js";
import { addressOf } from "./places.js";

/**
 * The parts of an instance's page, each in its place.
 *
 * @param {{
 *   head: Element, problem: Element, chart: { element: HTMLElement, tools: HTMLElement }, outline: HTMLElement,
 *   timeline: Element, waits: Element, events: readonly Element[], pending: Element, journal: Element, context: Element,
 * }} parts
 */
export function instanceBoard({ head, problem, chart, outline, timeline, waits, events, pending, journal, context }) {
  const asChart = el("button", { type: "button", class: "tab", "aria-pressed": "true" }, "Chart");
  const asOutline = el("button", { type: "button", class: "tab", "aria-pressed": "false" }, "Outline");
  const pick = (/** @type {boolean} */ isOutline) => {
    chart.element.hidden = isOutline;
    chart.tools.hidden = isOutline;
    outline.hidden = !isOutline;
    asChart.setAttribute("aria-pressed", String(!isOutline));
    asOutline.setAttribute("aria-pressed", String(isOutline));
  };
  asChart.addEventListener("click", () => pick(false));
  asOutline.addEventListener("click", () => pick(true));
  return [
    el(
      "nav",
      { class: "crumbs", "aria-label": "Where this is" },
      el("a", { href: addressOf({ view: "list", filters: new URLSearchParams() }) }, "All instances"),
    ),
    head,
    problem,
    el(
      "div",
      { class: "board" },
      panel(
        "chart-panel",
        "Statechart",
        el("div", { class: "tools" }, chart.tools, el("div", { class: "tabs" }, asChart, asOutline)),
        chart.element,
        outline,
        timeline,
      ),
      el(
        "div",
        { class: "side" },
        panel("waits-panel", "Waits for", null, waits),
        panel("events-panel", "Hears", null, ...events),
        panel("pending-panel", "Is to happen", null, pending),
      ),
      el(
        "div",
        { class: "lower" },
        panel("journal-panel", "Journal", null, journal),
        panel("context-panel", "Context", null, context),
      ),
    ),
  ];
}

/** @param {string} id @param {string} title @param {Element | null} tools @param {...Element} content */
function panel(id, title, tools, ...content) {
  const heading = el("h2", { id: `${id}-title` }, title);
  return el(
    "section",
    { class: `panel ${id}`, "aria-labelledby": heading.id },
    el("div", { class: "panel-head" }, heading, tools),
    ...content,
  );
}
