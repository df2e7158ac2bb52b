import type { Instance, Sent } from "../core/outcome.ts";
import type { JournalEntry, PendingItem } from "../engine/reading.ts";
import type { Answer } from "./operation.ts";

/** Epoch ms as RFC 3339 UTC. */
export function timeText(at: number): string;
export function timeText(at: number | null): string | null;
export function timeText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** The view, with times as text. What is inside `context` stays as the machine wrote it. */
export function instanceBody(instance: Instance) {
  return {
    ...instance,
    since: timeText(instance.since),
    deadline: timeText(instance.deadline),
    waitingFor: instance.waitingFor.map((each) => ({
      ...each,
      since: timeText(each.since),
      until: timeText(each.until),
    })),
    createdAt: timeText(instance.createdAt),
    updatedAt: timeText(instance.updatedAt),
  };
}

export function entryBody(entry: JournalEntry) {
  return { ...entry, at: timeText(entry.at) };
}

export function pendingBody(item: PendingItem) {
  return { ...item, dueAt: timeText(item.dueAt), createdAt: timeText(item.createdAt) };
}

/** The answer to an event: 200, or the problem `event-refused`. */
export function sentAnswer(sent: Sent, eventType: string): Answer {
  const { outcome, version, instance, reasons, replayed } = sent;
  const common = { version: instance.version, ...(replayed && { replayed }) };
  if (outcome !== "refused")
    return { status: 200, body: { outcome, version, instance: instanceBody(instance) }, ...common };
  return {
    status: 409,
    contentType: "application/problem+json",
    body: refusalBody(instance, eventType, reasons ?? [], version),
    ...common,
  };
}

function refusalBody(instance: Instance, eventType: string, reasons: NonNullable<Sent["reasons"]>, version: number) {
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
