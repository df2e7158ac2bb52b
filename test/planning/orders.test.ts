import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../src/planning/duration.ts";
import { parseHostRange } from "../../src/planning/host-range.ts";
import { createLatest } from "../../src/planning/latest.ts";
import { createPositionSet } from "../../src/planning/position-set.ts";

describe("a set of positions", () => {
  it("answers as a sorted list does, after any changes", () => {
    const changes = fc.array(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), changes, (length, puts) => {
        const set = createPositionSet(length);
        const model = new Set<number>();
        for (const [position, isIn] of puts) {
          set.put(position, isIn);
          if (isIn && position < length) model.add(position);
          else model.delete(position);
        }

        const sorted = [...model].toSorted((a, b) => a - b);
        expect(set.size).toBe(sorted.length);
        for (let position = 0; position <= length; position += 1) {
          expect(set.has(position)).toBe(model.has(position));
          expect(set.countBefore(position)).toBe(sorted.filter((each) => each < position).length);
          expect(set.next(position)).toBe(sorted.find((each) => each >= position));
        }
      }),
    );
  });
});

describe("the latest of times", () => {
  it("is the largest that stands, after any changes", () => {
    const changes = fc.array(fc.tuple(fc.nat(12), fc.option(fc.integer())), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 13 }), changes, (length, puts) => {
        const latest = createLatest(length);
        const model = new Map<number, number>();
        for (const [position, time] of puts.filter(([position]) => position < length)) {
          latest.put(position, time);
          if (time === null) model.delete(position);
          else model.set(position, time);
        }

        expect(latest.time).toBe(model.size === 0 ? null : Math.max(...model.values()));
      }),
    );
  });
});

describe("a duration", () => {
  it("is a number with its unit", () => {
    expect(["500ms", "30s", "1.5h", "0s", "90d"].map(parseDuration)).toEqual([
      500, 30_000, 5_400_000, 0, 7_776_000_000,
    ]);
    expect(["", "30", "s", "-1s", "1 h", "1h30m", "1w", "1e3s", "Infinitys"].map(parseDuration)).toEqual(
      Array.from({ length: 9 }),
    );
  });

  it("is written in the largest unit that leaves nothing over, and read back the same", () => {
    expect([0, 1_500, 90_000, 5_400_000, 7_776_000_000].map(formatDuration)).toEqual([
      "0ms",
      "1500ms",
      "90s",
      "90m",
      "90d",
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * 86_400_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe("a range of hosts", () => {
  it("stands for its names in order, padded as it is written", () => {
    const namesOf = (name: string) => {
      const range = parseHostRange(name);
      return "fault" in range ? range.fault : [...range.names()];
    };

    expect(namesOf("web")).toEqual(["web"]);
    expect(namesOf("web-[08-11]")).toEqual(["web-08", "web-09", "web-10", "web-11"]);
    expect(namesOf("r[1-2]n[9-10]")).toEqual(["r1n9", "r1n10", "r2n9", "r2n10"]);
    expect(namesOf("web-[1-x]")).toContain("[1-x] is no range");
    expect(namesOf("web-[1,2]")).toContain("[1,2] is no range");
    expect(namesOf("web-[2-1]")).toContain("[2-1] runs backwards");
  });

  it("says how many names it stands for without making them", () => {
    expect(parseHostRange("a[1-100000]-[1-100000]")).toMatchObject({ size: 10_000_000_000 });
  });
});
