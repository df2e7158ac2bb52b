import type { Command } from "commander";
import type { CommandContext, Composed } from "./program.ts";
import { jsonLine, plain } from "./output.ts";

/** What `rollout simulate` is given, as it was written. */
export interface SimulateOptions {
  file: string;
  ref: string;
  channel?: readonly string[];
  hosts?: string;
  failureRate?: string;
  bad?: boolean;
  unreachable?: string;
  activationTime?: string;
  approveAfter?: string;
  seed?: string;
  runs?: string;
  at?: string;
  until?: string;
}

/** What has come of a simulation: all of it as JSON, and lines for people. */
export interface Simulated {
  body: unknown;
  lines(): readonly string[];
}

/** A rollout as it would go, on this machine and without a server. */
export function addSimulateCommand(
  rollout: Command,
  { action, output }: CommandContext,
  { simulate }: Pick<Composed, "simulate">,
): void {
  rollout
    .command("simulate")
    .description("play a rollout through on a virtual clock: what the policy would do, how long it would take")
    .argument("<fleet>", "the fleet declaration, a YAML or JSON file")
    .requiredOption("--ref <ref>", "the version that is rolled out")
    .option("--channel <name...>", "the channels that it is rolled out over; all when not given")
    .option("--hosts <n>", "as if the fleet had so many hosts, in the same shares of channel, tags and wave")
    .option("--failure-rate <share>", "share of hosts on which the version fails, such as 0.02 or 2%")
    .option("--bad", "the version fails on every host")
    .option("--unreachable <share>", "share of hosts that nothing is ever heard of")
    .option("--activation-time <range>", "how long an activation takes, such as 45s or 30s..90s (the default)")
    .option("--approve-after <duration>", "how long an approval takes, such as 10m, or never; given at once by default")
    .option("--seed <text>", "another seed is another run of luck; the same one gives the same output")
    .option("--runs <n>", "simulate so often, each time with other luck, and tell how the outcomes are spread")
    .option("--at <time>", "when it starts, as RFC 3339: freezes depend on it; now by default")
    .option("--until <time>", "give it up then: a duration after the start, or a time; 30d by default")
    .addHelpText(
      "after",
      `
The statecharts, the planner and the control plane are those that a server runs; the hosts and their agents are a model.
Nothing is contacted and nothing is kept. For example:
  signalbox rollout simulate fleet.yaml --ref v42 --hosts 2000 --failure-rate 1%
  signalbox rollout simulate fleet.yaml --ref v42 --bad
  signalbox rollout simulate fleet.yaml --ref v42 --failure-rate 1% --runs 200`,
    )
    .action(
      action(async ({ isJson }, file: string, given: Omit<SimulateOptions, "file">) => {
        const draws = output.isTerminal && !isJson;
        let wasDrawn = false;
        const onProgress = (text: string) => {
          if (!draws) return;
          wasDrawn = true;
          output.redraw(plain(text));
        };
        const simulated = await simulate({ ...given, file }, onProgress);
        if (wasDrawn) output.redraw("");
        if (isJson) output.line(jsonLine(simulated.body));
        else for (const line of simulated.lines()) output.line(plain(line));
      }),
    );
}
