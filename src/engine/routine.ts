/**
 * Work that waits only for what is not there yet. As an async function, but one that calls another pays nothing for it: where
 * nothing has to be waited for, it runs from its beginning to its end in one go.
 */
export type Routine<T> = Generator<Promise<unknown>, T, unknown>;

/** What the promise resolves to. Throws what it rejects with. */
export function* waitFor<T>(promise: Promise<T>): Routine<T> {
  return (yield promise) as T;
}

/** Begins at once, and runs until it first has to wait. */
export async function run<T>(routine: Routine<T>): Promise<T> {
  let step = routine.next();
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
