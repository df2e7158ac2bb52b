import { describe, expect, it } from "vitest";
import type { Selector } from "../../src/planning/fleet.ts";
import { selectorWords } from "../../src/planning/selector-words.ts";

describe("the words of a selector", () => {
  it.each<[string, Selector]>([
    ["of the fleet", { all: true }],
    ["named web-1", { hosts: ["web-1"] }],
    ["named web-1 or web-2", { hosts: ["web-1", "web-2"] }],
    ["named a, b, c, d, e or 2 more", { hosts: ["a", "b", "c", "d", "e", "f", "g"] }],
    ["of channel stable", { channel: "stable" }],
    ["with the tag web", { tags: ["web"] }],
    ["with the tags web and canary", { tags: ["web", "canary"] }],
    ["with the tag web, db or cache", { tagsAny: ["web", "db", "cache"] }],
    ["named web-1 or with the tag db", { hosts: ["web-1"], tags: ["db"] }],
    ["other than those with the tag db", { not: { tags: ["db"] } }],
    [
      "of channel stable and other than those with the tag db",
      { and: [{ channel: "stable" }, { not: { tags: ["db"] } }] },
    ],
    [
      "with the tag web and (named a or of channel edge)",
      { and: [{ tags: ["web"] }, { hosts: ["a"], channel: "edge" }] },
    ],
    [
      "(of channel edge and with the tag db) or with the tag web",
      { any: [{ and: [{ channel: "edge" }, { tags: ["db"] }] }, { tags: ["web"] }] },
    ],
  ])("are %s", (words, selector) => {
    expect(selectorWords(selector)).toBe(words);
  });

  it("end where they are endless", () => {
    const words = selectorWords({ channel: "c".repeat(500) });

    expect(words).toHaveLength(120);
    expect(words.endsWith("…")).toBe(true);
  });
});
