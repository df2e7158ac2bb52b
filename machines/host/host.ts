import type { ExampleEvent, Machine, Snapshot } from "../../src/core/machine.ts";
import { chart } from "./chart.ts";
import { observedSkewMs, type HostContext } from "./context.ts";
import { eventSchemas, inputSchema } from "./events.ts";
import { laws } from "./laws.ts";
import { describeProbes, failingProbes, unseenProbes } from "./probes.ts";

/** A host in a rollout; see the chart. */
export const host: Machine = {
  name: "host",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws,
  examples,
  abstract,
  notes,
  isPerformedElsewhere: true, // by the agent of the host, for the instance of its control plane
};

/** What a person looking at the host should know beside the state. */
function notes(context: HostContext, state: string): string[] {
  const { failure, deferredFor, releaseAskedBy, unreachableSince, excused } = context;
  const said: string[] = [];
  if (state === "Pending" && context.offeredAt === null) said.push(aboutOffer(context));
  if (state === "Deferred") said.push(`waits for a restart because of ${deferredFor}`);
  if (state === "Soaking") said.push(...aboutProbes(context));
  if (state === "Failed" && failure !== null)
    said.push(`${failure.kind}: ${failure.reason}`, ...aboutRollback(context));
  if (state === "Reverted") said.push(`went back to ${context.revertedTo}: ${failure?.reason}`);
  if ((state === "Activating" || state === "Failed") && releaseAskedBy !== null)
    said.push(`released by ${releaseAskedBy} as soon as the ${state === "Failed" ? "rollback" : "activation"} settles`);
  if (excused !== null) said.push(`excused by ${excused.by}: ${excused.reason}`);
  else if (unreachableSince !== null) said.push("unreachable: it is excused when it stays away");
  return said;
}

function aboutOffer({ excused }: HostContext): string {
  return excused === null
    ? "no offer stands: the planner offers it again"
    : "no offer stands: it is offered again when it is missed no more";
}

function aboutProbes(context: HostContext): string[] {
  const unseen = unseenProbes(context);
  const failing = failingProbes(context);
  return [
    ...(context.isSoakWaived ? ["the rest of the soak is waived"] : []),
    ...(unseen.length > 0 ? [`not seen yet: ${unseen.join(", ")}`] : []),
    ...(failing.length > 0 ? [`failing: ${describeProbes(failing)}`] : []),
  ];
}

function aboutRollback(context: HostContext): string[] {
  const holds = laws.rollsBack(context);
  return [holds === undefined ? `goes back to ${context.rollbackTo}` : holds.detail];
}

/** Distinguishes what a guard or an edge distinguishes in the state that the host is in. */
function abstract(context: HostContext): unknown {
  return {
    isUnreachable: context.unreachableSince !== null,
    isExcused: context.excused !== null,
    hasForgottenOrders: (context.forgottenOrders ?? 0) > 0,
    canGoBack: context.rollbackTo !== null,
    ...judgedIn(context),
  };
}

function judgedIn(context: HostContext): object {
  const { standsIn, offeredAt, startedAt, releaseAskedBy, isSoakWaived, failure } = context;
  switch (standsIn) {
    case "Pending":
      return { isOffered: offeredAt !== null };
    case "Activating":
      return { isStarted: startedAt !== null, isReleaseAsked: releaseAskedBy !== null };
    case "Soaking":
      return { isSoakWaived, probes: judgedProbes(context) };
    case "Failed":
      return { kind: failure?.kind ?? null, isReleaseAsked: releaseAskedBy !== null };
    default:
      return {};
  }
}

function judgedProbes(context: HostContext): string {
  if (unseenProbes(context).length > 0) return "unseen";
  return failingProbes(context).length > 0 ? "failing" : "passing";
}

function examples({ context }: Snapshot): ExampleEvent[] {
  const { target, completedAt } = context as HostContext;
  const at = lastTimeOf(context as HostContext) + 3_600_000;
  const early = completedAt ?? at;
  const web = { name: "web", mode: "enforce" };
  const events: ExampleEvent[] = [
    { type: "dispatch.offered", principal: "engine" },
    { type: "dispatch.withdrawn", principal: "engine" },
    { type: "dispatch.acknowledged", observedPrior: "v1", rollbackTo: "v1" },
    { type: "dispatch.acknowledged", observedPrior: null, observedAt: at + 10 * observedSkewMs },
    { type: "activation.started" },
    { type: "activation.completed", observedVersion: target },
    { type: "activation.completed", observedVersion: "v1" },
    { type: "activation.deferred", component: "kernel" },
    { type: "activation.failed", exitCode: 1, stderrTail: "no space left on device" },
    { type: "activation.unconfirmed" },
    { type: "probes.declared", probes: [{ ...web, kind: "http" }] },
    { type: "probes.declared", probes: [{ name: "disk", mode: "observe", kind: "exec" }] },
    { type: "probe.reported", ...web, status: "pass" },
    { type: "probe.reported", ...web, status: "fail", reason: "connection refused" },
    { type: "probe.reported", name: "disk", mode: "observe", status: "fail" },
    { type: "health.failed", sustainedMs: 60_000, failingProbes: ["web"] },
    { type: "health.failed", sustainedMs: 0, failingProbes: ["web"], observedAt: early },
    { type: "soak.waived", by: "ada", principal: "engine" },
    { type: "host.converged", version: target },
    { type: "host.converged", version: target, observedAt: early },
    { type: "host.converged", version: "v1" },
    { type: "agent.failed", call: "activate", reason: "the disk is full" },
    { type: "rollback.requested", reason: "web-9 has failed", principal: "engine" },
    { type: "rollback.completed", revertedTo: "v1" },
    { type: "rollback.failed", reason: "v1 does not start" },
    { type: "host.released", by: "stable@v3", principal: "engine" },
    { type: "orders.taken", forgotten: 1, principal: "engine" },
    { type: "orders.taken", forgotten: 0, principal: "engine" },
    { type: "host.unreachable", principal: "engine" },
    { type: "host.seen", principal: "engine" },
    { type: "host.excused", reason: "sent for repair", principal: "ada" },
    { type: "host.excuseDue", principal: "engine" },
    { type: "deferral.overdue", principal: "engine" },
    ...["activate", "awaitReboot", "probe", "awaitConfirmation", "rollBack"].flatMap((call) => [
      { type: `xstate.done.actor.${call}` },
      { type: `xstate.error.actor.${call}`, error: { message: "the disk is full" } },
    ]),
  ];
  return events.map((event) => ({ principal: "agent:web-1", ...event, at }));
}

/** The latest time that the context speaks of: what is sent after it is judged by time that has passed. */
function lastTimeOf(context: HostContext): number {
  const { offeredAt, acknowledgedAt, startedAt, completedAt, convergedAt, probes } = context;
  const reported = Object.values(probes).map(({ reportedAt }) => reportedAt);
  const times = [offeredAt, acknowledgedAt, startedAt, completedAt, convergedAt, ...reported];
  return Math.max(1_000_000, ...times.map((time) => time ?? 0));
}
