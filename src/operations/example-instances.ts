import type { InstanceView } from "./answer-schemas.ts";

/**
 * The instances of the one story that all examples tell, as the server shows them: on 16 December 2026 ann takes the node
 * alpha out of service for a kernel update, and v41 goes out to the channel stable: to web-1 first, then to web-2 and web-3.
 */

export const at = "2026-12-16T09:00:00.000Z";
const atMs = Date.parse(at);
const retainedUntilMs = atMs + 7_776_000_000;

const nodeContext = {
  node: "alpha",
  epoch: 0,
  requestedBy: null as string | null,
  requestedReason: null as string | null,
  expectedUntil: null,
  drainDueAt: null as number | null,
  exitDueAt: null as number | null,
  drainingSince: null as number | null,
  blockers: "unknown" as unknown,
  waiting: null,
  failure: null,
  resumeError: null,
  cordonedByOperator: false,
  policy: { drainForMs: 600_000, recoveryRampMs: 300_000, exitForMs: 600_000 },
  groups: [] as string[],
};
const isHeld = hears("node.cordon isHeldByOperator", "node.uncordon isHeldByOperator");

export const activeNode = instance({
  id: "node/alpha",
  machine: "nodeMaintenance",
  version: 1,
  state: "Active",
  value: { lifecycle: "Active", scheduling: "Schedulable" },
  tags: ["steady"],
  context: nodeContext,
  waitingFor: waits({
    lifecycle: "somebody to ask for maintenance; in no maintenance group: not limited",
    scheduling: "the node to be cordoned",
  }),
  hears: hears("maintenance.enter holdsSlots", "maintenance.observed observes", "node.cordon", "node.uncordon"),
  labels: { rack: "a" },
});

/** A node of a group whose budget another one has. */
export const waitingNode: InstanceView = {
  ...activeNode,
  id: "node/gamma",
  context: { ...nodeContext, node: "gamma", groups: ["racks"] },
};

export const cordonedNode: InstanceView = {
  ...activeNode,
  version: 2,
  value: { lifecycle: "Active", scheduling: "Cordoned" },
  tags: ["cordoned", "steady"],
  context: { ...nodeContext, cordonedByOperator: true },
  waitingFor: waits({
    lifecycle:
      "somebody to ask for maintenance; an operator holds the node cordoned; in no maintenance group: not limited",
    scheduling: "the node to be Active and no operator to hold it",
  }),
  hears: [...hears("maintenance.enter holdsSlots", "maintenance.observed observes"), ...isHeld],
};

const requested = { epoch: 1, requestedBy: "ann", requestedReason: "kernel update", drainingSince: atMs };

export const drainingNode: InstanceView = {
  ...activeNode,
  version: 2,
  state: "EnteringMaintenance",
  value: { lifecycle: "EnteringMaintenance", scheduling: "Cordoned" },
  tags: ["busy", "cordoned"],
  context: { ...nodeContext, ...requested, drainDueAt: atMs + 600_000 },
  deadline: "2026-12-16T09:10:00.000Z",
  waitingFor: waits(
    {
      lifecycle:
        "every replica and every daemon that is not essential to leave; what still runs there is not known yet; in no maintenance group: not limited",
      scheduling: "the node to be Active and no operator to hold it",
    },
    "2026-12-16T09:10:00.000Z",
  ),
  hears: [
    ...hears("drain.progressed reportsDrained isOfThisWindow", "maintenance.abort", "maintenance.enter"),
    ...hears("maintenance.observed observesReason observes"),
    ...isHeld,
  ],
};

export const leavingNode: InstanceView = {
  ...activeNode,
  version: 4,
  state: "ExitingMaintenance",
  value: { lifecycle: "ExitingMaintenance", scheduling: "Cordoned" },
  tags: ["busy", "cordoned"],
  context: { ...nodeContext, ...requested, exitDueAt: atMs + 600_000, blockers: { replicas: [], daemons: [] } },
  deadline: "2026-12-16T09:10:00.000Z",
  waitingFor: waits(
    {
      lifecycle: "everything that is meant to run here to be healthy; in no maintenance group: not limited",
      scheduling: "the node to be Active and no operator to hold it",
    },
    "2026-12-16T09:10:00.000Z",
  ),
  hears: [
    ...hears("daemons.progressed reportsNoneWaiting isOfThisWindow", "maintenance.exit isForced asksForCordon"),
    ...hears("maintenance.observed observes"),
    ...isHeld,
  ],
};

export const planHash = "e5dfcfa3c2372a927a824738b46da5fae5345e73492b24e68f41ea73604bb41d";
export const waveGate =
  "web-2 is in wave rest, and the rollout is at wave canary. It opens when every wave before it has settled, or by a full promotion. 1 more host is held like this.";
const none = { Activating: 0, Deferred: 0, Soaking: 0, Converged: 0, Failed: 0, Reverted: 0, Released: 0, Excused: 0 };
const rolloutContext = {
  rolloutId: "stable@v41",
  channel: "stable",
  targetRef: "v41",
  currentWave: 0,
  openedAt: atMs,
  terminalAt: null,
  supersededAt: null,
  supersededBy: null,
  endedBy: null,
  endedAt: null,
  retainedUntil: null,
  cancelled: null,
  policy: {
    onHealthFailure: "rollback-and-halt",
    sustainedMs: 60_000,
    confirmWithinMs: 360_000,
    acknowledgeWithinMs: 300_000,
    excuseAfterMs: 900_000,
    maxFailures: 0,
    excusedMaxPct: 10,
    retentionMs: 7_776_000_000,
  },
  planHash,
  previous: null,
  isUndo: false,
  reason: null,
  waves: [
    { Pending: 1, ...none, joined: 1 },
    { Pending: 2, ...none, joined: 0 },
  ],
  failedHosts: 0,
  rules: [
    { approvals: 0, maxFailures: 0, minConverged: 1 },
    { approvals: 0, maxFailures: 0, minConverged: 1 },
  ],
  approvals: {},
  promotedThrough: -1,
  isFullyPromoted: false,
  paused: null,
  excusedAccepted: 0,
  gates: [{ gate: "wave-promotion", since: atMs, detail: waveGate }],
  failure: null,
  cleared: null,
  planDueAt: null,
  isPlanStale: false,
  planError: null,
};
const planning = "something that its planner judges to change";

export const activeRollout = instance({
  id: "stable@v41",
  machine: "rollout",
  version: 6,
  state: "Active",
  value: { rollout: "Active", control: "Running", planning: "Idle" },
  tags: ["busy"],
  context: rolloutContext,
  waitingFor: waits({
    rollout: `the hosts of the current wave to settle; wave 1 of 2: 0 of 1 host settled; held by wave-promotion: ${waveGate}`,
    control: "somebody to hold it",
    planning,
  }),
  hears: [
    ...hears(
      "host.changed failsAs counts",
      "host.joined joins",
      "plan.requested isPlanned",
      "rollout.cancel isNotOver",
    ),
    ...hears("rollout.completed completes", "rollout.pause isUnderWay", "rollout.promote isPromotedAlready mayPromote"),
    ...hears("rollout.resume isUnderWay", "rollout.superseded mayDrive", "wave.advanced advances settles"),
    ...hears("wave.approve mayApprove"),
  ],
  labels: { channel: "stable" },
});

export const pausedRollout: InstanceView = {
  ...activeRollout,
  value: { rollout: "Active", control: "Paused", planning: "Idle" },
  tags: ["attention", "busy"],
  context: { ...rolloutContext, paused: { by: "ann", reason: "looking into it", at: atMs } },
  waitingFor: waits({
    rollout: `the hosts of the current wave to settle; wave 1 of 2: 0 of 1 host settled; stable@v41 is paused by ann: looking into it; held by wave-promotion: ${waveGate}`,
    control: "somebody to resume it",
    planning,
  }),
  hears: activeRollout.hears.map((each) => (each.type === "rollout.resume" ? { ...each, needs: [] } : each)),
};

const overHears = [
  ...hears("plan.requested isPlanned", "retention.expired mayDrive", "rollout.cancel isNotOver"),
  ...hears("rollout.completed mayDrive", "rollout.pause isUnderWay", "rollout.promote isPromotedAlready mayPromote"),
  ...hears("rollout.superseded mayDrive", "wave.advanced mayDrive", "wave.approve mayApprove"),
];

export const cancelledRollout: InstanceView = {
  ...activeRollout,
  state: "Superseded",
  value: { rollout: "Superseded", control: "Over", planning: "Idle" },
  tags: ["steady"],
  context: {
    ...rolloutContext,
    supersededAt: atMs,
    endedBy: "cancelled",
    endedAt: atMs,
    retainedUntil: retainedUntilMs,
    cancelled: { by: "ann", reason: "not today", at: atMs },
  },
  deadline: "2027-03-16T09:00:00.000Z",
  waitingFor: waits({
    rollout: "its hosts to be released, and the end of its retention; cancelled by ann: not today",
    control: "nothing any more",
    planning,
  }),
  hears: [...hears("host.changed counts", "host.joined mayDrive"), ...overHears],
};

export const failedHost = "web-1 became Failed in wave 1 of 2";
export const failedHears = [
  ...hears("host.changed goesBack counts", "host.joined mayDrive", "operator.cleared"),
  ...overHears,
  ...hears("rollout.resume isUnderWay"),
];

export const clearedRollout: InstanceView = {
  ...activeRollout,
  version: 14,
  state: "Failed",
  value: { rollout: "Failed", control: "Running", planning: "Idle" },
  tags: ["attention", "steady"],
  context: {
    ...rolloutContext,
    endedBy: "failed",
    endedAt: atMs,
    retainedUntil: retainedUntilMs,
    waves: [{ Pending: 0, ...none, Failed: 1, joined: 1 }, rolloutContext.waves[1]],
    failure: { host: "web-1", wave: 0, to: "Failed", at: atMs },
    cleared: { by: "ann", reason: "web-3 was replaced", at: atMs },
  },
  deadline: "2027-03-16T09:00:00.000Z",
  waitingFor: waits({
    rollout: `a newer ref, or somebody to retry, undo or cancel it; ${failedHost}; v41 was quarantined on stable; cleared by ann: web-3 was replaced`,
    control: "somebody to hold it",
    planning,
  }),
  hears: failedHears,
};

const lineHears = hears("line.freeze", "line.thaw");

export const runningLine = instance({
  id: "line",
  machine: "line",
  version: 3,
  state: "Running",
  value: "Running",
  tags: ["steady"],
  context: { decisions: 1, stopped: null },
  waitingFor: waits({ line: "somebody to stop the line" }),
  hears: lineHears,
});

export const stoppedLine: InstanceView = {
  ...runningLine,
  state: "Stopped",
  value: "Stopped",
  tags: ["attention"],
  context: { decisions: 1, stopped: { by: "ann", reason: "the till is down", at: atMs } },
  waitingFor: waits({ line: "somebody to let the line run again; stopped by ann: the till is down" }),
};

export const clearChannel = instance({
  id: "channel/stable",
  machine: "channel",
  version: 4,
  state: "Clear",
  value: "Clear",
  tags: ["steady"],
  context: {
    channel: "stable",
    newest: { rolloutId: "stable@v41", ref: "v41", run: 1, openedAt: atMs },
    runs: { v41: 1 },
    kept: { v41: [1] },
    forgotten: [],
    lastTerminal: null,
    previousTerminal: null,
    quarantined: {},
  },
  waitingFor: waits({ channel: "a rollout to open; newest rollout: stable@v41" }),
  hears: hears("quarantine.cleared isQuarantined"),
});

type Told = "id" | "machine" | "version" | "state" | "value" | "tags" | "context" | "waitingFor" | "hears";

function instance(told: Pick<InstanceView, Told> & { labels?: InstanceView["labels"] }): InstanceView {
  const { id, machine, version, state, value, tags, context, waitingFor, hears: heard, labels = {} } = told;
  const [base, times] = [
    { id, machine, machineVersion: 1, version, state, value },
    { createdAt: at, updatedAt: at },
  ];
  return {
    ...base,
    status: "active",
    tags,
    context,
    since: at,
    deadline: null,
    waitingFor,
    hears: heard,
    labels,
    ...times,
  };
}

/** By region; the first one until the time given. */
function waits(whats: Readonly<Record<string, string>>, until: string | null = null): InstanceView["waitingFor"] {
  return Object.entries(whats).map(([region, what], index) => ({
    region,
    what,
    since: at,
    until: index === 0 ? until : null,
    overdue: false,
  }));
}

/** Each an event, and the laws that it needs. */
function hears(...lines: readonly string[]): InstanceView["hears"] {
  return lines.map((line) => {
    const [type = "", ...needs] = line.split(" ");
    return { type, needs };
  });
}
