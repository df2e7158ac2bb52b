import { orAborted } from "../../core/or-aborted.ts";

/** Lets at most so many work at once; the others wait in line. */
export interface Seats {
  /** Throws the signal's reason, without having worked, when it is aborted before a seat is free. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createSeats(max: number): Seats {
  let free = max;
  const line: (() => void)[] = [];

  async function sit(signal: AbortSignal) {
    if (free > 0) {
      free -= 1;
      return;
    }
    const { promise: called, resolve } = Promise.withResolvers<void>();
    line.push(resolve);
    try {
      await orAborted(called, signal);
    } catch (error) {
      const place = line.indexOf(resolve);
      if (place >= 0) line.splice(place, 1);
      else rise(); // it was called at the very moment
      throw error;
    }
  }

  function rise() {
    const next = line.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    async take(signal, work) {
      signal.throwIfAborted();
      await sit(signal);
      try {
        return await work();
      } finally {
        rise();
      }
    },
  };
}
