import type { AnyStateMachine, AnyStateNode } from "xstate";
import { leadingRegion } from "../core/machine.ts";
import { actionName, delayName, guardName } from "./names.ts";
import { timersOf } from "./timers.ts";

/** What is drawn of a state node; `states` in the order of the chart, the leading region first. */
export interface ChartState {
  readonly id: string;
  readonly key: string;
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly description: string | undefined;
  readonly tags: readonly string[];
  /** Whether it is the region that speaks for a parallel chart. */
  readonly leads: boolean;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly ChartInvoke[];
  /** Id of the state that it starts in; of a history state, the one that stands in when there is no history. */
  readonly initial: string | undefined;
  readonly history: "shallow" | "deep" | undefined;
  readonly arcs: readonly ChartArc[];
  readonly states: readonly ChartState[];
}

export interface ChartInvoke {
  readonly id: string;
  readonly source: string;
}

export interface ChartArc {
  readonly source: string;
  /** Ids of states; empty for an arc that stays. */
  readonly targets: readonly string[];
  readonly trigger: Trigger;
  readonly guard: string | undefined;
  readonly actions: readonly string[];
  /** Whether the source is left and entered again although the target lies in it. */
  readonly reenters: boolean;
  readonly description: string | undefined;
}

/** What makes an arc be taken. `event` is the event's type as XState knows it, empty for `always`. */
export type Trigger =
  | { readonly kind: "event"; readonly event: string }
  | { readonly kind: "timer"; readonly event: string; readonly delay: string | undefined }
  | { readonly kind: "after"; readonly event: string; readonly delay: string }
  | { readonly kind: "done" | "error" | "snapshot"; readonly event: string; readonly invoke: string }
  | { readonly kind: "ended"; readonly event: string }
  | { readonly kind: "always"; readonly event: "" };

/** One description of a chart for every picture of it. */
export function describeChart(chart: AnyStateMachine): ChartState {
  const leading = leadingRegion(chart);
  const timers = timersOf(chart);

  const describe = (node: AnyStateNode): ChartState => ({
    id: node.id,
    key: node.key,
    kind: node.type,
    description: node.description,
    tags: node.tags,
    leads: node === leading && node !== chart.root,
    entry: namesOf(node.entry),
    exit: namesOf(node.exit),
    invokes: node.invoke.map(({ id, src }) => ({ id, source: typeof src === "string" ? src : "inline logic" })),
    initial: initialOf(node),
    history: node.type !== "history" ? undefined : node.history === "deep" ? "deep" : "shallow",
    arcs: node.type === "history" ? [] : arcsOf(node, timers),
    states: Object.values(node.states)
      .toSorted((one, other) => Number(other === leading) - Number(one === leading))
      .map(describe),
  });
  return describe(chart.root);
}

/** `after` is written by XState into entry and exit, too; there it would be said twice. */
function namesOf(actions: readonly unknown[]): string[] {
  return actions.filter((action) => !isOfAfter(action)).map(actionName);
}

function isOfAfter(action: unknown): boolean {
  const { id, sendId } = action as { id?: unknown; sendId?: unknown };
  return [id, sendId].some((name) => typeof name === "string" && name.startsWith("xstate.after."));
}

function initialOf(node: AnyStateNode): string | undefined {
  if (node.type === "compound") return node.initial.target?.[0]?.id;
  const target: unknown = node.type === "history" ? (node.config as { target?: unknown }).target : undefined;
  if (typeof target !== "string") return undefined;
  return target.startsWith("#") ? target.slice(1) : node.parent?.states[target.replace(/^\./, "")]?.id;
}

function arcsOf(node: AnyStateNode, timers: ReadonlyMap<string, unknown>): ChartArc[] {
  const always = (node.always ?? []).map((arc) => ({ arc, trigger: { kind: "always", event: "" } as const }));
  const onEvent = [...node.transitions].flatMap(([event, arcs]) =>
    arcs.map((arc) => ({ arc, trigger: triggerOf(node, event, timers) })),
  );
  return [...onEvent, ...always].map(({ arc, trigger }) => ({
    source: node.id,
    targets: (arc.target ?? []).map(({ id }) => id),
    trigger,
    guard: arc.guard === undefined ? undefined : guardName(arc.guard),
    actions: arc.actions.map(actionName),
    reenters: arc.reenter,
    description: arc.description,
  }));
}

function triggerOf(node: AnyStateNode, event: string, timers: ReadonlyMap<string, unknown>): Trigger {
  const after = node.after.find((each) => each.eventType === event);
  if (after !== undefined) return { kind: "after", event, delay: delayName(after.delay) };
  const [, kind, id] =
    /^xstate\.(done|error)\.actor\.(.*)$/s.exec(event) ?? /^xstate\.(snapshot)\.(.*)$/s.exec(event) ?? [];
  if (kind !== undefined && id !== undefined) {
    return { kind: kind as "done" | "error" | "snapshot", event, invoke: invokeName(node, id) };
  }
  if (event.startsWith("xstate.done.state.")) return { kind: "ended", event };
  if (!timers.has(event)) return { kind: "event", event };
  const delay = timers.get(event);
  return { kind: "timer", event, delay: delay === undefined ? undefined : delayName(delay) };
}

/** An id that nobody chose (`0.chart.State`) says less than the name of what is invoked. */
function invokeName(node: AnyStateNode, id: string): string {
  const invoke = node.invoke.find((each) => each.id === id);
  const isChosen = invoke === undefined || !id.endsWith(`.${node.id}`);
  return isChosen || typeof invoke.src !== "string" ? id : invoke.src;
}

/** The state and every state in it, parents before children. */
export function statesOf(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(statesOf)];
}

/** Whether nothing follows when the arc is taken: it only says that the event was heard. */
export function isNoOp({ targets, actions }: ChartArc): boolean {
  return targets.length === 0 && actions.length === 0;
}

/** What makes the arc be taken, in words: `maintenance.exit`, `after recoveryRamp`, `done drainNode`. */
export function triggerName(trigger: Trigger): string {
  const { keyword, name } = triggerWords(trigger);
  return [keyword, name].filter(Boolean).join(" ");
}

/** The same in its parts: what is the chart's language, and what is a name. */
export function triggerWords(trigger: Trigger): { keyword: string; name: string; delay: string } {
  switch (trigger.kind) {
    case "event":
      return { keyword: "", name: trigger.event, delay: "" };
    case "timer":
      return { keyword: "", name: trigger.event, delay: trigger.delay ?? "" };
    case "after":
      return { keyword: "after", name: trigger.delay, delay: "" };
    case "done":
    case "error":
    case "snapshot":
      return { keyword: trigger.kind, name: trigger.invoke, delay: "" };
    case "ended":
      return { keyword: "done", name: "", delay: "" };
    case "always":
      return { keyword: "always", name: "", delay: "" };
    default:
      return trigger satisfies never;
  }
}
