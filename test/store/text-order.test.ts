import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareText, createTextOrder } from "../../src/store/text-order.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "B", "é", "\u{ffff}", "\u{e000}", "\u{10000}", "\u{1f600}"),
  maxLength: 4,
});

describe("texts in the order of code points", () => {
  it("stand as the bytes of their UTF-8 do", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const ofBytes = Buffer.compare(Buffer.from(a), Buffer.from(b));

        expect(Math.sign(compareText(a, b))).toBe(ofBytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are read in order from any of them on, also when more come in between", () => {
    fc.assert(
      fc.property(fc.uniqueArray(text), fc.uniqueArray(text), text, (first, second, after) => {
        const order = createTextOrder();
        for (const each of first) order.add(each);
        const before = [...order.after(after)];
        for (const each of second.filter((one) => !first.includes(one))) order.add(each);

        const all = [...new Set([...first, ...second])].toSorted(compareText);
        expect(before).toEqual(first.filter((each) => compareText(each, after) > 0).toSorted(compareText));
        expect([...order.after()]).toEqual(all);
        expect([...order.after(after)]).toEqual(all.filter((each) => compareText(each, after) > 0));
      }),
    );
  });

  it("are read without those that were taken out", () => {
    fc.assert(
      fc.property(fc.uniqueArray(text), fc.uniqueArray(text), (texts, removed) => {
        const order = createTextOrder();
        for (const each of texts) order.add(each);
        for (const each of removed) order.remove(each);

        expect([...order.after()]).toEqual(texts.filter((each) => !removed.includes(each)).toSorted(compareText));
      }),
    );
  });
});
