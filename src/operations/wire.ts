import type { Instance, Sent } from "../core/outcome.ts";
import type { DryRun, Explanation } from "../engine/engine.ts";
import type { JournalEntry, Page, PendingItem } from "../engine/reading.ts";
import type {
  DryRunView,
  ExplanationView,
  InstanceView,
  JournalEntryView,
  PendingView,
  SentEventView,
} from "./answer-schemas.ts";
import { problemType, type Answer, type Refused } from "./operation.ts";

/** Epoch ms as RFC 3339 UTC. */
export function timeText(at: number): string;
export function timeText(at: number | null): string | null;
export function timeText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** The same for the times of one answer, of which many are one: to find a text again costs less than to write it. */
function createTimeTexts(): typeof timeText {
  const written = new Map<number, string>();
  function text(at: number): string;
  function text(at: number | null): string | null;
  function text(at: number | null): string | null {
    if (at === null) return null;
    const known = written.get(at) ?? timeText(at);
    written.set(at, known);
    return known;
  }
  return text;
}

/** The view, with times as text. What is inside `context` stays as the machine wrote it. */
export function instanceBody(instance: Instance): InstanceView {
  const text = createTimeTexts();
  return {
    ...instance,
    since: text(instance.since),
    deadline: text(instance.deadline),
    waitingFor: instance.waitingFor.map((each) => ({
      ...each,
      since: text(each.since),
      until: text(each.until),
    })),
    createdAt: text(instance.createdAt),
    updatedAt: text(instance.updatedAt),
  };
}

export function entryBody(entry: JournalEntry): JournalEntryView {
  return { ...entry, at: timeText(entry.at), via: [...entry.via] };
}

export function pendingBody(item: PendingItem): PendingView {
  return { ...item, dueAt: timeText(item.dueAt), createdAt: timeText(item.createdAt) };
}

export function pageBody<Item, Body>({ items, nextCursor }: Page<Item>, bodyOf: (item: Item) => Body) {
  return { items: items.map(bodyOf), nextCursor };
}

export function dryRunBody({ outcome, reasons, via, effects, instance }: DryRun): DryRunView {
  return {
    outcome,
    ...(reasons && { reasons }),
    via: [...via],
    effects: [...effects],
    instance: instanceBody(instance),
  };
}

/** `forbidden`: why the one who asks may not send the event. */
export function explanationBody(
  { instance, hears, pending, verdict }: Explanation,
  forbidden?: string,
): ExplanationView {
  const body = instanceBody(instance);
  return {
    instance: body,
    waitingFor: body.waitingFor,
    hears,
    pending: pending.map(pendingBody),
    ...(verdict && {
      verdict: {
        ...verdict,
        via: [...verdict.via],
        effects: [...verdict.effects],
        ...(forbidden && { forbidden }),
      },
    }),
  };
}

/** The answer to an event: 200, or the problem `event-refused`. */
export function sentAnswer(sent: Sent, eventType: string): Refused | (Answer & { status: 200; body: SentEventView }) {
  if (!isAccepted(sent)) return refusedAnswer(sent, eventType);
  const { instance, replayed } = sent;
  return { status: 200, body: sentBody(sent), version: instance.version, ...(replayed && { replayed }) };
}

export type Accepted = Sent & { outcome: "changed" | "unchanged" };

export function isAccepted(sent: Sent): sent is Accepted {
  return sent.outcome !== "refused";
}

export function sentBody({ outcome, version, instance }: Accepted): SentEventView {
  return { outcome, version, instance: instanceBody(instance) };
}

export function refusedAnswer({ version, instance, reasons = [], replayed }: Sent, eventType: string): Refused {
  return {
    status: 409,
    contentType: problemType,
    body: refusalBody(instance, eventType, reasons, version),
    version: instance.version,
    ...(replayed && { replayed }),
  };
}

function refusalBody(
  instance: Instance,
  eventType: string,
  reasons: NonNullable<Sent["reasons"]>,
  version: number,
): Refused["body"] {
  return {
    type: "urn:signalbox:problem:event-refused",
    title: "The statechart refuses the event",
    status: 409,
    detail: reasons.map(({ detail }) => detail).join(" "),
    code: "event-refused",
    id: instance.id,
    version,
    from: instance.state,
    event: eventType,
    reasons,
    hears: instance.hears,
  };
}
