import { z } from "zod";
import { agentAnswers, agentOrders } from "./agent-schemas.ts";
import type { ExampleRegistry } from "./answer-examples.ts";
import { at, planHash, waveGate } from "./example-instances.ts";
import {
  application,
  declaration,
  fleetStatus,
  frozenPlan,
  hostExplanation,
  hostList,
  line,
  opened,
  quarantineList,
  rolloutEvents,
  rolloutList,
  rolloutRecord,
  type LineView,
  type RolloutHostView,
  type RolloutView,
} from "./rollout-schemas.ts";

const runningLine: LineView = { state: "Running", since: at, by: null, reason: null };

const summary = {
  rolloutId: "stable@v41",
  channel: "stable",
  targetRef: "v41",
  state: "Active" as const,
  control: "Running",
  currentWave: 0,
  since: at,
  gates: [{ gate: "wave-promotion" as const, since: at, detail: waveGate }],
};

const wave = { soakMs: 600_000, approvals: 0, maxFailures: 0, minConverged: 1 };

const rollout: RolloutView = {
  ...summary,
  openedSeq: 7,
  lastTransitionSeq: 12,
  supersededBy: null,
  endedBy: null,
  planHash,
  version: 5,
  openedAt: at,
  terminalAt: null,
  supersededAt: null,
  waves: [
    { name: "canary", state: "current", hosts: 1, joined: 1, counts: { Pending: 1 }, ...wave },
    { name: "rest", state: "ahead", hosts: 2, joined: 0, counts: { Pending: 2 }, ...wave },
  ],
  paused: null,
  approvals: {},
  failure: null,
  cleared: null,
};

const host: RolloutHostView = {
  host: "web-1",
  wave: 0,
  state: "Soaking",
  countedAs: "Soaking",
  since: at,
  isOffered: false,
  observedVersion: "v41",
  isUnreachable: false,
  excused: null,
  failure: null,
  instance: "stable@v41/web-1",
};

const policy = {
  onHealthFailure: "rollback-and-halt" as const,
  sustainedMs: 60_000,
  confirmWithinMs: 360_000,
  acknowledgeWithinMs: 300_000,
  excuseAfterMs: 900_000,
};
const declarationHash = "544ea17e94c780e8484af3a5891c1075fec03e926f7702afc1177bf8b9adc129";

export const rolloutExamples: ExampleRegistry = z
  .registry<Readonly<Record<string, z.core.$output>>>()
  .add(line, { line: runningLine })
  .add(fleetStatus, {
    fleet: {
      hash: declarationHash,
      appliedAt: at,
      appliedBy: "ann",
      fault: null,
      line: runningLine,
      contested: [],
      channels: [{ channel: "stable", ref: "v41", hosts: 3, rollout: summary, quarantined: [] }],
      hosts: { total: 3, byState: { Pending: 3 } },
    },
  })
  .add(application, {
    application: {
      hash: declarationHash,
      version: 2,
      difference: {
        channels: [{ channel: "stable", from: "v40", to: "v41" }],
        hosts: { added: ["web-3"], removed: [], changed: [] },
        parts: ["policies/careful"],
      },
      rollouts: [{ channel: "stable", ref: "v41", from: "v40", hosts: 3, rolloutId: null }],
      applied: false,
    },
  })
  .add(declaration, {
    declaration: {
      hash: declarationHash,
      document: {
        channels: { stable: { ref: "v41", policy: "careful" } },
        hosts: { "web-1": { channel: "stable", tags: ["canary"] }, "web-[2-3]": { channel: "stable" } },
        policies: {
          careful: {
            waves: [
              { name: "canary", hosts: { tags: ["canary"] }, soak: "10m" },
              { name: "rest", hosts: { all: true }, soak: "10m" },
            ],
          },
        },
      },
    },
  })
  .add(rolloutRecord, { rollout })
  .add(rolloutList, { rollouts: { items: [rollout], nextCursor: null } })
  .add(frozenPlan, {
    plan: {
      channel: "stable",
      ref: "v41",
      hash: planHash,
      waves: [
        { name: "canary", ...wave, hosts: ["web-1"] },
        { name: "rest", ...wave, hosts: ["web-2", "web-3"] },
      ],
      unstaged: [],
      budgets: [],
      hostEdges: [],
      channelEdges: [],
      policy: { ...policy, excusedMaxPct: 10, maxFailures: 0, minConverged: 1 },
      retentionMs: 7_776_000_000,
    },
  })
  .add(opened, {
    opened: { rolloutId: "stable@v41", hosts: 3, waves: [1, 2], superseded: "stable@v40" },
  })
  .add(hostList, { hosts: { items: [host], nextCursor: null } })
  .add(hostExplanation, {
    "host-soaking": {
      ...host,
      failure: null,
      gates: [],
      nextAt: null,
      waitingFor: ["the soak to be over and every enforced probe to pass"],
    },
  })
  .add(rolloutEvents, {
    "rollout-events": {
      entries: [
        {
          seq: 7,
          kind: "created",
          at,
          instance: "stable@v41",
          machine: "rollout",
          version: 1,
          event: null,
          from: null,
          to: "Opening",
          via: [],
          outcome: "changed",
          principal: "ann",
          commandId: null,
        },
        {
          seq: 12,
          kind: "event",
          at,
          instance: "stable@v41",
          machine: "rollout",
          version: 3,
          event: {
            type: "host.joined",
            host: "web-1",
            wave: 0,
            at: Date.parse(at),
            principal: "provider:planRollout",
          },
          from: "Opening",
          to: "Active",
          via: [],
          outcome: "changed",
          principal: "provider:planRollout",
          commandId: null,
        },
      ],
      nextAfter: 12,
      isComplete: true,
    },
  })
  .add(quarantineList, {
    quarantines: {
      items: [
        {
          channel: "stable",
          ref: "v41",
          rolloutId: "stable@v41",
          reason: "web-1 became Failed in wave 1 of 2: 1 of 1 host failed, 0 borne",
          since: at,
        },
      ],
    },
  })
  .add(agentOrders, {
    orders: {
      items: [
        {
          kind: "dispatch",
          dispatch: {
            rolloutId: "stable@v41",
            host: "web-1",
            channel: "stable",
            target: "v41",
            wave: 0,
            soakMs: 600_000,
            policy,
          },
          quarantined: [],
        },
      ],
    },
  })
  .add(agentAnswers, {
    taken: {
      last: 3,
      outcomes: [
        { seq: 2, outcome: "changed" },
        { seq: 3, outcome: "changed" },
      ],
      state: "Soaking",
    },
  });
