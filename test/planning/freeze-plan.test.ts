import { describe, expect, it } from "vitest";
import { differenceOf } from "../../src/planning/difference.ts";
import { freezePlan } from "../../src/planning/freeze-plan.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";

const declared = {
  channels: { stable: { ref: "v2", policy: "careful" }, edge: { ref: "v9", policy: "plain" } },
  hosts: {
    "web-[1-4]": { channel: "stable", tags: ["web"] },
    "db-1": { channel: "stable", tags: ["db"] },
    lost: { channel: "stable" },
    "e-[1-10]": { channel: "edge", tags: ["web"] },
  },
  policies: {
    careful: {
      minConverged: 3,
      waves: [
        { name: "canary", hosts: { hosts: ["web-1", "e-1"] }, soak: "10m", approvals: 1 },
        { name: "data", hosts: { tags: ["db"] } },
        { name: "rest", hosts: { tags: ["web"] }, soak: "30m", minConverged: 2 },
      ],
    },
    plain: {},
  },
  budgets: [
    { hosts: { tags: ["web"] }, maxInFlightPct: 15 },
    { hosts: { channel: "edge" }, maxInFlight: 1 },
  ],
  hostEdges: [{ before: "web-1", after: "web-2" }],
  channelEdges: [{ before: "edge", after: "stable", reason: "edge first" }],
} as const;

const fleet = parseFleet(declared);

describe("a frozen plan", () => {
  it("has each host of its channel in the first wave that selects it, and no host of another", () => {
    const plan = freezePlan(fleet, "stable");

    expect(plan.waves.map(({ name, hosts }) => [name, hosts])).toEqual([
      ["canary", ["web-1"]],
      ["data", ["db-1"]],
      ["rest", ["web-2", "web-3", "web-4"]],
    ]);
    expect(plan.unstaged).toEqual(["lost"]);
    expect(plan).toMatchObject({ channel: "stable", ref: "v2", policy: { onHealthFailure: "rollback-and-halt" } });
  });

  it("has one wave with all hosts when its policy has none", () => {
    const plan = freezePlan(fleet, "edge");

    expect(plan.waves).toMatchObject([{ name: "all", soakMs: 0, approvals: 0 }]);
    expect([plan.waves[0]?.hosts.length, plan.unstaged]).toEqual([10, []]);
  });

  it("never asks for more converged hosts than a wave has", () => {
    expect(freezePlan(fleet, "stable").waves.map(({ minConverged }) => minConverged)).toEqual([1, 1, 2]);
  });

  it("resolves budgets over the whole fleet, and keeps those that hold one of its hosts", () => {
    const { budgets } = freezePlan(fleet, "stable");

    expect(budgets.map(({ key, max, hosts }) => [key, max, hosts.length])).toEqual([['{"tags":["web"]}', 2, 14]]);
  });

  it("keeps the edges that are about it", () => {
    expect(freezePlan(fleet, "stable")).toMatchObject({
      hostEdges: [{ before: "web-1", after: "web-2", reason: null }],
      channelEdges: [{ before: "edge", reason: "edge first" }],
    });
    expect(freezePlan(fleet, "edge")).toMatchObject({ hostEdges: [], channelEdges: [] });
  });

  it("over some hosts leaves the others out, and the edges from them", () => {
    const plan = freezePlan(fleet, "stable", { ref: "v1", hosts: new Set(["web-2", "web-3", "e-1"]) });

    expect([plan.ref, plan.waves.map(({ hosts }) => hosts)]).toEqual(["v1", [[], [], ["web-2", "web-3"]]]);
    expect([plan.hostEdges, plan.unstaged]).toEqual([[], []]);
  });

  it("of an undo soaks nowhere and asks nobody", () => {
    const plan = freezePlan(fleet, "stable", { isUndo: true });

    expect(plan.waves.map(({ soakMs, approvals }) => [soakMs, approvals])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it("has the hash of its content", () => {
    expect(freezePlan(fleet, "stable").hash).toBe(freezePlan(parseFleet(declared), "stable").hash);
    expect(freezePlan(fleet, "stable", { ref: "v3" }).hash).not.toBe(freezePlan(fleet, "stable").hash);
  });

  it("gives budgets that say the same in another order one key", () => {
    const keyOf = (hosts: unknown) =>
      freezePlan(parseFleet({ ...declared, budgets: [{ hosts, maxInFlight: 1 }] }), "edge").budgets[0]?.key;

    expect(keyOf({ any: [{ hosts: ["e-[1-2]"] }, { tags: ["web", "db"] }] })).toBe(
      keyOf({ any: [{ tags: ["db", "web", "web"] }, { hosts: ["e-2", "e-1"] }] }),
    );
    expect(keyOf({ tags: ["web"] })).not.toBe(keyOf({ tagsAny: ["web"] }));
  });

  it("is refused for a channel that is not declared, with those that are", () => {
    expect(() => freezePlan(fleet, "beta")).toThrow(/There is no channel "beta" in the fleet; there is stable, edge/);
  });
});

describe("a selector", () => {
  it.each([
    [{ all: true }, ["a", "b", "c"]],
    [{ tags: ["x", "y"] }, ["a"]],
    [{ tagsAny: ["x", "y"] }, ["a", "b"]],
    [{ hosts: ["c"] }, ["c"]],
    [{ hosts: ["c"], tags: ["y"] }, ["a", "c"]],
    [{ channel: "edge" }, ["c"]],
    [{ not: { tags: ["x"] } }, ["c"]],
    [{ and: [{ tags: ["x"] }, { not: { tags: ["y"] } }] }, ["b"]],
    [{ any: [{ channel: "edge" }, { tags: ["y"] }] }, ["a", "c"]],
  ])("%j means the hosts that it says", (hosts, expected) => {
    const few = parseFleet({
      channels: { stable: { ref: "v1", policy: "plain" }, edge: { ref: "v1", policy: "plain" } },
      hosts: {
        a: { channel: "stable", tags: ["x", "y"] },
        b: { channel: "stable", tags: ["x"] },
        c: { channel: "edge" },
      },
      policies: { plain: {} },
      budgets: [{ hosts, maxInFlight: 1 }],
    });

    const [stable, edge] = ["stable", "edge"].map((channel) => freezePlan(few, channel).budgets[0]?.hosts);
    expect(stable ?? edge).toEqual(expected);
  });
});

describe("the difference of two declarations", () => {
  it("names refs that change, hosts that come, go or change, and other parts", () => {
    const after = parseFleet({
      ...declared,
      channels: { stable: { ref: "v3", policy: "plain" }, edge: declared.channels.edge },
      hosts: {
        ...declared.hosts,
        "web-[1-4]": { channel: "stable", tags: ["web", "new"] },
        extra: { channel: "edge" },
      },
      budgets: [],
      retention: "30d",
    });

    const difference = differenceOf(fleet, after);

    expect(difference.channels).toEqual([{ channel: "stable", from: "v2", to: "v3" }]);
    expect(difference.hosts).toEqual({ added: ["extra"], removed: [], changed: ["web-1", "web-2", "web-3", "web-4"] });
    expect(difference.parts).toEqual(["channels/stable/policy", "budgets", "retention"]);
  });

  it("of the same is empty, and of nothing before is everything", () => {
    const nothing = differenceOf(fleet, parseFleet(declared));
    const first = differenceOf(undefined, fleet);

    expect(nothing).toEqual({ channels: [], hosts: { added: [], removed: [], changed: [] }, parts: [] });
    expect(first.channels).toEqual([
      { channel: "edge", from: null, to: "v9" },
      { channel: "stable", from: null, to: "v2" },
    ]);
    expect(first.hosts.added).toHaveLength(16);
    expect(first.parts).toEqual(["policies/careful", "policies/plain", "budgets", "hostEdges", "channelEdges"]);
  });
});
