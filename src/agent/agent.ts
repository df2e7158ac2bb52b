import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { host as hostMachine } from "../../machines/host/host.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf, SignalboxError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import type { Store } from "../store/store.ts";
import type { AgentFile } from "./agent-file.ts";
import { createAgentProvider } from "./agent-provider.ts";
import { createBackoff } from "./backoff.ts";
import { createChanges } from "./changes.ts";
import type { ControlPlane } from "./control-plane.ts";
import { createLink } from "./link.ts";
import { createLocalHosts } from "./local-hosts.ts";
import { createOutbox } from "./outbox.ts";
import { createRuns, runNameOf } from "./runs.ts";
import { createTakeOrder } from "./take-orders.ts";
import { createAskVersion } from "./version.ts";
import { createWitnesses, type Witnesses } from "./witnesses.ts";

export interface AgentOptions {
  readonly host: string;
  readonly file: AgentFile;
  /** Ours alone: the runs of commands are kept in it. */
  readonly dataDir: string;
  /** Where commands run. */
  readonly workDir: string;
  readonly store: Store;
  /** Where the control plane is. */
  readonly url: string;
  /** Whatever it answers is to be heard by the witnesses. */
  controlPlaneOf(witnesses: Witnesses): ControlPlane;
  /** Of the machine's present start. */
  readonly boot: string;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1: spreads what many agents do after the same outage. */
  readonly chance: () => number;
}

/** The agent of one host: its own engine, which does what the chart of a host asks for, and the link to the control plane. */
export interface Agent {
  readonly engine: Engine;
  /** Throws `invalid-request` when the directory is another host's. */
  start(): Promise<void>;
  /** Leaves commands that run as they are, to be found again. May be called twice. */
  stop(): Promise<void>;
}

const endedRetentionMs = 7_776_000_000; // 90 days: as long as a control plane keeps a rollout, if nobody says otherwise
const tidyEveryMs = 60_000; // bounds how much a process that was left behind can write in between

export function createAgent(options: AgentOptions): Agent {
  const { host, file, dataDir, workDir, store, url, controlPlaneOf, boot, clock, log, chance } = options;
  const runsDir = join(dataDir, "runs");
  const runs = createRuns({ dir: runsDir, workDir, clock });
  const witnesses = createWitnesses({ targets: file.confirmTargets, url, clock });
  const askVersion = createAskVersion({ version: file.version, workDir, clock });
  const provider = createAgentProvider(() => parts);
  const engine = createEngine({
    machines: [hostMachine],
    store,
    clock,
    providers: [provider],
    log,
    limits: { endedRetentionMs },
    mayForget: (id) => hosts.mayForget(id),
  });
  const hosts = createLocalHosts(engine);
  const changes = createChanges({ engine, onMoved: (instance) => outbox.moved(instance), clock, log });
  const parts = { file, runs, witnesses, askVersion, hosts, changes, boot, workDir, clock, log };
  const controlPlane = controlPlaneOf(witnesses);
  const backoff = () => createBackoff({ baseMs: 250, maxMs: 30_000, chance });
  const outbox = createOutbox({ engine, hosts, controlPlane, backoff: backoff(), clock, log });
  const takeOrder = createTakeOrder({ engine, host, hosts, controlPlane, outbox, runs, askVersion, clock, log });
  const link = createLink({ controlPlane, hosts, outbox, takeOrder, changes, backoff: backoff(), clock, log });
  const stopping = new AbortController();
  let loops: Promise<unknown> = Promise.resolve();

  /** What was done on one host must not be told of another. */
  async function checkOwner(): Promise<void> {
    const stranger = (await hosts.all()).find(({ context }) => context.host !== host)?.context.host;
    if (stranger === undefined) return;
    const detail = `${dataDir} has the records of ${stranger}, and this is the agent of ${host}. Give each host a directory of its own.`;
    throw new SignalboxError("invalid-request", detail);
  }

  async function tidyRuns(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await runs
        .tidy(wantedRuns)
        .catch((error: unknown) => log.warn({ error: messageOf(error) }, "runs are not tidied"));
      await clock.wakeAt(clock.now() + tidyEveryMs, signal);
    }
  }

  async function wantedRuns(): Promise<ReadonlySet<string>> {
    const active = await hosts.active();
    return new Set(active.flatMap(({ id }) => [runNameOf(id, "activate"), runNameOf(id, "rollBack")]));
  }

  return {
    engine,
    async start() {
      await mkdir(runsDir, { recursive: true, mode: 0o700 });
      await checkOwner();
      await engine.start();
      const { signal } = stopping;
      loops = Promise.all([changes.run(signal), outbox.run(signal), link.run(signal), tidyRuns(signal)]);
    },
    async stop() {
      stopping.abort(new DOMException("the agent stops", "AbortError"));
      await loops;
      await engine.stop();
    },
  };
}
