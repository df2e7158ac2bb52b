import { SignalboxError } from "../core/errors.ts";
import type { Store } from "../store/store.ts";
import type { Catalogue } from "./catalogue.ts";
import { headOf, isCurrent, type Head } from "./head.ts";
import type { Limits } from "./limits.ts";

/** A head that is kept, and whether it may still be stepped. */
export interface Hot {
  head: Head;
  /** What was stepped on it was not committed: it is a dead branch. */
  dropped: boolean;
  /** Elements stepped on it whose commit is not known yet; it is kept that long. */
  inFlight: number;
}

export interface Heads {
  /** Throws `not-found`, `needs-migration`, and whatever the store does. To be called in the instance's turn. */
  get(id: string): Promise<Hot>;
  /** Undefined when there is no such instance. */
  find(id: string): Promise<Hot | undefined>;
  /** A head that was just created. */
  put(head: Head): Hot;
}

/** Keeps the heads of the instances that were used last. */
export function createHeads(given: {
  store: Store;
  catalogue: Catalogue;
  limits: Limits;
  /** Brings an older instance to the present chart; its commit is under way when it resolves. */
  migrate: (id: string) => Promise<Head>;
}): Heads {
  const { store, catalogue, limits, migrate } = given;
  const kept = new Map<string, Hot>(); // the one used last is last

  function keep(id: string, head: Head): Hot {
    const hot: Hot = { head, dropped: false, inFlight: 0 };
    kept.delete(id);
    kept.set(id, hot);
    if (kept.size > limits.hotInstancesMax) forgetOldest();
    return hot;
  }

  function forgetOldest(): void {
    for (const [id, hot] of kept) {
      if (hot.inFlight > 0) continue;
      kept.delete(id);
      return;
    }
  }

  async function find(id: string): Promise<Hot | undefined> {
    const hot = kept.get(id);
    if (hot !== undefined && !hot.dropped) {
      kept.delete(id);
      kept.set(id, hot);
      return hot;
    }
    const loaded = await store.load(id);
    if (loaded === undefined) return undefined;
    const machine = catalogue.machine(loaded.row.machine);
    return keep(id, isCurrent(machine, loaded.row) ? headOf(machine, loaded) : await migrate(id));
  }

  return {
    find,
    async get(id) {
      const hot = await find(id);
      if (hot === undefined) throw new SignalboxError("not-found", `There is no instance ${id}.`);
      return hot;
    },
    put: (head) => keep(head.row.id, head),
  };
}
