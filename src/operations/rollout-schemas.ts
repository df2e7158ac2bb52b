import { z } from "zod";
import { countedStates } from "../../machines/host/states.ts";
import { gateNames } from "../../machines/rollout/events.ts";
import { rolloutStates } from "../../machines/rollout/states.ts";
import { journalEntry, listOf } from "./answer-schemas.ts";

/** What goes back of fleets and rollouts, as it is on the wire. */

const time = z.iso.datetime();
const count = z.int().nonnegative();
const numbers = (description: string) => z.record(z.string(), count).meta({ description });

export const gateVerdict = z
  .strictObject({
    gate: z.enum(gateNames),
    since: time,
    detail: z.string().meta({ description: "What holds, and what would open it." }),
  })
  .meta({ id: "Gate", description: "Something that holds hosts back." });

const byAndWhen = { by: z.string(), at: time };

const wave = z
  .strictObject({
    name: z.string(),
    state: z.enum(["done", "current", "ahead"]),
    hosts: count,
    joined: count.meta({ description: "Hosts that were dispatched." }),
    counts: z
      .partialRecord(z.enum(countedStates), count)
      .meta({ description: "Its hosts by what they are counted as; those that are none are left out." }),
    soakMs: count,
    approvals: count.meta({ description: "Distinct people who have to approve before it begins." }),
    maxFailures: z.union([count, z.string()]).meta({ description: "A number, or a share such as `5%`." }),
    minConverged: count,
  })
  .meta({ id: "Wave", description: "A wave of a rollout." });

const rolloutFields = {
  rolloutId: z.string(),
  channel: z.string(),
  targetRef: z.string(),
  state: z.enum(rolloutStates),
  control: z.string().meta({ description: "`Running`, `Paused`, `AwaitingApproval` or `Over`." }),
  since: time.meta({ description: "When the state last changed." }),
  currentWave: count.meta({ description: "Counted from 0; it never decreases." }),
  gates: z.array(gateVerdict).meta({ description: "What holds hosts back, as the planner last decided." }),
};

export const rolloutRecord = z
  .strictObject({
    ...rolloutFields,
    openedSeq: z.int().positive().meta({ description: "The journal number of its opening." }),
    lastTransitionSeq: z.int().positive().meta({ description: "The journal number of its last change of state." }),
    openedAt: time,
    terminalAt: time.nullable(),
    supersededAt: time.nullable(),
    supersededBy: z.string().nullable(),
    endedBy: z.string().nullable().meta({ description: "How it came to its end; null before." }),
    planHash: z.string().nullable().meta({ description: "SHA-256 of the plan that was frozen when it opened." }),
    waves: z.array(wave),
    paused: z.strictObject({ by: z.string(), reason: z.string().nullable(), at: time }).nullable(),
    approvals: z
      .record(z.string(), z.array(z.strictObject(byAndWhen)))
      .meta({ description: "Who approved which wave, by its number." }),
    failure: z.strictObject({ host: z.string().nullable(), wave: count, to: z.string(), at: time }).nullable(),
    cleared: z
      .strictObject({ ...byAndWhen, reason: z.string() })
      .nullable()
      .meta({ description: "Who vouched for what it left behind." }),
    version: z.int().positive(),
  })
  .meta({ id: "Rollout", description: "One run of a version over the hosts of a channel." });

export const rolloutList = listOf(rolloutRecord).meta({ id: "RolloutList" });

const hostNames = z.array(z.string());
const edgeReason = z.string().nullable();

export const frozenPlan = z
  .strictObject({
    channel: z.string(),
    ref: z.string(),
    hash: z.string().meta({ description: "SHA-256 of the rest." }),
    waves: z.array(
      z.strictObject({
        name: z.string(),
        soakMs: count,
        approvals: count,
        maxFailures: z.union([count, z.string()]),
        minConverged: count,
        hosts: hostNames,
      }),
    ),
    unstaged: hostNames.meta({ description: "Hosts of the channel in no wave: they are left as they are." }),
    budgets: z.array(
      z.strictObject({
        key: z.string(),
        max: count.meta({ description: "How many may be out at once." }),
        hosts: hostNames,
      }),
    ),
    hostEdges: z.array(z.strictObject({ before: z.string(), after: z.string(), reason: edgeReason })),
    channelEdges: z.array(z.strictObject({ before: z.string(), reason: edgeReason })),
    policy: z.record(z.string(), z.unknown()),
    retentionMs: count,
  })
  .meta({ id: "RolloutPlan", description: "What a rollout does, frozen when it opened." });

export const opened = z
  .strictObject({
    rolloutId: z.string(),
    hosts: count,
    waves: z.array(count).meta({ description: "How many hosts are in each." }),
    superseded: z.string().nullable().meta({ description: "The rollout that was the channel's newest." }),
  })
  .meta({ id: "OpenedRollout", description: "A rollout that was opened." });

const hostFields = {
  host: z.string(),
  wave: count,
  state: z.string().meta({ description: "`Pending` for one that was never dispatched." }),
  countedAs: z.string().meta({ description: "Its state, or `Excused`." }),
  since: time.nullable(),
  isOffered: z.boolean().meta({ description: "It may take its dispatch now." }),
  observedVersion: z.string().nullable(),
  isUnreachable: z.boolean(),
  excused: z.strictObject({ ...byAndWhen, reason: z.string() }).nullable(),
  failure: z.strictObject({ kind: z.string(), reason: z.string() }).nullable(),
  instance: z.string().nullable().meta({ description: "The id of its instance; null: it has none yet." }),
};

export const hostRecord = z
  .strictObject(hostFields)
  .meta({ id: "RolloutHost", description: "Where a host is in a rollout." });

export const hostList = listOf(hostRecord).meta({ id: "RolloutHostList" });

export const hostExplanation = z
  .strictObject({
    ...hostFields,
    failure: hostFields.failure
      .unwrap()
      .extend({
        exitCode: z.number().nullable().meta({ description: "Of the activation, when it has ended." }),
        stderrTail: z
          .string()
          .nullable()
          .meta({ description: "The last of what the activation said on standard error." }),
      })
      .nullable(),
    gates: z
      .array(gateVerdict)
      .meta({ description: "All that hold its dispatch, in the order in which they are asked." }),
    nextAt: time.nullable().meta({ description: "When time alone may open a gate; null: never." }),
    waitingFor: z.array(z.string()).meta({ description: 'The ends of "waits for ...".' }),
  })
  .meta({ id: "RolloutHostExplanation", description: "Where a host is in a rollout, and what holds it back." });

export const rolloutEvents = z
  .strictObject({
    entries: z.array(journalEntry),
    nextAfter: count.meta({ description: "Hand it on as `after`." }),
    isComplete: z.boolean().meta({ description: "Whether the end of the journal was reached." }),
  })
  .meta({ id: "RolloutEvents" });

export const quarantine = z
  .strictObject({
    channel: z.string(),
    ref: z.string(),
    rolloutId: z.string().meta({ description: "The rollout that failed." }),
    reason: z.string(),
    since: time,
  })
  .meta({ id: "Quarantine", description: "A version that is not dispatched to the hosts of a channel." });

export const quarantineList = z.strictObject({ items: z.array(quarantine) }).meta({ id: "QuarantineList" });

export const line = z
  .strictObject({
    state: z.enum(["Running", "Stopped"]),
    since: time.nullable().meta({ description: "Null: nobody has ever touched it." }),
    by: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: "Line", description: "Whether anything is dispatched here at all." });

export const fleetStatus = z
  .strictObject({
    hash: z.string().nullable().meta({ description: "Of the declaration that holds; null before the first." }),
    appliedAt: time.nullable(),
    appliedBy: z.string().nullable(),
    fault: z
      .strictObject({
        source: z.string(),
        revision: z.string().nullable().meta({ description: "Null: the file could not be looked at." }),
        detail: z.string(),
        since: time,
      })
      .nullable()
      .meta({
        description: "Why what the watched file declares does not hold; null when it does, or none is watched.",
      }),
    line,
    contested: z
      .array(z.strictObject({ host: z.string(), since: time, why: z.string() }))
      .meta({ description: "Hosts whose name a second agent has; since when it is refused." }),
    channels: z.array(
      z.strictObject({
        channel: z.string(),
        ref: z.string().meta({ description: "As declared." }),
        hosts: count,
        rollout: z.strictObject(rolloutFields).nullable().meta({ description: "Its newest." }),
        quarantined: z.array(z.strictObject({ ref: z.string(), reason: z.string(), since: time })),
      }),
    ),
    hosts: z.strictObject({
      total: count.meta({ description: "As declared." }),
      byState: numbers("As the newest rollout of each channel counts its hosts."),
    }),
  })
  .meta({ id: "FleetStatus", description: "What is declared, and where it is." });

export const declaration = z
  .strictObject({
    hash: z.string().meta({ description: "SHA-256 of the declaration." }),
    document: z.record(z.string(), z.unknown()).meta({ description: "As it was given." }),
  })
  .meta({ id: "FleetDeclaration", description: "The declaration that holds." });

export const application = z
  .strictObject({
    hash: z.string().meta({ description: "SHA-256 of the declaration." }),
    version: count.meta({
      description: "What it was compared with, or has become; `If-Match` takes it. 0 before the first.",
    }),
    difference: z.strictObject({
      channels: z.array(
        z.strictObject({ channel: z.string(), from: z.string().nullable(), to: z.string().nullable() }),
      ),
      hosts: z.strictObject({
        added: z.array(z.string()),
        removed: z.array(z.string()),
        changed: z.array(z.string()),
      }),
      parts: z.array(z.string()).meta({ description: "Other parts that differ, such as `policies/careful`." }),
    }),
    rollouts: z.array(
      z.strictObject({
        channel: z.string(),
        ref: z.string(),
        from: z.string().nullable(),
        hosts: count,
        rolloutId: z.string().nullable().meta({ description: "Null: it was not opened." }),
        why: z.string().optional().meta({ description: "Why none is opened although the refs differ." }),
      }),
    ),
    applied: z.boolean(),
  })
  .meta({ id: "FleetApplication", description: "What a declaration changes." });

export type RolloutView = z.output<typeof rolloutRecord>;
export type RolloutHostView = z.output<typeof hostRecord>;
export type HostExplanationView = z.output<typeof hostExplanation>;
export type GateView = z.output<typeof gateVerdict>;
export type LineView = z.output<typeof line>;
export type QuarantineView = z.output<typeof quarantine>;
