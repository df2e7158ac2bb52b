import { instanceActivityName } from "../core/activity.ts";
import { thaw, type Frozen } from "../core/freeze.ts";
import { leadingState, versionOf, type Machine, type Snapshot } from "../core/machine.ts";
import type { InstanceRow, Loaded, NewInstanceRow, PendingRow } from "../store/store.ts";

/** The last stepped state of an instance, perhaps not committed yet. Never changed: a step makes a new one. */
export interface Head {
  readonly machine: Machine;
  readonly row: NewInstanceRow;
  readonly snapshot: Snapshot;
  /** Its calls and timers by effect id. */
  readonly armed: ReadonlyMap<string, PendingRow>;
}

/** A head that is committed. */
export interface CommittedHead extends Head {
  readonly row: InstanceRow;
}

export function headOf(machine: Machine, { row, pending }: Loaded): Head {
  const snapshot = thaw(machine, JSON.parse(row.snapshot) as Frozen);
  return { machine, row, snapshot, armed: new Map(pending.map((each) => [each.id, each])) };
}

/** Whether the stored form is of the chart that runs now. */
export function isCurrent(machine: Machine, row: NewInstanceRow): boolean {
  return row.machineVersion === versionOf(machine);
}

/** What the row says about a snapshot, with the times at which its regions last changed. */
export function describedBy(
  snapshot: Snapshot,
  before: { snapshot: Snapshot; row: Pick<NewInstanceRow, "since" | "regionsSince"> } | undefined,
  at: number,
): Pick<NewInstanceRow, "status" | "state" | "tags" | "since" | "regionsSince"> {
  const state = leadingState(snapshot);
  const isSameState = before !== undefined && leadingState(before.snapshot) === state;
  return {
    status: snapshot.status as NewInstanceRow["status"],
    state,
    tags: [...snapshot.tags].toSorted(), // the set keeps the order in which states were entered
    since: isSameState ? before.row.since : at,
    regionsSince: regionsSince(snapshot, before, at),
  };
}

const noRegions: NewInstanceRow["regionsSince"] = {};

function regionsSince(
  snapshot: Snapshot,
  before: { snapshot: Snapshot; row: Pick<NewInstanceRow, "regionsSince"> } | undefined,
  at: number,
): NewInstanceRow["regionsSince"] {
  if (snapshot.machine.root.type !== "parallel") return noRegions;
  const value = snapshot.value as Record<string, unknown>;
  const was = before?.snapshot.value as Record<string, unknown> | undefined;
  return Object.fromEntries(
    Object.entries(value).map(([region, state]) => {
      const isSame = was !== undefined && JSON.stringify(was[region]) === JSON.stringify(state);
      return [region, isSame ? (before?.row.regionsSince[region] ?? at) : at];
    }),
  );
}

/** The child instance of a call of the built-in activity. */
export function childOf(call: PendingRow): string | undefined {
  return call.activity === instanceActivityName ? (JSON.parse(call.payload) as { id: string }).id : undefined;
}

/** The head without rows that are settled in the commit that steps it: they are not there to be withdrawn. */
export function withoutSettled(head: Head, settled: ReadonlySet<string>): Head {
  if (settled.size === 0) return head;
  const over = [...head.armed.values()].filter(({ key }) => settled.has(key));
  if (over.length === 0) return head;
  const armed = new Map(head.armed);
  for (const { id } of over) armed.delete(id);
  return { ...head, armed };
}
