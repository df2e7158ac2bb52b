import type { PlannedMove } from "./plan-types.ts";

/** The moves of one decision. */
export interface Batch {
  readonly moves: readonly PlannedMove[];
  /** How many more it takes. */
  readonly room: number;
  /** Something was left out. */
  readonly isCutOff: boolean;
  /** Says whether it was taken. */
  add(move: PlannedMove): boolean;
}

const movesMax = 200; // a dispatch is two moves of the engine: a transaction of these is far below its limit, and short

export function createBatch(): Batch {
  const moves: PlannedMove[] = [];
  let isCutOff = false;
  return {
    moves,
    get room() {
      return movesMax - moves.length;
    },
    get isCutOff() {
      return isCutOff;
    },
    add(move) {
      if (moves.length >= movesMax) {
        isCutOff = true;
        return false;
      }
      moves.push(move);
      return true;
    },
  };
}
