/** One figure: ours beside a baseline that was measured in the same run. */
export interface Figure {
  /** Ours divided by the baseline: of times for `step` and `refusal`, of throughputs for the others. */
  ratio: number;
  baseline: string;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Further figures of the same run. */
  [detail: string]: number | string;
}

/** What one of many costs, in microseconds. */
export interface Cost {
  /** Best of several rounds: what disturbs a round only ever makes it slower. */
  best: number;
  /** Of the means of short batches: a single one is shorter than the clock can tell. */
  p50: number;
  p99: number;
}

const batchTimes = 200;

export function costOf(run: (times: number) => void, { times, rounds }: { times: number; rounds: number }): Cost {
  const timed = (count: number) => {
    const begun = performance.now();
    run(count);
    return ((performance.now() - begun) * 1_000) / count;
  };
  run(Math.ceil(times / 10)); // warm
  const best = Math.min(...Array.from({ length: rounds }, () => timed(times)));
  const batches = Array.from({ length: Math.ceil(times / batchTimes) * 2 }, () => timed(batchTimes));
  return { best, p50: quantile(batches, 0.5), p99: quantile(batches, 0.99) };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Callers that each wait for their answer before they ask again; answers with how long each took, and what it cost the processor. */
export async function withCallers(given: {
  callers: number;
  each: number;
  ask: (caller: number, turn: number) => Promise<unknown>;
}) {
  const latenciesMs: number[] = [];
  const used = process.cpuUsage();
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: given.callers }, async (_, caller) => {
      for (let turn = 0; turn < given.each; turn += 1) {
        const asked = performance.now();
        await given.ask(caller, turn);
        latenciesMs.push(performance.now() - asked);
      }
    }),
  );
  const perSecond = latenciesMs.length / ((performance.now() - begun) / 1_000);
  const { user, system } = process.cpuUsage(used);
  const processorUs = (user + system) / latenciesMs.length;
  return { perSecond, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99), processorUs };
}
