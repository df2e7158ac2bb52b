import { describe, expect, it } from "vitest";
import { frame, wrapped } from "../../src/cli/output.ts";
import { endOf, statusLine, statusLines, waitsOf } from "../../src/cli/rollout-status.ts";
import type { RolloutHostView, RolloutView } from "../../src/operations/rollout-schemas.ts";

const at = "2030-01-31T18:00:00.000Z";

function rollout(more: Partial<RolloutView> = {}): RolloutView {
  return {
    rolloutId: "stable@v2",
    channel: "stable",
    targetRef: "v2",
    state: "Active",
    control: "Running",
    since: at,
    currentWave: 1,
    supersededBy: null,
    endedBy: null,
    openedSeq: 1,
    lastTransitionSeq: 2,
    openedAt: at,
    terminalAt: null,
    supersededAt: null,
    planHash: null,
    version: 2,
    waves: [
      wave({ name: "canary", state: "done", counts: { Converged: 2 } }),
      wave({ name: "early", state: "current", counts: { Converged: 1, Soaking: 1, Activating: 1, Pending: 2 } }),
      wave({ name: "rest", approvals: 2, counts: { Pending: 80 } }),
      wave({ name: "none" }),
    ],
    gates: [],
    paused: null,
    approvals: {},
    failure: null,
    cleared: null,
    ...more,
  };
}

function wave(more: Partial<RolloutView["waves"][number]> & { name: string }): RolloutView["waves"][number] {
  const hosts = Object.values(more.counts ?? {}).reduce((sum, count) => sum + count, 0);
  return {
    state: "ahead",
    hosts,
    joined: 0,
    counts: {},
    soakMs: 0,
    approvals: 0,
    maxFailures: 0,
    minConverged: 1,
    ...more,
  };
}

function host(name: string, more: Partial<RolloutHostView> = {}): RolloutHostView {
  return {
    host: name,
    wave: 1,
    state: "Activating",
    countedAs: "Activating",
    since: at,
    isOffered: false,
    observedVersion: null,
    isUnreachable: false,
    excused: null,
    failure: null,
    instance: null,
    ...more,
  };
}

describe("the picture of a rollout", () => {
  it("has a bar per wave, the hosts in flight, and what it waits for", () => {
    const gates = [{ gate: "disruption-budget" as const, since: at, detail: "2 of 2 are out" }];

    const lines = statusLines(rollout({ gates }), [host("web-3"), host("web-4", { state: "Soaking" })]);

    expect(lines).toEqual([
      "stable@v2  Active  wave early (2 of 4)",
      "  + canary  [##]  2/2 converged",
      "  > early   [#=>..]  1/5 converged, 1 soaking, 1 activating, 2 pending",
      `    rest    [${".".repeat(40)}]  0/80 converged, 80 pending`,
      "    none    no hosts",
      "  in flight  web-3 Activating, web-4 Soaking",
      `  waits for  disruption-budget: 2 of 2 are out (since ${at})`,
      expect.stringMatching(/^ {2}# converged {2}= soaking /),
    ]);
  });

  it("fits a terminal, however many hosts are on their way or have failed", () => {
    const moving = Array.from({ length: 50 }, (_, n) => host(`web-${n}`));
    const failed = Array.from({ length: 9 }, (_, n) =>
      host(`db-${n}`, { state: "Failed", failure: { kind: "health", reason: "ready fails" } }),
    );

    const lines = statusLines(rollout(), [...moving, ...failed]);

    expect(lines).toHaveLength(14);
    expect(lines).toContainEqual(
      expect.stringMatching(/^ {2}in flight {2}web-0 Activating, .*web-5 Activating and 44 more$/),
    );
    expect(lines).toContain("  failed     db-0: ready fails");
    expect(lines).toContain("  failed     and 3 more");
  });

  it("is one line for a log", () => {
    const gates = [
      { gate: "freeze" as const, since: at, detail: "weekend" },
      { gate: "host-edge" as const, since: at, detail: "after db-1" },
    ];

    expect(statusLine(rollout({ gates }))).toBe(
      `stable@v2  Active  wave early (2 of 4)  3/87 converged, 1 soaking, 1 activating, 82 pending  waits for freeze: weekend (since ${at})`,
    );
    expect(statusLine(rollout({ waves: [] }))).toBe("stable@v2  Active");
  });

  it("says who paused it, and does not say so twice", () => {
    const gates = [{ gate: "paused" as const, since: at, detail: "paused by alice" }];
    const paused = { by: "alice", reason: "lunch", at };

    expect(waitsOf(rollout({ control: "Paused", paused, gates }))).toEqual([
      `somebody to resume it: paused by alice, lunch (since ${at})`,
    ]);
    expect(statusLine(rollout({ control: "Paused", paused }))).toMatch(/^stable@v2 {2}Active, Paused {2}/);
  });

  it("says which wave asks for approval, and who has given theirs", () => {
    const asked = rollout({ state: "Converging", control: "AwaitingApproval", approvals: { 2: [{ by: "bob", at }] } });

    const gates = [{ gate: "paused" as const, since: at, detail: "Wave rest needs the approvals of 2 people." }];

    expect(waitsOf(asked)).toEqual([`approval of wave rest (1 of 2 by bob) (since ${at})`]);
    expect(waitsOf({ ...asked, gates })).toEqual(waitsOf(asked)); // said once
  });

  it("says nothing of what held it once another one has its place", () => {
    const gates = [{ gate: "quarantine" as const, since: at, detail: "v2 is quarantined" }];

    expect(waitsOf(rollout({ state: "Superseded", control: "Over", gates }))).toEqual([]);
  });

  it("names hosts that are offered their dispatch, and whose agent has not answered", () => {
    const lines = statusLines(rollout(), [host("web-5", { state: "Pending", isOffered: true })]);

    expect(lines).toContain("  in flight  web-5 offered");
  });

  it("says of a host in flight that its agent is not heard", () => {
    const lines = statusLines(rollout(), [host("web-5", { state: "Pending", isOffered: true, isUnreachable: true })]);

    expect(lines).toContain("  in flight  web-5 offered (its agent is not heard)");
  });

  it("says what halted it, until somebody has cleared it", () => {
    const failure = { host: "web-3", wave: 0, to: "Reverted", at };

    expect(waitsOf(rollout({ state: "Reverted", failure }))).toEqual([
      "a newer ref, a retry or an undo; it was halted: web-3 came to Reverted in wave canary",
    ]);
    expect(waitsOf(rollout({ state: "Reverted", failure, cleared: { by: "alice", reason: "known", at } }))).toEqual([]);
  });

  it("says by what it was superseded, or that it was cancelled", () => {
    const over = { state: "Superseded", control: "Over" } as const;

    expect(statusLine(rollout({ ...over, supersededBy: "stable@v3", endedBy: "superseded" }))).toContain(
      "Superseded (by stable@v3)",
    );
    expect(statusLine(rollout({ ...over, endedBy: "cancelled" }))).toContain("Superseded (cancelled)");
  });

  it("has come to its end when nothing more comes by itself", () => {
    const states = [
      "Opening",
      "Active",
      "Converging",
      "Terminal",
      "Reverted",
      "Failed",
      "Superseded",
      "Pruned",
    ] as const;

    expect(states.map((state) => endOf({ state }))).toEqual([
      undefined,
      undefined,
      undefined,
      "asked",
      ...Array.from({ length: 4 }, () => "otherwise"),
    ]);
  });
});

describe("a picture that is drawn over", () => {
  const size = { columns: 20, rows: 4 };

  it("goes back to its first line, and takes away what is left of a longer one", () => {
    expect(frame(["a", "b"], { drawn: 0, ...size })).toBe("\r\u001b[2Ka\n\u001b[2Kb");
    expect(frame(["a"], { drawn: 3, ...size })).toBe("\r\u001b[2A\u001b[2Ka\u001b[J");
    expect(frame(["a"], { drawn: 1, ...size })).toBe("\r\u001b[2Ka");
  });

  it("breaks a line between words where it does not fit, and anywhere where there is no word's end", () => {
    expect(wrapped("  waits for  freeze: the weekend", 20)).toEqual(["  waits for  freeze:", "    the weekend"]);
    expect(wrapped("x".repeat(25), 20)).toEqual(["x".repeat(20), `    ${"x".repeat(5)}`]);
    expect(wrapped("it fits", 20)).toEqual(["it fits"]);
  });

  it("neither wraps nor scrolls", () => {
    const drawn = frame(["x".repeat(30), "2", "3", "4", "5"], { drawn: 4, ...size });

    expect(drawn.split("\n")).toEqual([
      `\r\u001b[3A\u001b[2K${"x".repeat(19)}`,
      ...["2", "3", "4"].map((each) => `\u001b[2K${each}`),
    ]);
  });
});
