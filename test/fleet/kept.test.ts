import { expect, it } from "vitest";
import { createKept } from "../../src/fleet/kept.ts";

it("keeps the values that were used last, and no more than it may", () => {
  const kept = createKept<string>(2);

  kept.set("a", "first");
  kept.set("b", "second");
  kept.get("a");
  kept.set("c", "third");

  expect(["a", "b", "c"].map((key) => kept.get(key))).toEqual(["first", undefined, "third"]);
});
