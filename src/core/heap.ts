/** What comes first, out of many: pushing, taking and deleting cost the logarithm of how many there are. */
export interface Heap<Item extends object> {
  readonly size: number;
  /** The first; undefined when there is none. */
  peek(): Item | undefined;
  /** Takes the first. */
  pop(): Item | undefined;
  /** An item is in it at most once, and what orders it must not change while it is. */
  push(item: Item): void;
  /** Whether it was there. */
  delete(item: Item): boolean;
}

/** A binary heap that knows the place of each item. `isBefore` has to be a strict order over all of them. */
export function createHeap<Item extends object>(isBefore: (a: Item, b: Item) => boolean): Heap<Item> {
  const items: Item[] = [];
  const places = new Map<Item, number>();

  function put(item: Item, place: number): void {
    items[place] = item;
    places.set(item, place);
  }

  /** Lets an item find its place from a free one, towards the first. */
  function rise(item: Item, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = items[above] as Item;
      if (!isBefore(item, parent)) break;
      put(parent, place);
      place = above;
    }
    put(item, place);
  }

  /** Lets an item find its place from a free one, away from the first. */
  function sink(item: Item, from: number): void {
    let place = from;
    for (let below = 2 * place + 1; below < items.length; below = 2 * place + 1) {
      const left = items[below] as Item;
      const right = items[below + 1];
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, item)) break;
      put(child, place);
      place = isRight ? below + 1 : below;
    }
    put(item, place);
  }

  function take(place: number): Item | undefined {
    const taken = items[place];
    const last = items.pop();
    if (taken === undefined || last === undefined) return undefined;
    places.delete(taken);
    if (last === taken) return taken;
    const above = items[(place - 1) >> 1];
    if (place > 0 && above !== undefined && isBefore(last, above)) rise(last, place);
    else sink(last, place);
    return taken;
  }

  return {
    get size() {
      return items.length;
    },
    peek: () => items[0],
    pop: () => take(0),
    push: (item) => rise(item, items.length),
    delete(item) {
      const place = places.get(item);
      return place !== undefined && take(place) !== undefined;
    },
  };
}
