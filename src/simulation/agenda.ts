import { createHeap } from "../core/heap.ts";

/** What is to happen at which time: the earliest first, and of the same time in order of planning. */
export interface Agenda<Deed> {
  readonly size: number;
  plan(at: number, deed: Deed): void;
  /** When the next is due; Infinity when there is nothing. */
  nextAt(): number;
  /** Takes all that are due by then. */
  takeDue(now: number): Deed[];
}

export function createAgenda<Deed>(): Agenda<Deed> {
  const entries = createHeap<{ at: number; order: number; deed: Deed }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order),
  );
  let planned = 0;
  return {
    get size() {
      return entries.size;
    },
    plan: (at, deed) => entries.push({ at, order: ++planned, deed }),
    nextAt: () => entries.peek()?.at ?? Number.POSITIVE_INFINITY,
    takeDue(now) {
      const due: Deed[] = [];
      for (let next = entries.peek(); next !== undefined && next.at <= now; next = entries.peek()) {
        entries.pop();
        due.push(next.deed);
      }
      return due;
    },
  };
}
