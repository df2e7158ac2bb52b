import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { freezePlan } from "../../src/planning/freeze-plan.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { scaleDeclaration, sharesOf, withoutHosts } from "../../src/simulation/scale.ts";

const declaration = {
  channels: { edge: { ref: "v1", policy: "quick" }, stable: { ref: "v1", policy: "careful" } },
  hosts: {
    "edge-[1-4]": { channel: "edge" },
    "web-[01-10]": { channel: "stable", tags: ["web"] },
    "db-[1-2]": { channel: "stable", tags: ["db"] },
    first: { channel: "stable", tags: ["web"] },
  },
  policies: {
    quick: {},
    careful: {
      waves: [
        { name: "canary", hosts: { hosts: ["first", "web-[01-02]"] } },
        { name: "rest", hosts: { all: true } },
      ],
    },
  },
  budgets: [{ hosts: { tags: ["web"] }, maxInFlight: 2 }],
  hostEdges: [{ before: "db-1", after: "web-05" }],
};

const fleet = parseFleet(declaration);

function sizes(count: number) {
  const scaled = parseFleet(scaleDeclaration(declaration, fleet, count).document);
  const waves = freezePlan(scaled, "stable").waves.map(({ hosts }) => hosts.length);
  const of = (tag: string) => [...scaled.hosts.values()].filter(({ tags }) => tags.includes(tag)).length;
  return {
    all: scaled.hosts.size,
    edge: freezePlan(scaled, "edge").waves[0]?.hosts.length,
    waves,
    web: of("web"),
    db: of("db"),
  };
}

describe("a declaration of another size", () => {
  it("keeps the shares of channels, tags and waves", () => {
    expect(sizes(17)).toEqual({ all: 17, edge: 4, waves: [3, 10], web: 11, db: 2 });
    expect(sizes(1_700)).toEqual({ all: 1_700, edge: 400, waves: [300, 1_000], web: 1_100, db: 200 });
  });

  it("keeps at least one of each kind as long as there are enough hosts for it", () => {
    const { all, edge, waves, db } = sizes(4);

    expect({ all, edge, waves, db }).toEqual({ all: 4, edge: 1, waves: [1, 2], db: 1 });
  });

  it("says what it leaves out", () => {
    const { document, notes } = scaleDeclaration(declaration, fleet, 2);

    expect(parseFleet(document).hosts.size).toBe(2);
    expect(notes).toContain("2 kinds of host are too rare to be among 2 hosts, and are left out");
    expect(notes).toContain(
      "0 of 1 edges between hosts are kept; they hold for the hosts that they name, not for their likes",
    );
  });

  it("keeps the hosts that edges name, and the edges with them", () => {
    const { document } = scaleDeclaration(declaration, fleet, 6);

    expect(parseFleet(document).hostEdges).toEqual([{ before: "db-1", after: "web-05", reason: null }]);
  });

  it("never gives an added host a name that is taken", () => {
    const taken = { ...declaration, hosts: { ...declaration.hosts, "first.2": { channel: "edge" } }, hostEdges: [] };

    const { document } = scaleDeclaration(taken, parseFleet(taken), 500);

    expect(parseFleet(document).hosts.size).toBe(500);
  });

  it("has no host when it is to have none, and is still well formed", () => {
    const none = parseFleet(withoutHosts(declaration));

    expect(none.hosts.size).toBe(0);
    expect([...none.channels.keys()]).toEqual(["edge", "stable"]);
    expect(freezePlan(none, "stable").waves.map(({ hosts }) => hosts)).toEqual([[], []]);
  });
});

describe("shares in whole numbers", () => {
  it("add up, lie next to the exact ones, and leave nobody out when there are enough", () => {
    const kinds = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 5_000 }), (given, count) => {
        const shares = sharesOf(given, count);

        const total = given.reduce((sum, each) => sum + each, 0);
        expect(shares.reduce((sum, each) => sum + each, 0)).toBe(count);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(count >= given.length ? 1 : 0);
        const small = given.filter((size) => (size * count) / total < 1).length;
        for (const [index, share] of shares.entries()) {
          const exact = ((given[index] ?? 0) * count) / total;
          expect(share).toBeLessThanOrEqual(Math.max(1, Math.ceil(exact)));
          expect(share).toBeGreaterThanOrEqual(Math.floor(exact) - small);
        }
      }),
    );
  });
});
