import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { hostPattern } from "../../machines/rollout/rollout-id.ts";
import { createClient } from "../client/index.ts";
import { messageOf, SignalboxError } from "../core/errors.ts";
import { makeDataDirectory } from "../providers/data-directory.ts";
import { aborted, stopSignal } from "../providers/stop-signal.ts";
import { steadyClock } from "../providers/system-clock.ts";
import { sqliteStore } from "../store/sqlite/sqlite.ts";
import { createLog } from "../telemetry/log.ts";
import { createAgent } from "./agent.ts";
import { parseAgentFile, type AgentFile } from "./agent-file.ts";
import { bootId } from "./boot.ts";
import { createControlPlane } from "./control-plane.ts";
import { agentIdentity } from "./identity.ts";

export interface RunAgentOptions {
  /** Path of the configuration. */
  config: string;
  /** Where the database and the runs lie; made when it is not there. */
  data: string;
  /** Before what the configuration says. */
  url?: string;
  host?: string;
  /** Where the configuration does not say either. */
  defaultUrl: string;
  token?: string;
  logLevel: string;
  isRunByNpx: boolean;
}

/** Runs the agent of this host until a signal stops it. */
export async function runAgent(options: RunAgentOptions): Promise<number> {
  const log = createLog({ level: options.logLevel, fd: 2 });
  const file = readAgentFile(options.config);
  const host = checkedHost(options.host ?? file.host ?? hostname());
  const url = options.url ?? file.url ?? options.defaultUrl;
  const { token } = options;
  const client = createClient({ url, retries: { attemptsMax: 1 }, ...(token !== undefined && { token }) });
  const stopping = stopSignal(options);
  const dataDir = resolve(options.data);
  makeDataDirectory(dataDir, { mode: 0o700 });
  const store = sqliteStore(join(dataDir, "agent.db"));
  try {
    const identity = agentIdentity(dataDir);
    const agent = createAgent({
      host,
      file,
      dataDir,
      workDir: dirname(resolve(options.config)),
      store,
      url,
      controlPlaneOf: (witnesses) => createControlPlane({ client, host, agent: identity, witnesses }),
      boot: bootId(),
      clock: steadyClock(),
      log,
      chance: Math.random,
    });
    try {
      await agent.start();
      if (!stopping.aborted) process.stdout.write(`${JSON.stringify({ agent: host, url, pid: process.pid })}\n`);
      log.info({ host, url, data: dataDir }, "the agent runs");
      if (file.confirmTargets.length === 0)
        log.warn({ host }, "no confirm targets: an activation that cuts this host off is not undone");
      await aborted(stopping);
      log.info({ signal: stopping.reason as unknown }, "stopping: what runs is left to be found again");
    } finally {
      await agent.stop();
    }
    return 0;
  } finally {
    await store.close();
  }
}

function readAgentFile(path: string): AgentFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const detail = `The agent's configuration cannot be read: ${messageOf(error)}.`;
    throw new SignalboxError("invalid-request", detail, { cause: error });
  }
  return parseAgentFile(text, path);
}

function checkedHost(host: string): string {
  if (hostPattern.test(host)) return host;
  throw new SignalboxError("invalid-request", `${host} is no name of a host. Say another one with --host.`);
}
