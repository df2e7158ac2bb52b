import type { NewJournalRow } from "./store.ts";

/** Numbers of the first and the last entry that change the state of an instance. Of a new one the first is its creation. */
export interface Transitions {
  first: number;
  last: number;
}

/** By instance, in a journal that goes on after `position`. */
export function transitionsIn(
  journal: readonly NewJournalRow[],
  position: number,
): { get(instance: string): Transitions | undefined } {
  if (journal.every(({ from, to }) => from === to)) return none; // by far the most frequent
  const transitions = new Map<string, Transitions>();
  for (const [index, { instance, from, to }] of journal.entries()) {
    if (from === to) continue;
    const seq = position + index + 1;
    transitions.set(instance, { first: transitions.get(instance)?.first ?? seq, last: seq });
  }
  return transitions;
}

const none: ReadonlyMap<string, Transitions> = new Map();
