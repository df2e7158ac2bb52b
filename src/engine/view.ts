import type { AnyStateNode } from "xstate";
import { messageOf } from "../core/errors.ts";
import { leadingRegion, metaOf, sendersOf, stateNodesOf, type Machine } from "../core/machine.ts";
import type { Instance, WaitingFor } from "../core/outcome.ts";
import type { PendingRow } from "../store/store.ts";
import type { Head } from "./head.ts";

/** An instance as it is told to callers, at a time. */
export function viewOf(head: Head, now: number): Instance {
  const { row, snapshot } = head;
  const isActive = row.status === "active";
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
    deadline: nearestTimer(head),
    waitingFor: isActive ? waitingFor(head, now) : [],
    hears: isActive ? hears(head) : [],
    labels: row.labels,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function nearestTimer({ armed }: Head): number | null {
  let nearest: number | null = null;
  for (const { kind, dueAt } of armed.values()) {
    if (kind === "timer" && dueAt !== null && (nearest === null || dueAt < nearest)) nearest = dueAt;
  }
  return nearest;
}

/** What the active states listen to from outside, and the guards that will be asked. Structural: none is asked here. */
function hears({ machine, snapshot }: Head): Instance["hears"] {
  const { heard } = structureOf(machine);
  const needs = new Map<string, string[]>();
  for (const node of snapshot._nodes as AnyStateNode[]) {
    for (const { type, laws } of heard.get(node) ?? []) {
      const before = needs.get(type);
      needs.set(type, before === undefined ? [...laws] : [...new Set([...before, ...laws])]);
    }
  }
  return [...needs].map(([type, laws]) => ({ type, needs: laws })).toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

/** What the chart of a machine alone says of every view. */
interface Structure {
  leading: AnyStateNode;
  /** The leading one first. */
  regions: readonly AnyStateNode[];
  /** What a state itself listens to from outside, with the laws that are asked. */
  heard: ReadonlyMap<AnyStateNode, readonly { type: string; laws: readonly string[] }[]>;
}

/** Kept: a chart never changes. */
const structures = new WeakMap<Machine, Structure>();

function structureOf(machine: Machine): Structure {
  let structure = structures.get(machine);
  if (structure === undefined) {
    const { root } = machine.chart;
    const leading = leadingRegion(machine.chart);
    const regions = root.type === "parallel" ? Object.values(root.states) : [root];
    structure = {
      leading,
      regions: regions.toSorted((a, b) => Number(b === leading) - Number(a === leading)),
      heard: new Map(stateNodesOf(machine.chart).map((node) => [node, heardBy(machine, node)])),
    };
    structures.set(machine, structure);
  }
  return structure;
}

function heardBy(machine: Machine, node: AnyStateNode) {
  return [...node.transitions].flatMap(([type, arcs]) => {
    const schema = machine.events[type];
    if (schema === undefined || sendersOf(schema).every((each) => each === "engine")) return [];
    return [{ type, laws: [...new Set(arcs.flatMap(({ guard }) => guardNames(guard)))] }];
  });
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
  const active = snapshot._nodes as AnyStateNode[]; // innermost last
  const { leading, regions } = structureOf(machine);
  return regions.map((region) => {
    const isLeading = region === leading;
    const node = active.findLast((each) => metaOf(each).waitingFor !== undefined && isWithin(each, region)) ?? region;
    const until = untilOf(head, node);
    const what = metaOf(node).waitingFor ?? "its next event";
    return {
      region: region.key,
      what: isLeading ? [what, ...notesOf(head), ...troubles(head)].join("; ") : what,
      since: isLeading ? row.since : (row.regionsSince[region.key] ?? row.since),
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
  try {
    return [...(notes?.(snapshot.context, row.state) ?? [])].map(String);
  } catch (error) {
    return [`the notes of ${machine.name} fail: ${messageOf(error)}`]; // whoever has sent is answered all the same: it is committed
  }
}

/** Calls that do not go as they should: whoever waits is told the true reason. */
function troubles({ snapshot, armed, machine }: Head): string[] {
  const said: string[] = [];
  for (const row of armed.values()) {
    const why = troubleOf(row, machine);
    if (why !== undefined) said.push(why);
  }
  for (const id of Object.keys(snapshot.children)) {
    if (!armed.has(id)) said.push(`${id} has ended and is not running any more`);
  }
  return said;
}

function troubleOf(row: PendingRow, machine: Machine): string | undefined {
  const name = row.activity ?? row.id;
  const why = row.error ?? "no reason given";
  if (row.dead) return `${name} was given up after ${row.attempts} attempts: ${why}; retry or discard it`;
  if (row.attempts > 0) return `${name} has failed ${row.attempts} times: ${why}; it is tried again`;
  const isManual = row.kind === "call" && row.dueAt === null && row.activity !== "instance";
  if (!isManual || machine.isPerformedElsewhere === true) return undefined;
  return `nobody here performs ${name}: an event from outside has to say how it went`;
}
