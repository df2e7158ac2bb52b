import type { ExampleEvent, Machine, Snapshot } from "../../src/core/machine.ts";
import { chart } from "./chart.ts";
import { describeBlockers, isKnownDrained, type NodeContext } from "./context.ts";
import { eventSchemas, inputSchema } from "./events.ts";
import { laws } from "./laws.ts";
import { stateNames } from "./successors.ts";

/** A node is taken out of service, worked on, and put back; see the chart. */
export const nodeMaintenance: Machine = {
  name: "nodeMaintenance",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws,
  examples,
  abstract,
  notes,
};

/** What a person looking at the node should know beside the state. */
function notes(context: NodeContext, state: string): string[] {
  const said: string[] = [];
  if (state === "EnteringMaintenance" || state === "DrainFailed") said.push(describeBlockers(context.blockers));
  if (state === "EnteringMaintenance" && context.drainDueAt === null) said.push("warning: this drain has no deadline");
  if (context.failure !== null) said.push(`the drain failed: ${context.failure.reason}`);
  if (context.waiting !== null && context.waiting.length > 0)
    said.push(`not healthy yet: ${context.waiting.join(", ")}`);
  if (context.resumeError !== null)
    said.push(`the last attempt to resume failed: ${context.resumeError}; tried again each minute`);
  if (typeof context.inLineAt === "string")
    said.push(`that is asked for already: it stands in line at ${context.inLineAt} and enters when its turn comes`);
  if (context.cordonedByOperator) said.push("an operator holds the node cordoned");
  if (context.groups.length === 0) said.push("in no maintenance group: not limited");
  return said;
}

/** Distinguishes what a guard or an edge distinguishes; window numbers only as far as observations can tell them apart. */
function abstract(context: NodeContext): unknown {
  const { blockers, drainDueAt, cordonedByOperator, resumeError, waiting, requestedReason, expectedUntil, epoch } =
    context;
  return {
    epoch: Math.min(epoch, 2),
    blockers: blockers === "unknown" ? "unknown" : isKnownDrained(blockers) ? "none" : "some",
    hasDeadline: drainDueAt !== null,
    hasReason: requestedReason !== null,
    isExpected: expectedUntil !== null,
    cordonedByOperator,
    hasResumeError: resumeError !== null,
    isWaiting: waiting !== null,
  };
}

function examples({ context }: Snapshot): ExampleEvent[] {
  const { epoch, drainingSince, groups } = context as NodeContext;
  const at = (drainingSince ?? 1_000_000) + 60_000;
  const blocked = { replicas: ["web-1"], daemons: [] };
  const drained = { replicas: [], daemons: [] };
  const slots = { slots: groups };
  const observed = stateNames.flatMap((name) => [
    { type: "maintenance.observed", epoch, state: { name } },
    { type: "maintenance.observed", epoch: epoch + 1, state: { name } },
  ]);
  const events: ExampleEvent[] = [
    { type: "maintenance.enter", ...slots },
    { type: "maintenance.enter" },
    { type: "maintenance.enter", reason: "a new kernel", drainForMs: 60_000, expectedUntil: at + 3_600_000, ...slots },
    { type: "maintenance.enter", noDeadline: true, ...slots },
    { type: "maintenance.exit" },
    { type: "maintenance.exit", force: true },
    { type: "maintenance.exit", keepCordoned: true },
    { type: "maintenance.abort" },
    { type: "maintenance.retry" },
    ...observed,
    { type: "maintenance.observed", epoch, state: { name: "EnteringMaintenance", reason: "a new kernel" } },
    { type: "maintenance.observed", epoch: epoch + 2, state: { name: "EnteringMaintenance" } },
    { type: "maintenance.observed", epoch: Math.max(0, epoch - 1), state: { name: "DrainFailed", reason: "late" } },
    { type: "drain.progressed", ...drained },
    { type: "drain.progressed", ...blocked, reasons: { "web-1": "no other node may take it" } },
    { type: "drain.progressed", epoch: epoch + 1, ...drained },
    { type: "daemons.progressed", waiting: [] },
    { type: "daemons.progressed", waiting: ["log-shipper"] },
    { type: "daemons.progressed", epoch: epoch + 1, waiting: [] },
    { type: "node.cordon" },
    { type: "node.uncordon" },
    { type: "node.queued", group: "racks", epoch },
    { type: "node.configured", policy: { drainForMs: 60_000 } },
    { type: "drain.deadlineElapsed" },
    { type: "resume.retryDue" },
    { type: "maintenance.overdue" },
    { type: "xstate.done.actor.drainNode", output: drained },
    { type: "xstate.done.actor.drainNode", output: blocked },
    { type: "xstate.error.actor.drainNode", error: { message: "the host does not answer" } },
    { type: "xstate.done.actor.resumeNode" },
    { type: "xstate.error.actor.resumeNode", error: { message: "web-1 does not become healthy" } },
    { type: "xstate.done.actor.watchNode" },
    { type: "xstate.error.actor.watchNode", error: { message: "the host does not answer" } },
    { type: "xstate.after.recoveryRamp.nodeMaintenance.lifecycle.Recovery" },
  ];
  return events.map((event) => ({ at, principal: "local", ...event }));
}
