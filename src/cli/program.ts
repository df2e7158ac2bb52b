import { Command, CommanderError, Help, type Option } from "commander";
import { createClient, type Client } from "../client/index.ts";
import { SignalboxError } from "../core/errors.ts";
import { addAgentCommand, type AgentOptions } from "./agent-command.ts";
import { addAuditCommands, type Checked, type Head } from "./audit-commands.ts";
import { addBackupCommands } from "./backup-commands.ts";
import { addDemoCommands, type DemoAct } from "./demo-commands.ts";
import { addFleetCommands, type ReadFleetText } from "./fleet-commands.ts";
import { addLineCommands } from "./line-commands.ts";
import { addQuarantineCommands } from "./quarantine-commands.ts";
import { addRolloutCommands } from "./rollout-commands.ts";
import { addInstanceCommands } from "./commands.ts";
import { addJournalCommand } from "./journal-command.ts";
import { addNodeCommands } from "./node-commands.ts";
import type { Simulated, SimulateOptions } from "./simulate-command.ts";
import { refusalForPeople } from "./said-by-people.ts";
import { addTokenCommands } from "./token-commands.ts";
import { jsonLine, plain, report, type Output } from "./output.ts";

/** What a command works with. */
export interface Invocation {
  client: Client;
  isJson: boolean;
  /** The body as it is with --json, else lines that are made of it for people. */
  show(body: unknown, forPeople: () => readonly string[]): void;
}

export interface CommandContext {
  output: Output;
  /** Wraps a command: gives it its invocation, and takes its exit code (0 when it gives none). */
  action<Given extends readonly never[] | unknown[]>(
    run: (invocation: Invocation, ...given: Given) => Promise<number | void>,
  ): (...given: Given) => Promise<void>;
}

export interface ServeOptions {
  data: string;
  port: number;
  host: string;
  nodes?: string;
  /** The declaration of the fleet that is applied at the start. */
  fleet?: string;
  /** Goes on to apply it whenever it changes. */
  watchFleet?: boolean;
  /** Who may come in; without it, everybody on this machine. */
  tokens?: string;
  /** Where a receiver of Stately's inspection protocol listens. */
  inspectUrl?: string;
}

/** What needs more than a server to talk to; handed in by whoever composes the program. */
export interface Composed {
  /** Resolves with the exit code when the server has stopped. */
  serve(options: ServeOptions): Promise<number>;
  demo(act: DemoAct): Promise<number>;
  /** Resolves with the exit code when the agent has stopped. */
  agent(options: AgentOptions): Promise<number>;
  readFleet: ReadFleetText;
  backUp(options: { data: string; to: string; onProgress(share: number): void }): Promise<Checked>;
  restore(options: { from: string; data: string; onProgress(share: number): void }): Promise<Checked>;
  /** Checks a file that `audit export` wrote. */
  checkExport(options: { file: string; expect?: Head; onChecked(rows: number): void }): Promise<Checked>;
  /** `onProgress` is told how far it is, again and again. */
  simulate(options: SimulateOptions, onProgress: (text: string) => void): Promise<Simulated>;
}

const retries = { attemptsMax: 3 }; // together half a second: somebody waits for the answer

/** Runs the command line; answers with the exit code. */
export async function runProgram(given: {
  argv: readonly string[];
  defaultUrl: string;
  /** Sent with each request. */
  token?: string;
  version: string;
  output: Output;
  composed: Composed;
}): Promise<number> {
  const { argv, defaultUrl, token, version, output, composed } = given;
  let exitCode = 0;
  const program = new Command("signalbox")
    .description("An interlocking for operations: what its statecharts forbid cannot be done.")
    .version(version)
    .option("--url <url>", "the server to talk to (SIGNALBOX_URL)", defaultUrl)
    .option("--json", "print JSON")
    .addHelpText("after", "\nA server with --tokens is asked with the token in SIGNALBOX_TOKEN.")
    .showHelpAfterError("(add --help for the options)")
    .configureHelp({ showGlobalOptions: true, optionDescription: describeOption })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.line(text.trimEnd()),
      writeErr(text) {
        if (isJson()) return; // told below, as JSON
        for (const line of text.trimEnd().split("\n")) output.error(plain(line));
      },
    });
  const isJson = () => program.opts<{ json?: true }>().json === true || argv.includes("--json");
  const context: CommandContext = {
    output,
    action:
      (run) =>
      async (...args) => {
        const { url } = program.opts<{ url: string }>();
        const client = createClient({ url, retries, ...(token !== undefined && { token }) });
        const invocation: Invocation = {
          client,
          isJson: isJson(),
          show(body, forPeople) {
            if (isJson()) output.line(jsonLine(body));
            else for (const line of forPeople()) output.line(plain(line));
          },
        };
        try {
          exitCode = (await run(invocation, ...args)) ?? 0;
        } catch (error) {
          throw isJson() ? error : await refusalForPeople(client, error);
        }
      },
  };

  program
    .command("serve")
    .description("run a server on an embedded database")
    .requiredOption("--data <dir>", "where the database lies; made when it is not there")
    .option("--port <n>", "port to listen on; 0 picks a free one", portNumber, 4100)
    .option("--host <address>", "address to listen on; without authentication only a loopback one", "127.0.0.1")
    .option("--nodes <file>", "nodes and replicas that are kept as processes here")
    .option("--fleet <file>", "the declaration of the fleet, applied at the start")
    .option("--watch-fleet", "apply it again whenever it changes; in a git work tree what is committed counts")
    .option("--tokens <file>", "who may come in, as `signalbox token create` writes it")
    .option("--inspect-url <ws-url>", "tell a Stately inspector there what happens, contexts included")
    .action(async (options: ServeOptions) => {
      exitCode = await composed.serve(options);
    });
  addDemoCommands(program, context, composed);
  addAgentCommand(program, { agent: composed.agent, ended: (code) => (exitCode = code) });
  addNodeCommands(program, context);
  addFleetCommands(program, context, composed);
  addRolloutCommands(program, context, composed);
  addQuarantineCommands(program, context);
  addLineCommands(program, context);
  addInstanceCommands(program, context);
  addJournalCommand(program, context);
  addAuditCommands(program, context, composed);
  addBackupCommands(program, context, composed);
  addTokenCommands(program, context);

  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error, output, isJson());
    if (error.exitCode === 0) return 0;
    if (isJson()) report(new SignalboxError("invalid-request", sentenceOf(error)), output, true);
    return 2;
  }
}

/** Help that was shown because no command was named has no message of its own. */
function sentenceOf({ code, message }: CommanderError): string {
  if (code === "commander.help") return "A command is missing. Add --help to see those that there are.";
  return message.replace(/^error: /, "");
}

const help = new Help();

function describeOption(option: Option): string {
  return `${help.optionDescription(option)}${option.mandatory ? " (required)" : ""}`;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new SignalboxError("invalid-request", `A port is a number from 0 to 65535, not ${text}.`);
}
