import type { Store } from "../../src/store/store.ts";

export type FaultMode = "before" | "after" | "death" | "hang, not applied" | "hang, applied";

export const faultModes: readonly FaultMode[] = ["before", "after", "death", "hang, not applied", "hang, applied"];

export interface FaultyStore extends Store {
  /** Calls that it has had. */
  readonly calls: number;
  /** Resolves when a call hangs. */
  readonly hangs: Promise<void>;
  /** Ends the call that hangs: it rejects, as after a time out. */
  timeOut(): void;
  /** From now on nothing fails any more. */
  heal(): void;
}

/**
 * A store whose n-th call, whichever it is, goes wrong: it fails before anything was done, or after all of it was; the
 * connection dies with it and stays dead; or it hangs, and is given up by hand. What a dead or hanging commit holds is
 * written as a whole or not at all.
 */
export function faultyStore(store: Store, { at, mode }: { at: number; mode: FaultMode }): FaultyStore {
  let calls = 0;
  let healed = false;
  const hanging = Promise.withResolvers<void>();
  const timedOut = Promise.withResolvers<void>();
  const fault = () => new Error(`the store failed (${mode}, call ${at})`);

  async function through<T>(call: () => Promise<T>): Promise<T> {
    calls += 1;
    if (healed || calls < at || (calls > at && mode !== "death")) return call();
    if (mode === "after" || mode === "hang, applied") await call();
    if (mode.startsWith("hang")) {
      hanging.resolve();
      await timedOut.promise;
    }
    throw fault();
  }

  const names = Object.keys(store) as (keyof Store)[];
  const wrapped = names.map((name) => [
    name,
    (...given: unknown[]) => through(() => (store[name] as (...given: unknown[]) => Promise<unknown>)(...given)),
  ]);
  return {
    ...(Object.fromEntries(wrapped) as unknown as Store), // the names are those of the store
    get calls() {
      return calls;
    },
    hangs: hanging.promise,
    timeOut: () => timedOut.resolve(),
    heal: () => void (healed = true),
  };
}
