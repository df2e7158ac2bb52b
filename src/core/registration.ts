import type { AnyStateNode, AnyTransitionDefinition } from "xstate";
import { activityOptions } from "./activity.ts";
import { SignalboxError } from "./errors.ts";
import { actorLogicOf, metaOf, stateNodesOf, type Machine } from "./machine.ts";

/** A construct that a durable host cannot carry, where it stands, and what to write instead. */
export interface Unfitness {
  /** Where: the id of a state node, or the machine's name. */
  at: string;
  fault: string;
  instead: string;
}

/** Refuses a machine that uses what cannot be carried; the error names all of it at once. */
export function checkFitness(machine: Machine): void {
  const faults = unfitnessOf(machine);
  if (faults.length === 0) return;
  const lines = faults.map(({ at, fault, instead }) => `  ${at}: ${fault}; ${instead}`);
  const detail = `${machine.name} cannot be a durable instance:\n${lines.join("\n")}`;
  throw new SignalboxError("machine-unfit", detail, { extra: { faults } });
}

/** Everything in a machine's chart that a durable host cannot carry. Empty for a fit machine. */
export function unfitnessOf(machine: Machine): Unfitness[] {
  const nodes = stateNodesOf(machine.chart);
  return [
    ...chartFaults(machine),
    ...nodes.flatMap((node) => [
      ...invokeFaults(machine, node),
      ...eventFaults(node),
      ...delayFaults(machine, node),
      ...arcsOf(node).flatMap((arc) => [...guardFaults(machine, node, arc.guard), ...intoRegionFaults(node, arc)]),
      ...actionsOf(node).flatMap((action) => actionFaults(machine, node, action)),
    ]),
    ...timerIdFaults(machine, nodes),
    ...callIdFaults(machine, nodes),
  ];
}

function chartFaults({ name, chart }: Machine): Unfitness[] {
  const faults: Unfitness[] = [];
  if (!Number.isFinite(chart.options.maxIterations)) {
    faults.push({
      at: name,
      fault: "has no maxIterations, so that a circle of transitions would never end",
      instead: "write `options: { maxIterations: 100 }` in the chart",
    });
  }
  const context: unknown = chart.config.context;
  if (typeof context === "function" && mentions(context, /\bspawn\b/)) {
    faults.push({ at: name, fault: "spawns an actor in its context", instead: "invoke an activity from a state" });
  }
  if (chart.root.type === "parallel") {
    const leads = metaOf(chart.root).leads;
    if (leads === undefined || chart.root.states[leads] === undefined) {
      faults.push({
        at: name,
        fault: "has parallel regions and names none that leads",
        instead: `write \`meta: { leads: "..." }\` with one of ${Object.keys(chart.root.states).join(", ")}`,
      });
    }
  }
  return faults;
}

function invokeFaults({ chart }: Machine, node: AnyStateNode): Unfitness[] {
  return node.invoke.flatMap(({ src, id, systemId, onDone, onError, onSnapshot }) => {
    const faults: Unfitness[] = [];
    const fault = (what: string, instead: string) => faults.push({ at: node.id, fault: what, instead });
    const name = src as string; // XState has already given inline logic a name of its own
    if (name.startsWith("xstate.invoke.")) {
      fault(
        `invokes inline logic (${id})`,
        "declare it in `setup({ actors })` with `activity()` and invoke it by name",
      );
    } else if (activityOptions(actorLogicOf(chart, name)) === undefined) {
      fault(
        `invokes ${name}, which is no activity`,
        `declare it as \`actors: { ${name}: activity<Input, Output>() }\`; a provider performs it`,
      );
    }
    if (onDone === undefined) fault(`invokes ${id} without onDone`, "say what follows when it is done");
    if (onError === undefined) fault(`invokes ${id} without onError`, "say what follows when it has failed");
    if (onSnapshot !== undefined) fault(`listens to snapshots of ${id}`, "let the provider report events");
    if (systemId !== undefined) fault(`gives ${id} a systemId`, "send a message to an instance by its id");
    return faults;
  });
}

function eventFaults(node: AnyStateNode): Unfitness[] {
  const faults: Unfitness[] = [];
  for (const [descriptor, arcs] of Object.entries((node.config.on ?? {}) as Record<string, unknown>)) {
    if (descriptor.includes("*")) {
      faults.push({ at: node.id, fault: `listens to ${descriptor}`, instead: "name each event" });
    }
    if (arcs === undefined) {
      faults.push({
        at: node.id,
        fault: `forbids ${descriptor} by undefined`,
        instead: "leave the event out, or guard it by a law that says why",
      });
    }
  }
  if (node.config.route !== undefined) {
    faults.push({ at: node.id, fault: "is reached by route", instead: "name an event" });
  }
  return faults;
}

/** XState takes a delay that nobody declared for none: what is meant to happen later happens at once. */
function delayFaults(machine: Machine, node: AnyStateNode): Unfitness[] {
  const delays = actionsOf(node).map((action) => resolvedAction(machine, action)?.delay); // XState makes a raise of each `after`
  return delays
    .filter((delay) => typeof delay === "string" && !(delay in machine.chart.implementations.delays))
    .map((name) => ({
      at: node.id,
      fault: `waits for the delay ${name as string}, which nobody declared`,
      instead: `declare it as \`delays: { ${name as string}: ... }\``,
    }));
}

function guardFaults(machine: Machine, node: AnyStateNode, guard: unknown): Unfitness[] {
  if (guard === undefined) return [];
  if (typeof guard === "function" && "check" in guard) {
    const inner = (guard as { guards?: readonly unknown[] }).guards ?? [];
    return inner.flatMap((each) => guardFaults(machine, node, each));
  }
  if (typeof guard === "function") {
    return [
      { at: node.id, fault: "has a guard without a name", instead: 'write a law and name it: `guard: "mayLeave"`' },
    ];
  }
  const name = typeof guard === "string" ? guard : (guard as { type: string }).type;
  if (machine.laws[name] !== undefined) return [];
  return [
    {
      at: node.id,
      fault: `has the guard ${name}, which is no law`,
      instead: "make it with `guardsOf(laws)`, so that a refusal can say why",
    },
  ];
}

/** XState gives the siblings of the target's region their initial states again. */
function intoRegionFaults(node: AnyStateNode, { target, eventType }: AnyTransitionDefinition): Unfitness[] {
  return (target ?? []).flatMap((to: AnyStateNode) => {
    const lineage = [to, ...ancestorsOf(to)];
    const region = lineage.find(
      (each) => each.parent?.type === "parallel" && !isWithin(node, each) && isRelated(node, each.parent),
    );
    if (region === undefined) return [];
    const fault = `moves into the parallel region ${region.key} from outside it (on ${eventType || "always"}), which resets its siblings`;
    return [{ at: node.id, fault, instead: `declare the transition on ${region.id}` }];
  });
}

/** One contains the other, so that both can be active. */
function isRelated(one: AnyStateNode, other: AnyStateNode): boolean {
  return isWithin(one, other) || isWithin(other, one);
}

function isWithin(node: AnyStateNode, ancestor: AnyStateNode): boolean {
  return node === ancestor || ancestorsOf(node).includes(ancestor);
}

function ancestorsOf(node: AnyStateNode): AnyStateNode[] {
  return node.parent === undefined ? [] : [node.parent, ...ancestorsOf(node.parent)];
}

/** What an action of XState's own carries, as far as it is judged. */
interface BuiltIn {
  type?: string;
  resolve?: unknown;
  id?: unknown;
  delay?: unknown;
  assignment?: unknown;
  collect?: unknown;
}

const carried = new Set(["xstate.assign", "xstate.raise", "xstate.cancel", "xstate.enqueueActions", "xstate.emit"]);

function actionFaults(machine: Machine, node: AnyStateNode, action: unknown): Unfitness[] {
  const name = typeof action === "string" ? action : (action as { type?: string }).type;
  const resolved = resolvedAction(machine, action);
  if (name === "message" && typeof action !== "function") {
    if (resolved !== undefined) return [];
    return [
      {
        at: node.id,
        fault: "sends a message that is not declared",
        instead: "write `actions: { message }` in setup, with the core's `message`",
      },
    ];
  }
  const fault = (what: string, instead: string): Unfitness[] => [{ at: node.id, fault: what, instead }];
  if (resolved?.resolve === undefined) {
    return fault(
      `runs the action ${(name ?? resolved?.name) || "(anonymous)"}`,
      "let a state invoke an activity, or use the named action `message`",
    );
  }
  const type = resolved.type ?? "";
  if (type === "xstate.sendTo") {
    return fault(
      "sends to an actor (sendTo, sendParent or forwardTo)",
      "use the named action `message` with the id of an instance",
    );
  }
  if (type === "xstate.spawnChild") return fault("spawns a child by an action", "invoke an activity from a state");
  if (!carried.has(type)) return fault(`runs the action ${type}`, "leave it out: the journal keeps what happened");
  if (type === "xstate.raise" && resolved.delay !== undefined && resolved.id === undefined) {
    return fault("raises an event with a delay but without an id", "give the raise an id; it names the timer");
  }
  if (assignersOf(resolved).some((assigner) => mentions(assigner, /\bspawn\b/))) {
    return fault("spawns an actor in an assignment", "invoke an activity from a state");
  }
  if (
    typeof resolved.collect === "function" &&
    mentions(resolved.collect, /\bspawn\b|\b(?:sendTo|sendParent|forwardTo|spawnChild)\)?\s*\(/)
  ) {
    return fault(
      "sends or spawns inside enqueueActions",
      "enqueue the named action `message`, or invoke an activity from a state",
    );
  }
  return [];
}

/** What an action's name stands for; undefined where nobody declared it. */
function resolvedAction(machine: Machine, action: unknown): (BuiltIn & { name?: string }) | undefined {
  if (typeof action === "function") return action;
  const name = typeof action === "string" ? action : (action as { type: string }).type;
  return (machine.chart.implementations.actions as Record<string, BuiltIn | undefined>)[name];
}

/** `assign` takes one function, or one for each field. */
function assignersOf({ assignment }: BuiltIn): object[] {
  if (typeof assignment === "function") return [assignment];
  return Object.values(assignment ?? {}).filter((each) => typeof each === "function") as object[];
}

/** Two calls or timers of one id would take each other's place among the pending rows. */
function timerIdFaults(machine: Machine, nodes: readonly AnyStateNode[]): Unfitness[] {
  const calls = new Set(nodes.flatMap((node) => node.invoke.map(({ id }) => id)));
  const actions = nodes.flatMap(actionsOf).map((action) => resolvedAction(machine, action));
  const timers = actions.flatMap((action) => (action?.type === "xstate.raise" ? [action.id] : []));
  const shared = timers.filter((id): id is string => typeof id === "string" && calls.has(id));
  return [...new Set(shared)].map((id) => ({
    at: machine.name,
    fault: `uses the id ${id} for a timer and for a call`,
    instead: "give each its own",
  }));
}

/** Two calls of one id that run at the same time would be one to XState: the end of either is heard as the end of both. */
function callIdFaults({ name }: Machine, nodes: readonly AnyStateNode[]): Unfitness[] {
  const calls = nodes.flatMap((node) => node.invoke.map(({ id }) => ({ id, node })));
  const shared = calls.filter(({ id, node }, index) =>
    calls.slice(0, index).some((other) => other.id === id && canBothBeActive(node, other.node)),
  );
  return [...new Set(shared.map(({ id }) => id))].map((id) => ({
    at: name,
    fault: `uses the id ${id} for two calls that may run at the same time`,
    instead: "give each its own",
  }));
}

/** One contains the other, or they are in two regions of one parallel state. */
function canBothBeActive(one: AnyStateNode, other: AnyStateNode): boolean {
  if (isRelated(one, other)) return true;
  return ancestorsOf(one).find((ancestor) => isWithin(other, ancestor))?.type === "parallel";
}

function arcsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
}

function actionsOf(node: AnyStateNode): unknown[] {
  const initial = (node.config.initial === undefined ? [] : node.initial.actions) as unknown[];
  return [...node.entry, ...node.exit, ...initial, ...arcsOf(node).flatMap(({ actions }) => actions as unknown[])];
}

function mentions(code: object, pattern: RegExp): boolean {
  return pattern.test(Function.prototype.toString.call(code));
}
