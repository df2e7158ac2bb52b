import type { Inventory } from "./inventory.ts";
import type { NodesFile } from "./nodes-file.ts";

export interface Thing {
  readonly kind: "replica" | "daemon";
  readonly name: string;
}

/** A place held for something that is about to start. It counts as being on the node until it is released. */
export interface Place {
  readonly node: string;
  release(): void;
}

/** What still has to leave a node; sorted names. Both empty: the node is drained. */
export interface LeftOnNode {
  readonly replicas: string[];
  readonly daemons: string[];
}

/** Says where things may run, and what is on a node. */
export interface Placement {
  /** `undefined` when the node may not take it. */
  hold(thing: Thing, node: string): Promise<Place | undefined>;
  /** The best node but one: fewest replicas of the group, then by name. Or why none takes it. */
  holdElsewhere(replica: string, notOn: string): Promise<Place | { why: string }>;
  /** Its home, when that may take it, before all others. */
  holdAnywhere(replica: string): Promise<Place | { why: string }>;
  mayRunOn(thing: Thing, node: string): Promise<boolean>;
  /** Knows of every place that was asked for before, so that what leaves a node is not passed by what comes to it. */
  leftOn(node: string): Promise<LeftOnNode>;
  /** What an activity is doing to the node: one that is drained takes nothing, one that resumes takes what is its own. */
  mark(node: string, stance: "draining" | "resuming" | undefined): void;
}

export interface PlacementOptions {
  readonly nodes: NodesFile;
  readonly inventory: Inventory;
  /** Whether new work may be placed on the node. */
  readonly mayPlace: (node: string) => Promise<boolean>;
}

export function createPlacement({ nodes, inventory, mayPlace }: PlacementOptions): Placement {
  type Spot = Thing & { readonly node: string };
  const held = new Set<Spot>();
  const asked = new Map<Spot, Promise<boolean>>();
  const stances = new Map<string, "draining" | "resuming">();

  const isEssential = (daemon: string, node: string) => nodes.nodes.get(node)?.daemons.get(daemon)?.essential === true;

  const isItsOwn = ({ kind, name }: Thing, node: string) =>
    kind === "daemon" || nodes.replicas.get(name)?.node === node;

  async function mayRunOn(thing: Thing, node: string) {
    if (thing.kind === "daemon" && isEssential(thing.name, node)) return true;
    if (stances.get(node) === "draining") return false;
    const isOpen = await mayPlace(node);
    const isResuming = stances.get(node) === "resuming";
    if (isOpen && isResuming) stances.delete(node); // it has come back to what it was
    return isOpen || (isResuming && isItsOwn(thing, node));
  }

  async function hold(thing: Thing, node: string) {
    const spot = { ...thing, node };
    const answer = mayRunOn(thing, node).then((may) => {
      if (may) held.add(spot);
      return may;
    });
    asked.set(spot, answer);
    try {
      return (await answer) ? { node, release: () => void held.delete(spot) } : undefined;
    } finally {
      asked.delete(spot);
    }
  }

  async function holdFirst(name: string, candidates: readonly string[]) {
    for (const node of candidates) {
      const place = await hold({ kind: "replica", name }, node);
      if (place !== undefined) return place;
    }
    return { why: whyNowhere(name, candidates.toSorted()) };
  }

  function byLoad(replica: string): string[] {
    const group = nodes.replicas.get(replica)?.group;
    const isOfGroup = (name: string) => nodes.replicas.get(name)?.group === group;
    const loads = [...nodes.nodes.keys()].map((node) => ({
      node,
      load: namesOn("replica", node, [...held, ...asked.keys()]).filter(isOfGroup).length,
    }));
    return loads.toSorted((a, b) => a.load - b.load || (a.node < b.node ? -1 : 1)).map(({ node }) => node);
  }

  function namesOn(kind: Thing["kind"], node: string, coming: Iterable<Spot>): string[] {
    const there = inventory.all().map(({ record }) => record);
    const names = [...there, ...coming].filter((one) => one.kind === kind && one.node === node).map(({ name }) => name);
    return [...new Set(names)].toSorted();
  }

  return {
    hold,
    holdElsewhere: (replica, notOn) =>
      holdFirst(
        replica,
        byLoad(replica).filter((node) => node !== notOn),
      ),
    holdAnywhere(replica) {
      const home = nodes.replicas.get(replica)?.node ?? "";
      return holdFirst(replica, [home, ...byLoad(replica).filter((node) => node !== home)]);
    },
    mayRunOn,
    async leftOn(node) {
      // Those asked for are not there yet, and may never be; but a yes from before the drain must not come after the look.
      await Promise.allSettled([...asked].filter(([spot]) => spot.node === node).map(([, answer]) => answer));
      return {
        replicas: namesOn("replica", node, held),
        daemons: namesOn("daemon", node, held).filter((name) => !isEssential(name, node)),
      };
    },
    mark(node, stance) {
      if (stance === undefined) stances.delete(node);
      else stances.set(node, stance);
    },
  };
}

function whyNowhere(name: string, candidates: readonly string[]): string {
  if (candidates.length === 0) return `there is no other node for ${name}`;
  const are = candidates.length === 1 ? "is" : "are";
  return `no other node may take ${name}: ${candidates.join(" and ")} ${are} in maintenance or cordoned`;
}
