import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/store.ts";

const freshMs = 1_000; // a probe writes and waits for the disk, and anybody may ask whether the server is ready

/** Whether the store can be written to; whoever asks soon after another gets the same answer. */
export function createProbe({ store, clock }: { store: Pick<Store, "probe">; clock: Clock }): () => Promise<void> {
  let last: { at: number; answer: Promise<void> } | undefined;
  return () => {
    const now = clock.now();
    if (last === undefined || Math.abs(now - last.at) >= freshMs) last = { at: now, answer: store.probe() };
    return last.answer;
  };
}
