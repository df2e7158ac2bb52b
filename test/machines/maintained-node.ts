import { expect } from "vitest";
import type { NodeContext } from "../../machines/node-maintenance/context.ts";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import type { StateName } from "../../machines/node-maintenance/successors.ts";
import type { Refusal } from "../../src/core/law.ts";
import type { StepResult } from "../../src/core/step.ts";
import { timelineOf, type Timeline } from "./timeline.ts";

export const minute = 60_000;
export const drained = { replicas: [], daemons: [] };
export const blocked = { replicas: ["web-1"], daemons: ["log-shipper"] };

interface Options {
  groups?: readonly string[];
  policy?: { drainForMs?: number; recoveryRampMs?: number; exitForMs?: number };
}

export function nodeOf(options: Options = {}): Timeline {
  return timelineOf(nodeMaintenance, { node: "alpha", ...options });
}

/** A node in a state of its first window; in Active after it. */
export function nodeIn(state: StateName, options: Options = {}): Timeline {
  const node = nodeOf(options);
  const enter = () => node.send({ type: "maintenance.enter", slots: options.groups ?? [] });
  const empty = () => node.done("drainNode", drained);
  const exit = () => node.send({ type: "maintenance.exit" });
  const resume = () => node.done("resumeNode");
  const leadTo: Readonly<Record<StateName, readonly (() => unknown)[]>> = {
    EnteringMaintenance: [enter],
    DrainFailed: [enter, () => node.failed("drainNode", "the host does not answer")],
    Maintenance: [enter, empty],
    ExitingMaintenance: [enter, empty, exit],
    Recovery: [enter, empty, exit, resume],
    Active: [enter, empty, exit, resume, () => node.send({ type: "maintenance.exit", force: true })],
  };
  for (const move of leadTo[state]) move();
  expect(node.state).toBe(state);
  return node;
}

/** By force, to Active, from wherever it is. */
export function leave(node: Timeline): void {
  for (let move = 0; move < 4 && node.state !== "Active"; move += 1) {
    if (node.state === "EnteringMaintenance") node.done("drainNode", drained);
    else node.send({ type: "maintenance.exit", force: true });
  }
  expect(node.state).toBe("Active");
}

export function observed(node: Timeline, name: StateName, more: { reason?: string; deadline?: number } = {}) {
  return { type: "maintenance.observed", epoch: contextOf(node).epoch, state: { name, ...more } };
}

export function contextOf({ snapshot }: Timeline): NodeContext {
  return snapshot.context as NodeContext;
}

export function valueOf({ value }: Timeline): string {
  const { lifecycle, scheduling } = value as { lifecycle: string; scheduling: string };
  return `${lifecycle}, ${scheduling}`;
}

export function notesOf({ snapshot, state }: Timeline): readonly string[] {
  return nodeMaintenance.notes?.(snapshot.context as never, state) ?? [];
}

export function effectsOf(result: StepResult) {
  expect(result.outcome).not.toBe("refused");
  return result.outcome === "refused" ? [] : result.effects;
}

export function reasonsOf(result: StepResult): Refusal[] {
  expect(result.outcome).toBe("refused");
  return result.outcome === "refused" ? result.reasons : [];
}

export function codesOf(result: StepResult): string[] {
  return reasonsOf(result).map(({ code }) => code);
}
