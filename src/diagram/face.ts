import { isNoOp, triggerName, triggerWords, type ChartArc, type ChartState } from "./graph.ts";
import type { Track } from "./tracks.ts";
import { flow, widthOf, type Span, type TextLine } from "./text.ts";

/** What is written in a state's box, line by line, and the space that it takes. */
export interface Face {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly lines: readonly FaceLine[];
  /** Heights of the hairlines between the title, the description and the rest. */
  readonly rules: readonly number[];
}

/** A line of text at its place in a box; `y` is its baseline. */
export interface FaceLine extends TextLine {
  readonly x: number;
  readonly y: number;
  /** The arc that the line is about, and what else there is to say of it. */
  readonly arc?: ChartArc;
}

export const titleHeight = 32;
const padding = 12;
const leading = 17;
const labelWidth = 46;
const textMax = 268; // a line of some forty characters, read at one glance
const aroundTextMax = 360; // what holds other states is wide in any case, and a line less makes it less high
const lampWidth = 22;

/** What stands beside the title of the region that speaks for its chart. */
export const leadsLabel = "leading region";

/** The box of a state: its title, what it is, and what happens in it without leaving it. */
export function faceOf(state: ChartState, { stays }: { stays: readonly ChartArc[] }): Face {
  if (state.kind === "history") return { width: 30, height: 30, title: "", lines: [], rules: [] };
  const lines: FaceLine[] = [];
  const rules: number[] = [];
  let y = titleHeight;
  const rowMax = state.states.length > 0 ? aroundTextMax : textMax;

  const add = (text: readonly TextLine[], x: number, arc?: ChartArc) => {
    for (const line of text) {
      y += leading;
      lines.push({ ...line, x, y: y - 4, ...(arc && { arc }) });
    }
  };
  const compartment = (fill: () => void) => {
    const [top, before] = [y, lines.length];
    y += 5;
    fill();
    if (lines.length === before) y = top;
    else {
      rules.push(top);
      y += 7;
    }
  };

  compartment(() => {
    if (state.description !== undefined) {
      add(flow([{ text: state.description, tone: "prose" }], { maxWidth: textMax + labelWidth, indent: 0 }), padding);
    }
  });
  compartment(() => {
    for (const { label, spans, arc } of rowsOf(state, stays)) {
      const first = y;
      add(flow(spans, { maxWidth: rowMax, indent: 10 }), padding + labelWidth, arc);
      if (label !== "") {
        const [text] = flow([{ text: label, tone: "label" }], { maxWidth: textMax, indent: 0 });
        lines.push({ ...(text as TextLine), x: padding, y: first + leading - 4 });
      }
    }
  });

  const [title] = flow([{ text: state.key, tone: "title" }], { maxWidth: Number.POSITIVE_INFINITY, indent: 0 });
  const beside = state.leads ? 8 + widthOf(leadsLabel, "label") : lampWidth;
  const right = Math.max((title as TextLine).width + beside, ...lines.map(({ x, width }) => x - padding + width));
  return { width: Math.ceil(Math.max(120, right + 2 * padding)), height: y, title: state.key, lines, rules };
}

interface Row {
  label: string;
  spans: readonly Span[];
  arc?: ChartArc;
}

function rowsOf(state: ChartState, stays: readonly ChartArc[]): Row[] {
  const silent = new Map(stays.filter(isNoOp).map((arc) => [arc.trigger.event, arc]));
  return [
    ...listed("entry", state.entry),
    ...listed(
      "invoke",
      state.invokes.map(({ id, source }) => (id === source || id.includes(state.id) ? source : `${id} (${source})`)),
    ),
    ...stays
      .filter((arc) => !isNoOp(arc))
      .map((arc, index) => ({ label: index === 0 ? "on" : "", spans: [...arcSpans(arc), ...actionSpans(arc)], arc })),
    ...listed("exit", state.exit),
    ...(silent.size === 0
      ? []
      : [
          {
            label: "no-op",
            spans: commaList([...silent.values()].map(({ trigger }) => triggerName(trigger).replaceAll(" ", "\u00a0"))),
          },
        ]),
    ...listed(
      "tags",
      state.tags.filter((tag) => !lampTags.some((known) => known === tag)),
    ),
  ];
}

/** Tags that a state's lamp shows, in the order of the legend; the last one that a state has is the one. */
export const lampTags = ["steady", "busy", "attention"] as const;

export function lampOf({ tags }: ChartState): (typeof lampTags)[number] | undefined {
  return lampTags.findLast((tag) => tags.includes(tag));
}

function listed(label: string, names: readonly string[]): Row[] {
  return names.length === 0 ? [] : [{ label, spans: commaList(names) }];
}

function commaList(names: readonly string[]): Span[] {
  return names.map((name, index) => ({ text: index < names.length - 1 ? `${name},` : name, tone: "action" }));
}

/** An arc as it is written: what makes it be taken, and [the guard]. */
function arcSpans({ trigger, guard }: ChartArc): Span[] {
  const { keyword, name, delay } = triggerWords(trigger);
  const clock = trigger.kind === "timer" || trigger.kind === "after";
  return [
    ...(keyword === "" ? [] : [{ text: keyword, tone: "word", clock } as const]),
    ...(name === "" ? [] : [{ text: name, tone: "event", clock: clock && keyword === "" } as const]),
    ...(delay === "" ? [] : [{ text: `in ${delay}`, tone: "word" } as const]),
    ...(guard === undefined ? [] : [{ text: `[${guard}]`, tone: "guard" } as const]),
  ];
}

function actionSpans({ actions, targets }: ChartArc): Span[] {
  return [
    ...(actions.length === 0 ? [] : [{ text: `/ ${actions.join(", ")}`, tone: "action" } as const]),
    ...(targets.length === 0 ? [] : [{ text: `\u2192 ${targets.map(lastName).join(", ")}`, tone: "word" } as const]),
  ];
}

function lastName(id: string): string {
  return id.split(".").at(-1) ?? id;
}

/** The label of a track: one row for each arc that runs on it. */
export interface Card {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly FaceLine[];
}

const cardTextMax = 244;

/** The card of a track; where the line does not reach the state that an arc is about, the card names it. */
export function cardOf({ arcs, from, to, source, target }: Track): Card | undefined {
  if (arcs.length === 0) return undefined;
  const ends: Span[] = [
    ...(from === source ? [] : [{ text: `from ${lastName(from)}`, tone: "word" } as const]),
    ...(to === target ? [] : [{ text: `\u2192 ${lastName(to)}`, tone: "word" } as const]),
  ];
  const lines: FaceLine[] = [];
  let y = 5;
  for (const arc of arcs) {
    for (const line of flow([...arcSpans(arc), ...ends], { maxWidth: cardTextMax, indent: 12 })) {
      y += leading;
      lines.push({ ...line, x: 10, y: y - 4, arc });
    }
  }
  return { width: Math.ceil(Math.max(...lines.map(({ width }) => width)) + 20), height: y + 6, lines };
}
