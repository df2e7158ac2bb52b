import { describe, expect, it } from "vitest";
import { isValidSuccessor, stateNames, type StateName } from "../../machines/node-maintenance/successors.ts";
import { blocked, codesOf, contextOf, drained, minute, nodeIn, observed, reasonsOf } from "./maintained-node.ts";

describe("an observation", () => {
  const name = (state: StateName) => ({ name: state });

  it("of a failed drain that comes late does not undo an operator's exit", () => {
    const node = nodeIn("DrainFailed");
    node.send({ type: "maintenance.exit", force: true });

    const result = node.send(observed(node, "DrainFailed", { reason: "late" }));

    expect(reasonsOf(result)).toEqual([
      {
        code: "invalid-successor",
        detail: "alpha is in ExitingMaintenance, and DrainFailed cannot follow: the observation is late or mistaken.",
        data: { from: "ExitingMaintenance", to: "DrainFailed" },
      },
    ]);
    expect(node.state).toBe("ExitingMaintenance");
  });

  it.each(stateNames.filter((state) => state !== "Active").flatMap((from) => stateNames.map((to) => ({ from, to }))))(
    "of the current window that says $to in $from goes by the law",
    ({ from, to }) => {
      const node = nodeIn(from);

      const result = node.send(observed(node, to));

      if (isValidSuccessor(from, to)) expect(result.outcome).toBe(from === to ? "unchanged" : "changed");
      else expect(codesOf(result)).toEqual(["invalid-successor"]);
      expect(node.state).toBe(isValidSuccessor(from, to) ? to : from);
    },
  );

  it.each([
    { about: "an older window", from: "EnteringMaintenance", offset: -1, to: "Maintenance", code: "stale-epoch" },
    { about: "an older window", from: "Active", offset: -1, to: "Active", code: "stale-epoch" },
    { about: "the finished window", from: "Active", offset: 0, to: "EnteringMaintenance", code: "stale-epoch" },
    { about: "the next window", from: "EnteringMaintenance", offset: 1, to: "Maintenance", code: "unknown-epoch" },
    { about: "the next window", from: "Recovery", offset: 1, to: "Active", code: "unknown-epoch" },
    { about: "the next window", from: "Active", offset: 1, to: "Maintenance", code: "invalid-successor" },
    { about: "a window far ahead", from: "Active", offset: 2, to: "EnteringMaintenance", code: "unknown-epoch" },
    { about: "a window far ahead", from: "Maintenance", offset: 2, to: "Maintenance", code: "unknown-epoch" },
  ] as const)("of $about that says $to is refused in $from: $code", ({ from, offset, to, code }) => {
    const node = nodeIn(from);
    const { epoch } = contextOf(node);

    const result = node.send({ type: "maintenance.observed", epoch: epoch + offset, state: name(to) });

    expect(codesOf(result)).toEqual([code]);
    expect(contextOf(node).epoch).toBe(epoch);
  });

  it("of the next window that says Entering opens it, with what it knows", () => {
    const node = nodeIn("Active", { groups: ["racks"] });
    node.pass(minute);

    node.send({
      type: "maintenance.observed",
      epoch: 2,
      state: { name: "EnteringMaintenance", deadline: 20 * minute, reason: "by hand" },
      principal: "agent:alpha",
    });

    expect(node.state).toBe("EnteringMaintenance");
    expect(contextOf(node)).toMatchObject({
      epoch: 2,
      requestedBy: "agent:alpha",
      requestedReason: "by hand",
      drainingSince: minute,
      drainDueAt: 20 * minute,
      blockers: "unknown",
    });
    expect(node.timers.get("drainDeadline")?.dueAt).toBe(20 * minute);
  });

  it("of the next window that says Active is replay and leaves the number", () => {
    const node = nodeIn("Active");

    const result = node.send({ type: "maintenance.observed", epoch: 2, state: name("Active") });

    expect(result.outcome).toBe("unchanged");
    expect(contextOf(node).epoch).toBe(1);
  });

  it("of the state it is in fills an empty reason, once, and moves no time", () => {
    const node = nodeIn("EnteringMaintenance");
    const { drainDueAt } = contextOf(node);
    node.pass(minute);

    const first = node.send(observed(node, "EnteringMaintenance", { reason: "by hand", deadline: 1 }));
    const second = node.send(observed(node, "EnteringMaintenance", { reason: "another" }));

    expect([first.outcome, second.outcome]).toEqual(["changed", "unchanged"]);
    expect(contextOf(node)).toMatchObject({ requestedReason: "by hand", drainDueAt });
    expect(node.timers.get("drainDeadline")?.dueAt).toBe(drainDueAt);
    expect(node.since).toBe(0);
  });

  it("of Maintenance against the inventory makes the blockers unknown again", () => {
    const node = nodeIn("EnteringMaintenance");
    node.send({ type: "drain.progressed", ...blocked });

    node.send(observed(node, "Maintenance"));

    expect(node.state).toBe("Maintenance");
    expect(contextOf(node).blockers).toBe("unknown");
  });

  it("of a failed drain keeps its reason", () => {
    for (const from of ["EnteringMaintenance", "Maintenance"] as const) {
      const node = nodeIn(from);

      node.send(observed(node, "DrainFailed", { reason: "disk full" }));

      expect(contextOf(node).failure).toEqual({ kind: "observed", reason: "disk full" });
    }
  });
});

describe("progress of another window", () => {
  it.each([
    { state: "EnteringMaintenance", event: { type: "drain.progressed", ...drained } },
    { state: "Maintenance", event: { type: "drain.progressed", ...blocked } },
    { state: "DrainFailed", event: { type: "drain.progressed", ...drained } },
    { state: "ExitingMaintenance", event: { type: "daemons.progressed", waiting: [] } },
  ] as const)("is stale in $state, older or newer", ({ state, event }) => {
    for (const epoch of [0, 2]) {
      const node = nodeIn(state);

      const result = node.send({ ...event, epoch });

      expect(reasonsOf(result)).toMatchObject([{ code: "stale-epoch", data: { epoch, current: 1 } }]);
      expect(node.state).toBe(state);
    }
  });
});
