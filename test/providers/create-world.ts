import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { endAllProcesses } from "../../src/providers/processes/end-all.ts";
import { type NodesFile, parseNodesFile } from "../../src/providers/processes/nodes-file.ts";
import { createProcessesProvider, type ProcessesProvider } from "../../src/providers/processes/processes-provider.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { createCall, type TestCall } from "./create-call.ts";
import { groupPort } from "./group-port.ts";
import { markedProcesses } from "./marked-processes.ts";
import { until } from "./until.ts";

const apps = join(import.meta.dirname, "apps");

export interface WorldOptions {
  /** Replicas by node. */
  replicas: Record<string, string[]>;
  /** Daemons by node. One named `broken` does not find its program. */
  daemons?: Record<string, { name: string; essential?: boolean }[]>;
  minHealthy?: number;
  /** Of the replicas, by name. */
  env?: Record<string, Record<string, string>>;
  /** Replicas that `sicken` makes unhealthy. */
  frail?: string[];
  knobs?: Record<string, unknown>;
}

export interface World {
  dir: string;
  run: string;
  port: number;
  nodes: NodesFile;
  provider: ProcessesProvider;
  /** Nodes that may not take anything new. */
  closed: Set<string>;
  /** Another Signalbox on the same directory, as after a restart. */
  restarted(): Promise<ProcessesProvider>;
  /** Performs an activity; the outcome, with a rejection as a value. */
  perform(activity: string, node: string, provider?: ProcessesProvider): TestCall & { outcome: Promise<unknown> };
  /** Names of replicas and daemons that run, one for each process, sorted. */
  running(): string[];
  /** `replica@node` of all that are there, sorted. */
  places(): Promise<string[]>;
  log(kind: string, name: string, node: string): Promise<string>;
  /** Makes every process of a replica that is `frail` unhealthy, but for one. */
  sicken(name: string, butFor?: number): void;
  heal(name: string): void;
}

/** Real processes in a directory of their own; none of them outlives the test. Takes its context, since tests share a process. */
export async function createWorld(t: TestContext, options: WorldOptions): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "signalbox-"));
  const run = randomUUID();
  const port = await groupPort();
  const sickFile = (name: string) => join(dir, `sick-${name}`);
  const text = nodesText(options, { run, port, sickFile });
  await writeFile(join(dir, "nodes.yaml"), text);
  const nodes = parseNodesFile(text);
  const closed = new Set<string>();
  const providers: ProcessesProvider[] = [];
  const create = () => {
    const mayPlace = async (node: string) => !closed.has(node);
    const provider = createProcessesProvider({ nodes, stateDir: join(dir, "state"), clock: systemClock(), mayPlace });
    providers.push(provider);
    return provider;
  };
  t.onTestFinished(async () => {
    await Promise.all(providers.map((provider) => provider.stop()));
    await endAllProcesses(join(dir, "state"), { graceMs: 100 });
    await until("nothing of the world runs", () => markedProcesses(run).length === 0);
    await rm(dir, { recursive: true, force: true });
  });

  const world: World = {
    dir,
    run,
    port,
    nodes,
    closed,
    provider: create(),
    sicken: (name, butFor) => writeFileSync(sickFile(name), String(butFor ?? "")),
    heal: (name) => rmSync(sickFile(name)),
    async restarted() {
      await world.provider.stop();
      world.provider = create();
      await world.provider.start();
      return world.provider;
    },
    perform(activity, node, provider = world.provider) {
      const test = createCall();
      const perform = provider.activities[activity] as (input: unknown, call: unknown) => Promise<unknown>;
      return { ...test, outcome: perform({ node, epoch: 7 }, test.call).catch((error: unknown) => error) };
    },
    running: () =>
      markedProcesses(run)
        .map(({ name }) => name)
        .toSorted(),
    async places() {
      const { processes } = await world.provider.status();
      return processes.map(({ name, node }) => `${name}@${node}`).toSorted();
    },
    log: (kind, name, node) => readFile(join(dir, "state", "logs", `${kind}@${name}@${node}.log`), "utf8"),
  };
  return world;
}

/** JSON is YAML. */
function nodesText(
  options: WorldOptions,
  { run, port, sickFile }: { run: string; port: number; sickFile(name: string): string },
) {
  const { replicas, daemons = {}, minHealthy = 1, env = {}, frail = [], knobs = {} } = options;
  const marks = (name: string) => ({ TEST_RUN: run, REPLICA: name, ...env[name] });
  const nodes = Object.entries(replicas).map(([node, names]) => {
    const ofReplica = (name: string) => {
      const sick = frail.includes(name) ? { SICK_IF: sickFile(name) } : {};
      return { group: "web", command: [process.execPath, join(apps, "web.js")], env: { ...marks(name), ...sick } };
    };
    const ofDaemon = (daemon: { name: string; essential?: boolean }) => ({
      command: daemon.name === "broken" ? ["/not-there"] : [process.execPath, join(apps, "daemon.js")],
      env: marks(daemon.name),
      essential: daemon.essential ?? false,
    });
    const spec = {
      replicas: Object.fromEntries(names.map((name) => [name, ofReplica(name)])),
      daemons: Object.fromEntries((daemons[node] ?? []).map((daemon) => [daemon.name, ofDaemon(daemon)])),
    };
    return [node, spec] as const;
  });
  return JSON.stringify({
    groups: { web: { port, health: "/health", minHealthy } },
    nodes: Object.fromEntries(nodes),
    drain: { batchSize: 2, pauseMs: 10 },
    healthIntervalMs: 100,
    stopGraceMs: 5_000,
    ...knobs,
  });
}
