import { cardOf } from "./face.ts";
import type { Size } from "./geometry.ts";
import { statesOf, type ChartState } from "./graph.ts";
import { isOpen, layIslandOut, sizeOf, statesIn, type Island, type LaidIsland } from "./island.ts";
import { promisingOrders, type Frame, type Link } from "./order.ts";
import type { Track } from "./tracks.ts";

/** The promising ways to lay an island out in a frame. `known` keeps them, as frames often agree. */
export async function waysToLayOut(
  island: Island,
  frame: Frame,
  known: Map<string, LaidIsland>,
): Promise<LaidIsland[]> {
  const { direction } = frame;
  const { most, seeds } = effortFor(island);
  const ways: LaidIsland[] = [];
  for (const order of ordersOf(island, frame, most)) {
    const against = tracksAgainst(order, island);
    for (const seed of seeds) {
      const sizes = [...island.sealed.values()].map(({ width, height }) => [width, height]);
      const turned = island.tracks.map((track) => against.has(track));
      const key = JSON.stringify([island.root.id, direction, seed, sizes, turned]);
      const laid = known.get(key) ?? (await layIslandOut(island, { direction, seed, against }));
      known.set(key, laid);
      ways.push(laid);
    }
  }
  return ways;
}

/** How many orders and seeds are tried: a layout takes some 2 ms a track, and no picture may take seconds. */
function effortFor({ tracks }: Island): { most: number; seeds: readonly number[] } {
  if (tracks.length <= 12) return { most: 3, seeds: [1, 2] }; // two seeds: either row may come out on top
  return { most: tracks.length <= 24 ? 2 : 1, seeds: [1] };
}

/** Orders of all states of an island; a state's rank counts among those that lie in the same state. */
function ordersOf(island: Island, frame: Frame, most: number): string[][] {
  const nested = statesIn(island).filter((state) => state !== island.root && isOpen(state, island));
  const below = nested.flatMap((state) => ordersIn(state, island, frame, 1)[0] ?? []);
  return ordersIn(island.root, island, frame, most).map((order) => [...order, ...below]);
}

function ordersIn(parent: ChartState, island: Island, frame: Frame, most: number): string[][] {
  const holders = new Map(parent.states.flatMap((child) => statesOf(child).map(({ id }) => [id, child.id] as const)));
  const links = island.tracks.flatMap((track): Link[] => {
    const [source, target] = [holders.get(track.source), holders.get(track.target)];
    if (source === undefined || target === undefined || source === target) return [];
    const { width, height } = cardOf(track) ?? { width: 0, height: 0 };
    return [{ source, target, width, height }];
  });
  const items = parent.states.map((state) => ({ id: state.id, ...roughSizeOf(state, island) }));
  return promisingOrders(items, links, { ...frame, initial: parent.initial, most });
}

/** What a state will take, before anything is laid out: its face, and for what lies in it twice the area. */
function roughSizeOf(state: ChartState, island: Island): Size {
  const own = sizeOf(state, island);
  if (!isOpen(state, island)) return own;
  const sizes = state.states.map((child) => roughSizeOf(child, island));
  const side = Math.sqrt(sizes.reduce((sum, each) => sum + 2 * each.width * each.height, 0));
  return { width: Math.max(own.width, side), height: own.height + side };
}

/** The tracks that run against the order. */
function tracksAgainst(order: readonly string[], island: Island): Set<Track> {
  const ranks = new Map(order.map((id, rank) => [id, rank]));
  const paths = pathsIn(island.root);
  return new Set(
    island.tracks.filter(({ source, target }) => {
      const [from, to] = [paths.get(source) ?? [], paths.get(target) ?? []];
      const fork = from.findIndex((id, depth) => id !== to[depth]);
      const [first, second] = [ranks.get(from[fork] ?? ""), ranks.get(to[fork] ?? "")];
      return first !== undefined && second !== undefined && first > second;
    }),
  );
}

/** The ids of the states around a state, from the outermost to itself. */
function pathsIn(root: ChartState, around: readonly string[] = []): Map<string, readonly string[]> {
  const path = [...around, root.id];
  return new Map([[root.id, path], ...root.states.flatMap((state) => [...pathsIn(state, path)])]);
}
