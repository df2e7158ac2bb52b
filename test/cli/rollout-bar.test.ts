import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bar, countsText, legendOf, sumOfCounts, type HostCounts } from "../../src/cli/rollout-bar.ts";

describe("the bar of a wave", () => {
  it("has a mark per host as long as there is room, those that are furthest first", () => {
    const counts = {
      Pending: 3,
      Activating: 2,
      Soaking: 1,
      Converged: 4,
      Excused: 1,
      Failed: 1,
      Reverted: 1,
      Deferred: 1,
    };

    const drawn = bar(counts, 40);

    expect(drawn).toBe("####=>>z~!<...");
    expect(countsText(counts)).toBe(
      "4/14 converged, 1 soaking, 2 activating, 1 deferred, 1 excused, 1 failed, 1 reverted, 3 pending",
    );
  });

  it("shows one failed host among ten thousand", () => {
    const drawn = bar({ Converged: 9_999, Failed: 1 }, 40);

    expect(drawn).toBe(`${"#".repeat(39)}!`);
  });

  it("is empty without hosts", () => {
    expect([bar({}, 40), countsText({})]).toEqual(["", "0/0 converged"]);
  });

  it("is never longer than its room, fills it, and leaves nothing out that is there", () => {
    const count = fc.integer({ min: 0, max: 100_000 });
    const counts = fc.record({ Pending: count, Soaking: count, Converged: count, Failed: count, Excused: count });

    fc.assert(
      fc.property(counts, fc.integer({ min: 9, max: 60 }), (given, cellsMax) => {
        const drawn = bar(given, cellsMax);

        const hosts = Object.values(given).reduce((sum, each) => sum + each, 0);
        expect(drawn).toHaveLength(Math.min(hosts, cellsMax));
        const kindsThere = Object.values(given).filter((each) => each > 0).length;
        expect(new Set(drawn).size).toBe(kindsThere);
      }),
    );
  });

  it("has a legend that names each of its marks, and no other", () => {
    const all: HostCounts = {
      Converged: 1,
      Soaking: 1,
      Activating: 1,
      Deferred: 1,
      Excused: 1,
      Failed: 1,
      Reverted: 1,
      Released: 1,
      Pending: 1,
    };

    expect(bar(all, 40)).toBe("#=>z~!<-.");
    for (const mark of bar(all, 40)) expect(legendOf(all)).toContain(`${mark} `);
    expect(legendOf({ Converged: 2, Soaking: 0, Pending: 1 })).toBe("# converged  . pending");
  });

  it("adds waves up", () => {
    expect(
      countsText(
        sumOfCounts([
          { Converged: 2, Pending: 1 },
          { Converged: 1, Failed: 3 },
        ]),
      ),
    ).toBe("3/7 converged, 3 failed, 1 pending");
  });
});
