import { describe, expect, it } from "vitest";
import { channel } from "../../machines/channel/channel.ts";
import { rollout as rolloutMachine } from "../../machines/rollout/rollout.ts";
import { createWorld } from "../support/world.ts";
import { codesOf, plain, reasonsOf, rolloutOf, type Rollout } from "./rollout-steps.ts";

const planHash = "5f2b";
const nothing = { nextAt: null, again: false };
const dayMs = 86_400_000;

describe("the planner of a rollout", () => {
  it("is asked as soon as the rollout is opened", () => {
    const rollout = rolloutOf({ waves: [1], planHash });

    expect(rollout.planning).toBe("Planning");
    expect(rollout.calls.get("planRollout")).toMatchObject({
      activity: "planRollout",
      input: { rolloutId: "stable@v2" },
    });
  });

  it("is never asked for a rollout without a plan", () => {
    const rollout = rolloutOf({ waves: [1] });

    rollout.converge(0);
    const asked = rollout.send({ type: "plan.requested" });

    expect([rollout.planning, rollout.calls.size, codesOf(asked)]).toEqual(["Idle", 0, ["not-planned"]]);
  });

  it.each([
    ["a host is dispatched", (rollout: Rollout) => rollout.join(0)],
    ["a host settles", (rollout: Rollout) => rollout.walk(0, "Pending", "Converged")],
    ["a host fails beyond what is borne", (rollout: Rollout) => rollout.walk(0, "Pending", "Failed")],
    ["somebody holds it", (rollout: Rollout) => rollout.send({ type: "rollout.pause" })],
    ["somebody hastens it", (rollout: Rollout) => rollout.send({ type: "rollout.promote" })],
    ["somebody cancels it", (rollout: Rollout) => rollout.send({ type: "rollout.cancel" })],
    ["a newer one takes its place", (rollout: Rollout) => supersede(rollout)],
    [
      "somebody approves a wave",
      (rollout: Rollout) => rollout.send({ type: "wave.approve", principal: "ann", wave: 1 }),
    ],
    ["something else has changed", (rollout: Rollout) => rollout.send({ type: "plan.requested" })],
  ])("is asked again when %s", (_what, happens) => {
    const rollout = rolloutOf({ waves: [3, 1], waveRules: [{}, { approvals: 1 }], planHash });
    rollout.join(0);
    rollout.done("planRollout", nothing);
    if (rollout.planning === "Planning") rollout.done("planRollout", nothing);
    const before = rollout.planning;

    happens(rollout);

    expect([before, rollout.planning]).toEqual(["Idle", "Planning"]);
  });

  it("is asked again when a resume, a clearance or the end of the retention changes something", () => {
    const paused = idle(rolloutOf({ waves: [1], planHash }));
    idle(paused, { type: "rollout.pause" });
    const failed = rolloutOf({ waves: [1], planHash });
    failed.join(0);
    failed.walk(0, "Pending", "Failed");
    idle(failed);

    paused.send({ type: "rollout.resume" });
    failed.send({ type: "operator.cleared", reason: "a broken switch" });
    const cleared = failed.planning;
    idle(failed);
    failed.pass(90 * dayMs);

    expect([paused.planning, cleared, failed.planning]).toEqual(["Planning", "Planning", "Planning"]);
  });

  it("is asked once more, not many times more, for what changes while it plans", () => {
    const rollout = rolloutOf({ waves: [9], planHash });

    const first = rollout.send({ type: "plan.requested" });
    const more = [1, 2, 3].map(() => rollout.send({ type: "plan.requested" }).outcome);
    rollout.done("planRollout", nothing);
    const again = [rollout.planning, rollout.context.isPlanStale];
    rollout.done("planRollout", nothing);

    expect([first.outcome, ...more]).toEqual(["changed", "unchanged", "unchanged", "unchanged"]);
    expect(again).toEqual(["Planning", false]);
    expect(rollout.planning).toBe("Idle");
  });

  it("is asked again at once when it says that there is more to do", () => {
    const rollout = rolloutOf({ waves: [9], planHash });

    rollout.done("planRollout", { nextAt: 60_000, again: true });

    expect([rollout.planning, rollout.calls.size, rollout.timers.size]).toEqual(["Planning", 1, 0]);
  });

  it("is asked again at the time that it names", () => {
    const rollout = rolloutOf({ waves: [9], planHash });
    rollout.done("planRollout", { nextAt: 60_000, again: false });
    const until = rollout.context.planDueAt;

    rollout.pass(59_999);
    const early = rollout.planning;
    rollout.pass(1);

    expect([until, early, rollout.planning, rollout.context.planDueAt]).toEqual([60_000, "Idle", "Planning", null]);
  });

  it("that is asked for another reason before that time does not wake again for it", () => {
    const rollout = rolloutOf({ waves: [9], planHash });
    rollout.done("planRollout", { nextAt: 60_000, again: false });
    rollout.send({ type: "plan.requested" });
    rollout.done("planRollout", nothing);

    rollout.pass(120_000);

    expect(rollout.planning).toBe("Idle");
  });

  it("that fails says so, and is tried again after half a minute", () => {
    const rollout = rolloutOf({ waves: [9], planHash });

    rollout.failed("planRollout", "the store does not answer");
    const said = rollout.notes();
    rollout.pass(29_999);
    const early = rollout.planning;
    rollout.pass(1);
    const late = rollout.planning;
    rollout.done("planRollout", nothing);

    expect(said).toContain("its planner failed: the store does not answer; it is tried again");
    expect([early, late]).toEqual(["Idle", "Planning"]);
    expect(rollout.context.planError).toBeNull();
  });

  it("goes on for a rollout that has ended: its hosts are to be released", () => {
    const rollout = rolloutOf({ waves: [1], planHash });
    rollout.join(0);
    idle(rollout);

    supersede(rollout);

    expect([rollout.state, rollout.planning]).toEqual(["Superseded", "Planning"]);
  });
});

describe("a planned rollout", () => {
  it.each([
    { type: "host.joined", wave: 0 },
    { type: "host.changed", from: "Pending", to: "Activating", wave: 0 },
    { type: "wave.advanced", fromWave: 0, toWave: 0 },
    { type: "rollout.completed" },
    { type: "rollout.superseded", by: "stable@v3" },
    { type: "retention.expired" },
  ])("does not take $type from outside, in whatever state it is", (event) => {
    const superseded = rolloutOf({ waves: [1, 1], planHash });
    const halted = rolloutOf({ waves: [1, 1], planHash });
    const active = rolloutOf({ waves: [1, 1], planHash });
    supersede(superseded);
    for (const rollout of [halted, active]) rollout.join(0);
    halted.walk(0, "Pending", "Failed");

    const answers = [superseded, halted, active].map((rollout) => rollout.send({ ...event, principal: "ann" }));

    const heard = answers.flatMap(codesOf).filter((code) => code !== "not-accepted"); // retention is not of this state
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(3).fill("refused"));
    expect(new Set(heard)).toEqual(new Set(["driven-by-plan"]));
  });

  it("takes them from its planner and its hosts", () => {
    const rollout = rolloutOf({ waves: [1], planHash });

    rollout.send({ type: "host.joined", principal: "provider:planRollout", wave: 0 });
    rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");

    expect(rollout.state).toBe("Terminal");
  });

  it("takes them from an operation of ours that says so, and the journal still names the person", () => {
    const rollout = rolloutOf({ waves: [1], planHash });

    const joined = rollout.send({ type: "host.joined", principal: "ann", wave: 0, byOperation: true });
    const superseded = rollout.send({
      type: "rollout.superseded",
      principal: "ann",
      by: "stable@v3",
      byOperation: true,
    });

    expect([joined.outcome, superseded.outcome, rollout.state]).toEqual(["changed", "changed", "Superseded"]);
  });

  it("quarantines its ref when it halts for its failures, once, and says how many have failed", () => {
    const rollout = rolloutOf({ waves: [4], policy: { maxFailures: 1 }, planHash });
    rollout.join(0, 4);

    rollout.walk(0, "Pending", "Failed");
    const borne = [...rollout.said];
    rollout.walk(0, "Pending", "Failed");
    rollout.walk(0, "Pending", "Failed");
    rollout.walk(0, "Failed", "Reverted");

    expect(borne).toEqual([]);
    expect(rollout.said).toEqual([
      {
        kind: "message",
        to: "channel/stable",
        event: {
          type: "ref.quarantined",
          ref: "v2",
          rolloutId: "stable@v2",
          reason: "web-0 became Failed in wave 1 of 1: 2 of 4 hosts failed, 1 borne",
        },
      },
    ]);
    expect(rollout.notes()).toContain(
      "v2 was quarantined on stable; clearing that starts nothing again, a retry does both",
    );
  });

  it("tells its channel when it is Terminal", () => {
    const rollout = rolloutOf({ waves: [1], planHash });
    const empty = rolloutOf({ waves: [0], planHash });

    rollout.converge(0);

    const told = {
      kind: "message",
      to: "channel/stable",
      event: { type: "rollout.ended", rolloutId: "stable@v2", ref: "v2", state: "Terminal" },
    };
    expect([rollout.said, empty.said]).toEqual([[told], [told]]);
  });

  it("tells nobody anything when it has no plan", () => {
    const complete = rolloutOf({ waves: [1] });
    const failed = rolloutOf({ waves: [1] });

    complete.converge(0);
    failed.join(0);
    failed.walk(0, "Pending", "Failed");

    expect([complete.said, failed.said]).toEqual([[], []]);
  });
});

describe("the retention of a rollout", () => {
  it("begins with its end, and asks the planner when it is over", () => {
    const rollout = rolloutOf({ waves: [1], policy: { retentionMs: 5 * dayMs }, planHash });
    rollout.converge(0);
    idle(rollout);
    const kept = rollout.context.retainedUntil;

    rollout.pass(5 * dayMs - 1);
    const early = rollout.planning;
    rollout.pass(1);

    expect([kept, early, rollout.planning]).toEqual([5 * dayMs, "Idle", "Planning"]);
    expect(rollout.context.retainedUntil).toBeNull();
    expect(rollout.notes().at(-1)).toContain("its retention is over");
  });

  it("begins anew with a later end", () => {
    const rollout = rolloutOf({ waves: [1], policy: { retentionMs: 5 * dayMs }, planHash });
    rollout.converge(0);
    rollout.pass(3 * dayMs);

    supersede(rollout);
    idle(rollout);
    rollout.pass(5 * dayMs - 1);
    const early = rollout.planning;
    rollout.pass(1);

    expect([rollout.context.endedAt, early, rollout.planning]).toEqual([3 * dayMs, "Idle", "Planning"]);
  });

  it("lasts 90 days when nobody says otherwise", () => {
    const rollout = rolloutOf({ waves: [1], planHash });

    supersede(rollout);

    expect(rollout.context.retainedUntil).toBe(90 * dayMs);
  });

  it("ends in Pruned, which ends all regions: nothing is pending and nothing is heard", () => {
    const rollout = rolloutOf({ waves: [1], planHash });
    supersede(rollout);

    rollout.send({ type: "retention.expired", principal: "provider:planRollout" });
    const after = rollout.send({ type: "rollout.superseded", principal: "engine", by: "stable@v4" });

    expect(rollout.value).toEqual({ rollout: "Pruned", control: "Over", planning: "Ended" });
    expect([rollout.snapshot.status, rollout.calls.size]).toEqual(["done", 0]);
    expect(reasonsOf(after)).toMatchObject([{ code: "ended", data: { state: "Pruned" } }]);
  });

  it("is nobody's business for a rollout without a plan", () => {
    const rollout = rolloutOf({ waves: [1] });

    rollout.converge(0);

    expect([rollout.timers.size, rollout.context.retainedUntil, rollout.context.endedAt]).toEqual([0, null, 0]);
  });
});

describe("the journal of a rollout", () => {
  it("replays to what is stored, over several waves, a halt and a cancellation", async () => {
    const world = createWorld({ machines: [rolloutMachine, channel] });
    const { engine } = world;
    await engine.create({ machine: "channel", id: "channel/stable", input: { channel: "stable" } });
    for (const ref of ["v2", "v3"]) {
      const input = { ...plain, rolloutId: `stable@${ref}`, targetRef: ref, waves: [1, 0, 2], planHash };
      await engine.create({ machine: "rollout", id: `stable@${ref}`, input });
    }
    const drive = (id: string, events: readonly { type: string }[]) =>
      engine.transactAsEngine(
        events.map((event) => ({ id, event, sender: "engine" })),
        { principal: "provider:planRollout" },
      );
    const changed = (from: string, to: string, wave: number) => ({ type: "host.changed", from, to, wave });

    await drive("stable@v2", [
      { type: "host.joined", wave: 0 } as never,
      changed("Pending", "Soaking", 0),
      changed("Soaking", "Converged", 0),
      { type: "wave.advanced", fromWave: 0, toWave: 2 } as never,
      { type: "host.joined", wave: 2 } as never,
      changed("Pending", "Failed", 2),
      changed("Failed", "Reverted", 2),
    ]);
    await engine.send("stable@v3", { type: "rollout.cancel", reason: "the wrong ref" }, { principal: "ann" });
    await world.settle();

    const rollout = await engine.read("stable@v2");
    expect([rollout.state, (rollout.context as { currentWave: number }).currentWave]).toEqual(["Reverted", 2]);
    expect((await engine.read("channel/stable")).context).toMatchObject({
      quarantined: { v2: { rolloutId: "stable@v2" } },
    });
    expect(await engine.verify()).toMatchObject({ checked: 3, differences: [] });
  });

  it("names a stranger who says what only the hosts can know, and why it was refused", async () => {
    const { engine } = createWorld({ machines: [rolloutMachine] });
    await engine.create({ machine: "rollout", id: "stable@v2", input: { ...plain, waves: [1], planHash } });

    const sent = await engine.send("stable@v2", { type: "rollout.superseded", by: "stable@v9" }, { principal: "ann" });

    expect(sent).toMatchObject({ outcome: "refused", reasons: [{ code: "driven-by-plan" }] });
    const { entries } = await engine.journal({ instance: "stable@v2" });
    expect(entries.at(-1)).toMatchObject({ principal: "ann", outcome: "refused" });
  });
});

/** Its planner has nothing more to say. */
function idle(rollout: Rollout, after?: { type: string }): Rollout {
  if (after !== undefined) rollout.send(after);
  while (rollout.planning === "Planning") rollout.done("planRollout", nothing);
  return rollout;
}

function supersede(rollout: Rollout) {
  return rollout.send({ type: "rollout.superseded", principal: "engine", by: "stable@v3" });
}
