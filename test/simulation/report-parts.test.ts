import { describe, expect, it } from "vitest";
import type { RolloutOutcome, RunOutcome } from "../../src/simulation/outcome.ts";
import { quantilesOf, spreadOf } from "../../src/simulation/spread.ts";
import { durationText, ticksOf } from "../../src/simulation/time-text.ts";
import { timelineOf } from "../../src/simulation/timeline.ts";
import { createWaitRecorder } from "../../src/simulation/wait-recorder.ts";

const minute = 60_000;

function rollout(given: Partial<RolloutOutcome>): RolloutOutcome {
  return {
    rolloutId: "stable@v2",
    channel: "stable",
    ref: "v2",
    from: "v1",
    state: "Terminal",
    control: "Over",
    hosts: 10,
    unstaged: 0,
    openedMs: 0,
    endedMs: 60 * minute,
    policy: "halt",
    waves: [],
    halt: null,
    blast: { touched: 10, failed: 0, reverted: 0, leftFailed: 0, running: 10 },
    waits: [],
    stuckOn: [],
    ...given,
  };
}

function run(given: Partial<RolloutOutcome>): RunOutcome {
  return { seed: "1", rollouts: [rollout(given)], durationMs: 0, hostEvents: 0, ending: "at-rest", discords: [] };
}

describe("times in words", () => {
  it.each([
    [0, "0s"],
    [1_000, "1s"],
    [90_000, "1m 30s"],
    [3_599_600, "1h"],
    [7_500_000, "2h 5m"],
    [86_400_000, "1d"],
    [100 * 3_600_000, "4d 4h"],
    [28 * 3_600_000 + 37 * minute + 20_000, "1d 4h 37m"],
    [7 * 86_400_000 - 1, "7d"],
    [12 * 86_400_000 + 4 * 3_600_000 + 37 * minute, "12d 5h"],
    [250, "250ms"],
  ])("%d ms are %s", (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it("divide a span by round times", () => {
    expect(ticksOf(60 * minute, 5).map(durationText)).toEqual(["0s", "15m", "30m", "45m", "1h"]);
    expect(ticksOf(0, 5)).toEqual([0]);
  });
});

describe("quantiles", () => {
  it("are values that have occurred", () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1).toReversed();

    expect(quantilesOf(values)).toEqual({ p5: 5, p50: 50, p95: 95 });
    expect(quantilesOf([7])).toEqual({ p5: 7, p50: 7, p95: 7 });
  });
});

describe("the spread of many runs", () => {
  it("tells shares, and times of those that came to an end and of those that were stopped apart", () => {
    const halt = {
      state: "Failed",
      policy: "halt",
      host: "a",
      wave: "all",
      maxFailures: 0,
      why: "1 of 1 host failed, 0 borne",
      isQuarantined: true,
    } as const;
    const stopped = run({
      state: "Failed",
      endedMs: 2 * minute,
      halt: { ...halt, atMs: 2 * minute },
      blast: { touched: 4, failed: 1, reverted: 0, leftFailed: 1, running: 4 },
    });
    const stuck = run({ state: "Active", endedMs: null });

    const spread = spreadOf([run({}), run({ endedMs: 30 * minute }), stopped, stuck]);

    expect(spread).toMatchObject({ runs: 4, completed: 0.5, halted: 0.25, unfinished: 0.25 });
    expect(spread.durationMs).toEqual({ p5: 30 * minute, p50: 30 * minute, p95: 60 * minute });
    expect(spread.haltedAfterMs).toEqual({ p5: 2 * minute, p50: 2 * minute, p95: 2 * minute });
    expect(spread.touched).toEqual({ p5: 4, p50: 10, p95: 10 });
  });

  it("has no times where nothing of the kind happened", () => {
    expect(spreadOf([run({ state: "Active", endedMs: null })])).toMatchObject({
      durationMs: null,
      haltedAfterMs: null,
    });
  });
});

describe("waits", () => {
  const gate = (name: string, since = 0) => ({ gate: name, since, detail: `${name} holds` });

  it("last from the decision that names a gate to the one that does not", () => {
    const waits = createWaitRecorder(100);

    waits.decided(110, [gate("freeze", 50)]);
    waits.decided(120, [gate("freeze", 50), gate("disruption-budget", 120)]);
    waits.decided(150, [gate("disruption-budget", 120)]);
    waits.decided(160, []);
    waits.decided(200, [gate("disruption-budget", 195)]);

    expect(waits.until(210)).toEqual([
      { gate: "freeze", detail: "freeze holds", spans: [{ from: 100, to: 150 }] },
      {
        gate: "disruption-budget",
        detail: "disruption-budget holds",
        spans: [
          { from: 120, to: 160 },
          { from: 195, to: 210 },
        ],
      },
    ]);
  });

  it("that took no time are none", () => {
    const waits = createWaitRecorder(100);

    waits.decided(110, [gate("paused", 110)]);
    waits.decided(110, []);

    expect(waits.until(200)).toEqual([]);
  });
});

describe("a timeline", () => {
  it("draws each wave and what held hosts back over one axis", () => {
    const counts = { converged: 0, failed: 0, reverted: 0, excused: 0, pending: 0, other: 0 };
    const wave = { soakMs: 0, approvals: 0, revertedMs: null, counts };
    const lines = timelineOf(
      rollout({
        waves: [
          { ...wave, name: "canary", hosts: 1, startedMs: 0, activatedMs: 6 * minute, endedMs: 30 * minute },
          { ...wave, name: "rest", hosts: 9, startedMs: 30 * minute, activatedMs: 48 * minute, endedMs: 60 * minute },
          { ...wave, name: "never", hosts: 9, startedMs: null, activatedMs: null, endedMs: null },
        ],
        waits: [
          {
            gate: "wave-promotion",
            detail: "",
            totalMs: 30 * minute,
            spans: [{ fromMs: 0, toMs: 30 * minute }],
          },
        ],
      }),
      60 * minute,
    );

    expect(lines).toEqual([
      "                |0s            |15m           |30m           |45m          |1h",
      "canary          ######=========================",
      "rest                                          ##################============",
      "never",
      "wave-promotion  -------------------------------",
      "                # activating  = soaking  - held back",
    ]);
  });

  it("marks where it was stopped, and what went back from then on", () => {
    const counts = { converged: 0, failed: 1, reverted: 0, excused: 0, pending: 9, other: 0 };
    const halt = {
      state: "Failed",
      policy: "halt",
      host: "a",
      wave: "all",
      maxFailures: 0,
      why: "1 of 1 host failed, 0 borne",
      isQuarantined: true,
    } as const;
    const lines = timelineOf(
      rollout({
        endedMs: 30 * minute,
        halt: { ...halt, atMs: 30 * minute },
        waves: [
          {
            name: "all",
            hosts: 10,
            soakMs: 0,
            approvals: 0,
            startedMs: 0,
            activatedMs: 60 * minute,
            endedMs: 30 * minute,
            revertedMs: 45 * minute,
            counts,
          },
        ],
      }),
      60 * minute,
    );

    expect(lines[1]).toBe(`all  ${"#".repeat(30)}!${"<".repeat(15)}`);
    expect(lines.at(-1)).toContain("# activating  = soaking  < going back  ! stopped");
  });
});
