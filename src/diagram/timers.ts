import type { AnyStateMachine } from "xstate";
import { stateNodesOf } from "../core/machine.ts";

/** The events that a chart sends to itself later, with the delay where the chart writes one down. */
export function timersOf(chart: AnyStateMachine): ReadonlyMap<string, unknown> {
  const timers = new Map<string, unknown>();
  const note = (event: unknown, delay: unknown) => {
    if (delay === undefined || typeof event !== "object" || event === null) return;
    timers.set((event as { type: string }).type, typeof delay === "object" ? undefined : delay);
  };
  for (const action of actionsOf(chart)) {
    const { type, event, delay, collect } = action as Partial<DelayedRaise & Enqueued>;
    if (type === "xstate.raise") note(event, delay);
    if (type === "xstate.enqueueActions" && collect !== undefined) {
      raisesOf(collect, (raised, options) => note(raised, options?.delay === undefined ? undefined : {}));
    }
  }
  return timers;
}

interface DelayedRaise {
  type: string;
  event: unknown;
  delay: unknown;
}

interface Enqueued {
  collect: (args: unknown, params: unknown) => void;
}

/** Every action that a chart names or writes in place. */
function actionsOf(chart: AnyStateMachine): unknown[] {
  const written = stateNodesOf(chart).flatMap((node) => [
    ...node.entry,
    ...node.exit,
    ...[...node.transitions.values()].flat().flatMap(({ actions }) => actions as readonly unknown[]),
    ...(node.always ?? []).flatMap(({ actions }) => actions as readonly unknown[]),
  ]);
  return [...Object.values(chart.implementations.actions), ...written];
}

const readMax = 10_000; // a collector that asks a stand-in more often than that loops on what it is told

/** What a collector of `enqueueActions` raises. It is pure, so it may be asked with a stand-in for the context and the event. */
function raisesOf(collect: Enqueued["collect"], raise: (event: unknown, options?: { delay?: unknown }) => void): void {
  let reads = 0;
  const read = (): void => {
    reads += 1;
    if (reads > readMax) throw new Error("The collector does not end on a stand-in");
  };
  const anything: unknown = new Proxy(() => anything, {
    get(_, key) {
      read();
      if (key === Symbol.toPrimitive) return () => 0;
      return key === Symbol.iterator ? () => [][Symbol.iterator]() : anything;
    },
    apply() {
      read();
      return anything;
    },
  });
  const enqueue = Object.assign(() => undefined, {
    ...Object.fromEntries(
      ["assign", "cancel", "emit", "sendTo", "sendParent", "spawnChild", "stopChild"].map((name) => [
        name,
        () => undefined,
      ]),
    ),
    raise,
  });
  try {
    collect(
      { context: anything, event: anything, enqueue, check: () => true, self: anything, system: anything },
      anything,
    );
  } catch {
    // it cannot do without a real context: its timers are drawn as plain events
  }
}
