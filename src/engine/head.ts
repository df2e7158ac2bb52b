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

/** What a row says about its snapshot. */
type Described = Pick<NewInstanceRow, "status" | "state" | "tags" | "since" | "regionsSince">;

/**
 * What the row says about a snapshot, with the times at which its regions last changed. What is as it was before is the very
 * same value.
 */
export function describedBy(
  snapshot: Snapshot,
  before: { snapshot: Snapshot; row: Described } | undefined,
  at: number,
): Described {
  const state = leadingState(snapshot);
  return {
    status: snapshot.status as NewInstanceRow["status"],
    state,
    tags: tagsOf(snapshot, before?.row.tags),
    since: before !== undefined && leadingState(before.snapshot) === state ? before.row.since : at,
    regionsSince: regionsSince(snapshot, before, at),
  };
}

/** In order: the set keeps the one in which states were entered. */
function tagsOf({ tags }: Snapshot, before: readonly string[] = noTags): readonly string[] {
  if (tags.size === before.length && before.every((tag) => tags.has(tag))) return before;
  return [...tags].toSorted();
}

const noTags: readonly string[] = [];
const noRegions: NewInstanceRow["regionsSince"] = {};

function regionsSince(
  snapshot: Snapshot,
  before: { snapshot: Snapshot; row: Described } | undefined,
  at: number,
): NewInstanceRow["regionsSince"] {
  if (snapshot.machine.root.type !== "parallel") return before?.row.regionsSince ?? noRegions;
  const value = snapshot.value as Record<string, unknown>;
  if (before === undefined) return Object.fromEntries(Object.keys(value).map((region) => [region, at]));
  const was = before.snapshot.value as Record<string, unknown>;
  const moved = Object.keys(value).filter(
    (region) =>
      before.row.regionsSince[region] === undefined || JSON.stringify(was[region]) !== JSON.stringify(value[region]),
  );
  if (moved.length === 0) return before.row.regionsSince;
  return { ...before.row.regionsSince, ...Object.fromEntries(moved.map((region) => [region, at])) };
}

/** Whether all that a row says but its version, its snapshot and their times is the same. */
export function isWithinState(row: NewInstanceRow, before: NewInstanceRow): boolean {
  return (
    row.status === before.status &&
    row.state === before.state &&
    row.since === before.since &&
    row.tags === before.tags &&
    row.regionsSince === before.regionsSince &&
    row.streams === before.streams &&
    row.machineVersion === before.machineVersion
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
