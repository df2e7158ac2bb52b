import type { AnyStateMachine, AnyStateNode } from "xstate";
import { messageOf, SignalboxError } from "./errors.ts";
import { restored } from "./macrostep.ts";
import { actorLogicOf, type Machine, type Snapshot } from "./machine.ts";

/** The stored form of a snapshot: plain JSON, nothing of XState's own. */
export interface Frozen {
  status: Snapshot["status"];
  value: unknown;
  context: unknown;
  /** Running calls: invoke id -> activity. */
  children: Record<string, string>;
  /** Ids of the state nodes that each history node remembers. */
  history?: Record<string, string[]>;
  output?: unknown;
  error?: unknown;
}

/** A live snapshot as plain JSON. `thaw` of it steps like the original. */
export function freeze(snapshot: Snapshot): Frozen {
  const children: Record<string, string> = {};
  for (const id in snapshot.children) children[id] = String(snapshot.children[id]?.src);
  const frozen: Frozen = { status: snapshot.status, value: snapshot.value, context: snapshot.context, children };
  const remembered = Object.entries(snapshot.historyValue as Record<string, AnyStateNode[]>);
  if (remembered.length > 0)
    frozen.history = Object.fromEntries(remembered.map(([id, nodes]) => [id, nodes.map((node) => node.id)]));
  if (snapshot.output !== undefined) frozen.output = snapshot.output;
  if (snapshot.error !== undefined) frozen.error = snapshot.error;
  return frozen;
}

/** The live snapshot of a stored one. Throws `needs-migration` when the chart does not have a state or an activity of it. */
export function thaw(machine: Machine, frozen: Frozen): Snapshot {
  try {
    return thawed(machine, frozen);
  } catch (error) {
    const detail = `What is stored of this instance does not fit version ${machine.version} of ${machine.name}: ${messageOf(error)}`;
    throw new SignalboxError("needs-migration", detail, { cause: error });
  }
}

function thawed(machine: Machine, frozen: Frozen): Snapshot {
  const children = Object.entries(frozen.children).map(([id, src]) => {
    if (actorLogicOf(machine.chart, src) === undefined) {
      throw new Error(`${machine.name} has no activity ${src}, which the call ${id} is about`); // XState would forget the call
    }
    return [id, { src, snapshot: inertChild, syncSnapshot: false }];
  });
  const persisted = {
    status: frozen.status,
    value: frozen.value,
    context: {}, // ours is plain JSON: XState would search all of it for actors, and take data that looks like one for one
    children: Object.fromEntries(children),
    historyValue: Object.fromEntries(
      Object.entries(frozen.history ?? {}).map(([id, ids]) => [
        id,
        ids.map((node) => machine.chart.getStateNodeById(node)), // of an id that is gone XState would forget the history
      ]),
    ),
    output: frozen.output,
    error: frozen.error,
  };
  const snapshot = restored(machine.chart, persisted as unknown as Parameters<AnyStateMachine["restoreSnapshot"]>[0]);
  snapshot.context = frozen.context;
  return snapshot;
}

/** A promise that nobody runs; the pending row holds what the call was given. */
const inertChild = { status: "active", output: undefined, error: undefined, input: undefined };
