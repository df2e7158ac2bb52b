import { describe, expect, it } from "vitest";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import { stateNames } from "../../machines/node-maintenance/successors.ts";
import { start } from "../../src/core/step.ts";
import { contextOf, leave, minute, nodeIn, nodeOf, notesOf, reasonsOf, valueOf } from "./maintained-node.ts";

describe("scheduling", () => {
  it.each(stateNames)("takes a cordon and an uncordon in %s", (state) => {
    const node = nodeIn(state);

    const outcomes = ["node.cordon", "node.cordon", "node.uncordon", "node.uncordon"].map(
      (type) => node.send({ type }).outcome,
    );

    expect(outcomes).toEqual(["changed", "unchanged", "changed", "unchanged"]);
    expect(valueOf(node)).toBe(`${state}, ${state === "Active" ? "Schedulable" : "Cordoned"}`);
  });

  it("stays cordoned after the window for as long as an operator holds it", () => {
    const node = nodeOf();
    node.send({ type: "node.cordon" });
    node.send({ type: "maintenance.enter" });
    leave(node);
    const held = valueOf(node);
    const notes = notesOf(node);

    node.send({ type: "node.uncordon" });

    expect(held).toBe("Active, Cordoned");
    expect(notes).toContain("an operator holds the node cordoned");
    expect(valueOf(node)).toBe("Active, Schedulable");
  });

  it("takes only the operator's hold off outside Active: the window keeps the node cordoned", () => {
    const node = nodeOf();
    node.send({ type: "node.cordon" });
    node.send({ type: "maintenance.enter" });

    node.send({ type: "node.uncordon" });
    const during = valueOf(node);
    leave(node);

    expect(during).toBe("EnteringMaintenance, Cordoned");
    expect(valueOf(node)).toBe("Active, Schedulable");
  });

  it.each(["Maintenance", "ExitingMaintenance", "Recovery", "DrainFailed"] as const)(
    "can be kept away by the wish to leave itself, in %s",
    (state) => {
      const node = nodeIn(state);

      node.send({ type: "maintenance.exit", keepCordoned: true, force: state === "DrainFailed" });
      leave(node);

      expect(valueOf(node)).toBe("Active, Cordoned");
    },
  );
});

describe("a node of a maintenance group", () => {
  const groups = ["racks", "zones"];
  const released = groups.map((group) => ({
    kind: "message",
    to: `maintenance-group/${group}`,
    event: { type: "slot.released", node: "alpha" },
  }));

  it("enters only with a slot of each of its groups", () => {
    const node = nodeOf({ groups });

    const without = node.send({ type: "maintenance.enter" });
    const withOne = node.send({ type: "maintenance.enter", slots: ["racks"] });
    const withAll = node.send({ type: "maintenance.enter", slots: groups });

    expect(reasonsOf(without)).toEqual([
      {
        code: "slot-required",
        detail: "alpha may only be drained with a slot of racks, zones.",
        data: { groups },
        hint: "POST /v1/nodes/alpha/maintenance/enter",
      },
    ]);
    expect(reasonsOf(withOne)).toMatchObject([{ code: "slot-required", data: { groups: ["zones"] } }]);
    expect(withAll.outcome).toBe("changed");
    expect(node.said).toEqual([]);
  });

  it("gives its slots back when it comes to rest in Active, not before", () => {
    const node = nodeIn("Recovery", { groups });
    const before = [...node.said];

    node.pass(5 * minute);

    expect(before).toEqual([]);
    expect(node.said).toEqual(released);
  });

  it("gives back nothing when it is born", () => {
    const { effects } = start(nodeMaintenance, { node: "alpha", groups }, 0);

    expect(effects).toEqual([]);
  });

  it("takes its slots, over the budget if need be, when it is seen entering", () => {
    const node = nodeOf({ groups });

    node.send({ type: "maintenance.observed", epoch: 1, state: { name: "EnteringMaintenance" } });

    expect(node.said).toEqual(
      groups.map((group) => ({
        kind: "message",
        to: `maintenance-group/${group}`,
        event: { type: "slot.taken", node: "alpha", observed: true },
      })),
    );
  });

  it("gives back the slot of a group that it leaves during a window, and takes one of a group that it joins", () => {
    const node = nodeIn("Maintenance", { groups });

    node.send({ type: "node.configured", groups: ["zones", "rows"], principal: "engine" });
    const configured = node.said.map((effect) => "to" in effect && [effect.to, effect.event["type"]]);
    leave(node);

    expect(configured).toEqual([
      ["maintenance-group/racks", "slot.released"],
      ["maintenance-group/rows", "slot.taken"],
    ]);
    expect(node.said.slice(2).map((effect) => "to" in effect && [effect.to, effect.event["type"]])).toEqual([
      ["maintenance-group/zones", "slot.released"],
      ["maintenance-group/rows", "slot.released"],
    ]);
  });

  it("steps out of the lines of its old groups when its groups change in Active", () => {
    const node = nodeIn("Active", { groups });
    const before = node.said.length;

    node.send({ type: "node.configured", groups: ["rows"], policy: { drainForMs: 5 }, principal: "engine" });

    expect(node.said.slice(before).map(({ event }) => event.type)).toEqual(groups.map(() => "slot.released"));
    expect(contextOf(node)).toMatchObject({ groups: ["rows"], policy: { drainForMs: 5, exitForMs: 10 * minute } });
  });

  it.each([
    { end: "it enters", event: { type: "maintenance.enter", slots: groups } },
    {
      end: "it is seen entering",
      event: { type: "maintenance.observed", epoch: 1, state: { name: "EnteringMaintenance" } },
    },
    { end: "its groups change", event: { type: "node.configured", groups: ["rows"] } },
  ])("says where it stands in line, until $end", ({ event }) => {
    const node = nodeOf({ groups });
    node.send({ type: "node.queued", group: "racks" });
    node.send({ type: "node.queued", group: "zones" });
    const inLine = notesOf(node);

    node.send(event);

    const note = "that is asked for already: it stands in line at zones and enters when its turn comes";
    expect(inLine).toEqual([note]);
    expect(notesOf(node)).not.toContain(note);
    expect(contextOf(node).inLineAt).toBeNull();
  });

  it("says nothing of a line that is of an earlier window, or of a group that it has left", () => {
    const node = nodeOf({ groups });
    node.send({ type: "node.queued", group: "racks", epoch: 0 });
    node.send({ type: "maintenance.enter", slots: groups });
    leave(node);

    const late = node.send({ type: "node.queued", group: "racks", epoch: 0 });
    node.send({ type: "node.queued", group: "cellar", epoch: 1 });

    expect(late.outcome).toBe("refused");
    expect(reasonsOf(late)).toMatchObject([{ code: "stale-epoch" }]);
    expect(notesOf(node).join()).not.toContain("stands in line");
  });

  it("says so when it is in none", () => {
    const note = "in no maintenance group: not limited";

    expect(notesOf(nodeOf())).toContain(note);
    expect(notesOf(nodeOf({ groups }))).not.toContain(note);
  });
});
