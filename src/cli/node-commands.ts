import type { Command } from "commander";
import type { AnswerTo, InstanceView } from "../client/index.ts";
import { SignalboxError } from "../core/errors.ts";
import { parseDuration } from "../planning/duration.ts";
import { parseInstant } from "../planning/instant.ts";
import { checkFilter } from "./check-filter.ts";
import { collected } from "./commands.ts";
import { describeInstance } from "./describe.ts";
import { table } from "./output.ts";
import type { CommandContext, Invocation } from "./program.ts";
import { waitForNode } from "./wait-for-node.ts";

/** Commands about nodes and their maintenance. */
export function addNodeCommands(program: Command, { action, output }: CommandContext): void {
  program
    .command("nodes")
    .description("list the nodes and where each is in its maintenance")
    .option("--state <name>", "only in this state")
    .action(
      action(async ({ client, show }, { state }: { state?: string }) => {
        const items = await collected(client.nodes({ state }));
        if (items.length === 0) await checkFilter(client, { machine: "nodeMaintenance", state });
        show({ items }, () => [
          ...table(["NODE", "STATE", "SCHEDULING", "SINCE", "WAITS FOR"], items.map(nodeRow)),
          ...(items.length === 0 && state === undefined
            ? ["no nodes: `signalbox serve --nodes FILE` declares some"]
            : []),
        ]);
      }),
    );

  const node = program.command("node").description("take a node out of service and put it back");

  /** Sends, shows, and waits when asked to. */
  async function maintain(
    { client, show, isJson }: Invocation,
    operation: NodeOperation,
    name: string,
    body: Record<string, unknown>,
    wait: { until: readonly string[] } | undefined,
  ): Promise<number> {
    const sent = await client.call(operation, { params: { node: name }, body });
    if (wait === undefined || !isJson) show(sent, () => [sentence(name, sent)]);
    if (wait === undefined) return 0;
    return waitForNode({ client, output, node: name, until: wait.until, isInLine: sent.outcome === "queued", isJson });
  }

  node
    .command("drain")
    .description("move everything away and enter maintenance")
    .argument("<node>", "its name")
    .option("--reason <text>", "why, for whoever looks at the node")
    .option("--for <duration>", "give the drain up after so long, such as 10m", durationMs)
    .option("--no-deadline", "never give the drain up by itself")
    .option("--until <time>", "when the work is meant to be done, as RFC 3339")
    .option("--queue", "wait in line for the budget of the node's maintenance groups")
    .option("--wait", "show the drain until the node is in maintenance")
    .action(
      action(async (invocation, name: string, given: DrainOptions) => {
        if (given.for !== undefined && !given.deadline)
          throw new SignalboxError("invalid-request", "Give either --for or --no-deadline.");
        const body = {
          ...(given.reason !== undefined && { reason: given.reason }),
          ...(given.for !== undefined && { drainForMs: given.for }),
          ...(!given.deadline && { noDeadline: true }),
          ...(given.until !== undefined && { expectedUntil: timeOf(given.until) }),
          ...(given.queue === true && { queue: true }),
        };
        return maintain(invocation, "enter-maintenance", name, body, given.wait && { until: ["Maintenance"] });
      }),
    );

  node
    .command("resume")
    .description("leave maintenance: start what is meant to run, and take traffic again")
    .argument("<node>", "its name")
    .option("--force", "do not wait for what is not well; in Recovery: nor for the recovery ramp")
    .option("--keep-cordoned", "keep new work away afterwards")
    .option("--wait", "show it until the node is active")
    .action(
      action(async (invocation, name: string, given: { force?: true; keepCordoned?: true; wait?: true }) => {
        const body = { ...(given.force && { force: true }), ...(given.keepCordoned && { keepCordoned: true }) };
        return maintain(invocation, "exit-maintenance", name, body, given.wait && { until: ["Active"] });
      }),
    );

  node
    .command("abort")
    .description("stop a drain and go back")
    .argument("<node>", "its name")
    .option("--reason <text>", "why, for whoever reads the journal")
    .option("--wait", "show it until the node is active")
    .action(
      action(async (invocation, name: string, { reason, wait }: { reason?: string; wait?: true }) =>
        maintain(
          invocation,
          "abort-maintenance",
          name,
          reason === undefined ? {} : { reason },
          wait && { until: ["Active"] },
        ),
      ),
    );

  node
    .command("retry")
    .description("try a failed drain again")
    .argument("<node>", "its name")
    .option("--reason <text>", "why, for whoever looks at the node")
    .option("--for <duration>", "give the drain up after so long, such as 10m", durationMs)
    .option("--wait", "show the drain until the node is in maintenance")
    .action(
      action(async (invocation, name: string, given: { reason?: string; for?: number; wait?: true }) => {
        const body = {
          ...(given.reason !== undefined && { reason: given.reason }),
          ...(given.for !== undefined && { drainForMs: given.for }),
        };
        return maintain(invocation, "retry-maintenance", name, body, given.wait && { until: ["Maintenance"] });
      }),
    );

  node
    .command("cordon")
    .description("keep new work away")
    .argument("<node>", "its name")
    .option("--reason <text>", "why, for whoever reads the journal")
    .action(
      action(async (invocation, name: string, { reason }: { reason?: string }) =>
        maintain(invocation, "cordon-node", name, reason === undefined ? {} : { reason }, undefined),
      ),
    );

  node
    .command("uncordon")
    .description("let new work come again")
    .argument("<node>", "its name")
    .action(action(async (invocation, name: string) => maintain(invocation, "uncordon-node", name, {}, undefined)));

  node
    .command("status")
    .description("show a node; with --wait until it is at rest, exit 5 when its drain fails")
    .argument("<node>", "its name")
    .option("--wait", "show it until it is Active or in Maintenance")
    .action(
      action(async ({ client, show, isJson }, name: string, { wait }: { wait?: true }) => {
        if (wait) {
          const until = ["Active", "Maintenance"];
          return waitForNode({ client, output, node: name, until, isInLine: false, isJson });
        }
        const instance = await client.call("show-node", { params: { node: name } });
        show(instance, () => [...describeInstance(instance), ...requestOf(instance)]);
        return 0;
      }),
    );
}

type NodeOperation =
  | "enter-maintenance"
  | "exit-maintenance"
  | "abort-maintenance"
  | "retry-maintenance"
  | "cordon-node"
  | "uncordon-node";

function sentence(name: string, sent: AnswerTo<NodeOperation>): string {
  if (sent.outcome !== "queued") return `${sent.outcome}: ${name} is in ${placeOf(sent.instance)}`;
  return `queued: ${name} is in line at ${sent.group}; it enters maintenance when its turn comes`;
}

interface DrainOptions {
  reason?: string;
  for?: number;
  /** False with --no-deadline. */
  deadline: boolean;
  until?: string;
  queue?: true;
  wait?: true;
}

function nodeRow(instance: InstanceView): string[] {
  const { context, state, since, waitingFor } = instance;
  return [
    String((context as { node?: unknown }).node),
    state,
    schedulingOf(instance),
    since,
    waitingFor[0]?.what ?? "",
  ];
}

/** Who asked for the maintenance that is under way, and why. */
function requestOf({ context }: InstanceView): string[] {
  const { requestedBy, requestedReason } = (context ?? {}) as { requestedBy?: unknown; requestedReason?: unknown };
  const why = typeof requestedReason === "string" ? `: ${requestedReason}` : "";
  return typeof requestedBy === "string" ? [`  asked   by ${requestedBy}${why}`] : [];
}

/** "Active"; "Active and Cordoned": elsewhere than Active it always is. */
function placeOf(instance: InstanceView): string {
  const scheduling = schedulingOf(instance);
  return instance.state === "Active" && scheduling !== "" ? `Active and ${scheduling}` : instance.state;
}

function schedulingOf({ value }: InstanceView): string {
  return (value as { scheduling?: string }).scheduling ?? "";
}

function timeOf(text: string): number {
  const at = parseInstant(text);
  if (at !== undefined) return at;
  throw new SignalboxError("invalid-request", `--until is a time such as 2030-01-31T18:00:00Z, not ${text}.`);
}

function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new SignalboxError(
    "invalid-request",
    `Expected a duration with its unit, such as 30s, 10m or 2h, not ${text}.`,
  );
}
