import { z } from "zod";
import { errorCatalogue, type ErrorCode } from "../core/errors.ts";
import {
  attention,
  chainReport,
  chainRows,
  discarded,
  dryRun,
  explanation,
  instanceList,
  instanceView,
  journalPage,
  machineDetails,
  machineList,
  moment,
  overview,
  pendingItem,
  pendingList,
  queuedEntry,
  sentEvent,
  sentEvents,
  verification,
  type InstanceView,
  type JournalEntryView,
  type PendingView,
  type ProblemDocument,
  type SentEventView,
} from "./answer-schemas.ts";
import {
  activeNode,
  activeRollout,
  at,
  cancelledRollout,
  clearChannel,
  clearedRollout,
  cordonedNode,
  drainingNode,
  failedHears,
  failedHost,
  leavingNode,
  pausedRollout,
  runningLine,
  stoppedLine,
  waitingNode,
} from "./example-instances.ts";
import { contract, health, places, readinessReport } from "./server-schemas.ts";

/** Examples of answers by their schema, each under a name that no other one has. */
export type ExampleRegistry = z.core.$ZodRegistry<Readonly<Record<string, z.core.$output>>>;

const cordon = { type: "node.cordon", reason: "a fan is failing" };

const creationEntry: JournalEntryView = {
  seq: 1,
  kind: "created",
  at,
  instance: "node/alpha",
  machine: "nodeMaintenance",
  version: 1,
  event: null,
  from: null,
  to: "Active",
  via: [],
  outcome: "changed",
  principal: "ann",
  commandId: null,
};

export const cordonEntry: JournalEntryView = {
  ...creationEntry,
  seq: 2,
  kind: "event",
  version: 2,
  event: { ...cordon, at: Date.parse(at), principal: "ann" },
  from: "Active",
};

const drainCall: PendingView = {
  key: "node/alpha#2:drainNode",
  instance: "node/alpha",
  kind: "call",
  id: "drainNode",
  state: "manual",
  activity: "drainNode",
  input: { node: "alpha", epoch: 1 },
  dueAt: null,
  attempts: 0,
  createdAt: at,
};

const { waitingFor, hears } = activeNode;
const ofAlpha = { instance: activeNode, waitingFor, hears, pending: [] };
const lastHash = "c0ffee".padEnd(64, "0");
const schemaName = "https://json-schema.org/draft/2020-12/schema";
const emptyObject = { $schema: schemaName, type: "object", properties: {}, additionalProperties: false };

export const answerExamples: ExampleRegistry = z
  .registry<Readonly<Record<string, z.core.$output>>>()
  .add(places, {
    start: { inspect: "/inspect", docs: "/docs", contract: "/openapi.json", readiness: "/readyz" },
  })
  .add(contract, { contract: { openapi: "3.1.0", info: { title: "Signalbox", version: "0.1.0" }, paths: {} } })
  .add(health, { health: { status: "ok" } })
  .add(readinessReport, {
    "readiness-report": {
      status: "ok",
      checks: [{ name: "store", status: "ok", detail: "The store can be written to." }],
      version: "0.1.0",
      uptimeSeconds: 3_600,
      openStreams: 2,
      housekeeping: { at, status: "ok" },
    },
  })
  .add(instanceView, { node: activeNode })
  .add(instanceList, { nodes: { items: [activeNode], nextCursor: null } })
  .add(journalPage, { journal: { entries: [creationEntry, cordonEntry], nextAfter: 2 } })
  .add(moment, { moment: { entry: cordonEntry, instance: cordonedNode, before: activeNode } })
  .add(attention, {
    attention: {
      items: [
        {
          id: "node/alpha",
          machine: "nodeMaintenance",
          state: "DrainFailed",
          status: "active",
          tags: ["attention", "cordoned"],
          reasons: [{ kind: "person", detail: "an operator to retry the drain or to leave maintenance", since: at }],
        },
      ],
      isComplete: true,
      nextDueAt: null,
    },
  })
  .add(overview, {
    overview: { items: [{ machine: "nodeMaintenance", instances: [activeNode], isComplete: true }] },
  })
  .add(pendingItem, { call: drainCall })
  .add(pendingList, {
    "dead-letters": {
      items: [{ ...drainCall, state: "dead", dueAt: at, attempts: 8, error: "alpha does not answer" }],
      nextCursor: null,
    },
  })
  .add(discarded, { discarded: { key: drainCall.key, discarded: true } })
  .add(machineList, {
    machines: {
      items: [
        {
          name: "nodeMaintenance",
          version: 1,
          description: "A node is taken out of service, worked on, and put back.",
        },
        { name: "line", version: 1, description: "The line that every dispatch of every rollout passes." },
      ],
      nextCursor: null,
    },
  })
  .add(machineDetails, {
    machine: {
      name: "line",
      version: 1,
      description: "The line that every dispatch of every rollout passes.",
      input: { ...emptyObject, examples: [{}] },
      states: [
        {
          id: "line.Running",
          name: "Running",
          isFinal: false,
          description: "Hosts are dispatched.",
          waitingFor: "somebody to stop the line",
          tags: ["steady"],
        },
        {
          id: "line.Stopped",
          name: "Stopped",
          isFinal: false,
          description: "No host is dispatched, in no channel.",
          waitingFor: "somebody to let the line run again",
          tags: ["attention"],
        },
      ],
      nodes: [
        { id: "line", parent: null, name: "line", kind: "compound", isLeading: true },
        { id: "line.Running", parent: "line", name: "Running", kind: "atomic", isLeading: false },
        { id: "line.Stopped", parent: "line", name: "Stopped", kind: "atomic", isLeading: false },
      ],
      events: [
        {
          type: "line.freeze",
          sentBy: ["person"],
          isApproval: false,
          schema: { ...emptyObject, properties: { reason: { type: "string", minLength: 1, maxLength: 1_000 } } },
        },
        { type: "line.thaw", sentBy: ["person"], isApproval: false, schema: emptyObject },
      ],
    },
  })
  .add(sentEvent, {
    "node-cordoned": sent(cordonedNode),
    "node-draining": sent(drainingNode),
    "node-leaving": sent(leavingNode),
    "node-uncordoned": sent({ ...activeNode, version: 3 }),
    "rollout-going-on": sent(activeRollout),
    "rollout-paused": sent(pausedRollout),
    "rollout-cancelled": sent(cancelledRollout),
    "rollout-cleared": sent(clearedRollout),
    "line-stopped": sent(stoppedLine),
    "line-running": sent(runningLine),
    "quarantine-cleared": sent(clearChannel),
  })
  .add(sentEvents, { transaction: { items: [sent(cordonedNode)] } })
  .add(queuedEntry, {
    "node-in-line": { outcome: "queued", version: 1, group: "racks", instance: waitingNode },
  })
  .add(dryRun, {
    "dry-run": { outcome: "changed", via: [], effects: [], instance: cordonedNode },
  })
  .add(explanation, {
    explained: ofAlpha,
    "explained-event": {
      ...ofAlpha,
      verdict: { type: cordon.type, to: "Active", outcome: "changed", via: [], effects: [] },
    },
  })
  .add(verification, { verified: { checked: 1, differences: [], unverifiable: [] } })
  .add(chainRows, {
    "audit-rows": {
      rows: [
        {
          seq: 2,
          instance: "node/alpha",
          previous: "c0b900b3ba089cf1b04e83f53268a609ba359ebbe45059e35cf32d64468a9dc9",
          contentHash: "15b3eb0446d8bc0fa9a27d8f1af4a5ce460f1452c51cd8bd07164e83d75e5840",
          hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
          content: {
            at: Date.parse(at),
            checkpoint: null,
            checkpointVersion: null,
            commandId: null,
            emitted: null,
            event: JSON.stringify(cordonEntry.event),
            from: "Active",
            instance: "node/alpha",
            kind: "event",
            machine: "nodeMaintenance",
            outcome: "changed",
            principal: "ann",
            reasons: null,
            stream: null,
            streamSeq: null,
            to: "Active",
            trace: null,
            version: 2,
            via: "[]",
          },
        },
      ],
      nextAfter: 2,
    },
  })
  .add(chainReport, {
    "audit-report": { checked: 7, head: { seq: 7, hash: lastHash }, faults: [], complete: true },
  });

function sent(instance: InstanceView): SentEventView {
  return { outcome: "changed", version: instance.version, instance };
}

const budgetDetail = "racks allows 1 of its nodes out at once; out now: beta.";
const haltedDetail = `stable@v41 has halted: ${failedHost}. Nothing more is dispatched, so there is nothing to hold or to hasten.`;

/** Of the problem documents that tell more than their code, by name. */
export const problemExamples: Readonly<Record<string, ProblemDocument>> = {
  "malformed-request": problem("invalid-request", {
    detail: "The query does not fit: /limit: expected at most 500.",
    errors: [{ pointer: "/limit", detail: "expected at most 500" }],
  }),
  "node-refuses": problem("event-refused", {
    detail: budgetDetail,
    id: "node/gamma",
    version: 1,
    from: "Active",
    event: "maintenance.enter",
    reasons: [
      {
        code: "budget-exhausted",
        detail: budgetDetail,
        data: { group: "racks", maxUnavailable: 1, holders: ["beta"], waiting: ["gamma"] },
        hint: "ask with `queue` to wait in line (at the command line `--queue`)",
      },
    ],
    hears: activeNode.hears,
  }),
  "rollout-refuses": problem("event-refused", {
    detail: haltedDetail,
    id: "stable@v41",
    version: 13,
    from: "Failed",
    event: "rollout.pause",
    reasons: [
      {
        code: "halted",
        detail: haltedDetail,
        hint: "a newer ref, rollout retry (a new run of the same ref), rollout undo, or rollout.cancel",
      },
    ],
    hears: failedHears,
  }),
  "id-taken": problem("already-exists", {
    detail: "node/alpha exists already, with another input. Choose another id.",
  }),
  "number-missing": problem("sequence-gap", {
    detail: "The stream agent of stable@v41/web-1 is at 1; send number 2 next.",
    expected: 2,
  }),
  "host-taken": problem("host-taken", {
    detail:
      "Another agent speaks for web-1. If this is another machine, give it a name and a token of its own; if it replaces that one, stop that one. Once that was not heard for 90 s, this one is taken.",
  }),
  "older-machine": problem("needs-migration", {
    detail:
      "node/alpha was made by version 1 of nodeMaintenance, and version 2 runs: there is no migration from 1. Give the machine a migration; the instance stays as it is until then.",
    machine: "nodeMaintenance",
    found: 1,
    current: 2,
  }),
};

function problem(code: ErrorCode, members: { detail: string } & Partial<ProblemDocument>): ProblemDocument {
  const { title, status } = errorCatalogue[code];
  return {
    type: `urn:signalbox:problem:${code}`,
    title,
    status,
    code,
    ...members,
    instance: "0e0f0f6c-0d3c-4c7e-9b53-4b5d3c0a7f61",
  };
}
