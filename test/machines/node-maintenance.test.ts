import { describe, expect, it } from "vitest";
import { isValidSuccessor, stateNames, type StateName } from "../../machines/node-maintenance/successors.ts";
import { macrostep } from "../../src/core/macrostep.ts";
import {
  blocked,
  contextOf,
  drained,
  effectsOf,
  leave,
  minute,
  nodeIn,
  nodeOf,
  notesOf,
  observed,
  reasonsOf,
  valueOf,
} from "./maintained-node.ts";
import type { Timeline } from "./timeline.ts";

describe("the window", () => {
  it("goes from Active through Entering, Maintenance, Exiting and Recovery back to Active, cordoned all the way", () => {
    const node = nodeOf();
    const seen = [valueOf(node)];

    const moves = [
      () => node.send({ type: "maintenance.enter", reason: "a new kernel" }),
      () => node.done("drainNode", drained),
      () => node.send({ type: "maintenance.exit" }),
      () => node.done("resumeNode"),
      () => node.pass(5 * minute),
    ];
    for (const move of moves) {
      move();
      seen.push(valueOf(node));
    }

    expect(seen).toEqual([
      "Active, Schedulable",
      "EnteringMaintenance, Cordoned",
      "Maintenance, Cordoned",
      "ExitingMaintenance, Cordoned",
      "Recovery, Cordoned",
      "Active, Schedulable",
    ]);
    expect(node.calls.size + node.timers.size).toBe(0);
  });

  it("has a number, and says who asked for it, why and until when; all but the number is gone afterwards", () => {
    const node = nodeOf();

    node.send({ type: "maintenance.enter", reason: "a new kernel", expectedUntil: 9_000_000, principal: "ada" });
    const during = contextOf(node);
    leave(node);

    expect(during).toMatchObject({
      epoch: 1,
      requestedBy: "ada",
      requestedReason: "a new kernel",
      expectedUntil: 9_000_000,
      blockers: "unknown",
      drainDueAt: 10 * minute,
    });
    expect(contextOf(node)).toEqual({ ...contextOf(nodeOf()), epoch: 1 });
  });

  it("is asked for on behalf of who stood in line", () => {
    const node = nodeOf();

    node.send({ type: "maintenance.enter", onBehalfOf: "ada", principal: "engine" });

    expect(contextOf(node).requestedBy).toBe("ada");
  });

  it.each([
    { state: "EnteringMaintenance", calls: ["drainNode", "watchNode"] },
    { state: "Maintenance", calls: ["watchNode"] },
    { state: "ExitingMaintenance", calls: ["resumeNode"] },
    { state: "DrainFailed", calls: ["watchNode"] },
    { state: "Recovery", calls: [] },
    { state: "Active", calls: [] },
  ] as const)("has $calls at work in $state, for this node and this window", ({ state, calls }) => {
    const node = nodeIn(state);

    expect([...node.calls.keys()]).toEqual(calls);
    for (const { input } of node.calls.values()) expect(input).toEqual({ node: "alpha", epoch: 1 });
  });

  it.each([
    { from: "Active", event: "maintenance.exit" },
    { from: "Active", event: "maintenance.abort" },
    { from: "Active", event: "maintenance.retry", hint: "maintenance.enter" },
    { from: "EnteringMaintenance", event: "maintenance.exit", hint: "maintenance.abort" },
    { from: "EnteringMaintenance", event: "maintenance.retry", hint: "maintenance.enter" },
    { from: "Maintenance", event: "maintenance.enter" },
    { from: "Maintenance", event: "maintenance.abort", hint: "maintenance.exit" },
    { from: "Maintenance", event: "maintenance.retry" },
    { from: "ExitingMaintenance", event: "maintenance.enter" },
    { from: "ExitingMaintenance", event: "maintenance.abort" },
    { from: "ExitingMaintenance", event: "maintenance.retry" },
    { from: "DrainFailed", event: "maintenance.enter", hint: "maintenance.retry" },
    { from: "DrainFailed", event: "maintenance.abort", hint: "maintenance.exit" },
    { from: "Recovery", event: "maintenance.enter" },
    { from: "Recovery", event: "maintenance.abort" },
    { from: "Recovery", event: "maintenance.retry" },
    { from: "Active", event: "drain.progressed" },
    { from: "ExitingMaintenance", event: "drain.progressed" },
    { from: "Recovery", event: "drain.progressed" },
    { from: "EnteringMaintenance", event: "daemons.progressed" },
    { from: "Maintenance", event: "daemons.progressed" },
    { from: "DrainFailed", event: "daemons.progressed" },
    { from: "Recovery", event: "daemons.progressed" },
    { from: "Maintenance", event: "drain.deadlineElapsed" },
  ] as const)("refuses $event in $from", ({ from, event, ...rest }) => {
    const node = nodeIn(from);

    const result = node.send({ type: event, ...drained, waiting: [] });

    const [reason] = reasonsOf(result);
    expect(reason).toMatchObject({ code: "not-accepted" });
    expect(reason?.hint).toBe("hint" in rest ? rest.hint : undefined);
    expect(node.state).toBe(from);
  });
});

describe("the drain", () => {
  it("ends in Maintenance when the provider leaves nothing behind", () => {
    const node = nodeIn("EnteringMaintenance");

    node.done("drainNode", drained);

    expect(node.state).toBe("Maintenance");
    expect(contextOf(node).blockers).toEqual(drained);
  });

  it("fails, counting them, when the provider leaves blockers behind", () => {
    const node = nodeIn("EnteringMaintenance");

    node.done("drainNode", blocked);

    expect(node.state).toBe("DrainFailed");
    expect(contextOf(node)).toMatchObject({
      blockers: blocked,
      failure: { kind: "blocked", reason: "drain ended with 2 blockers" },
    });
    expect(notesOf(node)).toContain("still there: web-1, log-shipper");
  });

  it("fails with the provider's error", () => {
    const node = nodeIn("EnteringMaintenance");

    node.failed("drainNode", "the host does not answer");

    expect(node.state).toBe("DrainFailed");
    expect(contextOf(node).failure).toEqual({ kind: "error", reason: "the host does not answer" });
    expect(notesOf(node)).toContain("the drain failed: the host does not answer");
  });

  it("knows its blockers from the first inventory on, with the reasons why they stay", () => {
    const node = nodeIn("EnteringMaintenance");
    const unknown = notesOf(node);

    node.send({ type: "drain.progressed", ...blocked, reasons: { "web-1": "no other node may take it" } });

    expect(unknown).toContain("what still runs there is not known yet");
    expect(node.state).toBe("EnteringMaintenance");
    expect(notesOf(node)).toContain("still there: web-1 (no other node may take it), log-shipper");
  });

  it("ends in Maintenance with a report that both lists are empty, not with one of them", () => {
    const node = nodeIn("EnteringMaintenance");

    node.send({ type: "drain.progressed", replicas: [], daemons: ["log-shipper"] });
    const after = node.state;
    node.send({ type: "drain.progressed", ...drained });

    expect(after).toBe("EnteringMaintenance");
    expect(node.state).toBe("Maintenance");
  });

  it.each([
    { of: "the default", policy: undefined, enter: {}, drainForMs: 10 * minute },
    { of: "the node's policy", policy: { drainForMs: 2_000 }, enter: {}, drainForMs: 2_000 },
    { of: "who asked", policy: { drainForMs: 2_000 }, enter: { drainForMs: 3_000 }, drainForMs: 3_000 },
  ])("is given up after the time of $of, and says how long it took", ({ policy, enter, drainForMs }) => {
    const node = nodeOf({ ...(policy && { policy }) });
    node.send({ type: "maintenance.enter", ...enter });

    node.pass(drainForMs - 1);
    const before = node.state;
    node.pass(1);

    expect(before).toBe("EnteringMaintenance");
    expect(node.state).toBe("DrainFailed");
    expect(contextOf(node).failure).toEqual({
      kind: "deadline",
      reason: `drain deadline elapsed after ${drainForMs} ms`,
    });
    expect(contextOf(node).drainDueAt).toBeNull();
    expect([...node.calls.keys()]).toEqual(["watchNode"]);
  });

  it("counts the time it took when the deadline fires late", () => {
    const node = nodeIn("EnteringMaintenance");

    node.oversleep(15 * minute);
    node.fireDue();

    expect(contextOf(node).failure?.reason).toBe("drain deadline elapsed after 900000 ms");
  });

  it("succeeds by a drained report that is stepped before the deadline, however late both are", () => {
    const node = nodeIn("EnteringMaintenance");
    node.oversleep(24 * 60 * minute);

    node.send({ type: "drain.progressed", ...drained });
    node.fireDue();

    expect(node.state).toBe("Maintenance");
    expect(node.timers.size).toBe(0);
  });

  it("has no deadline only when that is asked for by name, and warns for as long as it lasts", () => {
    const node = nodeOf();
    node.send({ type: "maintenance.enter", noDeadline: true });
    const warned = notesOf(node);

    node.pass(365 * 24 * 60 * minute);
    const still = [node.state, notesOf(node)];
    node.done("drainNode", drained);

    expect(warned).toContain("warning: this drain has no deadline");
    expect(still).toEqual(["EnteringMaintenance", warned]);
    expect(notesOf(node)).not.toContain("warning: this drain has no deadline");
  });

  it("goes on undisturbed when it is asked for again: the deadline moves, the calls stay", () => {
    const node = nodeIn("EnteringMaintenance");
    const calls = [...node.calls.values()];
    node.send({ type: "drain.progressed", ...blocked });
    node.pass(9 * minute);

    const result = node.send({
      type: "maintenance.enter",
      drainForMs: 5 * minute,
      reason: "still",
      expectedUntil: 9e6,
    });

    expect(effectsOf(result).map(({ kind, ...rest }) => [kind, "id" in rest && rest.id])).toEqual([
      ["withdraw", "drainDeadline"],
      ["timer", "drainDeadline"],
    ]);
    expect([...node.calls.values()]).toEqual(calls);
    expect(node.since).toBe(0);
    expect(contextOf(node)).toMatchObject({
      epoch: 1,
      drainDueAt: 14 * minute,
      requestedReason: "still",
      expectedUntil: 9e6,
      blockers: blocked,
    });
    node.pass(5 * minute);
    expect(contextOf(node).failure?.reason).toBe("drain deadline elapsed after 840000 ms");
  });

  it("loses its deadline when it is asked for again without one", () => {
    const node = nodeIn("EnteringMaintenance");

    node.send({ type: "maintenance.enter", noDeadline: true });

    expect(node.timers.size).toBe(0);
    expect(notesOf(node)).toContain("warning: this drain has no deadline");
  });

  it.each(["EnteringMaintenance", "Maintenance", "DrainFailed"] as const)(
    "stays where it is when nobody watches any more (%s)",
    (state) => {
      for (const end of [
        (node: Timeline) => node.done("watchNode"),
        (node: Timeline) => node.failed("watchNode", "x"),
      ]) {
        const node = nodeIn(state);
        const before = contextOf(node);

        const result = end(node);

        expect(result.outcome).toBe("unchanged");
        expect(contextOf(node)).toBe(before);
      }
    },
  );
});

describe("an abort", () => {
  it("passes DrainFailed on its way to Exiting, in one macrostep of legal arcs", () => {
    const node = nodeIn("EnteringMaintenance");
    const { snapshot } = node;

    const result = node.send({ type: "maintenance.abort", reason: "wrong node" });

    expect(result).toMatchObject({ outcome: "changed", via: ["DrainFailed"] });
    expect(node.state).toBe("ExitingMaintenance");
    expect(isValidSuccessor("EnteringMaintenance", "DrainFailed")).toBe(true);
    expect(isValidSuccessor("DrainFailed", "ExitingMaintenance")).toBe(true);
    const [passed] = macrostep(snapshot, {
      type: "maintenance.abort",
      reason: "wrong node",
      at: 0,
    } as never).microsteps;
    expect(passed?.snapshot.context).toMatchObject({ failure: { kind: "aborted", reason: "wrong node" } });
    expect(contextOf(node).failure).toBeNull();
  });

  it("withdraws the drain and its deadline, and brings back what was stopped", () => {
    const node = nodeIn("EnteringMaintenance");

    node.send({ type: "maintenance.abort" });

    expect([...node.calls.keys()]).toEqual(["resumeNode"]);
    expect([...node.timers.keys()]).toEqual(["overdue"]);
  });
});

describe("a retry", () => {
  const path = ["DrainFailed", "ExitingMaintenance", "Recovery", "Active", "EnteringMaintenance"] as const;

  it("passes Exiting, Recovery and Active in one macrostep of legal arcs, and opens the next window", () => {
    const node = nodeIn("DrainFailed");
    node.pass(minute);

    const result = node.send({ type: "maintenance.retry", reason: "again", drainForMs: 5_000, principal: "ada" });

    expect(result).toMatchObject({ outcome: "changed", via: path.slice(1, -1) });
    expect(node.state).toBe("EnteringMaintenance");
    for (const [index, to] of path.slice(1).entries())
      expect(isValidSuccessor(path[index] as StateName, to)).toBe(true);
    expect(contextOf(node)).toMatchObject({
      epoch: 2,
      requestedBy: "ada",
      requestedReason: "again",
      drainingSince: minute,
      drainDueAt: minute + 5_000,
      blockers: "unknown",
      failure: null,
      exitDueAt: null,
    });
  });

  it("stays cordoned at every microstep", () => {
    const { snapshot } = nodeIn("DrainFailed");

    const { microsteps } = macrostep(snapshot, { type: "maintenance.retry", at: 0 } as never);

    const values = microsteps.map((each) => each.snapshot.value as { lifecycle: string; scheduling: string });
    expect(values.map(({ lifecycle }) => lifecycle)).toEqual(path.slice(1));
    expect(new Set(values.map(({ scheduling }) => scheduling))).toEqual(new Set(["Cordoned"]));
  });

  it("resumes nothing and waits for no ramp: all that follows is the new drain", () => {
    const node = nodeIn("DrainFailed");

    const result = node.send({ type: "maintenance.retry" });

    const armed = effectsOf(result).filter(({ kind }) => kind !== "withdraw");
    expect(armed.map((effect) => [effect.kind, "id" in effect && effect.id])).toEqual([
      ["timer", "drainDeadline"],
      ["call", "drainNode"],
      ["call", "watchNode"],
    ]);
    for (const { input } of node.calls.values()) expect(input).toEqual({ node: "alpha", epoch: 2 });
  });

  it("keeps who asked, why and until when, where it does not say otherwise", () => {
    const node = nodeOf();
    node.send({ type: "maintenance.enter", reason: "a new kernel", expectedUntil: 9e6, principal: "ada" });
    node.done("drainNode", blocked);

    node.send({ type: "maintenance.retry", principal: "grace" });

    expect(contextOf(node)).toMatchObject({
      requestedBy: "grace",
      requestedReason: "a new kernel",
      expectedUntil: 9e6,
    });
  });

  it("keeps the slots of its groups", () => {
    const node = nodeIn("DrainFailed", { groups: ["racks"] });

    node.send({ type: "maintenance.retry" });

    expect(node.said).toEqual([]);
  });
});

describe("Maintenance", () => {
  it("is lost when something runs there again", () => {
    const node = nodeIn("Maintenance");

    const empty = node.send({ type: "drain.progressed", ...drained });
    node.send({ type: "drain.progressed", ...blocked });

    expect(empty.outcome).toBe("unchanged");
    expect(node.state).toBe("DrainFailed");
    expect(contextOf(node)).toMatchObject({
      failure: { kind: "isolation-lost", reason: "isolation lost" },
      blockers: blocked,
    });
  });

  it("is overdue once, when it lasts longer than expected, and moves nowhere", () => {
    const node = nodeOf();
    node.send({ type: "maintenance.enter", expectedUntil: 30 * minute });
    node.done("drainNode", drained);

    node.pass(30 * minute - 1);
    const before = [...node.said];
    node.pass(60 * minute);

    expect(before).toEqual([]);
    expect(node.state).toBe("Maintenance");
    expect(node.said).toEqual([
      {
        kind: "emitted",
        event: { type: "node.overdue", node: "alpha", dueAt: 30 * minute, since: "Maintenance" },
      },
    ]);
  });

  it("is overdue at once when the drain took longer than expected", () => {
    const node = nodeOf();
    node.send({ type: "maintenance.enter", expectedUntil: minute });
    node.pass(2 * minute);
    node.done("drainNode", drained);

    node.fireDue();

    expect(node.said).toHaveLength(1);
  });

  it("is never overdue when it was left in time, or nothing was expected", () => {
    const left = nodeOf();
    left.send({ type: "maintenance.enter", expectedUntil: 30 * minute });
    left.done("drainNode", drained);
    leave(left);
    const unbounded = nodeIn("Maintenance");

    left.pass(60 * minute);
    unbounded.pass(60 * minute);

    expect(left.said).toEqual([]);
    expect(unbounded.said).toEqual([]);
  });
});

describe("DrainFailed", () => {
  it.each([
    { blockers: "unknown", progress: undefined, says: "what still runs there is not known yet" },
    { blockers: "known", progress: blocked, says: "still there: web-1, log-shipper" },
  ])("is left by force only while its blockers are $blockers", ({ progress, says }) => {
    const node = nodeIn("DrainFailed");
    if (progress !== undefined) node.send({ type: "drain.progressed", ...progress });

    const refused = node.send({ type: "maintenance.exit" });
    node.send({ type: "maintenance.exit", force: true });

    expect(reasonsOf(refused)).toEqual([
      {
        code: "force-required",
        detail: `alpha is not drained: ${says}. Leaving maintenance needs force.`,
        data: { blockers: progress ?? "unknown" },
        hint: "maintenance.exit with force",
      },
    ]);
    expect(node.state).toBe("ExitingMaintenance");
  });

  it("is left without force once an inventory says that it is drained", () => {
    const node = nodeIn("DrainFailed");

    node.send({ type: "drain.progressed", ...drained });
    const stayed = node.state;
    node.send({ type: "maintenance.exit" });

    expect(stayed).toBe("DrainFailed");
    expect(node.state).toBe("ExitingMaintenance");
  });

  it("forgets the inventory of the window before: unknown is never drained", () => {
    const node = nodeIn("Maintenance");
    leave(node);
    node.send({ type: "maintenance.enter" });
    node.pass(10 * minute);

    const result = node.send({ type: "maintenance.exit" });

    expect(node.state).toBe("DrainFailed");
    expect(reasonsOf(result)).toMatchObject([{ code: "force-required", data: { blockers: "unknown" } }]);
  });

  it("alone has a failure", () => {
    for (const state of stateNames) {
      expect(contextOf(nodeIn(state)).failure === null, state).toBe(state !== "DrainFailed");
    }
  });
});

describe("the exit", () => {
  it.each([
    { by: "the call", move: (node: Timeline) => node.done("resumeNode") },
    {
      by: "a report that nothing waits",
      move: (node: Timeline) => node.send({ type: "daemons.progressed", waiting: [] }),
    },
    { by: "force", move: (node: Timeline) => node.send({ type: "maintenance.exit", force: true }) },
  ])("ends in Recovery by $by", ({ move }) => {
    const node = nodeIn("ExitingMaintenance");

    move(node);

    expect(node.state).toBe("Recovery");
    expect(node.calls.size).toBe(0);
    expect(contextOf(node)).toMatchObject({ exitDueAt: null, resumeError: null, waiting: null });
  });

  it("waits for who is not healthy yet, and says so", () => {
    const node = nodeIn("ExitingMaintenance");

    node.send({ type: "daemons.progressed", waiting: ["log-shipper"] });

    expect(node.state).toBe("ExitingMaintenance");
    expect(notesOf(node)).toContain("not healthy yet: log-shipper");
  });

  it("takes a second wish to leave for said already", () => {
    for (const state of ["ExitingMaintenance", "Recovery"] as const) {
      const node = nodeIn(state);

      expect(node.send({ type: "maintenance.exit" }).outcome).toBe("unchanged");
      expect(node.state).toBe(state);
    }
  });

  it("stays when the node could not be resumed, shows the error, and calls anew each minute under the same deadline", () => {
    const node = nodeIn("ExitingMaintenance");
    const { exitDueAt } = contextOf(node);

    node.failed("resumeNode", "web-1 does not become healthy");
    const failed = { calls: node.calls.size, notes: notesOf(node) };
    node.pass(minute - 1);
    const waiting = node.calls.size;
    node.pass(1);

    expect(failed).toEqual({
      calls: 0,
      notes: expect.arrayContaining([
        "the last attempt to resume failed: web-1 does not become healthy; tried again each minute",
      ]) as string[],
    });
    expect(waiting).toBe(0);
    expect([...node.calls.keys()]).toEqual(["resumeNode"]);
    expect(valueOf(node)).toBe("ExitingMaintenance, Cordoned");
    expect(contextOf(node).exitDueAt).toBe(exitDueAt);
    expect(node.timers.get("overdue")?.dueAt).toBe(exitDueAt);
    expect(node.since).toBe(0);
  });

  it("is overdue once, after the time of its policy, however often it was tried again", () => {
    const node = nodeIn("ExitingMaintenance", { policy: { exitForMs: 150_000 } });

    for (let attempt = 1; attempt <= 5; attempt += 1) {
      node.failed("resumeNode", "no");
      node.pass(minute);
    }

    expect(node.state).toBe("ExitingMaintenance");
    expect(node.said).toEqual([
      {
        kind: "emitted",
        event: { type: "node.overdue", node: "alpha", dueAt: 150_000, since: "ExitingMaintenance" },
      },
    ]);
  });

  it("is overdue after ten minutes by default", () => {
    const node = nodeIn("ExitingMaintenance");

    node.pass(10 * minute);

    expect(node.said).toHaveLength(1);
  });

  it("ramps up for five minutes, or as long as the policy says, or not at all by force", () => {
    const byDefault = nodeIn("Recovery");
    const byPolicy = nodeIn("Recovery", { policy: { recoveryRampMs: 7 } });
    const byForce = nodeIn("Recovery");

    byDefault.pass(5 * minute - 1);
    const ramping = byDefault.state;
    byDefault.pass(1);
    byPolicy.pass(7);
    byForce.send({ type: "maintenance.exit", force: true });

    expect([ramping, byDefault.state, byPolicy.state, byForce.state]).toEqual([
      "Recovery",
      "Active",
      "Active",
      "Active",
    ]);
  });

  it("does not begin the ramp again when the node is seen in Recovery", () => {
    const node = nodeIn("Recovery");
    node.pass(4 * minute);

    const result = node.send(observed(node, "Recovery"));
    node.pass(minute);

    expect(result.outcome).toBe("unchanged");
    expect(node.state).toBe("Active");
  });
});
