import fc from "fast-check";
import { describe, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { runs } from "../support/runs.ts";
import { programs, verdictOn } from "./programs.ts";

describe("random programs", () => {
  it.each([
    ["memory", memoryStore, 120],
    ["sqlite", () => sqliteStore(":memory:"), 60],
  ])("hold every promise on %s", async (_name, make, count) => {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const store = make();
        await verdictOn(program, store);
        await store.close();
      }),
      { numRuns: runs(count) },
    );
  });
});
