import { describe, expect, it } from "vitest";
import { SignalboxError } from "../../src/core/errors.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { parseFleetText } from "../../src/planning/parse-fleet-text.ts";

const text = `
channels:
  stable: { ref: v41, policy: careful }
  edge: { ref: v42, policy: fast }
hosts:
  web-1: { channel: stable, tags: [web, canary] }
  "db-[01-20]": { channel: stable, tags: [db] }
  "rack[1-2]-e[9-10]": { channel: edge }
policies:
  careful:
    onHealthFailure: rollback-all
    maxFailures: "5%"
    excuseAfter: 1h
    waves:
      - { name: canary, hosts: { tags: [canary] }, soak: 10m }
      - { hosts: { all: true }, soak: 1.5h, approvals: 1, maxFailures: 2 }
  fast: {}
budgets:
  - { hosts: { hosts: ["db-[01-03]", web-1] }, maxInFlight: 5 }
  - { hosts: { not: { tags: [db] } }, maxInFlightPct: 10 }
hostEdges: [{ before: web-1, after: db-01, reason: schema first }]
channelEdges: [{ before: edge, after: stable }]
freezes:
  - { name: weekend, timeZone: Europe/Berlin, days: [sat, sun], from: "00:00", to: "24:00" }
  - { name: holidays, timeZone: Europe/Berlin, from: "2026-12-20T00:00", to: "2027-01-02T00:00", channels: [stable] }
retention: 30d
`;

/** A declaration that is sound, to be spoiled. */
function sound(): Record<string, Record<string, unknown>> & { budgets?: unknown; hostEdges?: unknown } {
  return {
    channels: { stable: { ref: "v1", policy: "standard" }, edge: { ref: "v1", policy: "standard" } },
    hosts: { a: { channel: "stable" }, b: { channel: "stable" }, c: { channel: "edge" } },
    policies: { standard: {} },
  };
}

function faultsOf(document: unknown): readonly { pointer: string; detail: string }[] {
  try {
    parseFleet(document);
  } catch (error) {
    expect(error).toBeInstanceOf(SignalboxError);
    expect((error as SignalboxError).code).toBe("invalid-request");
    return (error as SignalboxError).errors;
  }
  throw new Error("It was taken");
}

describe("a fleet declaration", () => {
  it("is read with its ranges expanded, its durations in ms and every default filled in", () => {
    const { fleet } = parseFleetText(text);

    expect([...fleet.hosts.keys()].slice(0, 3)).toEqual(["db-01", "db-02", "db-03"]);
    expect([...fleet.hosts.keys()].slice(20)).toEqual(["rack1-e10", "rack1-e9", "rack2-e10", "rack2-e9", "web-1"]);
    expect(fleet.policies.get("careful")).toMatchObject({
      onHealthFailure: "rollback-all",
      maxFailures: "5%",
      minConverged: 1,
      sustainedMs: 60_000,
      excuseAfterMs: 3_600_000,
      excusedMaxPct: 10,
      waves: [
        { name: "canary", soakMs: 600_000, approvals: 0, maxFailures: "5%" },
        { name: "wave 2", soakMs: 5_400_000, approvals: 1, maxFailures: 2 },
      ],
    });
    expect(fleet.policies.get("fast")).toMatchObject({
      onHealthFailure: "rollback-and-halt",
      maxFailures: 0,
      waves: [],
    });
    expect(fleet.budgets[0]).toEqual({
      selector: { hosts: ["db-01", "db-02", "db-03", "web-1"] },
      maxInFlight: 5,
    });
    expect(fleet.hostEdges).toEqual([{ before: "web-1", after: "db-01", reason: "schema first" }]);
    expect(fleet.channelEdges).toEqual([{ before: "edge", after: "stable", reason: null }]);
    expect(fleet.freezes.map(({ channels, when }) => [channels, when.kind])).toEqual([
      [null, "weekly"],
      [["stable"], "once"],
    ]);
    expect(fleet.retentionMs).toBe(30 * 86_400_000);
  });

  it("has the same hash for the same content, whatever the order of its keys and the form of its text", () => {
    const { fleet, document } = parseFleetText(text);

    const reversed = Object.fromEntries(Object.entries(document as object).toReversed());
    const asJson = parseFleetText(JSON.stringify(reversed, null, 1)).fleet;

    expect(fleet.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(asJson.hash).toBe(fleet.hash);
    expect(parseFleetText(text.replace("v41", "v43")).fleet.hash).not.toBe(fleet.hash);
  });

  it("tells what is wrong with the other waves of a policy one of which is not well formed", () => {
    const waves = [
      { name: "one", hosts: { all: true }, soak: 10 },
      { name: "one", hosts: { hosts: ["ghost"] } },
      { name: "two", hosts: { channel: "nowhere" } },
    ];
    const document = {
      channels: { c: { ref: "v1", policy: "p" } },
      hosts: { a: { channel: "c" } },
      policies: { p: { waves } },
    };

    expect(faultsOf(document).map(({ pointer }) => pointer)).toEqual([
      "/policies/p/waves/0/soak",
      "/policies/p/waves/1/hosts/hosts/0",
      "/policies/p/waves/1/name",
      "/policies/p/waves/2/hosts/channel",
    ]);
  });

  it("tells every fault at once, each with a pointer and what to do", () => {
    const faults = faultsOf({
      ...sound(),
      channels: { stable: { ref: 41, policy: "careful" } },
      hosts: { "a b": { channel: "stable" }, c: { channel: "edge" }, "x-[3-1]": { channel: "stable" } },
      policies: { standard: { sustained: 60, waves: [{ hosts: { all: true }, soak: "400d", maxFailures: "500%" }] } },
      budgets: [
        { hosts: {} },
        { hosts: { all: true }, maxInFlight: 1, maxInFlightPct: 5 },
        { hosts: { tags: ["a"] }, maxInFlight: 0 },
      ],
      surprise: true,
    });

    expect(faults.map(({ pointer }) => pointer)).toEqual([
      "/surprise",
      "/channels/stable/ref",
      "/policies/standard/sustained",
      "/policies/standard/waves/0/soak",
      "/policies/standard/waves/0/maxFailures",
      "/budgets/0/hosts",
      "/budgets/2/maxInFlight",
      "/hosts/x-[3-1]",
      "/hosts/a b",
      "/hosts/c/channel",
      "/budgets/1",
    ]);
    expect(faults.find(({ pointer }) => pointer === "/channels/stable/ref")?.detail).toBe(
      "a ref is a text: put it into quotes",
    );
    expect(faults.find(({ pointer }) => pointer === "/policies/standard/waves/0/soak")?.detail).toBe(
      "400d is out of bounds: at most 365d",
    );
  });

  it.each([
    [
      "an unknown policy",
      { channels: { stable: { ref: "v1", policy: "none" }, edge: { ref: "v1", policy: "standard" } } },
      "/channels/stable/policy",
      'there is no policy "none"',
    ],
    [
      "an unknown channel of a host",
      { hosts: { a: { channel: "none" } } },
      "/hosts/a/channel",
      'there is no channel "none": declare it under channels, or name one of stable, edge',
    ],
    [
      "an unknown host in a selector",
      { budgets: [{ hosts: { any: [{ hosts: ["a", "z"] }] }, maxInFlight: 1 }] },
      "/budgets/0/hosts/any/0/hosts/1",
      "there is no host z",
    ],
    [
      "unknown hosts in a range",
      { budgets: [{ hosts: { hosts: ["x-[1-3]"] }, maxInFlight: 1 }] },
      "/budgets/0/hosts/hosts/0",
      "there is no host x-1 (and 2 more of x-[1-3])",
    ],
    [
      "an unknown channel in a selector",
      { budgets: [{ hosts: { not: { channel: "none" } }, maxInFlight: 1 }] },
      "/budgets/0/hosts/not/channel",
      'there is no channel "none"',
    ],
    [
      "a field beside not",
      { budgets: [{ hosts: { not: { all: true }, tags: ["x"] }, maxInFlight: 1 }] },
      "/budgets/0/hosts",
      "not decides alone",
    ],
    [
      "a budget without a limit",
      { budgets: [{ hosts: { all: true } }] },
      "/budgets/0",
      "it has neither maxInFlight nor maxInFlightPct",
    ],
    [
      "an unknown host of an edge",
      { hostEdges: [{ before: "a", after: "z" }] },
      "/hostEdges/0/after",
      "there is no host z",
    ],
    [
      "an edge over two channels",
      { hostEdges: [{ before: "a", after: "c" }] },
      "/hostEdges/0",
      "a is in channel stable and c in edge",
    ],
    [
      "a circle of hosts",
      {
        hostEdges: [
          { before: "a", after: "b" },
          { before: "b", after: "a" },
        ],
      },
      "/hostEdges/1",
      "a -> b -> a",
    ],
    ["a host before itself", { hostEdges: [{ before: "a", after: "a" }] }, "/hostEdges/0", "a -> a"],
    [
      "a circle of channels",
      {
        channelEdges: [
          { before: "stable", after: "edge" },
          { before: "edge", after: "stable" },
        ],
      },
      "/channelEdges/0",
      "edge -> stable -> edge",
    ],
    [
      "an unknown channel of an edge",
      { channelEdges: [{ before: "none", after: "stable" }] },
      "/channelEdges/0/before",
      'there is no channel "none"',
    ],
    [
      "a host twice",
      { hosts: { "a[1-3]": { channel: "stable" }, a2: { channel: "stable" } } },
      "/hosts/a2",
      'a2 is declared by "a[1-3]" as well',
    ],
    [
      "a range that is padded on one side",
      { hosts: { "a[01-100]": { channel: "stable" } } },
      "/hosts/a[01-100]",
      "[01-100] is padded on one side only",
    ],
    [
      "too many hosts",
      { hosts: { "a[1-500]-[1-500]": { channel: "stable" } } },
      "/hosts",
      "they stand for 250000 hosts: a fleet has at most 200000",
    ],
    [
      "an unknown time zone",
      { freezes: [{ name: "x", timeZone: "Europe/Berlinn", days: ["sat"], from: "00:00", to: "24:00" }] },
      "/freezes/0/timeZone",
      '"Europe/Berlinn" is no time zone',
    ],
    [
      "a time that is none",
      { freezes: [{ name: "x", timeZone: "UTC", days: ["sat"], from: "25:00", to: "24:00" }] },
      "/freezes/0/from",
      '"25:00" is no time of the day',
    ],
    [
      "a day that is none",
      { freezes: [{ name: "x", timeZone: "UTC", from: "2026-02-30T00:00", to: "2026-03-01T00:00" }] },
      "/freezes/0/from",
      '"2026-02-30T00:00" is no day and time',
    ],
    [
      "a window that ends before it begins",
      { freezes: [{ name: "x", timeZone: "UTC", from: "2026-03-02T00:00", to: "2026-03-01T00:00" }] },
      "/freezes/0/to",
      "write an end after its begin",
    ],
    [
      "a weekly window of no length",
      { freezes: [{ name: "x", timeZone: "UTC", days: ["sat"], from: "10:00", to: "10:00" }] },
      "/freezes/0/to",
      "is no time at all",
    ],
    [
      "an unknown channel of a window",
      { freezes: [{ name: "x", timeZone: "UTC", days: ["sat"], from: "10:00", to: "11:00", channels: ["none"] }] },
      "/freezes/0/channels/0",
      'there is no channel "none"',
    ],
    [
      "two waves of one name",
      {
        policies: {
          standard: {
            waves: [
              { name: "x", hosts: { all: true } },
              { name: "x", hosts: { all: true } },
            ],
          },
        },
      },
      "/policies/standard/waves/1/name",
      'a wave before it is called "x" as well',
    ],
    [
      "a wave that has the name which another has by its place",
      {
        policies: { standard: { waves: [{ name: "wave 2", hosts: { all: true } }, { hosts: { all: true } }] } },
      },
      "/policies/standard/waves/1",
      'a wave before it is called "wave 2" as well',
    ],
    [
      "an edge against the order of the waves",
      {
        policies: { standard: { waves: [{ name: "one", hosts: { hosts: ["b"] } }, { hosts: { all: true } }] } },
        hostEdges: [{ before: "a", after: "b" }],
      },
      "/hostEdges/0",
      "b of wave one waits for a of wave 2, which opens after it has settled",
    ],
    [
      "an edge from a host in no wave",
      {
        policies: { standard: { waves: [{ name: "one", hosts: { hosts: ["b"] } }] } },
        hostEdges: [{ before: "a", after: "b" }],
      },
      "/hostEdges/0",
      "b waits for a, which no wave selects",
    ],
    ["a duration without a unit", { retention: 90 }, "/retention", "expected a duration with its unit"],
    [
      "more than all of a wave",
      { policies: { standard: { maxFailures: "500%" } } },
      "/policies/standard/maxFailures",
      "write a number of hosts, or a share in whole percent such as 5%",
    ],
    ["a list where names are expected", { hosts: [] }, "/hosts", "expected names"],
  ])("is refused for %s", (_, spoiled, pointer, detail) => {
    const faults = faultsOf({ ...sound(), ...spoiled });

    expect(faults.find((fault) => fault.pointer === pointer)?.detail ?? faults).toContain(detail);
  });

  it("is not read at all when it is no declaration, or nested beyond all sense", () => {
    const deep = JSON.parse(`{"budgets":${"[".repeat(50_000)}${"]".repeat(50_000)}}`) as unknown;

    expect(faultsOf("fleet")[0]?.detail).toContain("expected a declaration");
    expect(faultsOf(null)).toHaveLength(1);
    expect(faultsOf(deep)).toEqual([{ pointer: "", detail: expect.stringContaining("nested deeper than 40 levels") }]);
  });

  it("names a hundred faults and says how many more there are", () => {
    const faults = faultsOf({
      ...sound(),
      hosts: Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`h${n}`, { channel: "none" }])),
    });

    expect(faults).toHaveLength(101);
    expect(faults.at(-1)?.detail).toBe("and 400 faults more");
  });

  it("stands for a bounded number of names, however short it is", () => {
    const many = { hosts: Array.from({ length: 6 }, (_, n) => `h${n}-[1-200000]`) };
    const faults = faultsOf({ ...sound(), budgets: [{ hosts: many, maxInFlight: 1 }] });

    expect(faults).toEqual([{ pointer: "/budgets/0", detail: expect.stringContaining("more than 1000000 names") }]);
  });

  it("tells in which line of its text a fault is", () => {
    const spoiled = text.replace("policy: fast", "policy: slow").replace("soak: 10m", "soak: 10");

    expect(() => parseFleetText(spoiled)).toThrow(
      expect.objectContaining({
        errors: [
          { pointer: "/policies/careful/waves/0/soak", detail: expect.stringContaining("(line 15, column 52)") },
          { pointer: "/channels/edge/policy", detail: expect.stringContaining("(line 4, column 21)") },
        ],
      }),
    );
    expect(() => parseFleetText("channels: {\nhosts: [}")).toThrow(/line 2/);
  });

  it("is refused for a key that stands twice, and for a text that is nested beyond all sense or grows by its aliases", () => {
    const aliases = Array.from({ length: 12 }, (_, n) => `x${n + 1}: &x${n + 1} [${`*x${n}, `.repeat(12)}]`).join("\n");

    expect(() => parseFleetText("hosts:\n  a: {}\n  b: {}\n  a: {}")).toThrow(
      /"a" stands here for the second time \(line 4/,
    );
    expect(() => parseFleetText("hosts: {}\n---\nhosts: {}")).toThrow(/a second document begins here: .+ \(line 2/);
    expect(() => parseFleetText("[".repeat(20_000))).toThrow(SignalboxError);
    expect(() => parseFleetText(`x0: &x0 [lol]\n${aliases}`)).toThrow(/alias/);
  });
});
