import type { Command } from "commander";
import type { Client, JournalEntryView, RequestOf } from "../client/index.ts";
import { nameByPlace } from "../planning/wave-name.ts";
import { allPages } from "./all-pages.ts";
import { wholeNumber } from "./commands.ts";
import { journalTable } from "./journal-command.ts";
import { table } from "./output.ts";
import type { CommandContext } from "./program.ts";
import { describeHost, describeRollout } from "./rollout-describe.ts";
import { explainHost } from "./rollout-explain.ts";
import { addSimulateCommand } from "./simulate-command.ts";
import { rolloutArgument, rolloutNamed, waveNamed, waveOption } from "./rollout-named.ts";
import { addRolloutEvents, addRolloutOpenings } from "./rollout-operations.ts";
import type { RolloutHostView, RolloutView } from "../operations/rollout-schemas.ts";
import { firstWaitOf, statusLines } from "./rollout-status.ts";
import { countsText, sumOfCounts } from "./rollout-bar.ts";
import { movingHosts, untilInterrupted, waitForRollout, watchRollout } from "./rollout-watch.ts";

/** Commands about rollouts: one ref brought to the hosts of one channel, wave after wave. */
export function addRolloutCommands(
  program: Command,
  context: CommandContext,
  composed: Parameters<typeof addSimulateCommand>[2],
): void {
  const rollout = program.command("rollout").description("bring a ref to the hosts of a channel, wave after wave");
  addReading(rollout, context);
  addRolloutEvents(rollout, context);
  addRolloutOpenings(rollout, context);
  addSimulateCommand(rollout, context, composed);
}

function addReading(rollout: Command, { action, output }: CommandContext): void {
  rollout
    .command("list")
    .description("list rollouts, the newest first")
    .option("--channel <name>", "only of this channel")
    .option("--state <name>", "only in this state")
    .action(
      action(async ({ client, show }, filter: ListFilter) => {
        const items = await allPages((page) => client.call("list-rollouts", { query: { ...filter, ...page } }));
        const headings = ["ROLLOUT", "STATE", "CONTROL", "WAVE", "HOSTS", "SINCE", "WAITS FOR"];
        show({ items }, () => table(headings, items.map(rolloutRow)));
      }),
    );

  rollout
    .command("show")
    .description("show all that is known of a rollout")
    .argument("<rollout>", rolloutArgument)
    .action(
      action(async ({ client, show }, given: string) => {
        const found = await client.call("show-rollout", { params: { rollout: await rolloutNamed(client, given) } });
        show(found, () => describeRollout(found));
      }),
    );

  rollout
    .command("hosts")
    .description("list the hosts of a rollout, by wave and name")
    .argument("<rollout>", rolloutArgument)
    .option("--state <name>", "only in this state, or Excused")
    .option("--wave <wave>", `only of this wave: ${waveOption}`)
    .action(
      action(async ({ client, show }, given: string, { state, wave }: HostsFilter) => {
        const id = await rolloutNamed(client, given);
        const filter = { state, ...(wave !== undefined && { wave: await waveNamed(client, id, wave) }) };
        const params = { rollout: id };
        const items = await allPages((page) =>
          client.call("list-rollout-hosts", { params, query: { ...filter, ...page } }),
        );
        const { waves } = await client.call("show-rollout", { params });
        const headings = ["HOST", "WAVE", "STATE", "SINCE", "VERSION", "NOTE"];
        show({ items }, () =>
          table(
            headings,
            items.map((host) => hostRow(host, waves)),
          ),
        );
      }),
    );

  rollout
    .command("events")
    .description("show what happened to a rollout and its hosts")
    .argument("<rollout>", rolloutArgument)
    .option("--after <seq>", "only entries after this number", wholeNumber)
    .action(
      action(async ({ client, show }, given: string, { after }: { after?: number }) => {
        const entries = await eventsOf(client, await rolloutNamed(client, given), after ?? 0);
        show({ entries }, () => journalTable(entries));
      }),
    );

  rollout
    .command("status")
    .description("show how far a rollout is; with --wait until it has ended, exit 5 when not in Terminal")
    .argument("<rollout>", rolloutArgument)
    .option("--watch", "show it as it moves, until it has ended")
    .option("--wait", "the same, and say by the exit code how it ended")
    .action(
      action(async ({ client, show, isJson }, given: string, how: { watch?: true; wait?: true }) => {
        const rolloutId = await rolloutNamed(client, given);
        if (how.wait) return waitForRollout({ client, output, rolloutId, isJson });
        if (how.watch) {
          const json = isJson && { json: "changes" as const };
          await untilInterrupted((signal) => watchRollout({ client, output, rolloutId, signal, ...json }));
          return 0;
        }
        const found = await client.call("show-rollout", { params: { rollout: rolloutId } });
        const moving = isJson ? [] : await movingHosts(client, rolloutId);
        show(found, () => statusLines(found, moving));
        return 0;
      }),
    );

  rollout
    .command("explain")
    .description("say which gates hold a host back, since when, and what would open them")
    .argument("<host>", "its name")
    .option("--rollout <rollout>", `${rolloutArgument}; else the newest one that has the host`)
    .action(
      action(async ({ client, show }, host: string, { rollout: given }: { rollout?: string }) => {
        const found = await explainHost(client, host, given);
        show(found, () => describeHost(found));
      }),
    );
}

type HostsFilter = Pick<NonNullable<RequestOf<"list-rollout-hosts">["query"]>, "state"> & { wave?: string };

type ListFilter = Pick<NonNullable<RequestOf<"list-rollouts">["query"]>, "channel" | "state">;

/** A page may be empty and not the last: the journal of others is looked through as well. */
async function eventsOf(client: Client, rollout: string, from: number): Promise<JournalEntryView[]> {
  const all: JournalEntryView[] = [];
  for (let after = from; ; ) {
    const page = await client.call("list-rollout-events", { params: { rollout }, query: { after, limit: 500 } });
    all.push(...page.entries);
    if (page.isComplete) return all;
    after = page.nextAfter;
  }
}

function rolloutRow(rollout: RolloutView): string[] {
  const { rolloutId, state, control, currentWave, waves, since } = rollout;
  const wave = waves.length === 0 ? "-" : `${currentWave + 1}/${waves.length}`;
  return [
    rolloutId,
    state,
    control,
    wave,
    countsText(sumOfCounts(waves.map(({ counts }) => counts))),
    since,
    firstWaitOf(rollout) ?? "",
  ];
}

function hostRow(
  { host, wave, state, countedAs, since, observedVersion, ...more }: RolloutHostView,
  waves: RolloutView["waves"],
): string[] {
  return [
    host,
    waves[wave]?.name ?? nameByPlace(wave),
    countedAs === state ? state : `${state} (${countedAs})`,
    since ?? "-",
    observedVersion ?? "-",
    noteOn(more),
  ];
}

/** What there is to say beyond the state. */
function noteOn({ failure, excused, isUnreachable, isOffered }: Partial<RolloutHostView>): string {
  return [
    ...(failure ? [failure.reason] : []),
    ...(excused ? [`excused by ${excused.by}: ${excused.reason}`] : []),
    ...(isUnreachable ? ["unreachable"] : []),
    ...(isOffered ? ["offered"] : []),
  ].join("; ");
}
