import type { AnyStateNode } from "xstate";
import { metaOf, leadingRegion, sendersOf, type Machine } from "../core/machine.ts";
import type { Instance, WaitingFor } from "../core/outcome.ts";
import type { Head } from "./head.ts";

/** An instance as it is told to callers, at a time. */
export function viewOf(head: Head, now: number): Instance {
  const { row, snapshot, machine } = head;
  const timers = [...head.armed.values()].filter(({ kind }) => kind === "timer");
  const dueTimes = timers.map(({ dueAt }) => dueAt).filter((dueAt) => dueAt !== null);
  return {
    id: row.id,
    machine: row.machine,
    machineVersion: row.machineVersion,
    version: row.version,
    state: row.state,
    value: snapshot.value as unknown,
    status: row.status,
    tags: [...row.tags],
    context: snapshot.context as unknown,
    since: row.since,
    deadline: dueTimes.length === 0 ? null : Math.min(...dueTimes),
    waitingFor: row.status === "active" ? waitingFor(head, now) : [],
    hears: row.status === "active" ? hears(machine, snapshot._nodes as AnyStateNode[]) : [],
    labels: row.labels,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

/** What the active states listen to from outside, and the guards that will be asked. Structural: none is asked here. */
function hears(machine: Machine, nodes: readonly AnyStateNode[]): Instance["hears"] {
  const needs = new Map<string, Set<string>>();
  for (const node of nodes) {
    for (const [type, arcs] of node.transitions) {
      const schema = machine.events[type];
      if (schema === undefined || sendersOf(schema).every((each) => each === "engine")) continue;
      const names = needs.get(type) ?? new Set();
      needs.set(type, names);
      for (const { guard } of arcs) for (const name of guardNames(guard)) names.add(name);
    }
  }
  return [...needs]
    .map(([type, names]) => ({ type, needs: [...names] }))
    .toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

/** The laws behind a guard, also behind `and`, `or` and `not`. */
function guardNames(guard: unknown): string[] {
  if (guard === undefined) return [];
  if (typeof guard === "string") return [guard];
  const { guards, type } = guard as { guards?: readonly unknown[]; type?: string };
  return guards === undefined ? (type === undefined ? [] : [type]) : guards.flatMap(guardNames);
}

function waitingFor(head: Head, now: number): WaitingFor[] {
  const { machine, row, snapshot } = head;
  const { root } = machine.chart;
  const leading = leadingRegion(machine.chart);
  const regions = root.type === "parallel" ? Object.values(root.states) : [root];
  const inOrder = regions.toSorted((a, b) => Number(b === leading) - Number(a === leading));
  return inOrder.map((region) => {
    const active = (snapshot._nodes as AnyStateNode[]).filter((node) => isWithin(node, region)).toReversed(); // innermost first
    const node = active.find((each) => metaOf(each).waitingFor !== undefined) ?? region;
    const until = untilOf(head, node);
    const what = metaOf(node).waitingFor ?? "its next event";
    return {
      region: region.key,
      what: region === leading ? [what, ...notesOf(head), ...troubles(head)].join("; ") : what,
      since: region === leading ? row.since : (row.regionsSince[region.key] ?? row.since),
      until,
      overdue: until !== null && now > until,
    };
  });
}

function isWithin(node: AnyStateNode, region: AnyStateNode): boolean {
  return node === region || (node.parent !== undefined && isWithin(node.parent, region));
}

/** The context field that the state names, or the time of its own `after`. */
function untilOf({ snapshot, armed }: Head, node: AnyStateNode): number | null {
  const { until } = metaOf(node);
  if (until !== undefined) return (snapshot.context as Record<string, number | null | undefined>)[until] ?? null;
  const dueTimes = node.after
    .map(({ eventType }) => armed.get(eventType)?.dueAt)
    .filter((dueAt) => typeof dueAt === "number");
  return dueTimes.length === 0 ? null : Math.min(...dueTimes);
}

function notesOf({ machine, snapshot, row }: Head): readonly string[] {
  const notes = machine.notes as ((context: unknown, state: string) => readonly string[]) | undefined;
  return notes?.(snapshot.context, row.state) ?? [];
}

/** Calls that do not go as they should: whoever waits is told the true reason. */
function troubles({ snapshot, armed, machine }: Head): string[] {
  const failing = [...armed.values()].flatMap((row) => {
    const name = row.activity ?? row.id;
    if (row.dead)
      return [
        `${name} was given up after ${row.attempts} attempts: ${row.error ?? "no reason given"}; retry or discard it`,
      ];
    if (row.attempts > 0)
      return [`${name} has failed ${row.attempts} times: ${row.error ?? "no reason given"}; it is tried again`];
    const isManual = row.kind === "call" && row.dueAt === null && row.activity !== "instance";
    if (isManual && machine.isPerformedElsewhere !== true)
      return [`nobody here performs ${name}: an event from outside has to say how it went`];
    return [];
  });
  const ended = Object.keys(snapshot.children).filter((id) => !armed.has(id));
  return [...failing, ...ended.map((id) => `${id} has ended and is not running any more`)];
}
