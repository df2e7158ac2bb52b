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
  /** The head that was stepped or created last. To be called in the instance's turn. */
  put(head: Head, hot?: Hot): Hot;
  /** Loads the instance anew before it is stepped again. */
  drop(id: string): void;
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
  const loading = new Map<string, Promise<Hot | undefined>>();

  function keep(hot: Hot): Hot {
    const { id } = hot.head.row;
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

  function keptOf(id: string): Hot | undefined {
    const hot = kept.get(id);
    return hot === undefined || hot.dropped ? undefined : keep(hot);
  }

  async function find(id: string): Promise<Hot | undefined> {
    const hot = keptOf(id);
    if (hot !== undefined) return hot;
    const begun = loading.get(id) ?? load(id).finally(() => loading.delete(id));
    loading.set(id, begun);
    return begun;
  }

  async function load(id: string): Promise<Hot | undefined> {
    const loaded = await store.load(id);
    if (loaded === undefined) return keptOf(id);
    const machine = catalogue.machine(loaded.row.machine);
    const head = isCurrent(machine, loaded.row) ? headOf(machine, loaded) : await migrate(id);
    return keptOf(id) ?? keep(freshly(head)); // it may have been stepped since
  }

  return {
    find,
    async get(id) {
      const hot = await find(id);
      if (hot === undefined) throw new SignalboxError("not-found", `There is no instance ${id}.`);
      return hot;
    },
    put(head, hot) {
      if (hot === undefined) return keep(freshly(head));
      hot.head = head;
      return keep(hot);
    },
    drop(id) {
      const hot = kept.get(id);
      if (hot !== undefined) hot.dropped = true;
    },
  };
}

function freshly(head: Head): Hot {
  return { head, dropped: false, inFlight: 0 };
}
