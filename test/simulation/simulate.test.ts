import { describe, expect, it } from "vitest";
import { describeSimulation } from "../../src/simulation/describe-simulation.ts";
import type { AskedSettings } from "../../src/simulation/settings.ts";
import { simulate } from "../../src/simulation/simulate.ts";

const minute = 60_000;
const hour = 60 * minute;
const friday = Date.parse("2026-12-18T20:00Z");

interface Given {
  policy?: Record<string, unknown>;
  waves?: readonly Record<string, unknown>[];
  more?: Record<string, unknown>;
}

/** One canary and nine others, in two waves. */
function fleet({ policy = {}, waves, more = {} }: Given = {}): Record<string, unknown> {
  return {
    channels: { stable: { ref: "v1", policy: "careful" } },
    hosts: { canary: { channel: "stable" }, "web-[1-9]": { channel: "stable", tags: ["web"] } },
    policies: {
      careful: {
        waves: waves ?? [
          { name: "canary", hosts: { hosts: ["canary"] }, soak: "10m" },
          { name: "rest", hosts: { all: true }, soak: "30m" },
        ],
        ...policy,
      },
    },
    ...more,
  };
}

async function play(declaration: Record<string, unknown>, asked: Partial<AskedSettings> = {}) {
  const simulation = await simulate(declaration, { ref: "v2", activationTime: "60s", ...asked }, { now: friday });
  const [rollout] = simulation.run.rollouts;
  if (rollout === undefined) throw new Error("nothing was rolled out");
  expect(simulation.run.discords).toEqual([]);
  return { simulation, run: simulation.run, rollout };
}

describe("a simulated rollout", () => {
  it("of a version that runs well converges wave after wave, as long as activation and soak take", async () => {
    const { rollout, run } = await play(fleet());

    expect(rollout).toMatchObject({ state: "Terminal", from: "v1", halt: null, endedMs: 42 * minute, stuckOn: [] });
    expect(rollout.waves).toMatchObject([
      { name: "canary", startedMs: 0, activatedMs: minute, endedMs: 11 * minute, counts: { converged: 1 } },
      {
        name: "rest",
        startedMs: 11 * minute,
        activatedMs: 12 * minute,
        endedMs: 42 * minute,
        counts: { converged: 9 },
      },
    ]);
    expect(rollout.blast).toEqual({ touched: 10, failed: 0, reverted: 0, leftFailed: 0, running: 10 });
    expect(run.ending).toBe("at-rest");
  });

  it("goes no faster than a budget lets it, and says what held it for how long", async () => {
    const waves = [{ name: "all", hosts: { all: true }, soak: "1m" }];

    const { rollout } = await play(fleet({ waves, more: { budgets: [{ hosts: { all: true }, maxInFlight: 2 }] } }));

    expect(rollout).toMatchObject({ state: "Terminal", endedMs: 10 * minute });
    expect(rollout.waits).toMatchObject([{ gate: "disruption-budget", totalMs: 8 * minute }]);
  });

  it("waits for a calendar that holds it, without anybody becoming absent meanwhile", async () => {
    const weekend = { name: "weekend", timeZone: "UTC", days: ["sat", "sun"], from: "00:00", to: "24:00" };

    const { rollout } = await play(fleet({ more: { freezes: [weekend] } }), { at: "2026-12-18T23:55:00Z" });

    const [canary, rest] = rollout.waves;
    expect(rollout.state).toBe("Terminal");
    expect(rollout.waits).toContainEqual(
      expect.objectContaining({ gate: "freeze", spans: [{ fromMs: 5 * minute, toMs: 48 * hour + 5 * minute }] }),
    );
    expect([canary?.startedMs, rest?.startedMs]).toEqual([0, 48 * hour + 5 * minute]);
    expect(rest?.counts).toMatchObject({ converged: 9, excused: 0 });
  });

  it("waits for approvals as long as people take", async () => {
    const waves = [
      { name: "canary", hosts: { hosts: ["canary"] }, soak: "10m" },
      { name: "rest", hosts: { all: true }, soak: "30m", approvals: 2 },
    ];

    const atOnce = await play(fleet({ waves }));
    const later = await play(fleet({ waves }), { approveAfter: "20m" });

    expect([atOnce.rollout.endedMs, later.rollout.endedMs]).toEqual([42 * minute, 62 * minute]);
    expect(later.rollout.waits).toContainEqual(expect.objectContaining({ gate: "paused", totalMs: 20 * minute }));
    expect(later.simulation.assumptions.join("\n")).toContain("approvals are given after 20m");
  });

  it("that nobody approves says what it waits for, and does not go on for ever", async () => {
    const waves = [{ name: "all", hosts: { all: true }, approvals: 1 }];

    const { rollout, run } = await play(fleet({ waves }), { approveAfter: "never" });

    expect(rollout).toMatchObject({ state: "Opening", control: "AwaitingApproval", endedMs: null, halt: null });
    expect(rollout.stuckOn).toEqual([expect.stringMatching(/^paused: Wave \w+ needs the approval/)]);
    expect(run.ending).toBe("stuck");
    expect(rollout.waves).toMatchObject([{ startedMs: null, counts: { pending: 10 } }]);
  });

  it("over all channels goes in the order of their edges", async () => {
    const declaration = {
      channels: { edge: { ref: "v1", policy: "quick" }, stable: { ref: "v1", policy: "quick" } },
      hosts: { "edge-[1-3]": { channel: "edge" }, "web-[1-3]": { channel: "stable" } },
      policies: { quick: { waves: [{ name: "all", hosts: { all: true }, soak: "5m" }] } },
      channelEdges: [{ before: "edge", after: "stable" }],
    };

    const both = await play(declaration);
    const one = await play(declaration, { channel: ["stable"] });

    expect(both.run.rollouts).toMatchObject([
      { channel: "edge", endedMs: 6 * minute },
      { channel: "stable", endedMs: 12 * minute, waits: [{ gate: "channel-edges", totalMs: 6 * minute }] },
    ]);
    expect(one.run.rollouts).toMatchObject([{ channel: "stable", endedMs: 6 * minute, waits: [] }]);
    expect(one.simulation.assumptions.join("\n")).toContain("the newest rollouts of edge are Terminal");
  });

  it("of the ref that is declared takes it that the fleet ran another one", async () => {
    const { rollout } = await play(fleet(), { ref: "v1" });

    expect(rollout).toMatchObject({ state: "Terminal", from: "previous", ref: "v1" });
  });
});

describe("a simulated rollout of a bad version", () => {
  it("is stopped in its first wave, and goes back, under rollback-and-halt", async () => {
    const { rollout } = await play(fleet(), { bad: true });

    expect(rollout).toMatchObject({
      state: "Reverted",
      policy: "rollback-and-halt",
      halt: { wave: "canary", host: "canary", maxFailures: 0, isQuarantined: true },
      blast: { touched: 1, failed: 1, reverted: 1, leftFailed: 0, running: 0 },
    });
    expect(rollout.waves).toMatchObject([{ counts: { reverted: 1 } }, { startedMs: null, counts: { pending: 9 } }]);
  });

  it("is stopped and left as it is under halt", async () => {
    const { rollout } = await play(fleet({ policy: { onHealthFailure: "halt" } }), { bad: true });

    expect(rollout).toMatchObject({ state: "Failed", halt: { state: "Failed" } });
    expect(rollout.blast).toMatchObject({ touched: 1, failed: 1, reverted: 0, leftFailed: 1 });
  });

  it("takes back what had converged as well under rollback-all", async () => {
    const waves = [
      { name: "canary", hosts: { hosts: ["canary"] }, maxFailures: 1, minConverged: 0, soak: "10m" },
      { name: "rest", hosts: { all: true }, soak: "30m" },
    ];
    const settings = { failureRate: "50%", seed: "3" };

    const { rollout } = await play(fleet({ waves, policy: { onHealthFailure: "rollback-all" } }), settings);

    expect(rollout.halt).not.toBeNull();
    expect(rollout.blast.failed).toBeLessThan(rollout.blast.touched); // the others only went back with them
    expect(rollout.blast.running).toBe(0);
    expect(rollout.blast.reverted).toBe(rollout.blast.touched);
  });

  it("fails no more than a wave bears before it is stopped, where the budget lets one out at a time", async () => {
    const waves = [{ name: "all", hosts: { all: true }, maxFailures: 3 }];
    const budgets = [{ hosts: { all: true }, maxInFlight: 1 }];
    const policy = { onHealthFailure: "rollback-and-halt" };

    const { rollout } = await play(fleet({ waves, policy, more: { budgets } }), { bad: true });

    expect(rollout.halt).toMatchObject({ maxFailures: 3, wave: "all", why: "4 of 10 hosts failed, 3 borne" });
    expect(rollout.blast).toMatchObject({ failed: 4, touched: 4 });
  });

  it("is stopped by a failure that is borne where too few are left to converge, and says so", async () => {
    const waves = [{ name: "canary", hosts: { hosts: ["canary"] }, minConverged: 1 }, { hosts: { all: true } }];

    const { rollout } = await play(fleet({ waves, policy: { maxFailures: 1 } }), { bad: true });

    expect(rollout.halt?.why).toBe("1 of 1 host failed, 1 borne, but at least 1 to converge");
  });
});

it("a rollout that is stuck says what holds the hosts of the wave under way, not that later waves wait for it", async () => {
  const more = { hostEdges: [{ before: "web-1", after: "web-2" }] };

  const { rollout } = await play(fleet({ policy: { excusedMaxPct: 100 }, more }), { unreachable: "30%", seed: "7" });

  expect(rollout.stuckOn).toEqual([expect.stringMatching(/^host-edge: web-1 goes before web-2 and is excused\./)]);
});

it("a channel without hosts is over as it opens, and does not keep the run going", async () => {
  const channels = { edge: { ref: "v1", policy: "careful" }, stable: { ref: "v1", policy: "careful" } };

  const { simulation, run } = await play(fleet({ more: { channels } }));

  expect(run.ending).toBe("at-rest");
  expect(describeSimulation(simulation)).toContain("edge@v2: v1 -> v2, no hosts: it is Terminal as it opens");
});

describe("hosts that are not heard of", () => {
  it("are excused, and the rollout goes on without them", async () => {
    const policy = { excusedMaxPct: 100 };

    const { rollout } = await play(fleet({ policy }), { unreachable: "30%", seed: "5" });

    const excused = rollout.waves.map(({ counts }) => counts.excused);
    expect(rollout.state).toBe("Terminal");
    expect(excused.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
    expect(rollout.blast.touched).toBe(10 - excused.reduce((sum, each) => sum + each, 0));
  });

  it("stop the rollout when they are too many, until somebody resumes it", async () => {
    const { rollout, run } = await play(fleet(), { unreachable: "100%" });

    expect(rollout).toMatchObject({ control: "Paused", endedMs: null, blast: { touched: 0 } });
    expect(rollout.stuckOn).toEqual([expect.stringMatching(/^paused: .* It goes on when somebody resumes it\.$/)]);
    expect(run.ending).toBe("stuck");
  });
});

describe("luck", () => {
  const asked = { ref: "v2", hosts: "150", failureRate: "3%", unreachable: "2%", approveAfter: "10m" };
  const declaration = fleet({
    policy: { maxFailures: "10%", excusedMaxPct: 50 },
    waves: [
      { name: "canary", hosts: { hosts: ["canary"] }, soak: "10m" },
      { name: "rest", hosts: { all: true }, soak: "30m", approvals: 1 },
    ],
    more: { budgets: [{ hosts: { tags: ["web"] }, maxInFlightPct: 20 }] },
  });

  it("comes again with its seed, byte by byte", async () => {
    const [one, again] = [
      await simulate(declaration, asked, { now: friday }),
      await simulate(declaration, asked, { now: friday }),
    ];

    expect(JSON.stringify(again)).toBe(JSON.stringify(one));
    expect(describeSimulation(again).join("\n")).toBe(describeSimulation(one).join("\n"));
  });

  it("is another one with another seed", async () => {
    const [one, other] = [
      await simulate(declaration, asked, { now: friday }),
      await simulate(declaration, { ...asked, seed: "2" }, { now: friday }),
    ];

    expect(JSON.stringify(other.run)).not.toBe(JSON.stringify(one.run));
  });

  it("is spread over many runs, each of which can be had alone by its seed", async () => {
    const many = await simulate(fleet(), { ref: "v2", failureRate: "10%", runs: "20" }, { now: friday });
    const first = await simulate(fleet(), { ref: "v2", failureRate: "10%", seed: "1/1" }, { now: friday });

    const { spread } = many;
    expect(spread).toMatchObject({ runs: 20, unfinished: 0 });
    expect((spread?.completed ?? 0) + (spread?.halted ?? 0)).toBeCloseTo(1);
    expect(spread?.halted).toBeGreaterThan(0);
    expect(spread?.completed).toBeGreaterThan(0);
    expect(many.run).toEqual(first.run);
  });
});

describe("what is printed", () => {
  it("says what happened when, what was stopped, how far it got, and what was taken for granted", async () => {
    const { simulation } = await play(fleet(), { bad: true });

    const report = describeSimulation(simulation).join("\n");

    expect(report).toMatch(/^v2 over stable: 10 hosts simulated, seed 1$/m);
    expect(report).toMatch(/^stable@v2: v1 -> v2, 10 hosts in 2 waves, rollback-and-halt$/m);
    expect(report).toMatch(/^WAVE +HOSTS +STARTED +ENDED +CONVERGED +FAILED +REVERTED +EXCUSED +OTHERS$/m);
    expect(report).toMatch(/^rest +9 +- +- +0 +0 +0 +0 +9 pending$/m);
    expect(report).toMatch(
      /^Stopped after \S+( \S+)? by rollback-and-halt: canary failed in wave canary \(1 of 1 host failed, 0 borne\); v2 is quarantined on stable\. It is Reverted\.$/m,
    );
    expect(report).toMatch(/^Blast radius: 1 of 10 hosts touched, 1 failed, 1 reverted; 0 run v2 at the end$/m);
    expect(report).toContain("the version fails on 100% of the hosts");
  });
});

it("a fleet without a host in the channel is told, not played", async () => {
  const declaration = {
    channels: { edge: { ref: "v1", policy: "all" }, stable: { ref: "v1", policy: "all" } },
    hosts: { web: { channel: "stable" } },
    policies: { all: {} },
  };

  await expect(simulate(declaration, { ref: "v2", channel: ["edge"] }, { now: 0 })).rejects.toThrow(
    "No host is in edge",
  );
});
