import type {
  AnyActor,
  AnyActorScope,
  ActorSystem,
  AnyStateMachine,
  AnyStateNode,
  AnyTransitionDefinition,
  EventObject,
} from "xstate";
import { SignalboxError } from "./errors.ts";
import type { Snapshot } from "./machine.ts";

/** One action as XState resolved it, not performed. */
export interface ResolvedAction {
  type: string;
  params: unknown;
}

/** One transition set that a macrostep took, and the snapshot after it. */
export interface Microstep {
  transitions: readonly AnyTransitionDefinition[];
  snapshot: Snapshot;
}

export interface Macrostep {
  snapshot: Snapshot;
  actions: readonly ResolvedAction[];
  microsteps: readonly Microstep[];
}

/** Runs one event to the end of its macrostep. Pure: nothing is performed, the actions are handed back. */
export function macrostep(snapshot: Snapshot, event: EventObject): Macrostep {
  const chart = snapshot.machine as AnyStateMachine;
  return recorded(chart, (scope) => chart.transition(snapshot, event, scope) as Snapshot);
}

/** The first macrostep of a new instance. */
export function initialMacrostep(chart: AnyStateMachine, input: unknown): Macrostep {
  return recorded(chart, (scope) => chart.getInitialSnapshot(scope, input) as Snapshot);
}

/** Rebuilds a live snapshot from XState's persisted form. */
export function restored(
  chart: AnyStateMachine,
  persisted: Parameters<AnyStateMachine["restoreSnapshot"]>[0],
): Snapshot {
  return inDocumentOrder(chart.restoreSnapshot(persisted, inertScopeOf(chart).scope) as Snapshot);
}

function recorded(chart: AnyStateMachine, run: (scope: AnyActorScope) => Snapshot): Macrostep {
  const inert = inertScopeOf(chart);
  const actions: ResolvedAction[] = [];
  const microsteps: Microstep[] = [];
  inert.actions = actions;
  inert.microsteps = microsteps;
  return { snapshot: inDocumentOrder(run(inert.scope)), actions, microsteps };
}

/**
 * XState lists the active nodes as they were entered, which the stored form does not know, and lets `always` arcs and
 * history follow that list. So that a restored instance steps like the live one, both are put in the order of the chart.
 */
function inDocumentOrder(snapshot: Snapshot): Snapshot {
  const nodes = snapshot._nodes as AnyStateNode[];
  const isInOrder = nodes.every((node, place) => place === 0 || (nodes[place - 1] as AnyStateNode).order < node.order);
  if (!isInOrder) nodes.sort((a, b) => a.order - b.order);
  return snapshot;
}

interface InertScope {
  scope: AnyActorScope;
  actions: ResolvedAction[];
  microsteps: Microstep[];
}

/**
 * One scope per chart, reused: building one per step costs three times the step itself. It holds nothing between two
 * steps, so keeping it here is a cache and no state.
 */
const inertScopes = new WeakMap<AnyStateMachine, InertScope>();

function inertScopeOf(chart: AnyStateMachine): InertScope {
  let inert = inertScopes.get(chart);
  if (inert === undefined) {
    inert = createInertScope();
    inertScopes.set(chart, inert);
  }
  return inert;
}

/** A scope in which XState can step but nothing can happen: no clock, no random id, no running child. */
function createInertScope(): InertScope {
  const inert: InertScope = { scope: undefined as unknown as AnyActorScope, actions: [], microsteps: [] };
  const ignore = () => undefined;
  const system = {
    _bookId: () => "inert",
    _register: (sessionId: string) => sessionId,
    _unregister: ignore,
    _set: ignore,
    _sendInspectionEvent: (event: { type: string; _transitions?: AnyTransitionDefinition[]; snapshot?: Snapshot }) => {
      if (event.type === "@xstate.microstep" && event._transitions?.length && event.snapshot) {
        inert.microsteps.push({ transitions: event._transitions, snapshot: event.snapshot });
      }
    },
    _relay: ignore,
    _logger: ignore,
    _clock: { setTimeout: ignore, clearTimeout: ignore },
    get: ignore,
    getAll: () => ({}),
    scheduler: { schedule: ignore, cancel: ignore, cancelAll: ignore },
  } as unknown as ActorSystem<never>; // the parts of a system that a step touches; the rest would only be reached by a running actor
  const self = {
    id: "self",
    sessionId: "inert",
    system,
    send: () => refuseSelf("self.send()"),
    getSnapshot: () => refuseSelf("self.getSnapshot()"),
  } as unknown as AnyActor;
  inert.scope = {
    self,
    id: "self",
    sessionId: "inert",
    system,
    logger: ignore,
    defer: () => {
      throw new SignalboxError(
        "machine-fault",
        "The chart spawned an actor inside an assignment; invoke it from a state.",
      );
    },
    stopChild: ignore,
    emit: ignore,
    actionExecutor: (action) => {
      inert.actions.push({ type: action.type, params: action.params });
    },
  };
  return inert;
}

function refuseSelf(what: string): never {
  throw new SignalboxError(
    "machine-fault",
    `The chart used ${what}; a durable instance has no running self: use context and event.`,
  );
}
