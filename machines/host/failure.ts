import { observedAtOf, type Failure, type HostContext } from "./context.ts";
import type { HostEventOf } from "./events.ts";
import { describeProbes, failingProbes } from "./probes.ts";

/** An event after which the host is Failed. */
export type FailingEvent = HostEventOf<
  | "activation.completed"
  | "activation.failed"
  | "activation.unconfirmed"
  | "health.failed"
  | "agent.failed"
  | "rollback.requested"
  | "rollback.completed"
  | "rollback.failed"
>;

/** What went wrong, as a person will read it. */
export function failureOf(context: HostContext, event: FailingEvent): Failure {
  const { host, target } = context;
  switch (event.type) {
    case "activation.completed": {
      const reason = `${host} runs ${event.observedVersion} after the activation of ${target}`;
      return { kind: "version-mismatch", reason, at: observedAtOf(event, context) };
    }
    case "activation.failed": {
      const { exitCode, stderrTail } = event;
      const reason = `the activation of ${target} ended with exit code ${exitCode}`;
      return { kind: "activation-failed", reason, at: observedAtOf(event, context), exitCode, stderrTail };
    }
    case "activation.unconfirmed":
      return { kind: "unconfirmed", reason: event.reason ?? unheard(context), at: observedAtOf(event, context) };
    case "health.failed":
      return { kind: "health", reason: unhealthy(context, event), at: observedAtOf(event, context) };
    case "agent.failed":
      return { kind: "agent-error", reason: `${event.call}: ${event.reason}`, at: observedAtOf(event, context) };
    case "rollback.requested":
      return { kind: "rollback-requested", reason: event.reason ?? "asked to go back", at: event.at };
    case "rollback.completed":
    case "rollback.failed":
      return { kind: "rollback-requested", reason: "asked to go back", at: observedAtOf(event, context) };
    default:
      return event satisfies never;
  }
}

/** The sentence of a call's end that should have been none, as long as an event may carry it. */
export function errorOf(event: object): string {
  if (!("error" in event)) return "it ended without saying what came of it";
  const { error } = event;
  const said = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  return String(said).slice(0, 1_000) || "no reason was given";
}

function unheard({ host, policy }: HostContext): string {
  return `nobody was heard from ${host} within ${policy.confirmWithinMs / 1_000} s after the activation`;
}

function unhealthy(context: HostContext, event: HostEventOf<"health.failed">): string {
  const failing = failingProbes(context).toSorted((a, b) => a.since - b.since);
  const sustainedMs = observedAtOf(event, context) - (failing[0]?.since ?? event.at);
  return `${describeProbes(failing)}: failing for ${Math.round(sustainedMs / 1_000)} s`;
}
