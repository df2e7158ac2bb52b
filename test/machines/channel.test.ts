import { describe, expect, it } from "vitest";
import { channel } from "../../machines/channel/channel.ts";
import { forgottenMax, lastRun, type ChannelContext } from "../../machines/channel/context.ts";
import { parseRolloutId } from "../../machines/rollout/rollout-id.ts";
import { codesOf, reasonsOf } from "./rollout-steps.ts";
import { timelineOf, type Timeline } from "./timeline.ts";

const stable = { channel: "stable" };

describe("the newest rollout of a channel", () => {
  it("is the one that was opened last", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v1");
    line.pass(1_000);

    open(line, "stable@v2");

    expect(contextOf(line).newest).toEqual({ rolloutId: "stable@v2", ref: "v2", run: 1, openedAt: 1_000 });
  });

  it("has a run number that is one more than the last of its ref", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v1");
    open(line, "stable@v2");

    const refused = ["stable@v1", "stable@v1~3", "stable@v3~2"].map((id) => open(line, id));
    const next = open(line, "stable@v1~2");

    expect(refused.map(codesOf)).toEqual([["wrong-run"], ["wrong-run"], ["wrong-run"]]);
    expect(reasonsOf(refused[1] as never)[0]).toMatchObject({
      detail: "The next run of v1 over stable is number 2, not 3.",
      data: { ref: "v1", expected: 2 },
    });
    expect([next.outcome, contextOf(line).runs]).toEqual(["changed", { v1: 2, v2: 1 }]);
  });

  it("has an id that says its channel, its ref and its run", () => {
    const line = timelineOf(channel, stable);

    const refused = [
      { rolloutId: "edge@v1", ref: "v1", run: 1 },
      { rolloutId: "stable@v1", ref: "v2", run: 1 },
      { rolloutId: "stable@v1~2", ref: "v1", run: 1 },
    ].map((event) => line.send({ type: "rollout.opened", principal: "engine", ...event }));

    expect(refused.flatMap(codesOf)).toEqual(["wrong-id", "wrong-id", "wrong-id"]);
  });

  it.each(["constructor", "toString", "hasOwnProperty"])("may be of the ref %s", (ref) => {
    const line = timelineOf(channel, stable);

    open(line, `stable@${ref}`);
    quarantine(line, ref);

    expect([lastRun(contextOf(line), ref), line.state]).toEqual([1, "Quarantining"]);
    expect(codesOf(clear(line, "valueOf"))).toEqual(["not-quarantined"]);
  });
});

describe("what an undo goes back to", () => {
  it("is the last rollout that became Terminal, and the one of another ref before it", () => {
    const line = timelineOf(channel, stable);
    for (const id of ["stable@v1", "stable@v2", "stable@v2~2", "stable@v3"]) {
      open(line, id);
      end(line, id, id === "stable@v3" ? "Failed" : "Terminal");
    }

    expect(contextOf(line)).toMatchObject({
      lastTerminal: { rolloutId: "stable@v2~2", ref: "v2" },
      previousTerminal: { rolloutId: "stable@v1", ref: "v1" },
    });
  });

  it("does not change when the same is told again", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v1");
    end(line, "stable@v1", "Terminal");

    const again = end(line, "stable@v1", "Terminal");

    expect([again.outcome, contextOf(line).previousTerminal]).toEqual(["unchanged", null]);
  });

  it("is not a rollout that the channel never had, or keeps no more", () => {
    const line = timelineOf(channel, stable);
    for (const id of ["stable@v1", "stable@v2"]) {
      open(line, id);
      end(line, id, "Terminal");
    }
    forget(line, "stable@v1");

    const late = ["stable@v1", "stable@v9", "edge@v2"].map((id) => end(line, id, "Terminal").outcome);

    expect(late).toEqual(["unchanged", "unchanged", "unchanged"]);
    expect(contextOf(line).lastTerminal).toEqual({ rolloutId: "stable@v2", ref: "v2" });
  });

  it("is kept; the one that it takes the place of is planned again, since its time may be over", () => {
    const line = timelineOf(channel, stable);
    for (const id of ["stable@v1", "stable@v2"]) {
      open(line, id);
      end(line, id, "Terminal");
    }
    open(line, "stable@v3");

    const newest = forget(line, "stable@v3");
    const last = forget(line, "stable@v2");
    const before = forget(line, "stable@v1");

    expect([newest, last].map(codesOf)).toEqual([["is-newest"], ["is-last-terminal"]]);
    expect(before.outcome).toBe("changed");
    expect(line.said).toEqual([{ kind: "message", to: "stable@v1", event: { type: "plan.requested" } }]);
  });
});

describe("rollouts that are pruned", () => {
  it("leave their run number behind: a ref that comes back gets a new id", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v1");
    open(line, "stable@v2");
    forget(line, "stable@v1");

    const same = open(line, "stable@v1");
    const next = open(line, "stable@v1~2");

    expect([codesOf(same), next.outcome]).toEqual([["wrong-run"], "changed"]);
  });

  it("are forgotten once", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v1");
    open(line, "stable@v1~2");
    open(line, "stable@v2");
    forget(line, "stable@v1");

    const again = forget(line, "stable@v1");

    expect(codesOf(again)).toEqual(["unknown-rollout"]);
    expect(contextOf(line).kept).toEqual({ v1: [2], v2: [1] });
  });

  it("do not make the channel larger without end, and a ref that is out of mind may take any run", () => {
    const line = timelineOf(channel, stable);
    const ids = ["stable@first", ...Array.from({ length: forgottenMax + 1 }, (_, index) => `stable@r${index}`)];
    for (const [index, id] of ids.entries()) {
      open(line, id);
      if (index > 0) forget(line, ids[index - 1] as string);
    }

    const context = contextOf(line);
    const back = open(line, "stable@first~7");

    expect([context.forgotten.length, Object.keys(context.runs).length]).toEqual([forgottenMax, forgottenMax + 1]);
    expect([lastRun(context, "first"), back.outcome]).toEqual([0, "changed"]);
  });
});

describe("quarantined refs", () => {
  it("keep who quarantined them first, and why", () => {
    const line = timelineOf(channel, stable);
    line.pass(1_000);

    quarantine(line, "v2", "3 of 20 hosts have failed");
    const again = quarantine(line, "v2", "another reason");

    expect([again.outcome, line.state]).toEqual(["unchanged", "Quarantining"]);
    expect(contextOf(line).quarantined).toEqual({
      v2: { rolloutId: "stable@v2", reason: "3 of 20 hosts have failed", since: 1_000 },
    });
    expect(channel.notes?.(line.snapshot.context as never, line.state)).toEqual([
      "no rollout yet",
      "v2 quarantined by stable@v2: 3 of 20 hosts have failed",
    ]);
  });

  it("are cleared one by one by a person, and their rollout is planned again", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v2");
    quarantine(line, "v1");
    quarantine(line, "v2");

    const states = ["v1", "v2"].map((ref) => {
      clear(line, ref);
      return line.state;
    });

    expect(states).toEqual(["Quarantining", "Clear"]);
    expect(line.said).toEqual([{ kind: "message", to: "stable@v2", event: { type: "plan.requested" } }]);
    expect(reasonsOf(clear(line, "v2"))).toMatchObject([
      { code: "not-quarantined", hint: expect.stringContaining("quarantine list") },
    ]);
  });

  it("are not quarantined for what failed before somebody has tried them again, only for what fails then", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v2");
    line.send({
      type: "rollout.opened",
      principal: "engine",
      rolloutId: "stable@v2~2",
      ref: "v2",
      run: 2,
      isRetry: true,
    });

    const late = quarantine(line, "v2");
    const before = line.state;
    quarantine(line, "v2", "it has failed again", "stable@v2~2");

    expect([late.outcome, before]).toEqual(["unchanged", "Clear"]);
    expect(contextOf(line).quarantined["v2"]).toMatchObject({
      rolloutId: "stable@v2~2",
      reason: "it has failed again",
    });
  });

  it("are quarantined for what an older run tells when the newer one is no retry", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v2");
    open(line, "stable@v2~2");

    quarantine(line, "v2");

    expect(line.state).toBe("Quarantining");
  });

  it("are quarantined on their channel only", () => {
    const edge = timelineOf(channel, { channel: "edge" });
    const line = timelineOf(channel, stable);

    quarantine(line, "v2");

    expect([edge.state, line.state]).toEqual(["Clear", "Quarantining"]);
  });

  it("may be opened again: what holds a quarantined ref is its gate", () => {
    const line = timelineOf(channel, stable);
    open(line, "stable@v2");
    quarantine(line, "v2");

    expect(open(line, "stable@v2~2").outcome).toBe("changed");
  });

  it("are so many at most: one more is refused, and says what to do", () => {
    const line = timelineOf(channel, stable);
    for (let each = 0; each < 1_000; each += 1) quarantine(line, `r${each}`);

    const refused = quarantine(line, "r1000");

    expect(reasonsOf(refused)[0]).toMatchObject({ code: "too-many-quarantined", hint: "quarantine.cleared" });
  });
});

function contextOf({ snapshot }: Timeline): ChannelContext {
  return snapshot.context as ChannelContext;
}

function open(line: Timeline, rolloutId: string) {
  const { ref, run } = parseRolloutId(rolloutId) ?? { ref: "", run: 0 };
  return line.send({ type: "rollout.opened", principal: "engine", rolloutId, ref, run });
}

function end(line: Timeline, rolloutId: string, state: string) {
  const ref = parseRolloutId(rolloutId)?.ref;
  return line.send({ type: "rollout.ended", principal: "engine", rolloutId, ref, state });
}

function forget(line: Timeline, rolloutId: string) {
  return line.send({ type: "rollout.forgotten", principal: "engine", rolloutId });
}

function quarantine(line: Timeline, ref: string, reason = "too much has failed", rolloutId = `stable@${ref}`) {
  return line.send({ type: "ref.quarantined", principal: "engine", ref, rolloutId, reason });
}

function clear(line: Timeline, ref: string) {
  return line.send({ type: "quarantine.cleared", principal: "ann", ref, reason: "a broken switch" });
}
