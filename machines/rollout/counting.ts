import type { CountedState } from "../host/states.ts";
import type { RolloutContext, WaveCounters } from "./context.ts";

export interface HostChange {
  from: CountedState;
  to: CountedState;
  wave: number;
}

/** The context with one host of a wave moved from one counter to another. Costs the same at any number of hosts. */
export function countedAfter<Context extends RolloutContext>(
  context: Context,
  { from, to, wave }: HostChange,
): Context {
  return withCounters(context, wave, (counters) =>
    from === to ? counters : { ...counters, [from]: counters[from] - 1, [to]: counters[to] + 1 },
  );
}

/** The context with one more host of a wave dispatched. */
export function joinedAfter(context: RolloutContext, wave: number): RolloutContext {
  return withCounters(context, wave, (counters) => ({ ...counters, joined: counters.joined + 1 }));
}

/** Hosts that have failed where no wave counts them; each once, whether it went back or not. */
export function failedAfter({ failedHosts, waves }: RolloutContext, { from, to }: HostChange): number {
  if (waves !== null) return 0;
  const before = isFailed(from) ? Math.max(0, failedHosts - 1) : failedHosts;
  return isFailed(to) ? before + 1 : before;
}

function isFailed(state: CountedState): boolean {
  return state === "Failed" || state === "Reverted";
}

function withCounters<Context extends RolloutContext>(
  context: Context,
  wave: number,
  change: (counters: WaveCounters) => WaveCounters,
): Context {
  if (context.waves === null) return context;
  return {
    ...context,
    waves: context.waves.map((counters, number) => (number === wave ? change(counters) : counters)),
  };
}
