import { orAborted } from "../../core/or-aborted.ts";

/** Work under one key happens one after the other, in order of asking. */
export interface TurnsByKey {
  /** Throws the signal's reason, without having worked, when it is aborted before the turn comes. */
  take<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  isTaken(key: string): boolean;
}

export function createTurnsByKey(): TurnsByKey {
  const ends = new Map<string, Promise<void>>();

  return {
    async take(key, signal, work) {
      const before = ends.get(key) ?? Promise.resolve();
      const { promise: done, resolve } = Promise.withResolvers<void>();
      // One that gives up while it waits still ends after its predecessor, so that its successor does not overtake.
      const end = before.then(() => done);
      ends.set(key, end);
      void end.then(() => {
        if (ends.get(key) === end) ends.delete(key);
      });
      try {
        await orAborted(before, signal);
        return await work();
      } finally {
        resolve();
      }
    },
    isTaken: (key) => ends.has(key),
  };
}
