import { SignalboxError } from "../core/errors.ts";

/** Lets in what comes from outside, as long as it is open. */
export interface Gate {
  /** Rejects with `shutting-down` when it is closed. The work must not throw. */
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
    enter(work) {
      if (!isOpen) return Promise.reject(shutDown());
      inside += 1;
      const working = work();
      working.then(leave, leave);
      return working;
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

function shutDown(): SignalboxError {
  return new SignalboxError("shutting-down", "The engine was stopped. Start it again, then ask again.");
}
