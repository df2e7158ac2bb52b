/** Time as the engine sees it: epoch milliseconds. Handed in, never read. */
export interface Clock {
  now(): number;
  /** Resolves when `now()` has reached `at`, or at once when the signal is aborted. Never rejects. */
  wakeAt(at: number, signal: AbortSignal): Promise<void>;
}
