import { z } from "zod";
import { errorCatalogue, type ErrorCode } from "../core/errors.ts";
import { readinessCheck } from "./server-schemas.ts";

/**
 * What goes back, as it is on the wire: the types come from here, the documents are made from it, and the tests hold every
 * answer to it. Strict where the shape is ours, open where a machine or a provider says what is in it.
 */

/** RFC 3339 in UTC. */
const time = z.iso.datetime();
const count = z.int().nonnegative();
const outcome = z.enum(["changed", "unchanged", "refused"]);

/** An event as it was stamped and written down; its machine knows the fields. */
const event = z.looseObject({ type: z.string() });

export const waitingFor = z
  .strictObject({
    region: z.string(),
    what: z.string().meta({ description: 'The end of "waits for ...".' }),
    since: time,
    until: time.nullable().meta({ description: "Null: no deadline." }),
    overdue: z.boolean(),
  })
  .meta({ id: "WaitingFor", description: "What one region of an instance waits for." });

export const heard = z
  .strictObject({
    type: z.string(),
    needs: z.array(z.string()).meta({ description: "The laws that will be asked." }),
  })
  .meta({ id: "HeardEvent", description: "An event that the state listens to." });

export const refusal = z
  .strictObject({
    code: z.string(),
    detail: z.string(),
    data: z.unknown().optional().meta({ description: "Facts that the law went by." }),
    hint: z.string().optional().meta({ description: "What to do instead." }),
  })
  .meta({ id: "Refusal", description: "Why something may not be done." });

export const instanceView = z
  .strictObject({
    id: z.string(),
    machine: z.string(),
    machineVersion: z.int().positive(),
    version: z.int().positive().meta({ description: "Counts changes; 1 after creation." }),
    state: z.string().meta({ description: "The leading region's state." }),
    value: z.unknown().meta({ description: "The whole state value: a name, or the names by region." }),
    status: z.enum(["active", "done", "error"]),
    tags: z.array(z.string()),
    context: z.unknown().meta({ description: "As the machine keeps it; its times are epoch milliseconds." }),
    since: time.meta({ description: "When the state last changed." }),
    deadline: time.nullable().meta({ description: "The nearest timer; null without one." }),
    waitingFor: z.array(waitingFor),
    hears: z.array(heard),
    labels: z.record(z.string(), z.string()),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: "Instance", description: "An instance: where it is, what it waits for, what it hears." });

export const instanceList = listOf(instanceView).meta({ id: "InstanceList" });

export const journalEntry = z
  .strictObject({
    seq: z.int().positive(),
    kind: z.enum(["created", "event", "migrated", "compacted", "forgotten"]),
    at: time,
    instance: z.string(),
    machine: z.string(),
    version: z.int().positive().meta({ description: "After the entry; for a refusal the one that it met." }),
    event: event.nullable().meta({ description: "As it was stamped; null for all kinds but `event`." }),
    from: z.string().nullable(),
    to: z.string(),
    via: z.array(z.string()).meta({ description: "The path through further states." }),
    outcome,
    reasons: z.array(refusal).optional(),
    emitted: z.array(event).optional(),
    principal: z.string(),
    commandId: z.string().nullable(),
    traceparent: z.string().optional().meta({ description: "W3C: what it is part of." }),
  })
  .meta({ id: "JournalEntry", description: "Something that happened to an instance." });

export const journalPage = z
  .strictObject({
    entries: z.array(journalEntry),
    nextAfter: count.meta({ description: "Hand it on as `after`." }),
  })
  .meta({ id: "JournalPage" });

export const moment = z
  .strictObject({
    entry: journalEntry,
    instance: instanceView.meta({ description: "Right after the entry." }),
    before: instanceView.nullable().meta({ description: "Right after the entry before it; null for the first." }),
  })
  .meta({ id: "Moment", description: "An instance as an entry of its journal left it." });

export const attention = z
  .strictObject({
    items: z.array(
      z.strictObject({
        id: z.string(),
        machine: z.string(),
        state: z.string(),
        status: z.enum(["active", "done", "error"]),
        tags: z.array(z.string()),
        reasons: z.array(
          z.strictObject({
            kind: z.enum(["dead-letter", "overdue", "refused", "person"]),
            detail: z.string(),
            since: time,
          }),
        ),
      }),
    ),
    isComplete: z.boolean().meta({ description: "Whether all that might need attention was looked at." }),
    nextDueAt: time.nullable().meta({ description: "When the next deadline passes among what was looked at." }),
  })
  .meta({ id: "Attention", description: "What needs somebody, the most urgent first." });

export const overview = z
  .strictObject({
    items: z.array(
      z.strictObject({
        machine: z.string(),
        instances: z.array(instanceView),
        isComplete: z.boolean().meta({ description: "Whether these are all that there are of it." }),
      }),
    ),
  })
  .meta({ id: "Overview", description: "A few instances of each statechart." });

export const pendingItem = z
  .strictObject({
    key: z.string().meta({ description: "The idempotency key of a call." }),
    instance: z.string(),
    kind: z.enum(["call", "timer", "message"]),
    id: z.string(),
    state: z.enum(["due", "waiting", "leased", "retrying", "dead", "manual"]),
    activity: z.string().optional().meta({ description: "Of a call." }),
    input: z.unknown().optional().meta({ description: "Of a call." }),
    event: z.unknown().optional().meta({ description: "Of a timer or message." }),
    to: z.string().optional().meta({ description: "The receiver of a message." }),
    dueAt: time.nullable().meta({ description: "Null: nobody here performs it, or it waits for a child instance." }),
    attempts: count.meta({ description: "Those that have failed." }),
    error: z.string().optional().meta({ description: "Of the last attempt." }),
    createdAt: time,
  })
  .meta({ id: "PendingItem", description: "Something that is to happen." });

export const pendingList = listOf(pendingItem).meta({ id: "PendingList" });

export const discarded = z.strictObject({ key: z.string(), discarded: z.literal(true) }).meta({ id: "Discarded" });

const machineFields = {
  name: z.string(),
  version: z.int().positive(),
  description: z.string().nullable(),
};
const jsonSchema = z.record(z.string(), z.unknown()).meta({ description: "A JSON Schema." });

export const machineSummary = z.strictObject(machineFields).meta({ id: "MachineSummary" });

export const machineList = listOf(machineSummary).meta({ id: "MachineList" });

export const machineDetails = z
  .strictObject({
    ...machineFields,
    input: jsonSchema,
    states: z.array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        isFinal: z.boolean(),
        description: z.string().nullable(),
        waitingFor: z.string().nullable(),
        tags: z.array(z.string()),
      }),
    ),
    nodes: z
      .array(
        z.strictObject({
          id: z.string(),
          parent: z.string().nullable(),
          name: z.string(),
          kind: z.enum(["atomic", "compound", "parallel", "final", "history"]),
          isLeading: z.boolean().meta({ description: "Its child that is active is the `state` of an instance." }),
        }),
      )
      .meta({ description: "Every node of the chart, parents before children: what a state value names." }),
    events: z.array(
      z.strictObject({
        type: z.string(),
        sentBy: z.array(z.enum(["person", "agent", "provider", "engine"])),
        isApproval: z.boolean().meta({ description: "Takes an approver who is known." }),
        schema: jsonSchema,
      }),
    ),
  })
  .meta({ id: "Machine", description: "A statechart: its states and its events." });

export const sentEvent = z
  .strictObject({ outcome: z.enum(["changed", "unchanged"]), version: z.int().positive(), instance: instanceView })
  .meta({ id: "SentEvent", description: "What an event did." });

export const sentEvents = z.strictObject({ items: z.array(sentEvent) }).meta({ id: "SentEvents" });

/** Of an entry into maintenance that waits for the budget of a group. */
export const queuedEntry = z
  .strictObject({
    outcome: z.literal("queued"),
    version: z.int().positive(),
    group: z.string(),
    instance: instanceView,
  })
  .meta({ id: "QueuedEntry", description: "It waits in line, and enters when its turn comes." });

const effect = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("call"), id: z.string(), activity: z.string(), input: z.unknown() }),
    z.strictObject({ kind: z.literal("timer"), id: z.string(), delayMs: z.number(), event }),
    z.strictObject({ kind: z.literal("message"), to: z.string(), event }),
    z.strictObject({ kind: z.literal("emitted"), event }),
    z.strictObject({ kind: z.literal("withdraw"), id: z.string() }),
  ])
  .meta({ id: "Effect", description: "What the world would be asked to do." });

export const dryRun = z
  .strictObject({
    outcome,
    reasons: z.array(refusal).optional(),
    via: z.array(z.string()),
    effects: z.array(effect),
    instance: instanceView.meta({ description: "As it would be." }),
  })
  .meta({ id: "DryRun", description: "What an event would do; nothing has happened." });

export const explanation = z
  .strictObject({
    instance: instanceView,
    waitingFor: z.array(waitingFor),
    hears: z.array(heard),
    pending: z.array(pendingItem),
    verdict: z
      .strictObject({
        type: z.string(),
        outcome,
        reasons: z.array(refusal).optional(),
        via: z.array(z.string()),
        to: z.string().meta({ description: "The state that it would be in then." }),
        effects: z.array(effect),
        forbidden: z
          .string()
          .optional()
          .meta({ description: "Why the one who asks may not send it, whatever the statechart says." }),
      })
      .optional()
      .meta({ description: "On the event that was asked about." }),
  })
  .meta({ id: "Explanation", description: "What an instance waits for, and what would move it." });

export const verification = z
  .strictObject({
    checked: count.meta({ description: "Instances whose journal was replayed." }),
    differences: z.array(
      z.strictObject({ instance: z.string(), seq: z.int().positive().nullable(), detail: z.string() }),
    ),
    unverifiable: z.array(z.strictObject({ instance: z.string(), detail: z.string() })),
  })
  .meta({ id: "Verification" });

const sha256 = z.string().meta({ description: "SHA-256, 64 hexadecimal digits in lower case." });
const textOrNull = z.string().nullable();
const numberOrNull = z.number().nullable();

const chainContent = z
  .strictObject({
    at: z.number(),
    checkpoint: textOrNull,
    checkpointVersion: numberOrNull,
    commandId: textOrNull,
    emitted: textOrNull,
    event: textOrNull,
    from: textOrNull,
    instance: z.string(),
    kind: z.string(),
    machine: z.string(),
    outcome: z.string(),
    principal: z.string(),
    reasons: textOrNull,
    stream: textOrNull,
    streamSeq: numberOrNull,
    to: z.string(),
    trace: textOrNull,
    version: z.number(),
    via: z.string(),
  })
  .meta({ id: "AuditContent", description: "A journal row as it is stored and hashed; JSON within is text." });

export const chainRows = z
  .strictObject({
    rows: z.array(
      z
        .strictObject({
          seq: z.int(),
          instance: z.string(),
          previous: sha256.meta({ description: "The hash of the row before; of the first one 64 zeros." }),
          contentHash: sha256,
          hash: sha256,
          content: chainContent.nullable().meta({ description: "Null: cut off by retention." }),
        })
        .meta({ id: "AuditRow" }),
    ),
    nextAfter: z.int(),
  })
  .meta({ id: "AuditRows" });

export const chainReport = z
  .strictObject({
    checked: count.meta({ description: "Rows that were looked at." }),
    head: z.strictObject({ seq: z.int(), hash: sha256 }).meta({ description: "The last of them." }),
    faults: z.array(z.strictObject({ seq: z.int(), detail: z.string() })),
    complete: z.boolean().meta({ description: "Whether the end was reached; if not, go on `from` the head." }),
  })
  .meta({ id: "AuditReport" });

const codes = Object.keys(errorCatalogue) as ErrorCode[];

/** RFC 9457, with every member that an error of ours adds. */
export const problemDocument = z
  .strictObject({
    type: z.string().regex(/^urn:signalbox:problem:[a-z-]+$/),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().meta({ description: "The request's id, as in `X-Request-Id`." }),
    code: z.enum(codes),
    errors: z
      .array(
        z.strictObject({
          pointer: z.string().meta({ description: "RFC 6901, into the part of the request that does not fit." }),
          detail: z.string(),
        }),
      )
      .optional()
      .meta({ description: "The faults of the request, all at once." }),
    id: z.string().optional().meta({ description: "The instance that refused." }),
    version: count.optional().meta({ description: "The version that the instance is at." }),
    from: z.string().optional().meta({ description: "The state that refused." }),
    event: z.string().optional().meta({ description: "The event that was refused." }),
    reasons: z.array(refusal).optional(),
    hears: z.array(heard).optional(),
    move: count.optional().meta({ description: "Which move of a transaction, counted from 0." }),
    expected: count.optional().meta({ description: "The number that the stream goes on with." }),
    retryAfterMs: z.number().optional(),
    checks: z.array(readinessCheck).optional().meta({ description: "What readiness rests on, and what is wrong." }),
    machine: z.string().optional(),
    found: z.number().optional().meta({ description: "The machine's version that the instance was made by." }),
    current: z.number().optional().meta({ description: "The machine's version that runs here." }),
  })
  .meta({ id: "Problem", description: "A problem document (RFC 9457)." });

export type InstanceView = z.output<typeof instanceView>;
export type JournalEntryView = z.output<typeof journalEntry>;
export type PendingView = z.output<typeof pendingItem>;
export type MachineSummary = z.output<typeof machineSummary>;
export type MachineDetails = z.output<typeof machineDetails>;
export type SentEventView = z.output<typeof sentEvent>;
export type MomentView = z.output<typeof moment>;
export type AttentionView = z.output<typeof attention>;
export type OverviewView = z.output<typeof overview>;
export type DryRunView = z.output<typeof dryRun>;
export type ExplanationView = z.output<typeof explanation>;
export type ProblemDocument = z.output<typeof problemDocument>;

/** A page of a list. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    nextCursor: z.string().nullable().meta({ description: "Hand it on as `cursor`; null on the last page." }),
  });
}
