import { join } from "node:path";
import { onTestFinished } from "vitest";
import { start, type Ended } from "../cli/processes.ts";
import type { Workplace } from "./workplace.ts";

/** The real agent in a process of its own. */
export interface AgentProcess {
  pid: number;
  ended: Promise<Ended>;
  /** SIGKILL when it is not told otherwise. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

export interface AgentProcessOptions {
  host: string;
  url: string;
  token?: string;
  /** Added to the configuration. */
  yaml?: string;
}

/** Starts an agent in a workplace, and waits until it runs. It ends with the test. */
export async function startAgent(workplace: Workplace, options: AgentProcessOptions): Promise<AgentProcess> {
  const agent = launchAgent(workplace, options);
  const line = JSON.parse(await agent.firstLine) as { agent: string };
  if (line.agent !== options.host) throw new Error(`It is the agent of ${line.agent}`);
  return { pid: agent.pid, ended: agent.ended, end: agent.end };
}

export function launchAgent(workplace: Workplace, { host, url, token, yaml = "" }: AgentProcessOptions) {
  const config = join(workplace.path, "agent.yaml");
  workplace.write(
    "agent.yaml",
    `version: { command: [cat, version] }\nactivate: { command: [./activate], timeout: 30s, deferExitCode: 75 }\n${yaml}\n`,
  );
  const args = ["agent", "--config", config, "--data", join(workplace.path, "data"), "--host", host, "--url", url];
  const running = start(args, token === undefined ? {} : { SIGNALBOX_TOKEN: token });
  const end = (signal: NodeJS.Signals = "SIGKILL") => {
    running.signal(signal);
    return running.ended;
  };
  onTestFinished(() => void end().catch(() => undefined));
  return { ...running, end };
}
