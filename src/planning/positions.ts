import type { FrozenPlan } from "./frozen-plan.ts";

/** The hosts of a plan in order of dispatch (wave, then name), and those in no wave behind them. */
export interface Positions {
  readonly names: readonly string[];
  of(host: string): number | undefined;
  /** null: in none. */
  waveAt(position: number): number | null;
  /** Where a wave begins; for the one after the last, where the waves end. */
  beginOf(wave: number): number;
}

export function positionsOf(plan: FrozenPlan): Positions {
  const names = [...plan.waves.flatMap(({ hosts }) => hosts), ...plan.unstaged];
  const positions = new Map(names.map((name, position) => [name, position]));
  const begins = [0];
  for (const { hosts } of plan.waves) begins.push((begins.at(-1) as number) + hosts.length);
  const beginOf = (wave: number) => begins[Math.max(0, Math.min(wave, plan.waves.length))] as number;
  return {
    names,
    of: (host) => positions.get(host),
    waveAt: (position) => waveAt(begins, position),
    beginOf,
  };
}

/** The last wave that begins at the position or before and has it: by halves, since there may be hundreds. */
function waveAt(begins: readonly number[], position: number): number | null {
  const wavesEnd = begins.at(-1) as number;
  if (position < 0 || position >= wavesEnd) return null;
  let low = 0;
  let high = begins.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((begins[middle] as number) <= position) low = middle;
    else high = middle;
  }
  return low;
}
