import type { Store } from "../../src/store/store.ts";

export interface Death {
  /** With which call to the store, counted from 1. */
  at: number;
  /** Whether that call was still done. */
  isDone: boolean;
}

/** A process that dies with a call to its store: from then on nothing is answered. The store behind it lives on. */
export function mortal(store: Store, { at, isDone }: Death) {
  const died = Promise.withResolvers<void>();
  const never = new Promise<never>(() => undefined);
  let calls = 0;

  async function through<T>(call: () => Promise<T>): Promise<T> {
    calls += 1;
    if (calls < at) {
      const answer = await call();
      return calls < at ? answer : never;
    }
    if (calls === at && isDone) await call();
    died.resolve();
    return never;
  }

  const names = Object.keys(store) as (keyof Store)[];
  const wrapped = names.map((name) => [
    name,
    (...given: unknown[]) => through(() => (store[name] as (...given: unknown[]) => Promise<unknown>)(...given)),
  ]);
  return {
    store: Object.fromEntries(wrapped) as unknown as Store, // the names are those of the store
    died: died.promise,
  };
}
