/** Agents that wait for something to change for their host. */
export interface Wakes {
  /** Resolves when the host is woken, or the signal is aborted. */
  changed(host: string, signal: AbortSignal): Promise<void>;
  wake(host: string): void;
}

export function createWakes(): Wakes {
  const waiting = new Map<string, Set<() => void>>();

  function leave(host: string, resolve: () => void): void {
    const others = waiting.get(host);
    others?.delete(resolve);
    if (others?.size === 0) waiting.delete(host);
  }

  return {
    changed(host, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const end = () => {
          leave(host, end);
          signal.removeEventListener("abort", end);
          resolve();
        };
        waiting.set(host, (waiting.get(host) ?? new Set()).add(end));
        signal.addEventListener("abort", end);
      });
    },
    wake(host) {
      for (const end of waiting.get(host) ?? []) end();
    },
  };
}
