import { describe, expect, it } from "vitest";
import { z } from "zod";
import { describeFaults, readBy } from "../../src/core/schema-faults.ts";

/** Every kind of fault that a schema of ours can find without words of its own. */
const everyKind = z.strictObject({
  text: z.string().optional(),
  count: z.number().min(1).max(500).optional(),
  whole: z.int().nonnegative().optional(),
  above: z.number().positive().lt(10).optional(),
  even: z.number().multipleOf(2).optional(),
  flag: z.boolean().optional(),
  list: z.array(z.string()).min(1).max(2).optional(),
  pair: z.array(z.string()).min(2).optional(),
  code: z.string().length(3).optional(),
  name: z.string().min(1).max(4).optional(),
  path: z.string().startsWith("/").optional(),
  file: z.string().endsWith(".yaml").optional(),
  slug: z
    .string()
    .regex(/^[a-z]+$/)
    .optional(),
  url: z.url().optional(),
  at: z.iso.datetime().optional(),
  state: z.enum(["due", "dead"]).optional(),
  only: z.literal("all").optional(),
  verbose: z.enum(["", "true", "false"]).optional(),
  size: z.union([z.number(), z.string()]).optional(),
  fields: z.record(z.string().max(3), z.number()).optional(),
  none: z.undefined().optional(),
  nested: z.strictObject({ inside: z.string("expected a place") }).optional(),
  move: z
    .discriminatedUnion("kind", [z.object({ kind: z.literal("go") }), z.object({ kind: z.literal("stop") })])
    .optional(),
  own: z.string().regex(/^v/, "a ref begins with v").optional(),
  like: z.custom<string>(() => false).optional(),
});

const saidOf = (value: unknown) => describeFaults(readBy(everyKind, value).faults);

describe("what does not fit a schema", () => {
  it.each([
    [{ text: 1 }, "/text: expected text"],
    [{ text: null }, "/text: expected text"],
    [{ count: "many" }, "/count: expected a number"],
    [{ count: 0 }, "/count: expected at least 1"],
    [{ count: 501 }, "/count: expected at most 500"],
    [{ whole: 1.5 }, "/whole: expected a whole number"],
    [{ whole: -1 }, "/whole: expected at least 0"],
    [{ above: 0 }, "/above: expected more than 0"],
    [{ above: 10 }, "/above: expected less than 10"],
    [{ even: 3 }, "/even: expected a multiple of 2"],
    [{ flag: "yes" }, "/flag: expected true or false"],
    [{ list: "a" }, "/list: expected a list"],
    [{ list: [] }, "/list: must not be empty"],
    [{ list: ["a", "b", "c"] }, "/list: expected at most 2 entries"],
    [{ list: ["a", 2] }, "/list/1: expected text"],
    [{ pair: ["a"] }, "/pair: expected at least 2 entries"],
    [{ code: "ab" }, "/code: expected exactly 3 characters"],
    [{ name: "" }, "/name: must not be empty"],
    [{ name: "abcde" }, "/name: expected at most 4 characters"],
    [{ path: "a" }, "/path: expected text that begins with /"],
    [{ file: "a" }, "/file: expected text that ends with .yaml"],
    [{ slug: "A" }, "/slug: expected text that matches /^[a-z]+$/"],
    [{ url: "nowhere" }, "/url: expected a URL"],
    [{ at: "yesterday" }, "/at: expected a time such as 2030-01-31T18:00:00Z"],
    [{ state: "gone" }, "/state: expected one of due, dead"],
    [{ only: "some" }, "/only: expected all"],
    [{ verbose: "maybe" }, "/verbose: expected one of an empty text, true, false"],
    [{ size: true }, "/size: expected a number or text"],
    [{ fields: [] }, "/fields: expected an object"],
    [{ fields: { long1: 1 } }, "/fields/long1: expected at most 3 characters"],
    [{ none: 1 }, "/none: expected nothing here: leave it out"],
    [{ nested: {} }, "/nested/inside: required"],
    [{ nested: { inside: 1 } }, "/nested/inside: expected a place"],
    [{ move: { kind: "fly" } }, "/move/kind: expected one of go, stop"],
    [{ own: "1" }, "/own: a ref begins with v"],
    [{ like: 1 }, "/like: does not fit"],
    [{ "not/known": 1 }, "/not~1known: unknown field"],
    [7, "/: expected an object"],
    [undefined, "/: required"],
  ])("of %j is said in words of our own", (value, said) => {
    expect(saidOf(value)).toBe(said);
  });

  it("is told all at once, under the place where it stands", () => {
    const { faults } = readBy(everyKind, { text: 1, count: 0, more: true }, ["input"]);

    expect(faults.map(({ pointer }) => pointer)).toEqual(["/input/text", "/input/count", "/input/more"]);
  });

  it("is told a hundred times at most, and then how much more there is", () => {
    const fields = Object.fromEntries(Array.from({ length: 30_000 }, (_, n) => [`field${n}`, 1]));

    const { faults } = readBy(everyKind, fields, ["input"]);

    expect(faults).toHaveLength(101);
    expect(faults.at(-1)).toEqual({ pointer: "", detail: "and 29900 faults more" });
  });

  it("is told of the shape that came closest, where one of several is meant", () => {
    const shapes = z.union([
      z.strictObject({ id: z.string(), event: z.string() }),
      z.strictObject({ create: z.string() }),
    ]);

    expect(describeFaults(readBy(shapes, { id: "a" }).faults)).toBe("/event: required");
    expect(describeFaults(readBy(shapes, { create: 1 }).faults)).toBe("/create: expected text");
  });

  it("is nothing where it fits", () => {
    expect(readBy(everyKind, { text: "a" })).toEqual({ fits: true, data: { text: "a" }, faults: [] });
  });
});
