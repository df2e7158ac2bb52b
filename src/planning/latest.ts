/** The largest of the times that stand in a list of fixed length; setting one costs the logarithm of the length. */
export interface Latest {
  readonly time: number | null;
  /** null takes it out. */
  put(position: number, time: number | null): void;
}

/** A tree in which each knot holds the later of the two below it. */
export function createLatest(length: number): Latest {
  const none = Number.NEGATIVE_INFINITY;
  const times = new Float64Array(2 * Math.max(1, length)).fill(none);
  return {
    get time() {
      const top = times[1] as number;
      return top === none ? null : top;
    },
    put(position, time) {
      let node = position + length;
      times[node] = time ?? none;
      for (node >>= 1; node >= 1; node >>= 1) {
        times[node] = Math.max(times[2 * node] as number, times[2 * node + 1] as number);
      }
    },
  };
}
