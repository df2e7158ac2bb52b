/**
 * Work that waits only for what is not there yet. As an async function, but one that calls another pays nothing for it: where
 * nothing has to be waited for, it runs from its beginning to its end in one go.
 */
export type Routine<T> = Generator<Promise<unknown>, T, unknown>;

/** What the promise resolves to. Throws what it rejects with. */
export function* waitFor<T>(promise: Promise<T>): Routine<T> {
  return (yield promise) as T;
}

/** Begins at once: what comes of it, or a promise of that where it has to wait. */
export function run<T>(routine: Routine<T>): T | Promise<T> {
  const step = routine.next();
  return step.done === true ? step.value : goOn(routine, step);
}

async function goOn<T>(routine: Routine<T>, begun: IteratorYieldResult<Promise<unknown>>): Promise<T> {
  let step: IteratorResult<Promise<unknown>, T> = begun;
  while (step.done !== true) {
    let outcome: unknown;
    try {
      outcome = await step.value;
    } catch (error) {
      step = routine.throw(error);
      continue;
    }
    step = routine.next(outcome);
  }
  return step.value;
}
