/**
 * Aborted by the first thing that asks the process to end, which is its reason; a second signal ends it at once.
 * `isRunByNpx`: npx hands a signal to the shell that it starts us with, and that one ends without telling us; so its end asks too.
 */
export function stopSignal({ isRunByNpx }: { isRunByNpx: boolean }): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(1);
      stopping.abort(signal);
    });
  }
  if (isRunByNpx) whenParentIsGone(() => stopping.abort("npx has ended"));
  return stopping.signal;
}

const lookForParentEveryMs = 500; // a question to the kernel, and nobody waits for the answer

function whenParentIsGone(gone: () => void): void {
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    gone();
  }, lookForParentEveryMs);
  looking.unref();
}

/** Resolves when the signal is aborted, or was already. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
