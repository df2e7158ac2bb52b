/** Texts in the order of code points, as databases have it: putting one in costs nothing until somebody reads. */
export interface TextOrder {
  /** It must not be in already. */
  add(text: string): void;
  /** Costs as much as there is. */
  remove(text: string): void;
  /** Those after a text, in order; all when none is given. */
  after(text?: string): Iterable<string>;
}

export function createTextOrder(): TextOrder {
  let sorted: string[] = [];
  let fresh: string[] = [];

  function merge(): void {
    if (fresh.length === 0) return;
    const added = fresh.toSorted(compareText);
    fresh = [];
    const before = sorted;
    sorted = [];
    let next = 0;
    for (const text of added) {
      while (next < before.length && compareText(before[next] as string, text) < 0)
        sorted.push(before[next++] as string);
      sorted.push(text);
    }
    for (; next < before.length; next += 1) sorted.push(before[next] as string);
  }

  function firstAfter(text: string): number {
    let from = 0;
    let to = sorted.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compareText(sorted[middle] as string, text) <= 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  return {
    add: (text) => void fresh.push(text),
    remove(text) {
      merge();
      sorted = sorted.filter((each) => each !== text);
    },
    *after(text) {
      merge();
      const texts = sorted; // a later merge makes another one
      for (let place = text === undefined ? 0 : firstAfter(text); place < texts.length; place += 1)
        yield texts[place] as string;
    },
  };
}

/** In the order of code points. */
export function compareText(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  for (let place = 0; place < most; place += 1) {
    const ofA = a.charCodeAt(place);
    const ofB = b.charCodeAt(place);
    if (ofA !== ofB) return ranked(ofA) - ranked(ofB);
  }
  return a.length - b.length;
}

/** Halves of a pair stand for code points above all others, though their units are smaller than some. */
function ranked(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
