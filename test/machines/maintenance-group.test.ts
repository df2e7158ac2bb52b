import { describe, expect, it } from "vitest";
import { maintenanceGroup } from "../../machines/maintenance-group/maintenance-group.ts";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import { timelineOf, type Timeline } from "./timeline.ts";

interface Slots {
  holders: { node: string; since: number }[];
  waiters: { node: string; since: number }[];
}

describe("the budget of a group", () => {
  it.each([
    { maxUnavailable: undefined, members: 5, slots: 1 },
    { maxUnavailable: 3, members: 5, slots: 3 },
    { maxUnavailable: "50%", members: 5, slots: 2 },
    { maxUnavailable: "100%", members: 5, slots: 5 },
    { maxUnavailable: "10%", members: 5, slots: 1 },
    { maxUnavailable: "0%", members: 5, slots: 1 },
  ])("of $maxUnavailable lets $slots of $members nodes out at once", ({ maxUnavailable, members, slots }) => {
    const group = groupOf({ members, ...(maxUnavailable !== undefined && { maxUnavailable }) });

    const outcomes = ["n1", "n2", "n3", "n4", "n5", "n6"].map((node) => take(group, node).outcome);

    expect(outcomes.filter((outcome) => outcome === "changed")).toHaveLength(slots);
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(6 - slots);
    expect(group.state).toBe("Exhausted");
  });

  it("says who holds it, and who stands in line, when it is exhausted", () => {
    const group = groupOf();
    expect(notesOf(group)).toEqual(["0 of 1 slots taken; in line: nobody"]);
    take(group, "alpha");
    queue(group, "beta");

    const result = take(group, "gamma");

    expect(result.outcome === "refused" && result.reasons).toEqual([
      {
        code: "budget-exhausted",
        detail: "racks allows 1 of its nodes out at once; out now: alpha.",
        data: { group: "racks", maxUnavailable: 1, holders: ["alpha"], waiting: ["beta"] },
        hint: "ask with `queue` to wait in line (at the command line `--queue`)",
      },
    ]);
    expect(notesOf(group)).toEqual(["1 of 1 slots taken by alpha; in line: beta"]);
  });

  it("gives a node one slot, however often it takes it", () => {
    const group = groupOf({ maxUnavailable: 2 });

    take(group, "alpha");
    const again = take(group, "alpha");

    expect(again.outcome).toBe("unchanged");
    expect(holdersOf(group)).toEqual(["alpha"]);
  });

  it("has room again when a slot comes back, and takes no notice of a slot that nobody had", () => {
    const group = groupOf();
    take(group, "alpha");

    const unknown = release(group, "beta");
    const known = release(group, "alpha");

    expect([unknown.outcome, known.outcome]).toEqual(["unchanged", "changed"]);
    expect(group.state).toBe("Open");
    expect(holdersOf(group)).toEqual([]);
  });

  it("is gone over by a node that was seen entering, and is exhausted until it is under it again", () => {
    const group = groupOf();
    take(group, "alpha");

    group.send({ type: "slot.taken", node: "beta", observed: true });
    const over = holdersOf(group);
    release(group, "alpha");
    const full = take(group, "gamma").outcome;
    release(group, "beta");

    expect(over).toEqual(["alpha", "beta"]);
    expect(full).toBe("refused");
    expect(take(group, "gamma").outcome).toBe("changed");
  });

  it("follows the nodes file: a larger one serves who waits, a smaller one takes no slot away", () => {
    const group = groupOf();
    take(group, "alpha");
    queue(group, "beta");

    group.send({ type: "group.configured", maxUnavailable: 2 });
    const larger = holdersOf(group);
    group.send({ type: "group.configured", maxUnavailable: "10%", members: 10 });

    expect(larger).toEqual(["alpha", "beta"]);
    expect(holdersOf(group)).toEqual(["alpha", "beta"]);
    expect(take(group, "gamma").outcome).toBe("refused");
  });
});

describe("the line before a group", () => {
  it("serves at once while there is room", () => {
    const group = groupOf();

    queue(group, "alpha");

    expect(holdersOf(group)).toEqual(["alpha"]);
    expect(group.said).toEqual([enterMessage("alpha")]);
  });

  it("is first come, first served, and tells each to enter with what it asked for and its slots", () => {
    const group = groupOf();
    take(group, "alpha");
    for (const node of ["beta", "gamma", "delta"]) queue(group, node);

    const before = [...group.said];
    release(group, "alpha");
    const first = [...group.said];
    release(group, "beta");

    expect(before).toEqual(["beta", "gamma", "delta"].map(inLineMessage));
    expect(first.slice(before.length)).toEqual([enterMessage("beta")]);
    expect(group.said.slice(first.length)).toEqual([enterMessage("gamma")]);
    expect([holdersOf(group), waitersOf(group)]).toEqual([["gamma"], ["delta"]]);
  });

  it("serves as many as there is room for", () => {
    const group = groupOf({ maxUnavailable: 1, members: 9 });
    take(group, "alpha");
    for (const node of ["beta", "gamma", "delta"]) queue(group, node);

    group.send({ type: "group.configured", maxUnavailable: 3 });

    expect([holdersOf(group), waitersOf(group)]).toEqual([["alpha", "beta", "gamma"], ["delta"]]);
  });

  it("has a node once, and none that has its slot", () => {
    const group = groupOf();
    take(group, "alpha");

    const outcomes = ["beta", "beta", "alpha"].map((node) => queue(group, node).outcome);

    expect(outcomes).toEqual(["changed", "unchanged", "unchanged"]);
    expect(waitersOf(group)).toEqual(["beta"]);
  });

  it("is left by a node that gives up", () => {
    const group = groupOf();
    take(group, "alpha");
    queue(group, "beta");
    queue(group, "gamma");

    release(group, "beta");
    release(group, "alpha");

    expect([holdersOf(group), waitersOf(group)]).toEqual([["gamma"], []]);
    expect(group.said.slice(2)).toEqual([enterMessage("gamma")]);
  });

  it("is left by a node that was seen entering meanwhile", () => {
    const group = groupOf();
    take(group, "alpha");
    queue(group, "beta");

    group.send({ type: "slot.taken", node: "beta", observed: true });

    expect([holdersOf(group), waitersOf(group)]).toEqual([["alpha", "beta"], []]);
    expect(group.said).toEqual([inLineMessage("beta")]);
  });

  it("knows since when each waits and holds", () => {
    const group = groupOf();
    take(group, "alpha");
    group.pass(10);
    queue(group, "beta");
    const waiting = contextOf(group).waiters;
    group.pass(10);

    release(group, "alpha");

    expect(waiting).toMatchObject([{ node: "beta", since: 10 }]);
    expect(contextOf(group).holders).toEqual([{ node: "beta", since: 20 }]);
  });
});

describe("a node of several groups", () => {
  it("is handed from line to line, and enters with the slots of all of them", () => {
    const groups = ["racks", "rows", "zones"];
    const line = groups.map((name) => groupOf({ name }));
    for (const group of line) take(group, "alpha");
    queue(line[0] as Timeline, "beta", { next: ["rows", "zones"] });

    const passed: unknown[] = [];
    for (const [index, group] of line.entries()) {
      release(group, "alpha");
      const handed = group.said.at(-1);
      if (handed?.kind !== "message") throw new Error("nothing was handed on");
      passed.push(handed);
      line[index + 1]?.send(handed.event);
    }

    const request = { reason: "a new kernel" };
    const queued = { type: "slot.queued", node: "beta", instance: "node/beta", request, epoch: 4 };
    expect(passed).toEqual([
      {
        kind: "message",
        to: "maintenance-group/rows",
        event: { ...queued, held: ["racks"], next: ["zones"] },
      },
      {
        kind: "message",
        to: "maintenance-group/zones",
        event: { ...queued, held: ["racks", "rows"], next: [] },
      },
      enterMessage("beta", groups),
    ]);
    expect(line.map(holdersOf)).toEqual([["beta"], ["beta"], ["beta"]]);
  });

  it("is let in by the last message, and gives each slot back to its group in the end", () => {
    const groups = ["racks", "rows"];
    const line = new Map(groups.map((name) => [`maintenance-group/${name}`, groupOf({ name })]));
    const node = timelineOf(nodeMaintenance, { node: "beta", groups });
    for (const group of line.values()) take(group, "beta");

    node.send(enterMessage("beta", groups).event);
    node.done("drainNode", { replicas: [], daemons: [] });
    const during = [...line.values()].map(holdersOf);
    node.send({ type: "maintenance.exit" });
    node.send({ type: "maintenance.exit", force: true });
    node.send({ type: "maintenance.exit", force: true });
    for (const said of node.said) if (said.kind === "message") line.get(said.to)?.send(said.event);

    expect(during).toEqual([["beta"], ["beta"]]);
    expect(node.state).toBe("Active");
    expect([...line.values()].map(holdersOf)).toEqual([[], []]);
  });
});

function groupOf(input: { name?: string; maxUnavailable?: number | string; members?: number } = {}): Timeline {
  return timelineOf(maintenanceGroup, { name: "racks", members: 5, ...input });
}

function take(group: Timeline, node: string) {
  return group.send({ type: "slot.taken", node });
}

function release(group: Timeline, node: string) {
  return group.send({ type: "slot.released", node });
}

function queue(group: Timeline, node: string, { next = [] }: { next?: readonly string[] } = {}) {
  const request = { reason: "a new kernel" };
  return group.send({ type: "slot.queued", node, instance: `node/${node}`, request, held: [], next, epoch: 4 });
}

function inLineMessage(node: string) {
  return { kind: "message", to: `node/${node}`, event: { type: "node.queued", group: "racks", epoch: 4 } };
}

function enterMessage(node: string, slots: readonly string[] = ["racks"]) {
  return {
    kind: "message",
    to: `node/${node}`,
    event: { type: "maintenance.enter", reason: "a new kernel", slots },
  } as const;
}

function contextOf({ snapshot }: Timeline): Slots {
  return snapshot.context as Slots;
}

function holdersOf(group: Timeline): string[] {
  return contextOf(group).holders.map(({ node }) => node);
}

function waitersOf(group: Timeline): string[] {
  return contextOf(group).waiters.map(({ node }) => node);
}

function notesOf({ snapshot, state }: Timeline): readonly string[] {
  return maintenanceGroup.notes?.(snapshot.context as never, state) ?? [];
}
