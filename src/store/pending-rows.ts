import { createHeap, type Heap } from "../core/heap.ts";
import type { Claim, PendingRow } from "./store.ts";

/** Pending rows in memory: finding, claiming and taking one away cost the same however many there are. */
export interface PendingRows {
  get(key: string): PendingRow | undefined;
  add(row: PendingRow): void;
  /** Another state of a row that is there; it keeps its place in the order of arming. */
  replace(row: PendingRow): void;
  remove(key: string): void;
  /** All of them, in order of arming. */
  all(): Iterable<PendingRow>;
  /** Calls and timers of an instance, in order of arming. */
  armedOf(instance: string): PendingRow[];
  /** The call or timer that an instance has armed under an id. */
  armedAs(instance: string, id: string): PendingRow | undefined;
  /** Messages that an instance has sent, in order. */
  sentBy(instance: string): PendingRow[];
  /** What may be claimed: deliveries, then calls, each by `dueAt` and in order of arming. Nothing is leased. */
  claimable(claim: Pick<Claim, "now" | "calls" | "deliveries">): PendingRow[];
  /** When the next row may be claimed; null when nothing will be. */
  nextDueAt(): number | null;
}

interface Entry {
  row: PendingRow;
  /** Place in the order of arming. */
  readonly order: number;
  /** The earlier message of its pair that it waits for, as far as was seen. */
  waitsFor: Entry | undefined;
  /** Later messages of its pair that wait for it. */
  readonly holds: Set<Entry>;
}

/**
 * A row that can become claimable by the passing of time lies in `waiting`; when its time has come it moves to the `ready` rows of its
 * kind; a message that is found behind an earlier one is held by that one, until anything about the earlier one changes.
 */
export function createPendingRows(): PendingRows {
  const entries = new Map<string, Entry>(); // in order of arming
  const armed = new Map<string, Map<string, Entry>>(); // by instance, then by id
  const sent = new Map<string, Map<string | null, Set<Entry>>>(); // by sender, then by receiver, in order
  const byTime = createHeap<Entry>(isSooner); // all that are not dead and have a time
  const waiting = createHeap<Entry>(isSooner);
  const readyCalls = createHeap<Entry>(isDueSooner);
  const readyDeliveries = createHeap<Entry>(isDueSooner);
  let lastOrder = 0;

  const readyOf = ({ row }: Entry) => (row.kind === "call" ? readyCalls : readyDeliveries);

  /** To be called while the entry has the row that it was entered with. */
  function leave(entry: Entry): void {
    if (!byTime.delete(entry)) return;
    if (entry.waitsFor === undefined) void (waiting.delete(entry) || readyOf(entry).delete(entry));
    entry.waitsFor?.holds.delete(entry);
    entry.waitsFor = undefined;
  }

  function enter(entry: Entry): void {
    if (entry.row.dead || entry.row.dueAt === null) return;
    byTime.push(entry);
    waiting.push(entry);
  }

  /** Something about the entry has changed: whoever waits for it is looked at again. */
  function release(entry: Entry): void {
    for (const held of entry.holds) {
      held.waitsFor = undefined;
      readyOf(held).push(held);
    }
    entry.holds.clear();
  }

  function pairOf({ instance, to }: PendingRow): ReadonlySet<Entry> {
    return sent.get(instance)?.get(to) ?? new Set();
  }

  function index(entry: Entry): void {
    const { instance, kind, id, to } = entry.row;
    if (kind !== "message") {
      const ofInstance = armed.get(instance) ?? new Map<string, Entry>();
      armed.set(instance, ofInstance.set(id, entry));
      return;
    }
    const ofSender = sent.get(instance) ?? new Map<string | null, Set<Entry>>();
    const pair = ofSender.get(to) ?? new Set<Entry>();
    sent.set(instance, ofSender.set(to, pair.add(entry)));
  }

  function unindex(entry: Entry): void {
    const { instance, kind, id, to } = entry.row;
    if (kind !== "message") {
      const ofInstance = armed.get(instance);
      if (ofInstance?.get(id) === entry) ofInstance.delete(id);
      if (ofInstance?.size === 0) armed.delete(instance);
      return;
    }
    const ofSender = sent.get(instance);
    const pair = ofSender?.get(to);
    pair?.delete(entry);
    if (pair?.size === 0) ofSender?.delete(to);
    if (ofSender?.size === 0) sent.delete(instance);
  }

  /** The earlier message of the pair that is leased, or due after this one or after another between them. */
  function holderOf(entry: Entry, now: number): Entry | undefined {
    if (entry.row.kind !== "message") return undefined;
    let last: Entry | undefined;
    for (const each of pairOf(entry.row)) {
      const { dead, dueAt, leaseUntil } = each.row;
      if (dead) continue;
      if (last !== undefined && (dueAt ?? Number.POSITIVE_INFINITY) < (last.row.dueAt as number)) return last;
      if (each === entry) return undefined;
      if (dueAt === null || (leaseUntil !== null && leaseUntil > now)) return each;
      last = each;
    }
    return undefined;
  }

  function ripen(now: number): void {
    for (let next = waiting.peek(); next !== undefined && availableAt(next) <= now; next = waiting.peek()) {
      waiting.pop();
      readyOf(next).push(next);
      release(next); // its lease may have ended
    }
  }

  function takeFrom(ready: Heap<Entry>, now: number, most: number): PendingRow[] {
    const taken: Entry[] = [];
    const passedOver: Entry[] = [];
    while (taken.length < most) {
      const entry = ready.pop();
      if (entry === undefined) break;
      const holder = holderOf(entry, now);
      if (availableAt(entry) > now)
        passedOver.push(entry); // the clock was put back
      else if (holder === undefined) taken.push(entry);
      else {
        entry.waitsFor = holder;
        holder.holds.add(entry);
      }
    }
    for (const entry of [...taken, ...passedOver]) ready.push(entry);
    return taken.map(({ row }) => row);
  }

  return {
    get: (key) => entries.get(key)?.row,
    add(row) {
      const entry: Entry = { row, order: ++lastOrder, waitsFor: undefined, holds: new Set() };
      entries.set(row.key, entry);
      index(entry);
      enter(entry);
    },
    replace(row) {
      const entry = entries.get(row.key);
      if (entry === undefined) return;
      leave(entry);
      entry.row = row;
      enter(entry);
      release(entry);
    },
    remove(key) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      leave(entry);
      entries.delete(key);
      unindex(entry);
      release(entry);
    },
    *all() {
      for (const { row } of entries.values()) yield row;
    },
    armedOf: (instance) => [...(armed.get(instance)?.values() ?? [])].map(({ row }) => row),
    armedAs: (instance, id) => armed.get(instance)?.get(id)?.row,
    sentBy(instance) {
      const pairs = [...(sent.get(instance)?.values() ?? [])].flatMap((pair) => [...pair]);
      return pairs.toSorted((a, b) => a.order - b.order).map(({ row }) => row);
    },
    claimable({ now, calls, deliveries }) {
      ripen(now);
      return [...takeFrom(readyDeliveries, now, deliveries), ...takeFrom(readyCalls, now, calls)];
    },
    nextDueAt() {
      const next = byTime.peek();
      return next === undefined ? null : availableAt(next);
    },
  };
}

/** When a row may be claimed at the earliest: a lease that ends counts. Only of rows that have a time. */
function availableAt({ row }: Entry): number {
  return Math.max(row.dueAt as number, row.leaseUntil ?? 0);
}

function isSooner(a: Entry, b: Entry): boolean {
  const difference = availableAt(a) - availableAt(b);
  return difference < 0 || (difference === 0 && a.order < b.order);
}

function isDueSooner(a: Entry, b: Entry): boolean {
  const difference = (a.row.dueAt as number) - (b.row.dueAt as number);
  return difference < 0 || (difference === 0 && a.order < b.order);
}
