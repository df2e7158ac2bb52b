import type { Store } from "../../src/store/store.ts";

/**
 * A store whose process can be killed: from then on nothing that it was asked for is done or answered, and what was done
 * just now is not answered either.
 */
export function mortalStore(store: Store): Store & { kill(): void } {
  let dead = false;
  const never = new Promise<never>(() => undefined);

  async function whileAlive<T>(call: () => Promise<T>): Promise<T> {
    if (dead) return never;
    const answer = await call();
    return dead ? never : answer;
  }

  const names = Object.keys(store) as (keyof Store)[];
  const wrapped = names.map((name) => [
    name,
    (...given: unknown[]) => whileAlive(() => (store[name] as (...given: unknown[]) => Promise<unknown>)(...given)),
  ]);
  return {
    ...(Object.fromEntries(wrapped) as unknown as Store), // the names are those of the store
    kill: () => void (dead = true),
  };
}
