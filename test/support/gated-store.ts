import type { Element, Store } from "../../src/store/store.ts";

/** A store that counts its commits, and can hold the next ones open until the test says how they end. */
export interface GatedStore extends Store {
  /** The batches that reached it. */
  readonly batches: (readonly Element[])[];
  /** From now on commits wait. */
  hold(): void;
  /** Lets what waits be committed, and everything after it. */
  release(): void;
  /** Makes what waits fail: with nothing of it written, or after it was. Later commits go through. */
  fail(when: "before" | "after"): void;
}

type Verdict = "go" | "before" | "after";

export function gatedStore(store: Store): GatedStore {
  const batches: (readonly Element[])[] = [];
  let gate: PromiseWithResolvers<Verdict> | undefined;

  function open(verdict: Verdict): void {
    gate?.resolve(verdict);
    gate = undefined;
  }

  return {
    ...store,
    batches,
    hold: () => void (gate ??= Promise.withResolvers()),
    release: () => open("go"),
    fail: open,
    async commit(batch) {
      batches.push(batch);
      const verdict = gate === undefined ? "go" : await gate.promise;
      if (verdict === "before") throw new Error("the disk went away");
      const results = await store.commit(batch);
      if (verdict === "after") throw new Error("the connection went away");
      return results;
    },
  };
}

/** Lets everything run that can run without time passing. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise is still open when everything else has run. */
export async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  let open = true;
  const close = () => void (open = false);
  promise.then(close, close);
  await quiet();
  return open;
}
