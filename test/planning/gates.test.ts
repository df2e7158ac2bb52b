import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gateNames } from "../../machines/rollout/events.ts";
import { plan } from "../../src/planning/plan.ts";
import { detailOn, dispatched, gatesOn, hostIn, inputOf, minute, planOf, t0, twoWaves } from "./scenes.ts";

describe("the gates", () => {
  it("are all listed, in their order, when many hold at once", () => {
    const frozen = planOf({
      ...twoWaves,
      channels: { edge: { ref: "v1", policy: "standard" } },
      channelEdges: [{ before: "edge", after: "stable" }],
      budgets: [{ hosts: { all: true }, maxInFlight: 1 }],
      hostEdges: [{ before: "web-1", after: "web-3" }],
    });
    const hosts = [hostIn(frozen, "web-1", "Soaking", { failingProbes: 1 })];

    const planned = plan(
      inputOf(frozen, {
        rollout: { control: "Paused" },
        hosts,
        fleet: {
          frozen: { since: t0, by: "ann", reason: null },
          quarantined: { since: t0, reason: "it crashed" },
          nodeOf: () => ({ since: t0, detail: "n1 is cordoned" }),
          busyWith: () => ({ rollout: "stable@v1", since: t0 }),
        },
      }),
    );

    expect(gatesOn(planned, "web-3")).toEqual([
      "paused",
      "freeze",
      "quarantine",
      "host-busy",
      "node-maintenance",
      "channel-edges",
      "wave-promotion",
      "host-edge",
      "disruption-budget",
      "compliance-wave",
    ]);
    expect(gatesOn(planned, "web-2")).not.toContain("host-edge");
  });

  it("each have a row in the guide, in their order", () => {
    const guide = readFileSync(join(import.meta.dirname, "../../docs/rollouts.md"), "utf8");
    const [, table = ""] = /\| gate \| holds while \|\n\|---\|---\|\n([\s\S]*?)\n\n/.exec(guide) ?? [];

    expect([...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, gate]) => gate)).toEqual([...gateNames]);
  });

  it("paused: says who has paused it and why, since then", () => {
    const frozen = planOf({ hosts: { a: [] } });

    const planned = plan(
      inputOf(frozen, {
        rollout: { control: "Paused", controlSince: t0 - minute, paused: { by: "ann", reason: "a bad disk" } },
      }),
    );

    expect(planned.blocked[0]?.gates).toEqual([
      {
        gate: "paused",
        since: t0 - minute,
        detail: "Paused by ann: a bad disk. It goes on when somebody resumes it.",
      },
    ]);
  });

  it("paused: names the wave that waits for approvals, and how many", () => {
    const frozen = planOf({
      hosts: { a: ["canary"], b: [] },
      waves: [
        { name: "canary", hosts: { tags: ["canary"] } },
        { name: "rest", hosts: { all: true }, approvals: 2 },
      ],
    });

    const planned = plan(
      inputOf(frozen, { rollout: { state: "Converging", control: "AwaitingApproval", isWaveSettled: true } }),
    );

    expect(planned.moves).toEqual([]);
    expect(detailOn(planned, "b", "paused")).toBe(
      "Wave rest needs the approvals of 2 people. It goes on when enough people have approved.",
    );
  });

  it("freeze: names the window and its end, and plans again then", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const freezes = [
      {
        name: "lunch",
        timeZone: "UTC",
        channels: null,
        when: { kind: "weekly", days: ["mon"], from: "11:30", to: "12:30" },
      },
    ] as const;

    const planned = plan(inputOf(frozen, { fleet: { freezes } }));

    expect(detailOn(planned, "a", "freeze")).toBe('"lunch" holds until 2026-01-05T12:30:00Z.');
    expect([planned.moves, planned.nextAt]).toEqual([[], t0 + 30 * minute]);
  });

  it("freeze: is not waited for when nothing is held by it", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const freezes = [
      {
        name: "lunch",
        timeZone: "UTC",
        channels: null,
        when: { kind: "weekly", days: ["mon"], from: "11:30", to: "12:30" },
      },
    ] as const;

    const planned = plan(inputOf(frozen, { fleet: { freezes }, hosts: [hostIn(frozen, "a", "Soaking")] }));

    expect([planned.moves, planned.gates, planned.nextAt]).toEqual([[], [], null]);
  });

  it("freeze: of another channel holds nothing here", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const freezes = [
      {
        name: "lunch",
        timeZone: "UTC",
        channels: ["edge"],
        when: { kind: "weekly", days: ["mon"], from: "11:30", to: "12:30" },
      },
    ] as const;

    expect(dispatched(plan(inputOf(frozen, { fleet: { freezes } })))).toEqual(["a"]);
  });

  it("freeze: a stopped line says who stopped it, and neither holds an undo", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const fleet = { frozen: { since: t0, by: "ann", reason: "an incident" } };

    const planned = plan(inputOf(frozen, { fleet }));
    const undo = plan(inputOf(frozen, { fleet, rollout: { isUndo: true } }));

    expect(detailOn(planned, "a", "freeze")).toBe(
      "The line is stopped by ann: an incident. Everything goes on when somebody starts it again.",
    );
    expect([planned.nextAt, dispatched(undo)]).toEqual([null, ["a"]]);
  });

  it("freeze: that begins while an offer may still stand is planned for, and takes the offer back", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const freezes = [
      {
        name: "noon",
        timeZone: "UTC",
        channels: null,
        when: { kind: "weekly", days: ["mon"], from: "12:03", to: "13:00" },
      },
    ] as const;
    const hosts = [hostIn(frozen, "a", "Pending", { isOffered: true })];

    const before = plan(inputOf(frozen, { fleet: { freezes }, hosts }));
    const then = plan(inputOf(frozen, { fleet: { freezes }, hosts, at: t0 + 3 * minute }));

    expect([before.moves, before.nextAt]).toEqual([[], t0 + 3 * minute]);
    expect(then.moves).toEqual([{ kind: "withdraw", host: "a" }]);
  });

  it("host-busy and node-maintenance: hold just that host", () => {
    const frozen = planOf({ hosts: { a: [], b: [], c: [] } });

    const planned = plan(
      inputOf(frozen, {
        fleet: {
          busyWith: (host) => (host === "a" ? { rollout: "stable@v1", since: t0 } : null),
          nodeOf: (host) => (host === "b" ? { since: t0, detail: "node b is in Maintenance." } : null),
        },
      }),
    );

    expect(dispatched(planned)).toEqual(["c"]);
    expect(detailOn(planned, "a", "host-busy")).toBe(
      "a is still activating for stable@v1. It opens when that activation has settled.",
    );
    expect(detailOn(planned, "b", "node-maintenance")).toBe(
      "node b is in Maintenance. It opens when the node is Active and not cordoned.",
    );
  });

  it("channel-edges: open when the newest rollout before is Terminal or somebody answers for it", () => {
    const frozen = planOf({
      hosts: { a: [] },
      channels: { edge: { ref: "v1", policy: "standard" } },
      channelEdges: [{ before: "edge", after: "stable", reason: "edge first" }],
    });
    const newest = (state: "Active" | "Failed" | "Superseded" | "Terminal", more = {}) => ({
      newestOf: () => ({ id: "edge@v1", state, since: t0, endedBy: null, isCleared: false, ...more }),
    });
    const detail = (fleet: Parameters<typeof inputOf>[1]) =>
      detailOn(plan(inputOf(frozen, fleet)), "a", "channel-edges");

    expect(detail({})).toBe("edge goes first (edge first) and has no rollout yet. It opens when one is Terminal.");
    expect(detail({ fleet: newest("Active") })).toBe(
      "edge goes first (edge first), and edge@v1 is Active. It opens when that one is Terminal.",
    );
    expect(detail({ fleet: newest("Failed") })).toContain(
      "edge@v1 is Failed. It opens when a newer one is Terminal, or",
    );
    expect(detail({ fleet: newest("Superseded", { endedBy: "cancelled" }) })).toContain("edge@v1 was cancelled");
    expect(detail({ fleet: newest("Failed", { isCleared: true }) })).toBeUndefined();
    expect(dispatched(plan(inputOf(frozen, { fleet: newest("Terminal") })))).toEqual(["a"]);
  });

  it("wave-promotion: holds since the rollout was opened, whatever it went through since", () => {
    const { blocked } = plan(inputOf(planOf(twoWaves), { rollout: { openedAt: t0 - minute, since: t0 } }));

    const gates = blocked.find(({ host }) => host === "web-3")?.gates ?? [];
    expect(gates.map(({ gate, since }) => [gate, since])).toEqual([["wave-promotion", t0 - minute]]);
  });

  it("wave-promotion: refuses a host that no wave selects, and never puts it into the first", () => {
    const frozen = planOf({ ...twoWaves, waves: [{ name: "canary", hosts: { tags: ["canary"] } }] });

    const planned = plan(inputOf(frozen));

    expect(dispatched(planned)).toEqual(["web-1"]);
    expect(planned.blocked.map(({ host }) => host)).toEqual(["web-2", "web-3"]);
    expect(detailOn(planned, "web-2", "wave-promotion")).toContain("web-2 is in no wave of this plan");
  });

  it("host-edge: opens when the host before has converged or waits for its reboot, and tells its state", () => {
    const frozen = planOf({
      hosts: { db: [], web: [] },
      hostEdges: [{ before: "db", after: "web", reason: "schema first" }],
    });
    const withDb = (state: Parameters<typeof hostIn>[2]) =>
      plan(inputOf(frozen, { hosts: [hostIn(frozen, "db", state)] }));

    expect(detailOn(plan(inputOf(frozen)), "web", "host-edge")).toBe(
      "db goes before web (schema first) and is Pending. It opens when db has converged.",
    );
    expect(detailOn(withDb("Soaking"), "web", "host-edge")).toContain("is Soaking");
    expect(dispatched(withDb("Failed"))).toEqual([]);
    expect(dispatched(withDb("Converged"))).toEqual(["web"]);
    expect(dispatched(withDb("Deferred"))).toEqual(["web"]);
  });

  it("disruption-budget: counts what is out here and elsewhere, and says who takes the places", () => {
    const frozen = planOf({
      hosts: { a: ["web"], b: ["web"], c: ["web"], d: [] },
      budgets: [{ hosts: { tags: ["web"] }, maxInFlight: 2 }],
    });
    const hosts = [hostIn(frozen, "a", "Soaking", { since: t0 + 5 })];

    const planned = plan(inputOf(frozen, { hosts, fleet: { unavailableElsewhere: () => 1 } }));

    expect(dispatched(planned)).toEqual(["d"]);
    expect(planned.blocked.find(({ host }) => host === "b")?.gates).toEqual([
      {
        gate: "disruption-budget",
        since: t0 + 5,
        detail:
          "2 of at most 2 of the 3 hosts with the tag web are out: a in this rollout, 1 for other reasons. " +
          "It opens when one of them is back, or is excused.",
      },
    ]);
  });

  it.each([
    ["an offer that stands", "Pending", { isOffered: true }, true],
    ["Activating", "Activating", {}, true],
    ["Soaking", "Soaking", {}, true],
    ["Failed", "Failed", {}, true],
    ["converged but unreachable", "Converged", { isUnreachable: true }, true],
    ["converged", "Converged", {}, false],
    ["reverted", "Reverted", {}, false],
    ["waiting for its reboot", "Deferred", {}, false],
    ["failed and excused", "Failed", { isExcused: true }, false],
  ] as const)("disruption-budget: a host that is %s takes a place or not", (_, state, given, isOut) => {
    const frozen = planOf({ hosts: { a: [], b: [] }, budgets: [{ hosts: { all: true }, maxInFlight: 1 }] });

    const planned = plan(inputOf(frozen, { hosts: [hostIn(frozen, "a", state, given)] }));

    expect(dispatched(planned)).toEqual(isOut ? [] : ["b"]);
  });

  it("disruption-budget: a share is rounded down and lets at least one out, of all hosts of the selector", () => {
    const budget = (maxInFlightPct: number) => ({
      hosts: { "h-[01-19]": [] },
      budgets: [{ hosts: { all: true }, maxInFlightPct }],
    });

    expect(dispatched(plan(inputOf(planOf(budget(1)))))).toEqual(["h-01"]);
    expect(dispatched(plan(inputOf(planOf(budget(10)))))).toEqual(["h-01"]);
    expect(dispatched(plan(inputOf(planOf(budget(11)))))).toEqual(["h-01", "h-02"]);
  });

  it("disruption-budget: an unreachable host that is out already is offered its dispatch without a further place", () => {
    const frozen = planOf({ hosts: { a: [], b: [] }, budgets: [{ hosts: { all: true }, maxInFlight: 1 }] });
    const hosts = [hostIn(frozen, "b", "Pending", { isUnreachable: true, isJoined: false })];

    const planned = plan(inputOf(frozen, { hosts }));

    expect(planned.moves).toEqual([{ kind: "dispatch", host: "b", wave: 0, isNew: true }]);
    expect(gatesOn(planned, "a")).toEqual(["disruption-budget"]);
  });

  it("disruption-budget: says of a host that is out that its agent is missed, and since when", () => {
    const frozen = planOf({ hosts: { a: [], b: [], c: [] }, budgets: [{ hosts: { all: true }, maxInFlight: 2 }] });
    const hosts = [
      hostIn(frozen, "a", "Soaking"),
      hostIn(frozen, "b", "Converged", { isUnreachable: true, missedSince: Date.parse("2030-01-02T03:04:05Z") }),
    ];

    const detail = detailOn(plan(inputOf(frozen, { hosts })), "c", "disruption-budget");

    expect(detail).toContain(
      "are out: a, b (its agent is not heard, missed since 2030-01-02T03:04:05Z) in this rollout. It opens",
    );
  });

  it("compliance-wave: holds later waves while an enforce probe fails, and opens when it passes again", () => {
    const frozen = planOf({ ...twoWaves, hosts: { ...twoWaves.hosts, "web-0": ["canary"] } });
    const withFailing = (failingProbes: number) => [
      hostIn(frozen, "web-0", "Converged", { failingProbes: 3, isExcused: true }), // counts neither way
      hostIn(frozen, "web-1", "Soaking", { failingProbes }),
    ];
    const rollout = { isFullyPromoted: true };

    const failing = plan(inputOf(frozen, { rollout, hosts: withFailing(2) }));
    const passing = plan(inputOf(frozen, { rollout, hosts: withFailing(0) }));

    expect([dispatched(failing), gatesOn(failing, "web-2")]).toEqual([[], ["compliance-wave"]]);
    expect(detailOn(failing, "web-2", "compliance-wave")).toContain("Enforced probes fail on web-1 of wave canary.");
    expect(dispatched(passing)).toEqual(["web-2", "web-3"]);
  });

  it("are summed up for the rollout: the first host that each holds, and how many more", () => {
    const frozen = planOf({ ...twoWaves, budgets: [{ hosts: { all: true }, maxInFlight: 1 }] });

    const planned = plan(
      inputOf(frozen, { rollout: { currentWave: 1 }, hosts: [hostIn(frozen, "web-1", "Converged")] }),
    );
    const first = plan(inputOf(frozen));

    expect(planned.gates.map(({ gate }) => gate)).toEqual(["disruption-budget"]);
    expect(first.gates.map(({ detail }) => detail)).toEqual([
      "web-2 is in wave rest, and the rollout is at wave canary. It opens when every wave before it has settled, or by a full promotion. 1 more host is held like this.",
    ]);
  });
});

describe("the sum of the gates", () => {
  it("is bounded, and so is each of its sentences, however much holds the rollout", () => {
    const names = Array.from({ length: 30 }, (_, number) => `before-${number}`);
    const frozen = planOf({
      hosts: { a: [], b: [] },
      channels: Object.fromEntries(names.map((name) => [name, { ref: "v1", policy: "standard" }])),
      channelEdges: names.map((before) => ({ before, after: "stable", reason: "r".repeat(1_000) })),
    });

    const { gates, moves } = plan(inputOf(frozen));

    expect([moves.length, gates.length]).toEqual([0, 20]);
    expect(gates.every(({ detail }) => detail.length <= 1_000)).toBe(true);
  });

  it("names a few of a selector of thousands of hosts, and still says what opens it", () => {
    const frozen = planOf({
      hosts: { "h-[0001-2000]": [] },
      budgets: [{ hosts: { hosts: ["h-[0001-2000]"] }, maxInFlight: 1 }],
    });

    const { gates } = plan(inputOf(frozen));

    expect(gates).toMatchObject([
      { detail: expect.stringMatching(/named h-0001, .* or 1995 more are out.*It opens when/) },
    ]);
  });
});
