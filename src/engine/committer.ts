import { isSignalboxError } from "../core/errors.ts";
import { wroteNothing, type CommitResult, type Element, type Store } from "../store/store.ts";
import type { Hot } from "./heads.ts";
import type { Limits } from "./limits.ts";
import type { Observers } from "./observer.ts";

/** Collects what is ready into one database transaction at a time. */
export interface Committer {
  /** How an element fared. Rejects when the outcome of its transaction is not known. */
  commit(element: Element, hots: readonly Hot[]): Promise<CommitResult>;
  isFull(): boolean;
  isIdle(): boolean;
  /** Resolves when what was given until now is committed, or is known not to be. */
  settled(): Promise<unknown>;
  /** Resolves when nothing is left to commit. */
  idle(): Promise<void>;
}

interface Waiting {
  element: Element;
  hots: readonly Hot[];
  resolve(result: CommitResult): void;
  reject(error: unknown): void;
}

export function createCommitter(given: { store: Store; limits: Limits; observers: Observers }): Committer {
  const { store, limits, observers } = given;
  const queue: Waiting[] = [];
  let running: Promise<void> | undefined;
  let last: Promise<CommitResult | undefined> = Promise.resolve(undefined);

  async function run(): Promise<void> {
    while (queue.length > 0) {
      await macrotask(); // whoever is ready in this turn of the event loop shares the transaction
      const batch = queue.splice(0, limits.batchMax);
      const live = batch.filter((waiting) => !isDeadBranch(waiting));
      for (const waiting of batch) if (isDeadBranch(waiting)) settle(waiting, "stale");
      if (live.length > 0) await commitBatch(live);
    }
    running = undefined;
  }

  async function commitBatch(batch: readonly Waiting[]): Promise<void> {
    const watch = observers.committing({ elements: batch.length });
    try {
      const results = await store.commit(batch.map(({ element }) => element));
      watch?.ended({ outcome: "committed" });
      for (const [index, waiting] of batch.entries()) settle(waiting, results[index] ?? "stale");
    } catch (error) {
      watch?.ended({ outcome: "failed" });
      if (batch.length > 1 && isOfOneElement(error)) return commitOneByOne(batch);
      for (const waiting of batch) {
        drop(waiting);
        release(waiting);
        waiting.reject(error);
      }
    }
  }

  /** So that the one that cannot be written fails alone, with what was stepped on it. */
  async function commitOneByOne(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) {
      if (isDeadBranch(waiting)) settle(waiting, "stale");
      else await commitBatch([waiting]);
    }
  }

  function settle(waiting: Waiting, result: CommitResult): void {
    if (result === "committed") observers.committed(waiting.element.journal);
    else drop(waiting);
    release(waiting);
    waiting.resolve(result);
  }

  return {
    commit(element, hots) {
      const { promise, resolve, reject } = Promise.withResolvers<CommitResult>();
      for (const hot of hots) hot.inFlight += 1;
      queue.push({ element, hots, resolve, reject });
      last = promise;
      running ??= run();
      return promise;
    },
    isIdle: () => running === undefined,
    settled: () => last.catch(() => undefined),
    isFull: () => queue.length >= limits.commitQueueMax,
    async idle() {
      while (running !== undefined) await running;
    },
  };
}

/** Stepped on a head that fell: versions may fit again by chance, the state does not. */
function isDeadBranch({ hots }: Waiting): boolean {
  return hots.some(({ dropped }) => dropped);
}

/** Nothing was written, on account of one of them. */
function isOfOneElement(error: unknown): boolean {
  return isSignalboxError(error) && wroteNothing.has(error.code) && error.code !== "insufficient-storage";
}

function drop({ hots }: Waiting): void {
  for (const hot of hots) hot.dropped = true;
}

function release({ hots }: Waiting): void {
  for (const hot of hots) hot.inFlight -= 1;
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
