import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NodeContext } from "../../machines/node-maintenance/context.ts";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import type { StateName } from "../../machines/node-maintenance/successors.ts";
import { timelineOf, type Timeline } from "./timeline.ts";

/** A state as the original writes it: times are ms from an arbitrary zero. */
interface Maintained {
  s: StateName;
  since?: number;
  deadline?: number | null;
  reason?: string;
}

type Happening =
  | { t: "Tick"; at: number }
  | { t: "Admin"; ev: string; node?: number; drainForMs?: number | null }
  | { t: "Observed"; node: number; state: Maintained };

interface Vector {
  id: string;
  kind: "fold" | "reconcile";
  note: string;
  this: number;
  init: {
    lastTick?: number;
    maint?: Maintained;
    replicas?: Readonly<Record<string, readonly number[]>>;
    daemons?: Readonly<Record<string, { lifecycle?: string; health?: string }>>;
  };
  events?: readonly Happening[];
  expect: unknown;
}

/** A move that the original commits. */
interface Commit {
  to: StateName;
  reason?: string;
}

type Decision<Expected> =
  | "kept"
  /** Our page differs on purpose: what comes out instead. */
  | { better: Expected; because: string }
  | { notOurs: string };

const noMirror = { notOurs: "a node knows itself only; its peers are instances of their own" };
const avoidLists = { notOurs: "avoid lists are the router's, not the lifecycle's" };
const freezing = { notOurs: "freezing a cluster is no part of a node's lifecycle" };
const placement = { notOurs: "where replicas run is for the provider of drainNode and resumeNode" };
const supervision = { notOurs: "daemons are started, stopped and backed off by the provider" };

/** What we make of each `fold` line; a line without a word here fails. Compared is the maintained node alone. */
const folds: Readonly<Record<string, Decision<Maintained>>> = {
  "F-01": {
    better: { s: "EnteringMaintenance", since: 0, deadline: 600_000 },
    because: "a drain has ten minutes unless none is asked for by name",
  },
  "F-03": "kept",
  "F-04": "kept",
  "F-05": noMirror,
  "F-09": "kept",
  "F-10": "kept",
  "F-12": "kept",
  "F-13": "kept",
  "F-15": "kept",
  "F-16": {
    better: { s: "EnteringMaintenance", since: 500, deadline: 90_000 },
    because: "an observation of the state it is in is replay: since and deadline stay",
  },
  "F-17": {
    better: { s: "Recovery", since: 5 },
    because: "an observation of the state it is in is replay: the ramp does not begin again",
  },
  "F-18": {
    better: { s: "EnteringMaintenance", since: 0, deadline: 1_100 },
    because: "the deadline moves, the drain goes on: it did not begin again",
  },
  "F-20": {
    better: { s: "ExitingMaintenance", since: 0 },
    because: "a node on its way out is not turned round: the rank graph binds operators too",
  },
  "F-21": {
    better: { s: "DrainFailed", since: 0, reason: "deadline" },
    because: "a failed drain is tried again by its own name, maintenance.retry",
  },
  "F-24": "kept",
  "F-28": avoidLists,
  "F-29": avoidLists,
  "F-30": avoidLists,
  "F-32": avoidLists,
  "F-33": avoidLists,
  "F-34": avoidLists,
  "F-35": freezing,
  "F-36": freezing,
  "F-37": freezing,
  "F-39": freezing,
  "F-42": placement,
  "F-44": supervision,
  "F-45": supervision,
  "F-47": placement,
  "F-48": placement,
  "F-49": supervision,
};

/** What we make of each `reconcile` line: the moves that follow from an inventory and the clock. */
const reconciles: Readonly<Record<string, Decision<readonly Commit[]>>> = {
  "R-01": "kept",
  "R-02": "kept",
  "R-03": "kept",
  "R-05": "kept",
  "R-06": "kept",
  "R-07": {
    better: [{ to: "DrainFailed", reason: "drain deadline elapsed after 61000 ms" }],
    because: "a unit is a word of its own",
  },
  "R-10": "kept",
  "R-11": "kept",
  "R-12": "kept",
  "R-13": "kept",
  "R-17": { better: [], because: "resumeNode starts what is meant to run; the chart waits for it" },
  "R-19": "kept",
  "R-21": "kept",
  "R-24": { better: [{ to: "Maintenance" }], because: "nothing is started on a node that is drained" },
  "R-26": "kept",
  "R-28": placement,
  "R-30": supervision,
  "R-31": supervision,
  "R-32": supervision,
  "R-33": supervision,
  "R-34": supervision,
  "R-36": supervision,
  "R-37": supervision,
  "R-39": supervision,
  "R-43": placement,
  "R-44": placement,
  "R-45": placement,
  "R-46": placement,
  "R-49": placement,
  "R-51": avoidLists,
  "R-57": freezing,
  "R-58": freezing,
  "R-59": placement,
  "R-60": placement,
  "R-61": placement,
  "R-62": placement,
  "R-65": freezing,
  "R-66": placement,
  "R-70": placement,
  "R-75": placement,
  "R-77": placement,
  "R-78": placement,
};

const vectors = readFileSync(join(import.meta.dirname, "../vectors/node-maintenance.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Vector);

describe("the folds of the original", () => {
  const lines = vectors.filter(({ kind }) => kind === "fold");

  it("are each decided upon", () => {
    expect(Object.keys(folds)).toEqual(lines.map(({ id }) => id));
  });

  it.each(ours(lines, folds))("$vector.id is $word: $vector.note", ({ vector, decision }) => {
    const node = nodeIn(vector);

    for (const happening of vector.events ?? []) tell(node, vector, happening);

    const { maint } = vector.expect as { maint: Maintained };
    expect(maintainedOf(node)).toEqual(decision === "kept" ? maint : decision.better);
  });
});

describe("the reconciliations of the original", () => {
  const lines = vectors.filter(({ kind }) => kind === "reconcile");

  it("are each decided upon", () => {
    expect(Object.keys(reconciles)).toEqual(lines.map(({ id }) => id));
  });

  it.each(ours(lines, reconciles))("$vector.id is $word: $vector.note", ({ vector, decision }) => {
    const node = nodeIn(vector);
    const before = node.state;

    takeInventory(node, vector);
    node.fireDue();

    const commits = node.state === before ? [] : [commitOf(node)];
    expect(commits).toEqual(decision === "kept" ? committed(vector.expect) : decision.better);
  });

  it("leave the work itself to the calls that are open meanwhile", () => {
    const draining = nodeIn(lineOf("R-26"));
    const resuming = nodeIn(lineOf("R-17"));

    expect([...draining.calls.keys()]).toEqual(["drainNode", "watchNode"]);
    expect([...resuming.calls.keys()]).toEqual(["resumeNode"]);
  });

  it("warn of a drain without deadline for as long as it lasts", () => {
    const node = nodeIn(lineOf("R-11"));

    node.fireDue();

    expect(node.state).toBe("EnteringMaintenance");
    expect(nodeMaintenance.notes?.(node.snapshot.context as never, node.state)).toContain(
      "warning: this drain has no deadline",
    );
  });
});

function ours<Expected>(lines: readonly Vector[], decisions: Readonly<Record<string, Decision<Expected>>>) {
  return lines.flatMap((vector) => {
    const decision = decisions[vector.id];
    if (decision === undefined || (decision !== "kept" && "notOurs" in decision)) return [];
    return [{ vector, decision, word: decision === "kept" ? "kept" : `better (${decision.because})` }];
  });
}

function lineOf(id: string): Vector {
  const vector = vectors.find((each) => each.id === id);
  if (vector === undefined) throw new Error(`${id} is missing`);
  return vector;
}

/** A node brought by legal events into the state that a line begins in, at the line's last tick; what is due by then has not fired. */
function nodeIn({ init, this: name }: Vector): Timeline {
  const maint = init.maint ?? { s: "Active" };
  const since = maint.since ?? 0;
  const node = timelineOf(nodeMaintenance, { node: String(name) }, since);
  const drained = { type: "drain.progressed", replicas: [], daemons: [] };
  const entered = () =>
    node.send({
      type: "maintenance.enter",
      ...(typeof maint.deadline === "number" ? { drainForMs: maint.deadline - since } : { noDeadline: true }),
    });
  const failed = () => node.send(observation(node, { s: "DrainFailed", reason: maint.reason ?? "" }));
  const leadTo: Readonly<Record<StateName, readonly (() => unknown)[]>> = {
    Active: [],
    EnteringMaintenance: [entered],
    Maintenance: [entered, () => node.send(drained)],
    ExitingMaintenance: [entered, () => node.send(drained), () => node.send({ type: "maintenance.exit" })],
    DrainFailed: [entered, failed],
    Recovery: [
      entered,
      () => node.send(drained),
      () => node.send({ type: "maintenance.exit" }),
      () => node.done("resumeNode"),
    ],
  };
  for (const move of leadTo[maint.s]) move();
  expect(node.state).toBe(maint.s);
  node.oversleep(Math.max(0, (init.lastTick ?? since) - since));
  return node;
}

function tell(node: Timeline, { this: name }: Vector, happening: Happening): void {
  switch (happening.t) {
    case "Tick":
      node.pass(Math.max(0, happening.at - node.now));
      return;
    case "Observed":
      if (happening.node === name) node.send(observation(node, happening.state));
      return;
    case "Admin":
      if (happening.node === name) order(node, happening);
      return;
    default:
      happening satisfies never;
  }
}

function order(node: Timeline, { ev, drainForMs }: Extract<Happening, { t: "Admin" }>): void {
  if (ev === "EnterMaintenance") {
    node.send({ type: "maintenance.enter", ...(typeof drainForMs === "number" && { drainForMs }) });
  } else if (ev === "ExitMaintenance") {
    node.send({ type: "maintenance.exit", ...(node.state === "DrainFailed" && { force: true }) }); // there theirs has no flag and is the force path
  } else throw new Error(`${ev} is no order to a node`);
}

/** Theirs carry no number of the window: they are about the current one. */
function observation(node: Timeline, { s, deadline, reason }: Maintained) {
  const { epoch } = node.snapshot.context as NodeContext;
  return {
    type: "maintenance.observed",
    epoch,
    state: { name: s, ...(typeof deadline === "number" && { deadline }), ...(reason !== undefined && { reason }) },
  };
}

/** What their reconciliation reads, as our providers report it. */
function takeInventory(node: Timeline, { init, this: name }: Vector): void {
  const daemons = Object.entries(init.daemons ?? {});
  if (node.state === "ExitingMaintenance") {
    const isHealthy = ({ lifecycle, health }: { lifecycle?: string; health?: string }) =>
      lifecycle === "Running" && (health === undefined || health === "Healthy");
    const waiting = daemons.filter(([, daemon]) => !isHealthy(daemon)).map(([id]) => id);
    node.send({ type: "daemons.progressed", waiting });
  } else {
    const replicas = Object.entries(init.replicas ?? {}).filter(([, holders]) => holders.includes(name));
    node.send({
      type: "drain.progressed",
      replicas: replicas.map(([chain]) => chain),
      daemons: daemons.filter(([, { lifecycle }]) => lifecycle !== "Stopped").map(([id]) => id),
    });
  }
}

function maintainedOf({ snapshot, state, since }: Timeline): Maintained {
  const { drainDueAt, failure } = snapshot.context as NodeContext;
  const s = state as StateName;
  if (s === "Active") return { s };
  if (s === "EnteringMaintenance") return { s, since, deadline: drainDueAt };
  return failure === null ? { s, since } : { s, since, reason: failure.reason };
}

function commitOf({ snapshot, state }: Timeline): Commit {
  const { failure } = snapshot.context as NodeContext;
  return { to: state as StateName, ...(failure !== null && { reason: failure.reason }) };
}

/** The lines that we keep commit moves of the lifecycle, and nothing else. */
function committed(expected: unknown): Commit[] {
  return (expected as { a: string; to: StateName; reason?: string }[]).map(({ a, to, reason }) => {
    expect(a).toBe("CommitMaintenanceTransition");
    return { to, ...(reason !== undefined && { reason }) };
  });
}
