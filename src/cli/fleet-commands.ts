import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { AnswerTo } from "../client/index.ts";
import { isSignalboxError, messageOf, SignalboxError } from "../core/errors.ts";
import { describeFaults } from "../core/schema-faults.ts";
import type { ReadFleet } from "../planning/read-fleet.ts";
import { askOnTerminal } from "./ask.ts";
import { applicationLines, isAsItIs } from "./fleet-difference.ts";
import { table } from "./output.ts";
import type { CommandContext, Invocation } from "./program.ts";
import { counted } from "./rollout-operations.ts";
import { gateText, isWorthSaying } from "./rollout-status.ts";

/** Reads YAML or JSON without a server. Throws `invalid-request` with every fault, each with its pointer and line. */
export type ReadFleetText = (text: string) => Promise<ReadFleet>;

/** Commands about the fleet: its declaration, and where it is. */
export function addFleetCommands(
  program: Command,
  { action }: CommandContext,
  { readFleet }: { readFleet: ReadFleetText },
): void {
  const fleet = program.command("fleet").description("declare hosts, channels and refs, and see where they are");

  fleet
    .command("validate")
    .description("check a declaration, without a server; exit 2 with every fault and its line")
    .argument("<file>", "YAML or JSON")
    .action(
      action(async ({ show }, path: string) => {
        const { hash, channels, hosts, warnings } = await fleetIn(path, readFleet);
        show({ hash, channels, hosts, warnings }, () => [
          ...warnings.map(warningLine),
          `${path}: ${counted(channels, "channel")}, ${counted(hosts, "host")}, hash ${hash}`,
        ]);
      }),
    );

  fleet
    .command("apply")
    .description("make a declaration hold; opens a rollout for each channel whose ref has changed")
    .argument("<file>", "YAML or JSON")
    .option("--dry-run", "tell what would change, change nothing")
    .option("--yes", "do not ask first")
    .action(
      action(async (invocation, path: string, { dryRun, yes }: { dryRun?: true; yes?: true }) => {
        const { document, warnings } = await fleetIn(path, readFleet);
        const { client, show, isJson } = invocation;
        const body = { document: document as Record<string, unknown> }; // it was checked
        const trial = await client.call("apply-fleet", { body, query: { dryRun: "true" } });
        const said = () => [...warnings.map(warningLine), ...applicationLines(trial)];
        if (dryRun) return show(trial, said);
        if (!isJson) show(trial, said);
        if (yes !== true) {
          const holdsAlready = isAsItIs(trial) && (await client.call("show-fleet")).hash === trial.hash;
          if (holdsAlready) return isJson ? show(trial, said) : undefined;
          await agreed(invocation, trial);
        }
        const applied = await client.call("apply-fleet", { body, query: {}, expectedVersion: trial.version });
        show(applied, () => [
          `applied: ${applied.hash}`,
          ...applied.rollouts.map(({ channel, ref, rolloutId, why }) => {
            if (rolloutId !== null) return `opened: ${rolloutId}`;
            return `not opened: ${ref} over ${channel}${why === undefined ? "" : `: ${why}`}`;
          }),
        ]);
      }),
    );

  fleet
    .command("status")
    .description("show each channel with its rollout, what is quarantined, and whether the line is stopped")
    .action(
      action(async ({ client, show }) => {
        const status = await client.call("show-fleet");
        show(status, () => describeFleet(status));
      }),
    );

  fleet
    .command("show")
    .description("print the declaration that holds")
    .action(
      action(async ({ client, show }) => {
        const declaration = await client.call("show-declaration");
        show(declaration, () => JSON.stringify(declaration.document, undefined, 2).split("\n"));
      }),
    );
}

type FleetStatus = AnswerTo<"show-fleet">;

/** Throws `invalid-request` when it cannot be read, or with every fault in it. */
async function fleetIn(path: string, read: ReadFleetText): Promise<ReadFleet> {
  try {
    return await read(textOf(path));
  } catch (error) {
    if (!isSignalboxError(error, "invalid-request") || error.errors.length === 0) throw error;
    const { errors } = error;
    throw new SignalboxError("invalid-request", `${path} is not well formed: ${describeFaults(errors)}`, { errors });
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const detail = `The declaration cannot be read: ${messageOf(error)}.`;
    throw new SignalboxError("invalid-request", detail, { cause: error });
  }
}

function warningLine({ pointer, detail }: ReadFleet["warnings"][number]): string {
  return `warning: ${pointer || "/"}: ${detail}`;
}

/** Asks before it is done. Throws `invalid-request` when nobody can be asked, or says no. */
async function agreed({ isJson }: Invocation, { rollouts }: AnswerTo<"apply-fleet">): Promise<void> {
  const ask = isJson ? undefined : askOnTerminal();
  if (ask === undefined)
    throw new SignalboxError("invalid-request", "Nobody is there to be asked: say --yes to apply it, or --dry-run.");
  const what = rollouts.length === 0 ? "Apply it?" : `Apply it, and open ${counted(rollouts.length, "rollout")}?`;
  if (!(await ask(what))) throw new SignalboxError("invalid-request", "Not applied: nothing was changed.");
}

/** After an undo, or a ref that was rolled out by hand: what runs is not what is declared, and stays so by itself. */
function notDeclaredLines({ channel, ref, rollout, quarantined }: FleetStatus["channels"][number]): string[] {
  if (rollout === null || rollout.targetRef === ref) return [];
  const first = quarantined.some((each) => each.ref === ref)
    ? `signalbox quarantine clear ${channel} ${ref} --reason TEXT, then `
    : "";
  return [
    `NOT AS DECLARED: ${ref} is declared on ${channel}, and ${rollout.rolloutId} brings ${rollout.targetRef}: declare ${rollout.targetRef}, or bring ${ref} again by ${first}signalbox rollout open ${channel}`,
  ];
}

/** The status for people: what is wrong comes first. */
export function describeFleet(status: FleetStatus): string[] {
  const { hash, appliedAt, appliedBy, fault, line, contested, channels, hosts } = status;
  const states = Object.entries(hosts.byState).filter(([, count]) => count > 0);
  const rows = channels.map(({ channel, ref, hosts: count, rollout }) => [
    channel,
    ref,
    String(count),
    rollout?.rolloutId ?? "-",
    rollout === null ? "-" : rollout.state,
    (rollout?.gates ?? []).filter(isWorthSaying).slice(0, 1).map(gateText).join(""),
  ]);
  const stopped = `${line.reason ?? "no reason given"} (by ${line.by ?? "nobody known"} since ${line.since ?? "ever"})`;
  return [
    hash === null ? "nothing is declared yet" : `declared ${hash}, applied ${appliedAt ?? "-"} by ${appliedBy ?? "-"}`,
    ...(fault === null
      ? []
      : [
          `NOT APPLIED: ${fault.source}${fault.revision === null ? "" : ` at ${fault.revision}`}: ${fault.detail} (since ${fault.since}; what was declared before holds)`,
        ]),
    ...(line.state === "Stopped" ? [`THE LINE IS STOPPED: ${stopped}`] : []),
    ...contested.map(({ host, since, why }) => `TWO AGENTS: one for ${host} is refused since ${since}. ${why}`),
    `${counted(hosts.total, "host")}${states.length === 0 ? "" : `: ${states.map(([state, count]) => `${count} ${state}`).join(", ")}`}`,
    ...table(["CHANNEL", "DECLARED", "HOSTS", "ROLLOUT", "STATE", "WAITS FOR"], rows),
    ...channels.flatMap(notDeclaredLines),
    ...channels.flatMap(({ channel, quarantined }) =>
      quarantined.map(({ ref, reason, since }) => `quarantined: ${ref} on ${channel}: ${reason} (since ${since})`),
    ),
  ];
}
