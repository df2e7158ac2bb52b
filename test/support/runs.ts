/** How many random programs a property is tried with: bounded in the suite, more with `SIGNALBOX_RUNS=n` (a factor). */
export function runs(count: number): number {
  return Math.ceil(count * Number(process.env["SIGNALBOX_RUNS"] ?? 1));
}
