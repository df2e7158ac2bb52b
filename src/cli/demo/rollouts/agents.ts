import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ProgramProcess } from "../program-process.ts";
import type { Stage } from "../stage.ts";
import type { DemoHost } from "./site.ts";

const startedAtOnce = 4; // each takes half a second of a core to come up

// An agent keeps little: a small young space is collected more often, which costs it nothing that is felt.
const nodeOptions = ["--max-semi-space-size=2", "--max-old-space-size=96"];

/** Starts the agents of these hosts, a few at a time, and waits until each is there. */
export async function startAgents(
  stage: Stage,
  given: { hosts: readonly DemoHost[]; url: string; onReady?(running: number): void },
): Promise<ProgramProcess[]> {
  const { hosts, url, onReady } = given;
  const waiting = [...hosts];
  const running: ProgramProcess[] = [];
  async function startNext(): Promise<void> {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      stage.signal.throwIfAborted();
      const agent = startAgent(stage, host, url);
      await agent.ready;
      running.push(agent);
      onReady?.(running.length);
    }
  }
  await Promise.all(Array.from({ length: startedAtOnce }, startNext));
  return running;
}

function startAgent(stage: Stage, { name, token, configFile, dataDir }: DemoHost, url: string): ProgramProcess {
  return stage.start({
    name: `The agent of ${name}`,
    args: ["agent", "--config", configFile, "--data", dataDir, "--host", name, "--url", url],
    logPath: join(dirname(configFile), "agent.log"),
    env: { SIGNALBOX_TOKEN: token, SIGNALBOX_LOG_LEVEL: "warn" },
    nodeOptions,
  });
}

/** Memory that these processes alone take, in MB; undefined where the system does not tell. */
export function memoryOf(processes: readonly { pid: number }[]): number | undefined {
  try {
    const kilobytes = processes.map(({ pid }) => {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
      return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? Number.NaN);
    });
    return Math.round(kilobytes.reduce((sum, each) => sum + each, 0) / 1_024);
  } catch {
    return undefined;
  }
}
