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
  /** The one that is in memory. To be called in the instance's turn. */
  kept(id: string): Hot | undefined;
  /** Throws `not-found`, `needs-migration`, and whatever the store does. To be called in the instance's turn. */
  get(id: string): Promise<Hot>;
  /** Undefined when there is no such instance. */
  find(id: string): Promise<Hot | undefined>;
  /** The head that was stepped or created last. To be called in the instance's turn. */
  put(head: Head, hot?: Hot): Hot;
  /** Loads the instance anew before it is stepped again. */
  drop(id: string): void;
}

/**
 * Keeps the heads of the instances that were used last, in two generations: what was used in neither goes. One list in order of
 * use would be searched from its front, where a Map keeps the places of those that have moved to its end.
 */
export function createHeads(given: {
  store: Store;
  catalogue: Catalogue;
  limits: Limits;
  /** Brings an older instance to the present chart; its commit is under way when it resolves. */
  migrate: (id: string) => Promise<Head>;
}): Heads {
  const { store, catalogue, limits, migrate } = given;
  const generationMax = Math.max(1, Math.floor(limits.hotInstancesMax / 2));
  let recent = new Map<string, Hot>();
  let older = new Map<string, Hot>();
  let carried = 0; // of `recent`: kept for a commit that is not known yet, used or not
  const loading = new Map<string, Promise<Hot | undefined>>();

  function keep(hot: Hot): Hot {
    const { id } = hot.head.row;
    if (recent.get(id) === hot) return hot;
    older.delete(id);
    recent.set(id, hot);
    if (recent.size >= generationMax + carried) beginGeneration();
    return hot;
  }

  function beginGeneration(): void {
    const inFlight = [...older].filter(([, hot]) => hot.inFlight > 0);
    older = recent;
    recent = new Map(inFlight);
    carried = recent.size;
  }

  function held(id: string): Hot | undefined {
    return recent.get(id) ?? older.get(id);
  }

  function kept(id: string): Hot | undefined {
    const hot = held(id);
    return hot === undefined || hot.dropped ? undefined : keep(hot);
  }

  async function find(id: string): Promise<Hot | undefined> {
    const hot = kept(id);
    if (hot !== undefined) return hot;
    const begun = loading.get(id) ?? load(id).finally(() => loading.delete(id));
    loading.set(id, begun);
    return begun;
  }

  async function load(id: string): Promise<Hot | undefined> {
    const loaded = await store.load(id);
    if (loaded === undefined) return kept(id);
    const machine = catalogue.machine(loaded.row.machine);
    const head = isCurrent(machine, loaded.row) ? headOf(machine, loaded) : await migrate(id);
    return kept(id) ?? keep(freshly(head)); // it may have been stepped since
  }

  return {
    kept,
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
      const hot = held(id);
      if (hot !== undefined) hot.dropped = true;
    },
  };
}

function freshly(head: Head): Hot {
  return { head, dropped: false, inFlight: 0 };
}
