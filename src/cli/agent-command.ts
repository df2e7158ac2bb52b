import type { Command } from "commander";

export interface AgentOptions {
  config: string;
  data: string;
  /** Only what was given: the configuration may say another one than the environment. */
  url?: string;
  host?: string;
}

/** The agent of a host. */
export function addAgentCommand(
  program: Command,
  { agent, ended }: { agent(options: AgentOptions): Promise<number>; ended(exitCode: number): void },
): void {
  program
    .command("agent")
    .description("run the agent of this host: it activates what a rollout dispatches, watches it, and goes back")
    .requiredOption("--config <file>", "what it does on this host, in YAML")
    .requiredOption("--data <dir>", "where it keeps its records; made when it is not there")
    .option("--host <name>", "the host's name in the fleet; otherwise the configuration's, or this machine's")
    .action(async (options: Omit<AgentOptions, "url">) => {
      const isGiven = program.getOptionValueSource("url") === "cli";
      ended(await agent({ ...options, ...(isGiven && { url: program.opts<{ url: string }>().url }) }));
    });
}
