import type { Size } from "./geometry.ts";
import type { Direction } from "./island.ts";

/** A state that is to be drawn. */
export interface Item extends Size {
  readonly id: string;
}

/** What runs from one state to another, with the size of its card. */
export interface Link extends Size {
  readonly source: string;
  readonly target: string;
}

/** What a picture is drawn for: the way in which it runs, and its wished width by height. */
export interface Frame {
  readonly direction: Direction;
  readonly ratio: number;
}

const judgedMax = 2_000; // orders of a large chart that are looked at: some 100 ms
const startsMax = 8;
const lateStart = 400; // px of width: what it is worth that the initial state is where one begins to read

/**
 * Orders in which the states may be drawn, the most promising first: a link from an earlier one to a later one runs the
 * way of the picture, any other against it. A circular chart can be folded so into a picture of almost any proportions.
 */
export function promisingOrders(
  items: readonly Item[],
  links: readonly Link[],
  { initial, most, ...frame }: Frame & { initial: string | undefined; most: number },
): string[][] {
  const judged = new Map<string, { order: readonly Item[]; cost: number }>();
  const judge = (order: readonly Item[]): number => {
    const directed = directedBy(order, links);
    const key = directed.map(({ isBack }) => (isBack ? "<" : ">")).join("");
    const known = judged.get(key);
    if (known !== undefined) return known.cost;
    const isLate = directed.some(({ link, isBack }) => link.target === initial && !isBack);
    const cost = widthFor(order, directed, frame) + (isLate ? lateStart : 0);
    judged.set(key, { order, cost });
    return cost;
  };
  for (let start = 0; start === 0 || start < Math.min(items.length, startsMax); start += 1) {
    let order: readonly Item[] = [...items.slice(start), ...items.slice(0, start)];
    for (let better: readonly Item[] | undefined = order; better !== undefined; ) {
      order = better;
      better = judged.size > judgedMax ? undefined : betterNeighbour(order, judge);
    }
  }
  const best = [...judged.values()].toSorted((one, other) => one.cost - other.cost).slice(0, most);
  return best.map(({ order }) => order.map(({ id }) => id));
}

function betterNeighbour(
  order: readonly Item[],
  judge: (order: readonly Item[]) => number,
): readonly Item[] | undefined {
  const cost = judge(order);
  for (const [from, item] of order.entries()) {
    for (const to of order.keys()) {
      const neighbour = order.toSpliced(from, 1).toSpliced(to, 0, item);
      if (judge(neighbour) < cost) return neighbour;
    }
  }
  return undefined;
}

/** A link as it lies in an order: `from` stands before `to`. */
interface Directed {
  readonly link: Link;
  readonly from: string;
  readonly to: string;
  readonly isBack: boolean;
}

function directedBy(order: readonly Item[], links: readonly Link[]): Directed[] {
  const ranks = new Map(order.map(({ id }, rank) => [id, rank]));
  return links.map((link) => {
    const isBack = numberIn(ranks, link.source) > numberIn(ranks, link.target);
    return isBack
      ? { link, from: link.target, to: link.source, isBack }
      : { link, from: link.source, to: link.target, isBack };
  });
}

const gap = 36;
const detour = 30;

/** How wide the picture of an order will be at least, in the wished proportions; a detour counts as some width. */
function widthFor(order: readonly Item[], links: readonly Directed[], { direction, ratio }: Frame): number {
  const layers = layersOf(order, links);
  const lengths: number[] = [];
  const breadths: number[] = [];
  const put = (layer: number, { width, height }: Size) => {
    const [length, breadth] = direction === "DOWN" ? [height, width] : [width, height];
    lengths[layer] = Math.max(lengths[layer] ?? 0, length);
    breadths[layer] = (breadths[layer] ?? 0) + breadth + gap;
  };
  for (const item of order) put(numberIn(layers, item.id), item);
  let detours = 0;
  for (const { link, from, to, isBack } of links) {
    const [first, last] = [numberIn(layers, from), numberIn(layers, to)];
    const middle = Math.floor((first + last) / 2);
    for (let layer = first + 1; layer < last; layer += 1) put(layer, layer === middle ? link : { width: 0, height: 0 });
    detours += last - first - 2 + (isBack ? 1 : 0);
  }
  const length = lengths.reduce((sum, each) => sum + each + gap, 0);
  const breadth = breadths.reduce((most, each) => Math.max(most, each), 0);
  const [width, height] = direction === "DOWN" ? [breadth, length] : [length, breadth];
  return Math.max(width, height * ratio) + detours * detour;
}

/** Layers for the states, even numbers; cards stand on the odd ones between them. Every state is as late as it can be. */
function layersOf(order: readonly Item[], links: readonly Directed[]): ReadonlyMap<string, number> {
  const layers = new Map(order.map(({ id }) => [id, 0]));
  for (const { id } of order) {
    for (const { from, to } of links) {
      if (from === id) layers.set(to, Math.max(numberIn(layers, to), numberIn(layers, id) + 2));
    }
  }
  for (const { id } of order.toReversed()) {
    const next = links.filter(({ from }) => from === id).map(({ to }) => numberIn(layers, to));
    if (next.length > 0) layers.set(id, Math.min(...next) - 2);
  }
  return layers;
}

function numberIn(numbers: ReadonlyMap<string, number>, id: string): number {
  return numbers.get(id) ?? 0;
}
