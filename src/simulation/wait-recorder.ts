/** When which gate held at least one host back, as the decisions of the planner tell it. Times are epoch ms. */
export interface WaitRecorder {
  /** What holds hosts back from now on. */
  decided(at: number, gates: readonly { gate: string; since: number; detail: string }[]): void;
  /** Whatever holds still does so up to `at`. */
  until(at: number): RecordedWait[];
}

export interface RecordedWait {
  gate: string;
  /** What was said of it first. */
  detail: string;
  spans: { from: number; to: number }[];
}

/** `openedAt`: what has held since before the rollout was there is counted from then on. */
export function createWaitRecorder(openedAt: number): WaitRecorder {
  const waits = new Map<string, RecordedWait>();
  const open = new Map<string, number>(); // since when, by gate

  function end(gate: string, from: number, to: number): void {
    const spans = waits.get(gate)?.spans;
    const last = spans?.at(-1);
    if (last !== undefined && last.to >= from) last.to = Math.max(last.to, to);
    else if (to > from) spans?.push({ from, to });
  }

  return {
    decided(at, gates) {
      const holding = new Set(gates.map(({ gate }) => gate));
      for (const [gate, from] of open) {
        if (holding.has(gate)) continue;
        end(gate, from, at);
        open.delete(gate);
      }
      for (const { gate, since, detail } of gates) {
        if (!waits.has(gate)) waits.set(gate, { gate, detail, spans: [] });
        if (!open.has(gate)) open.set(gate, Math.max(openedAt, Math.min(since, at)));
      }
    },
    until(at) {
      for (const [gate, from] of open) {
        end(gate, from, at);
        open.set(gate, at);
      }
      return [...waits.values()].filter(({ spans }) => spans.length > 0);
    },
  };
}
