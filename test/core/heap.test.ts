import fc from "fast-check";
import { expect, it } from "vitest";
import { createHeap } from "../../src/core/heap.ts";
import { runs } from "../support/runs.ts";

interface Item {
  rank: number;
  order: number;
}

const isBefore = (a: Item, b: Item) => a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
const inOrder = (items: readonly Item[]) => items.toSorted((a, b) => a.rank - b.rank || a.order - b.order);

const operation = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant("push" as const), rank: fc.nat({ max: 9 }) }), weight: 3 },
  fc.record({ do: fc.constant("pop" as const), rank: fc.constant(0) }),
  fc.record({ do: fc.constant("delete" as const), rank: fc.nat({ max: 50 }) }),
);

it("gives the first of whatever was pushed, popped and deleted before", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120, size: "max" }), (operations) => {
      const heap = createHeap<Item>(isBefore);
      let model: Item[] = [];
      for (const [order, { do: what, rank }] of operations.entries()) {
        if (what === "push") {
          const item = { rank, order };
          heap.push(item);
          model = inOrder([...model, item]);
        } else if (what === "pop") {
          expect(heap.pop()).toBe(model.shift());
        } else {
          const item = model[rank];
          expect(heap.delete(item ?? { rank: 0, order: 0 })).toBe(item !== undefined);
          model = model.filter((each) => each !== item);
        }
        expect(heap.peek()).toBe(model[0]);
        expect(heap.size).toBe(model.length);
      }
      expect(Array.from({ length: model.length }, () => heap.pop())).toEqual(model);
    }),
    { numRuns: runs(300) },
  );
});
