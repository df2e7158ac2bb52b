import { resolve } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { Activity, Provider } from "../../core/provider.ts";
import { createBackoff } from "./backoff.ts";
import { createDaemons } from "./daemons.ts";
import { createDrainNode } from "./drain-node.ts";
import { createHealth } from "./health.ts";
import { createInventory } from "./inventory.ts";
import { type Log, silent } from "./log.ts";
import type { NodeInput } from "./maintenance-parts.ts";
import type { NodesFile } from "./nodes-file.ts";
import { createPlacement } from "./placement.ts";
import { createReplicas } from "./replicas.ts";
import { createResumeNode } from "./resume-node.ts";
import { createRotation } from "./rotation.ts";
import { createRouters } from "./routers.ts";
import { createStartReplica } from "./start-replica.ts";
import { type ProcessesStatus, statusOf } from "./status.ts";
import { createSupervisor } from "./supervise.ts";
import { createTurnsByKey } from "./turns-by-key.ts";
import { createWatchNode } from "./watch-node.ts";

export interface ProcessesProviderOptions {
  readonly nodes: NodesFile;
  /** Ours alone: one Signalbox at a time. Processes, their output and their routers are known by what is in it. */
  readonly stateDir: string;
  readonly clock: Clock;
  /** Whether new work may be placed on the node: it is not in maintenance, and not cordoned. */
  readonly mayPlace: (node: string) => Promise<boolean>;
  /** Where commands run; where Signalbox runs when left out. */
  readonly workDir?: string;
  readonly log?: Log;
}

export interface ProcessesProvider extends Provider {
  /**
   * Takes over what runs, starts the routers, and brings up what is meant to run where that may be placed. What does not
   * become healthy in its time is logged and in the status; it does not fail the start.
   */
  start(): Promise<void>;
  /** Ends our loops and leaves every process as it is, to be taken over by the next start. */
  stop(): Promise<void>;
  status(): Promise<ProcessesStatus>;
}

/** Performs node maintenance on processes of this machine: replicas behind routers, and daemons. */
export function createProcessesProvider(options: ProcessesProviderOptions): ProcessesProvider {
  const { nodes, clock, mayPlace, workDir = process.cwd(), log = silent } = options;
  const stateDir = resolve(options.stateDir);
  const turns = createTurnsByKey();
  const backoff = createBackoff(clock);
  const inventory = createInventory({ stateDir, workDir, clock, log });
  const placement = createPlacement({ nodes, inventory, mayPlace });
  const health = createHealth({ nodes, inventory, clock });
  const routers = createRouters({ stateDir, inventory, clock });
  const rotation = createRotation({ nodes, inventory, health, routers, clock });
  const startReplica = createStartReplica({ nodes, stateDir, inventory, health, rotation });
  const parts = {
    nodes,
    stateDir,
    inventory,
    placement,
    health,
    routers,
    rotation,
    startReplica,
    backoff,
    turns,
    clock,
  };
  const replicas = createReplicas(parts);
  const daemons = createDaemons(parts);
  const supervisor = createSupervisor({ ...parts, replicas, daemons, log });
  const activities = { ...parts, replicas, daemons };

  let life: Life | undefined;
  let stopped = Promise.resolve();

  function start() {
    life ??= begin();
    return life.started;
  }

  function begin(): Life {
    const end = new AbortController();
    const taken = stopped.then(() => inventory.begin(end.signal)).then(() => supervisor.takeOver(end.signal));
    const started = taken.then(() => supervisor.bringUp(end.signal));
    const loop = taken.then(() => supervisor.run(end.signal));
    loop.catch(() => undefined); // it fails only as the start does
    return { end, taken, started, work: new Set([started, loop]) };
  }

  function stop() {
    const ended = life;
    life = undefined;
    ended?.end.abort(new Error("The processes provider is stopping"));
    if (ended !== undefined) stopped = Promise.allSettled(ended.work).then(() => undefined);
    return stopped;
  }

  /** Nothing is known of any node before the start: nothing there would look like drained. */
  function whileStarted<Output>(activity: Activity<NodeInput, Output>): Activity<NodeInput, Output> {
    return async (input, call) => {
      if (life === undefined) throw new Error("The processes provider is not started");
      const { taken, end, work } = life;
      await taken;
      const signal = AbortSignal.any([call.signal, end.signal]);
      const performed = activity(input, { ...call, report: (event) => call.report(event), signal });
      work.add(performed);
      return performed.finally(() => work.delete(performed));
    };
  }

  return {
    name: "processes",
    activities: {
      drainNode: whileStarted(createDrainNode(activities)),
      resumeNode: whileStarted(createResumeNode(activities)),
      watchNode: whileStarted(createWatchNode(activities)),
    },
    performs: (_activity, input) => nodes.nodes.has(nodeOf(input)),
    start,
    stop,
    status: () => statusOf(activities),
  };
}

interface Life {
  readonly end: AbortController;
  /** What ran is known. */
  readonly taken: Promise<void>;
  /** What is meant to run was brought up. */
  readonly started: Promise<void>;
  /** What ends before the life is over: the above, the loop, and activities that are being performed. */
  readonly work: Set<Promise<unknown>>;
}

function nodeOf(input: unknown): string {
  const node = typeof input === "object" && input !== null && "node" in input ? input.node : undefined;
  return typeof node === "string" ? node : "";
}
