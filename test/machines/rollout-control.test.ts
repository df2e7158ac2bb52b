import { describe, expect, it } from "vitest";
import { codesOf, reasonsOf, rolloutOf, type Rollout } from "./rollout-steps.ts";

const resume = { type: "rollout.resume", principal: "ann" };
const pause = { type: "rollout.pause", principal: "ann", reason: "a bad disk" };
const cancel = { type: "rollout.cancel", principal: "ann", reason: "the wrong ref" };
const promote = { type: "rollout.promote", principal: "ann" };
const approve = (principal: string, wave?: number) => ({
  type: "wave.approve",
  principal,
  ...(wave !== undefined && { wave }),
});

describe("holding a rollout", () => {
  it("stops dispatch, says who holds it and why, and lets what is in flight go on", () => {
    const rollout = rolloutOf({ waves: [2, 1] });
    rollout.join(0, 2);
    rollout.pass(1_000);

    rollout.send(pause);
    const dispatch = decide(rollout, 1);
    rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");

    expect([rollout.control, rollout.state]).toEqual(["Paused", "Active"]);
    expect(rollout.context.paused).toEqual({ by: "ann", reason: "a bad disk", at: 1_000 });
    expect(reasonsOf(dispatch)[0]).toEqual({
      code: "paused",
      detail: "stable@v2 is paused by ann: a bad disk",
      hint: "rollout.resume",
    });
    expect(rollout.notes()).toEqual(["wave 1 of 2: 1 of 2 hosts settled", "stable@v2 is paused by ann: a bad disk"]);
  });

  it("ends with a resume, and again nothing changes for one that nobody holds", () => {
    const rollout = rolloutOf({ waves: [1] });
    rollout.send(pause);
    const again = rollout.send({ ...pause, principal: "bob" });

    const first = rollout.send(resume);
    const second = rollout.send(resume);

    expect([again.outcome, first.outcome, second.outcome]).toEqual(["unchanged", "changed", "unchanged"]);
    expect([rollout.control, rollout.context.paused]).toEqual(["Running", null]);
    expect(decide(rollout, 1).outcome).toBe("changed");
  });

  it("is possible before the first host, and between two waves", () => {
    const opening = rolloutOf({ waves: [1, 1] });
    const between = rolloutOf({ waves: [1, 1] });
    between.converge(0);

    for (const rollout of [opening, between]) rollout.send(pause);

    expect([opening, between].map(({ state, control }) => [state, control])).toEqual([
      ["Opening", "Paused"],
      ["Converging", "Paused"],
    ]);
  });

  it("does not outlast a halt: there is nothing to resume, and nobody is asked to", () => {
    const rollout = rolloutOf({ waves: [1] });
    rollout.join(0);
    rollout.send(pause);

    rollout.walk(0, "Pending", "Activating", "Failed");

    expect([rollout.state, rollout.control, rollout.context.paused]).toEqual(["Failed", "Running", null]);
    expect([resume, pause, promote].flatMap((event) => codesOf(rollout.send(event)))).toEqual([
      "halted",
      "halted",
      "halted",
    ]);
  });
});

describe("a wave that asks for approvals", () => {
  it("is awaited before it begins, and begins when distinct people have approved it", () => {
    const rollout = rolloutOf({ waves: [1, 1], waveRules: [{}, { approvals: 2 }] });
    const before = rollout.control;
    rollout.converge(0);
    const early = rollout.advance(0, 1);
    const said = rollout.notes();

    rollout.send(approve("ann"));
    const twice = rollout.send(approve("ann"));
    const half = [rollout.control, rollout.notes()];
    rollout.send(approve("bob"));

    expect([before, rollout.control]).toEqual(["Running", "Running"]);
    expect(codesOf(early)).toEqual(["approval-missing"]);
    expect(said).toEqual(["wave 1 of 2 is settled; wave 2 of 2 has 1 host", "wave 2 of 2 lacks 2 of 2 approvals"]);
    expect(codesOf(twice)).toEqual(["same-approver"]);
    expect(half).toEqual([
      "AwaitingApproval",
      ["wave 1 of 2 is settled; wave 2 of 2 has 1 host", "wave 2 of 2 lacks 1 of 2 approvals (given by ann)"],
    ]);
    expect(rollout.advance(0, 1).outcome).toBe("changed");
    expect(rollout.context.approvals).toEqual({
      1: [
        { by: "ann", at: 0 },
        { by: "bob", at: 0 },
      ],
    });
  });

  it("is awaited before the first host when it is the first with hosts", () => {
    const rollout = rolloutOf({ waves: [0, 1], waveRules: [{}, { approvals: 1 }] });
    const dispatch = decide(rollout, 1);
    const before = rollout.control;

    rollout.send(approve("ann"));

    expect(before).toBe("AwaitingApproval");
    expect(reasonsOf(dispatch)[0]).toMatchObject({
      code: "approval-missing",
      detail: "stable@v2 lacks 1 of 1 approvals for wave 2 of 2.",
      hint: "wave.approve",
    });
    expect(rollout.control).toBe("Running");
    expect(decide(rollout, 1).outcome).toBe("changed");
  });

  it("may be approved ahead of its turn, by its number", () => {
    const rollout = rolloutOf({ waves: [1, 1, 1], waveRules: [{}, { approvals: 1 }, { approvals: 1 }] });

    rollout.send(approve("ann", 2));
    rollout.converge(0);
    const first = rollout.control;
    rollout.send(approve("bob"));
    rollout.advance(0, 1);
    rollout.converge(1);

    expect(first).toBe("AwaitingApproval");
    expect([rollout.state, rollout.control]).toEqual(["Converging", "Running"]);
  });

  it("has approvals only where it asks for some, and has not begun", () => {
    const rollout = rolloutOf({ waves: [1, 1, 1], waveRules: [{ approvals: 1 }, {}, { approvals: 1 }] });
    rollout.send(approve("ann"));
    rollout.converge(0);
    rollout.advance(0, 1);

    const answers = [approve("bob", 0), approve("bob", 1), approve("bob", 7)].map((event) => rollout.send(event));
    rollout.send(approve("bob", 2));
    const none = rollout.send(approve("cat"));

    expect([...answers, none].map(codesOf)).toEqual([
      ["wave-begun"],
      ["no-approval-needed"],
      ["no-approval-needed"],
      ["no-approval-needed"],
    ]);
    expect(rollout.context.approvals[2]).toEqual([{ by: "bob", at: 0 }]);
  });

  it("without hosts asks nobody", () => {
    const rollout = rolloutOf({ waves: [1, 0, 1], waveRules: [{}, { approvals: 1 }, {}] });

    rollout.converge(0);

    expect([rollout.state, rollout.control]).toEqual(["Converging", "Running"]);
  });

  it("does not hold an undo", () => {
    const rollout = rolloutOf({ waves: [1, 1], waveRules: [{ approvals: 1 }, { approvals: 2 }], isUndo: true });
    const first = rollout.control;
    rollout.converge(0);

    rollout.advance(0, 1);

    expect([first, rollout.control, rollout.state]).toEqual(["Running", "Running", "Active"]);
  });

  it("is still awaited after somebody held the rollout and let it go", () => {
    const rollout = rolloutOf({ waves: [1], waveRules: [{ approvals: 1 }] });
    rollout.send(pause);

    const approved = rollout.send(approve("bob"));
    rollout.send(resume);

    expect(approved.outcome).toBe("changed");
    expect(rollout.control).toBe("Running");
  });

  it("is not begun by a resume, which says what to do instead", () => {
    const rollout = rolloutOf({ waves: [1], waveRules: [{ approvals: 1 }] });

    const refused = rollout.send(resume);

    expect(reasonsOf(refused)).toMatchObject([{ code: "not-accepted", hint: "wave.approve" }]);
  });
});

describe("promoting a rollout", () => {
  it("waives the soak of the current wave, and only of that", () => {
    const rollout = rolloutOf({ waves: [1, 1, 1] });
    rollout.converge(0);
    rollout.advance(0, 1);

    const first = rollout.send(promote);
    const second = rollout.send(promote);

    expect([first.outcome, second.outcome]).toEqual(["changed", "unchanged"]);
    expect(rollout.context).toMatchObject({ promotedThrough: 1, isFullyPromoted: false });
  });

  it("in full opens all waves, once", () => {
    const rollout = rolloutOf({ waves: [1, 1, 1] });

    const first = rollout.send({ ...promote, full: true });
    const second = rollout.send({ ...promote, full: true });

    expect([first.outcome, second.outcome]).toEqual(["changed", "unchanged"]);
    expect(rollout.context).toMatchObject({ promotedThrough: 2, isFullyPromoted: true, currentWave: 0 });
  });

  it("in full is no way around an approval", () => {
    const rollout = rolloutOf({ waves: [1, 1], waveRules: [{}, { approvals: 1 }] });

    const refused = rollout.send({ ...promote, full: true });
    rollout.send(approve("bob", 1));

    expect(reasonsOf(refused)).toMatchObject([
      { code: "approval-missing", detail: "stable@v2 lacks 1 of 1 approvals for wave 2 of 2.", hint: "wave.approve" },
    ]);
    expect(rollout.send({ ...promote, full: true }).outcome).toBe("changed");
  });
});

describe("cancelling a rollout", () => {
  it.each(["Opening", "Active", "Converging", "Failed", "Reverted"] as const)(
    "stops it where it is when it is %s, and says who cancelled it and why",
    (state) => {
      const rollout = rolloutIn(state);
      rollout.pass(1_000);

      rollout.send(cancel);

      expect([rollout.state, rollout.control]).toEqual(["Superseded", "Over"]);
      expect(rollout.context).toMatchObject({
        endedBy: "cancelled",
        supersededAt: 1_000,
        supersededBy: null,
        cancelled: { by: "ann", reason: "the wrong ref", at: 1_000 },
      });
      expect(rollout.notes()[0]).toBe("cancelled by ann: the wrong ref");
      expect(codesOf(decide(rollout, 1))).toEqual(["over"]);
    },
  );

  it("is refused when there is nothing left to stop, like everything else that people say", () => {
    const complete = rolloutIn("Terminal");
    const cancelled = rolloutIn("Active");
    cancelled.send(cancel);
    const people = [pause, promote, approve("ann"), cancel];

    const answers = [complete, cancelled].map((rollout) => people.map((event) => reasonsOf(rollout.send(event))));

    expect(answers.flat(2).map(({ code }) => code)).toEqual(Array(8).fill("over"));
    expect(answers[0]?.[3]).toEqual([
      {
        code: "over",
        detail: "stable@v2 is complete: there is nothing left to hold, to hasten or to stop.",
        hint: "rollout retry opens a new run of the same ref; rollout undo brings the last one back",
      },
    ]);
    expect(answers[1]?.[3]?.[0]?.detail).toContain("stable@v2 was cancelled");
    expect(reasonsOf(complete.send(resume))[0]).toMatchObject({
      code: "not-accepted",
      hint: "rollout retry opens a new run of the same ref",
    });
  });

  it("leaves what has converged, and counts what is still in flight to its end", () => {
    const rollout = rolloutOf({ waves: [2] });
    rollout.converge(0);
    rollout.join(0);
    rollout.walk(0, "Pending", "Activating");

    rollout.send(cancel);
    const during = rollout.notes();
    rollout.walk(0, "Activating", "Soaking", "Released");

    expect(during).toContain("1 host still under way");
    expect(rollout.context.waves).toMatchObject([{ Converged: 1, Released: 1 }]);
  });
});

describe("a rollout that has halted", () => {
  it.each(["Failed", "Reverted"] as const)("dispatches nothing more in %s", (state) => {
    const rollout = rolloutIn(state);

    const dispatch = decide(rollout, 1);

    expect(codesOf(dispatch)).toEqual(["halted"]);
    expect(reasonsOf(dispatch)[0]?.detail).toContain("stable@v2 has halted: web-0 became Failed in wave 1 of 2");
    expect(decide(rollout, 0).outcome).toBe("changed");
  });

  it.each(["Failed", "Reverted"] as const)(
    "in %s can be answered for by a person, which opens what waits for it",
    (state) => {
      const rollout = rolloutIn(state);
      rollout.pass(1_000);

      rollout.send({ type: "operator.cleared", principal: "ann", reason: "only the canary was broken" });

      expect(rollout.state).toBe(state);
      expect(rollout.context.cleared).toEqual({ by: "ann", reason: "only the canary was broken", at: 1_000 });
      expect(rollout.notes()).toContain("cleared by ann: only the canary was broken");
    },
  );

  it.each(["Opening", "Active", "Converging", "Terminal"] as const)(
    "is what is answered for, not one in %s",
    (state) => {
      const answer = rolloutIn(state).send({ type: "operator.cleared", principal: "ann", reason: "just so" });

      expect(codesOf(answer)).toEqual(["not-accepted"]);
    },
  );

  it("that is superseded is not vouched for, and says what to do instead", () => {
    const rollout = rolloutOf({ waves: [1] });
    rollout.send({ type: "rollout.superseded", by: "stable@v3" });

    const refused = rollout.send({ type: "operator.cleared", reason: "seen to" });

    expect(reasonsOf(refused)).toMatchObject([
      { code: "not-accepted", hint: expect.stringContaining("quarantine clear") },
    ]);
  });

  it.each(["Failed", "Reverted"] as const)("never holds a newer ref: in %s it is superseded", (state) => {
    const rollout = rolloutIn(state);

    rollout.send({ type: "rollout.superseded", by: "stable@v3" });

    expect([rollout.state, rollout.control, rollout.context.endedBy]).toEqual(["Superseded", "Over", "failed"]);
  });
});

describe("a decision of the planner", () => {
  it.each(["Opening", "Active", "Converging"] as const)("may dispatch in %s", (state) => {
    expect(decide(rolloutIn(state), 1).outcome).toBe("changed");
  });

  it("may dispatch to a host that is back after the rollout was complete", () => {
    expect(decide(rolloutIn("Terminal"), 1).outcome).toBe("changed");
  });

  it.each(["Opening", "Active", "Converging", "Terminal", "Failed", "Reverted"] as const)(
    "that dispatches nothing is taken in %s, and what holds it is told",
    (state) => {
      const rollout = rolloutIn(state);
      rollout.send(pause);

      const told = decide(rollout, 0);

      expect(told.outcome).toBe("changed");
      expect(rollout.context.gates).toEqual([{ gate: "freeze", since: 7, detail: "weekend, until Monday 00:00" }]);
      const isOpen = ["Opening", "Active", "Converging"].includes(state);
      expect(rollout.notes().includes("held by freeze: weekend, until Monday 00:00")).toBe(isOpen);
    },
  );
});

function decide(rollout: Rollout, dispatched: number) {
  const gates = [{ gate: "freeze", since: 7, detail: "weekend, until Monday 00:00" }];
  return rollout.send({ type: "plan.decided", principal: "provider:planRollout", dispatched, gates });
}

function rolloutIn(state: "Opening" | "Active" | "Converging" | "Terminal" | "Failed" | "Reverted"): Rollout {
  const rollout = rolloutOf({ waves: [1, 1] });
  if (state === "Active") rollout.join(0);
  if (state === "Converging" || state === "Terminal") rollout.converge(0);
  if (state === "Terminal") {
    rollout.advance(0, 1);
    rollout.converge(1);
  }
  if (state === "Failed" || state === "Reverted") {
    rollout.join(0);
    rollout.walk(0, "Pending", "Activating", "Failed");
  }
  if (state === "Reverted") rollout.walk(0, "Failed", "Reverted");
  expect(rollout.state).toBe(state);
  return rollout;
}
