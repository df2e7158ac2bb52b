import type { AnyStateNode, EventObject } from "xstate";
import type { Refusal } from "./law.ts";
import { leadingState, metaOf, type Machine, type Snapshot } from "./machine.ts";

/** Every reason for which no arc takes the event; never empty. Meant for an event that `step` refuses. */
export function whyRefused(machine: Machine, snapshot: Snapshot, event: EventObject): Refusal[] {
  if (snapshot.status !== "active") {
    const detail = `The instance has ended in ${leadingState(snapshot)} and hears nothing any more.`;
    return [{ code: "ended", detail, data: { state: leadingState(snapshot) } }];
  }
  const arcs = activeNodes(snapshot).flatMap((node) => node.transitions.get(event.type) ?? []);
  const reasons = arcs.flatMap(({ guard }) =>
    guard === undefined ? [] : reasonsOf(guard, { machine, snapshot, event }),
  );
  return reasons.length > 0 ? distinct(reasons) : [notAccepted(snapshot, event)];
}

function notAccepted(snapshot: Snapshot, event: EventObject): Refusal {
  const state = leadingState(snapshot);
  const instead = activeNodes(snapshot)
    .map((node) => metaOf(node).instead?.[event.type])
    .find((hint) => hint !== undefined);
  return {
    code: "not-accepted",
    detail: `${state} does not accept ${event.type}.`,
    data: { state, event: event.type },
    ...(instead !== undefined && { hint: instead }),
  };
}

/** Innermost first, as XState asks them. */
function activeNodes(snapshot: Snapshot): AnyStateNode[] {
  return (snapshot._nodes as AnyStateNode[]).toSorted((a, b) => b.order - a.order);
}

interface Asked {
  machine: Machine;
  snapshot: Snapshot;
  event: EventObject;
}

/** XState's own composed guards, as far as their reasons are concerned. */
interface ComposedGuard {
  check(snapshot: Snapshot, args: { context: unknown; event: EventObject }, self: unknown): boolean;
  guards?: readonly unknown[];
  stateValue?: unknown;
  name?: string;
}

/** Nothing when the guard holds: of a composed one only the parts that say no have something to say. */
function reasonsOf(guard: unknown, asked: Asked): Refusal[] {
  if (typeof guard === "string" || (typeof guard === "object" && guard !== null && "type" in guard)) {
    const { type, params } = typeof guard === "string" ? { type: guard, params: undefined } : (guard as GuardReference);
    const given: unknown =
      typeof params === "function" ? params({ context: asked.snapshot.context, event: asked.event }) : params;
    const refusal = asked.machine.laws[type]?.(asked.snapshot.context, asked.event, given);
    return refusal === undefined ? [] : [refusal];
  }
  const composed = guard as ComposedGuard;
  if (composed.check(asked.snapshot, { context: asked.snapshot.context, event: asked.event }, composed)) return [];
  if (composed.stateValue !== undefined) {
    return [
      { code: "other-state", detail: `${asked.event.type} asks for the state ${JSON.stringify(composed.stateValue)}.` },
    ];
  }
  if (composed.name === "not") {
    return [
      { code: "excluded", detail: `${asked.event.type} is excluded while ${nameOf(composed.guards?.[0])} holds.` },
    ];
  }
  return (composed.guards ?? []).flatMap((inner) => reasonsOf(inner, asked));
}

interface GuardReference {
  type: string;
  params?: unknown;
}

function nameOf(guard: unknown): string {
  if (typeof guard === "string") return guard;
  return (guard as Partial<GuardReference>).type ?? (guard as ComposedGuard).name ?? "a guard";
}

function distinct(reasons: readonly Refusal[]): Refusal[] {
  const seen = new Map(reasons.map((reason) => [`${reason.code}\n${reason.detail}`, reason]));
  return [...seen.values()];
}
