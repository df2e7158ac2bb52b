/** A set of places in a list of fixed length that knows its order: each step costs the logarithm of the length. */
export interface PositionSet {
  readonly size: number;
  has(position: number): boolean;
  put(position: number, isIn: boolean): void;
  /** How many are before this one. */
  countBefore(position: number): number;
  /** The first at or after it; undefined when there is none. */
  next(from: number): number | undefined;
}

/** A Fenwick tree: the sum of each power-of-two run of members. */
export function createPositionSet(length: number): PositionSet {
  const members = new Uint8Array(length);
  const sums = new Int32Array(length + 1);
  const highest = length === 0 ? 0 : 2 ** Math.floor(Math.log2(length));
  let size = 0;

  const countBefore = (position: number) => {
    let count = 0;
    for (let node = Math.max(0, Math.min(position, length)); node > 0; node -= node & -node)
      count += sums[node] as number;
    return count;
  };

  return {
    get size() {
      return size;
    },
    has: (position) => members[position] === 1,
    put(position, isIn) {
      if (position < 0 || position >= length || (members[position] === 1) === isIn) return;
      const step = isIn ? 1 : -1;
      members[position] = isIn ? 1 : 0;
      size += step;
      for (let node = position + 1; node <= length; node += node & -node) sums[node] = (sums[node] as number) + step;
    },
    countBefore,
    next(from) {
      if (members[from] === 1) return from;
      let left = countBefore(from);
      if (left >= size) return undefined;
      let node = 0;
      for (let run = highest; run >= 1; run /= 2) {
        const after = node + run;
        if (after > length || (sums[after] as number) > left) continue;
        node = after;
        left -= sums[after] as number;
      }
      return node;
    },
  };
}
