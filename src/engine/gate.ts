import { SignalboxError } from "../core/errors.ts";

/** Lets in what comes from outside, as long as it is open. */
export interface Gate {
  /** Rejects with `shutting-down` when it is closed. */
  enter<T>(work: () => Promise<T>): Promise<T>;
  open(): void;
  /** Resolves when all who were let in are done. */
  close(): Promise<void>;
}

export function createGate(): Gate {
  let isOpen = true;
  let inside = 0;
  let emptied: PromiseWithResolvers<void> | undefined;

  function leave(): void {
    inside -= 1;
    if (inside > 0) return;
    emptied?.resolve();
    emptied = undefined;
  }

  return {
    async enter(work) {
      if (!isOpen) throw new SignalboxError("shutting-down", "The engine was stopped. Start it again, then ask again.");
      inside += 1;
      try {
        return await work();
      } finally {
        leave();
      }
    },
    open() {
      isOpen = true;
    },
    async close() {
      isOpen = false;
      if (inside > 0) await (emptied ??= Promise.withResolvers()).promise;
    },
  };
}
