import type { Command } from "commander";
import { SignalboxError } from "../core/errors.ts";
import type { CommandContext } from "./program.ts";

/** What a demo shows. */
export type DemoAct =
  | { name: "maintenance" }
  | { name: "rollouts"; hosts: number }
  /** Not for people: takes away what a demo that was killed has left. */
  | { name: "sweep"; dataDir: string };

const hostsUsual = 40;
const hostsMin = 10; // three waves, and two hosts of the last one that are switched off
const hostsMax = 200; // each is a process

/** Demos on real processes of this machine. They start their own server, and leave nothing behind. */
export function addDemoCommands(
  program: Command,
  { action, output }: CommandContext,
  { demo: play }: { demo(act: DemoAct): Promise<number> },
): void {
  const demo = program
    .command("demo")
    .description("show it on real processes of this machine, and leave nothing behind");

  demo
    .command("maintenance", { isDefault: true })
    .description("drain nodes under traffic, kill the server in the middle, and watch it go on (20 seconds)")
    .action(
      action(async () => {
        const exitCode = await play({ name: "maintenance" });
        if (exitCode !== 0) return exitCode;
        output.line(
          "\nThere is more to see: `npm run demo -- rollouts` is the next act, `npm run demo -- --help` lists all.",
        );
        return exitCode;
      }),
    );

  demo
    .command("rollouts")
    .description("roll a good version out to 40 agents, then a bad one, and kill the server in the middle (a minute)")
    .option("--hosts <n>", `how many agents, ${hostsMin} to ${hostsMax}`, hostCount, hostsUsual)
    .action(action(async (_invocation, { hosts }: { hosts: number }) => play({ name: "rollouts", hosts })));

  demo
    .command("sweep", { hidden: true })
    .argument("<dir>")
    .action(action(async (_invocation, dataDir: string) => play({ name: "sweep", dataDir })));
}

function hostCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count >= hostsMin && count <= hostsMax) return count;
  throw new SignalboxError("invalid-request", `--hosts is a number from ${hostsMin} to ${hostsMax}, not ${text}.`);
}
