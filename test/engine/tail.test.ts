import { describe, expect, it } from "vitest";
import { defaultLimits, type Limits } from "../../src/engine/limits.ts";
import { createTail } from "../../src/engine/tail.ts";
import { createWorld } from "../support/world.ts";

/** The tail of a journal of thirty entries, read to its end. */
async function tailOf(limits: Partial<Limits>) {
  const { engine, store } = createWorld();
  await engine.create({ machine: "counter", id: "c", input: {} });
  for (let n = 1; n < 30; n += 1) await engine.send("c", { type: "inc" });
  const tail = createTail({ store, limits: { ...defaultLimits, tailPageMax: 5, ...limits } });
  while (tail.isBehind()) await tail.advance();
  return tail;
}

describe("the tail of the journal", () => {
  it.each([
    ["entries", { tailKeptMax: 10 }],
    ["characters", { tailKeptCharactersMax: 6_000 }],
  ])("keeps the newest, and no more %s than its limit and a page", async (_what, limits) => {
    const tail = await tailOf(limits);

    expect(tail.end()).toBe(30);
    expect(tail.since(14)).toBeUndefined();
    expect(tail.since(25)?.map(({ seq }) => seq)).toEqual([26, 27, 28, 29, 30]);
  });
});
