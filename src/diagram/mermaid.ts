import type { Machine } from "../core/machine.ts";
import { describeChart, statesOf, triggerName, type ChartArc, type ChartState } from "./graph.ts";

/**
 * The chart as Mermaid's `stateDiagram-v2`, for pages that render it themselves. What a state does without being left is
 * written in the state; arcs that change nothing are left out.
 */
export function drawMermaid(machine: Pick<Machine, "chart">): string {
  const chart = describeChart(machine.chart);
  const aliases = aliasesOf(chart);
  const lines = [
    "stateDiagram-v2",
    ...statesOf(chart).map((state) => `  state "${escaped(titleOf(state))}" as ${aliases.get(state.id)}`), // first: an id that is met before its alias would stay its own label
    ...drawState(chart, aliases).map((line) => `  ${line}`),
    ...statesOf(chart).flatMap((state) => drawArcs(state, aliases).map((line) => `  ${line}`)),
  ];
  return `${lines.join("\n")}\n`;
}

function titleOf({ key, kind, history }: ChartState): string {
  if (kind !== "history") return key;
  return `${history === "deep" ? "H*" : "H"} ${key}`;
}

/** Names that Mermaid cannot misread: a word of the state's key, and a number where two share it. */
function aliasesOf(chart: ChartState): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  const taken = new Set<string>();
  for (const { id, key } of statesOf(chart)) {
    const word = `s_${key.replaceAll(/\W/g, "_").slice(0, 60)}`;
    const alias = taken.has(word) ? `${word}_${aliases.size}` : word;
    taken.add(alias);
    aliases.set(id, alias);
  }
  return aliases;
}

function drawState(state: ChartState, aliases: ReadonlyMap<string, string>): string[] {
  const alias = aliases.get(state.id);
  if (state.states.length === 0) return [`${alias}`, ...notesOf(state).map((note) => `${alias} : ${escaped(note)}`)];
  const inner = state.states.map((child) => drawState(child, aliases));
  const start = state.initial === undefined ? [] : [`[*] --> ${aliases.get(state.initial)}`];
  const ends = state.states.filter(({ kind }) => kind === "final").map(({ id }) => `${aliases.get(id)} --> [*]`);
  const isParallel = state.kind === "parallel";
  const body = [
    ...start,
    ...inner.flatMap((lines, index) => (isParallel && index > 0 ? ["--", ...lines] : lines)),
    ...ends,
  ];
  const notes = notesOf(state).map((note) => `note right of ${alias} : ${escaped(note)}`);
  return [`state ${alias} {`, ...body.map((line) => `  ${line}`), "}", ...notes];
}

function notesOf({ entry, exit, invokes, arcs }: ChartState): string[] {
  return [
    ...entry.map((action) => `entry / ${action}`),
    ...invokes.map(({ id, source }) => `invoke ${source === id ? id : source}`),
    ...arcs.filter(({ targets, actions }) => targets.length === 0 && actions.length > 0).map(labelOf),
    ...exit.map((action) => `exit / ${action}`),
  ];
}

/** One arrow for all arcs between two states. */
function drawArcs(state: ChartState, aliases: ReadonlyMap<string, string>): string[] {
  const labels = new Map<string, string[]>();
  for (const arc of state.arcs) {
    for (const target of arc.targets) labels.set(target, [...(labels.get(target) ?? []), escaped(labelOf(arc))]);
  }
  if (state.kind === "history" && state.initial !== undefined) labels.set(state.initial, []);
  return [...labels].map(([target, rows]) => {
    const arrow = `${aliases.get(state.id)} --> ${aliases.get(target)}`;
    return rows.length === 0 ? arrow : `${arrow} : ${rows.join("<br/>")}`;
  });
}

function labelOf({ trigger, guard, actions, targets }: ChartArc): string {
  const acting = targets.length === 0 ? ` / ${actions.join(", ")}` : "";
  return `${triggerName(trigger)}${guard === undefined ? "" : ` [${guard}]`}${acting}`;
}

/**
 * A character that Mermaid could read as its own becomes the full-width form of itself: its entity codes are not read
 * back in state diagrams.
 */
function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")
    .replaceAll(/[!-~]/g, (character) => (/[\w.,()[\]/+-]/.test(character) ? character : fullWidth(character)))
    .replaceAll("--", fullWidth("-").repeat(2));
}

const fullWidthOffset = 0xfee0; // Unicode repeats the printable ASCII characters this much further on

function fullWidth(character: string): string {
  return String.fromCodePoint((character.codePointAt(0) as number) + fullWidthOffset);
}
