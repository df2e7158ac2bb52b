import type { Machine } from "../core/machine.ts";
import { lampOf, lampTags, leadsLabel, titleHeight, type FaceLine } from "./face.ts";
import type { Point } from "./geometry.ts";
import { describeChart, statesOf, triggerName, type ChartArc, type ChartState } from "./graph.ts";
import type { PlacedState, PlacedTrack } from "./island.ts";
import { layChartOut, type Layout } from "./layout.ts";
import { at, barOf, boxOf, circleOf, clockOf, headOf, n, pathOf } from "./svg-path.ts";
import { styleSheet } from "./svg-style.ts";
import { clockWidth, widthOf, type PlacedSpan, type Tone } from "./text.ts";

export interface SvgOptions {
  /** Ids of the state nodes that are drawn lit. */
  readonly active?: readonly string[];
  /** What the picture is called; the chart's name when not given. */
  readonly title?: string;
}

/**
 * The picture of a machine's chart: one SVG that needs nothing from outside, for light and dark, the same bytes for the
 * same chart. `[data-state]`, `[data-from]`, `[data-to]` and `[data-event~="..."]` find its parts, the class `lit` lights
 * them. A crowded chart takes half a second, as many layouts are tried: keep what it gives.
 */
export async function drawSvg(machine: Pick<Machine, "chart">, options: SvgOptions = {}): Promise<string> {
  const chart = describeChart(machine.chart);
  return svgOf(chart, await layChartOut(chart), options);
}

/** The picture of a chart that is laid out already. */
export function svgOf(chart: ChartState, layout: Layout, { active = [], title = chart.key }: SvgOptions = {}): string {
  const lit = new Set(active);
  const { width, height } = layout;
  const [root, ...inner] = layout.states as [PlacedState, ...PlacedState[]];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="statechart" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(title)}</title>`,
    `<desc>${escaped(summaryOf(chart))}</desc>`,
    `<style>${styleSheet}</style>`,
    `<rect class="paper" ${boxOf({ x: 0, y: 0, width, height }, 10)}/>`,
    drawState(root, { isLit: lit.has(root.state.id), title: shortened(title, root.width - 40) }),
    drawLegend(root, chart, title),
    ...inner.map((placed) => drawState(placed, { isLit: lit.has(placed.state.id), title: placed.state.key })),
    ...layout.partings.map((line) => {
      const end = { x: line.x + line.width, y: line.y + line.height };
      return `<path class="parting" d="M${at(line)}L${at(end)}"/>`;
    }),
    ...layout.tracks.map(drawTrack),
    "</svg>",
    "",
  ].join("\n");
}

function summaryOf(chart: ChartState): string {
  const leaves = statesOf(chart).filter(({ states, kind }) => states.length === 0 && kind !== "history");
  const states = `States: ${leaves.map(({ key }) => key).join(", ")}.`;
  return chart.description === undefined ? states : `${chart.description} ${states}`;
}

/** As much of a title as there is space for: it is the caller's, so the box was not made for it. */
function shortened(title: string, maxWidth: number): string {
  if (widthOf(title, "title") <= maxWidth) return title;
  const characters = Array.from(title);
  while (characters.length > 0 && widthOf(`${characters.join("")}\u2026`, "title") > maxWidth) characters.pop();
  return `${characters.join("")}\u2026`;
}

function drawState(placed: PlacedState, { isLit, title }: { isLit: boolean; title: string }): string {
  const { state } = placed;
  const classes = [
    "state",
    state.kind,
    ...(state.states.length > 0 ? ["around"] : []),
    ...(placed.isRegion ? ["region"] : []),
    ...lampTags.filter((tag) => tag === lampOf(state)),
    ...(isLit ? ["lit"] : []),
  ];
  const id = escaped(state.id);
  const body = state.kind === "history" ? drawHistory(placed) : drawBox(placed, title);
  return `<g class="${classes.join(" ")}" id="${id}" data-state="${id}">${body}</g>`;
}

function drawBox(placed: PlacedState, title: string): string {
  const { state, face, isRegion, x, y, width } = placed;
  const barHeight = face.lines.length === 0 && state.states.length === 0 ? placed.height : titleHeight;
  const surface = `<rect class="box" ${boxOf(placed)}/><path class="bar" d="${barOf(placed, barHeight)}"/>`;
  const lamp = { x: x + width - 17, y: y + titleHeight / 2 };
  const titleEnd = { x: x + 12 + widthOf(title, "title") + 8, y: y + 21.5 };
  return [
    isRegion ? "" : surface,
    ...face.rules
      .slice(isRegion ? 1 : 0)
      .map((rule) => `<path class="rule" d="M${at({ x, y: y + rule })}h${n(width)}"/>`),
    isRegion ? "" : `<rect class="frame" ${boxOf(placed)}/>`,
    drawWords(title, "title", { x: x + 12, y: y + 21.5 }),
    state.leads ? drawWords(leadsLabel, "label", titleEnd) : "",
    ...face.lines.map((line) => drawLine(line, placed)),
    state.kind === "final"
      ? `<circle class="lamp" ${circleOf(lamp, 7)}/><circle class="core" ${circleOf(lamp, 3.5)}/>`
      : "",
    state.kind !== "final" && lampOf(state) !== undefined ? `<circle class="lamp" ${circleOf(lamp, 4.5)}/>` : "",
  ].join("");
}

function drawHistory({ state, x, y, width, height }: PlacedState): string {
  const middle = { x: x + width / 2, y: y + height / 2 };
  const letter = state.history === "deep" ? "H*" : "H";
  const start = { x: middle.x - widthOf(letter, "event") / 2, y: middle.y + 4.5 };
  const name = `<title>${escaped(`${state.key}: ${state.history} history`)}</title>`;
  return `${name}<circle class="box" ${circleOf(middle, width / 2)}/><circle class="frame" ${circleOf(middle, width / 2)}/>${drawWords(letter, "event", start)}`;
}

/** What lamps and the clock mean, in the title bar of the whole, where it has the space. */
function drawLegend({ state, face, x, y, width }: PlacedState, chart: ChartState, title: string): string {
  const states = statesOf(chart);
  const hasTimer = states.some(({ arcs }) =>
    arcs.some(({ trigger }) => trigger.kind === "timer" || trigger.kind === "after"),
  );
  const lamps = lampTags.filter((tag) => states.some((each) => lampOf(each) === tag));
  const entries = [...lamps, ...(hasTimer ? (["timer"] as const) : [])];
  const widths = entries.map((entry) => 16 + widthOf(entry, "label") + 16);
  let left = x + width - widths.reduce((sum, each) => sum + each, 0);
  const isCrowded = face.title === "" || left < x + 12 + widthOf(title, "title") + 40 || lampOf(state) !== undefined;
  if (isCrowded) return "";
  const drawn = entries.map((entry, index) => {
    const middle = { x: left + 5, y: y + titleHeight / 2 };
    const word = drawWords(entry, "label", { x: left + 16, y: y + 20 });
    left += widths[index] as number;
    if (entry === "timer") return `<path class="clock" d="${clockOf(middle)}"/>${word}`;
    return `<g class="${entry}"><circle class="lamp" ${circleOf(middle, 4)}/></g>${word}`;
  });
  return `<g class="legend">${drawn.join("")}</g>`;
}

function drawTrack({ from, to, arcs, card, pieces, dot }: PlacedTrack): string {
  const events = new Set(arcs.map(({ trigger }) => eventOf(trigger)));
  const data = `data-from="${escaped(from)}" data-to="${escaped(to)}" data-event="${escaped([...events].join(" "))}"`;
  const last = pieces.at(-1) as readonly Point[];
  const parts = [
    ...pieces.map((piece) => `<path class="line" d="${pathOf(piece, { hasHead: piece === last })}"/>`),
    `<path class="head" d="${headOf(last)}"/>`,
    dot === undefined ? "" : `<circle class="dot" ${circleOf(dot, 6)}/>`,
    ...(card === undefined
      ? []
      : [`<rect class="card" ${boxOf(card, 5)}/>`, ...card.lines.map((line) => drawLine(line, card))]),
  ];
  return `<g class="track" ${data}>${parts.join("")}</g>`;
}

/** An event's type; `always` where the chart waits for none. */
function eventOf({ event }: ChartArc["trigger"]): string {
  return event === "" ? "always" : event;
}

function drawLine({ spans, x, y, arc }: FaceLine, origin: Point): string {
  const start = { x: origin.x + x, y: origin.y + y };
  const written = spans.map((span) => drawSpan(span, start)).join("");
  if (arc === undefined) return written;
  return `<g data-event="${escaped(eventOf(arc.trigger))}"><title>${escaped(sentenceOf(arc))}</title>${written}</g>`;
}

/** The whole of an arc, for who points at it. */
function sentenceOf({ trigger, guard, actions, description }: ChartArc): string {
  const guarded = guard === undefined ? "" : ` [${guard}]`;
  const acting = actions.length === 0 ? "" : ` / ${actions.join(", ")}`;
  return `${triggerName(trigger)}${guarded}${acting}${description === undefined ? "" : `\n${description}`}`;
}

function drawSpan({ text, tone, x, clock }: PlacedSpan, start: Point): string {
  const left = start.x + x;
  if (clock !== true) return drawWords(text, tone, { x: left, y: start.y });
  const glyph = `<path class="clock" d="${clockOf({ x: left + 6, y: start.y - 4.5 })}"/>`;
  return `${glyph}${drawWords(text, tone, { x: left + clockWidth, y: start.y })}`;
}

/** With the length that was measured: in another font than the measured one they still end where they should. */
function drawWords(words: string, tone: Tone, { x, y }: Point): string {
  const length = `textLength="${n(widthOf(words, tone))}" lengthAdjust="spacingAndGlyphs"`;
  return `<text class="${tone}" x="${n(x)}" y="${n(y)}" ${length}>${escaped(words)}</text>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\t": "&#9;", // these three would become spaces in an attribute
  "\n": "&#10;",
  "\r": "&#13;",
};

/** As text in XML; what XML cannot hold at all becomes the replacement character. */
function escaped(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll(/[&<>"'\t\n\r]/g, (character) => entities[character] as string);
}
