import type { ChannelInput } from "./events.ts";

export interface RolloutOfRef {
  rolloutId: string;
  ref: string;
}

export interface ChannelContext {
  channel: string;
  newest: (RolloutOfRef & { run: number; openedAt: number; isRetry?: true }) | null;
  /** The last run number by ref. */
  runs: Readonly<Record<string, number>>;
  /** Runs whose rollouts are not pruned, by ref. */
  kept: Readonly<Record<string, readonly number[]>>;
  /** Refs without a rollout that is kept, the one that lost its last first: their run numbers go when there are too many. */
  forgotten: readonly string[];
  /** The last that became Terminal: what an undo brings back. */
  lastTerminal: RolloutOfRef | null;
  /** The last of another ref before it: what an undo brings back when the newest is itself Terminal. */
  previousTerminal: RolloutOfRef | null;
  /** By ref. */
  quarantined: Readonly<Record<string, Quarantine>>;
}

export interface Quarantine {
  rolloutId: string;
  reason: string;
  since: number;
}

export function initialContext({ input }: { input: ChannelInput }): ChannelContext {
  return {
    channel: input.channel,
    newest: null,
    runs: {},
    kept: {},
    forgotten: [],
    lastTerminal: null,
    previousTerminal: null,
    quarantined: {},
  };
}

/** A ref that comes back after so many others must not get the id of an instance that is still in the store. */
export const forgottenMax = 1_000;

/** One more rollout of a ref is kept. */
export function withRun(context: ChannelContext, ref: string, run: number): Partial<ChannelContext> {
  return {
    runs: { ...context.runs, [ref]: run },
    kept: { ...context.kept, [ref]: [...keptRuns(context, ref), run] },
    forgotten: context.forgotten.filter((each) => each !== ref),
  };
}

/** One rollout of a ref less is kept. */
export function withoutRun(context: ChannelContext, ref: string, run: number): Partial<ChannelContext> {
  const left = keptRuns(context, ref).filter((each) => each !== run);
  if (left.length > 0) return { kept: { ...context.kept, [ref]: left } };
  const forgotten = [...context.forgotten, ref];
  const dropped = forgotten.slice(0, Math.max(0, forgotten.length - forgottenMax));
  return {
    kept: without(context.kept, [ref]),
    runs: without(context.runs, dropped),
    forgotten: forgotten.slice(dropped.length),
  };
}

/** The last run of a ref; 0 when there was none, also for a ref that is called like what every object has. */
export function lastRun({ runs }: ChannelContext, ref: string): number {
  return Object.hasOwn(runs, ref) ? (runs[ref] ?? 0) : 0;
}

export function keptRuns({ kept }: ChannelContext, ref: string): readonly number[] {
  return Object.hasOwn(kept, ref) ? (kept[ref] ?? []) : [];
}

export function without<Value>(
  record: Readonly<Record<string, Value>>,
  keys: readonly string[],
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}
