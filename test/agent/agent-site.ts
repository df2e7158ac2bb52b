import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { HostContext } from "../../machines/host/context.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { createAgent, type Agent } from "../../src/agent/agent.ts";
import { parseAgentFile } from "../../src/agent/agent-file.ts";
import { createRuns, runNameOf } from "../../src/agent/runs.ts";
import type { Clock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { createMirror, host, type Mirror } from "./mirror.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** An agent on a real directory, connected to a mirror without a network in between. */
export interface AgentSite {
  workplace: Workplace;
  mirror: Mirror;
  agent: Agent;
  stateOf(rolloutId: string): Promise<string>;
  contextOf(rolloutId: string): Promise<HostContext>;
  /** Another agent on the same directory, after this one has stopped. */
  restarted(changes?: Partial<SiteOptions>): Promise<AgentSite>;
}

export interface SiteOptions {
  host: string;
  clock: Clock;
  boot: string;
  /** Added to the configuration. */
  yaml: string;
  workplace: Workplace;
  mirror: Mirror;
}

export function createAgentSite(given: Partial<SiteOptions> = {}): AgentSite {
  const { clock = systemClock(), host: name = host, boot = "boot-1", yaml = "", workplace = createWorkplace() } = given;
  const { mirror = createMirror(clock) } = given;
  const file = parseAgentFile(`
version: { command: [cat, version] }
activate: { command: [./activate], timeout: 20s, deferExitCode: 75 }
${yaml}`);
  const dataDir = join(workplace.path, "data");
  const store = sqliteStore(join(dataDir, "agent.db"));
  const agent = createAgent({
    host: name,
    file,
    dataDir,
    workDir: workplace.path,
    store,
    url: "http://127.0.0.1:2",
    controlPlaneOf: mirror.controlPlaneOf,
    boot,
    clock,
    log: silentLog,
    chance: () => 0,
  });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= agent.stop().then(() => store.close()));
  onTestFinished(stop);
  return {
    workplace,
    mirror,
    agent,
    stateOf: async (rolloutId) => (await agent.engine.read(hostIdOf(rolloutId, host))).state,
    contextOf: async (rolloutId) => (await agent.engine.read(hostIdOf(rolloutId, host))).context as HostContext,
    async restarted(changes = {}) {
      await stop();
      return createAgentSite({ ...given, workplace, mirror, ...changes });
    },
  };
}

/** Puts a rollout into the agent's database as if it had just been activated, by a run before which those had answered. */
export async function addSoaking(
  { agent, workplace }: AgentSite,
  rolloutId: string,
  given: { input?: object; rollbackTo?: string; witnesses?: string[] } = {},
): Promise<void> {
  const { input = {}, rollbackTo = null, witnesses = [] } = given;
  const id = hostIdOf(rolloutId, host);
  const [channel = "", target = ""] = rolloutId.split("@");
  const runs = createRuns({ dir: join(workplace.path, "data", "runs"), workDir: workplace.path, clock: systemClock() });
  const about = { key: `${id}#1:activate`, instance: id, target, boot: "boot-1", witnesses };
  const run = await runs.begin(runNameOf(id, "activate"), { ...about, command: ["true"], env: {} });
  await run.ended({ timeoutMs: 20_000, signal: new AbortController().signal });
  workplace.setVersion(target);
  await agent.engine.transact([
    {
      create: {
        machine: "host",
        id,
        input: { rolloutId, host, channel, target, wave: 0, ...input },
        labels: { rollout: rolloutId, host, channel },
      },
    },
    { id, event: { type: "dispatch.acknowledged", observedPrior: "v1", rollbackTo } },
    { id, event: { type: "activation.started" } },
    { id, event: { type: "activation.completed", observedVersion: target } },
  ]);
}
