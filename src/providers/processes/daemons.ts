import type { Clock } from "../../core/clock.ts";
import { orAborted } from "../../core/or-aborted.ts";
import { messageOf } from "../../core/errors.ts";
import type { Backoff } from "./backoff.ts";
import type { Incarnation, Inventory } from "./inventory.ts";
import { logPath } from "./launch.ts";
import type { Daemon, NodesFile } from "./nodes-file.ts";
import type { Placement } from "./placement.ts";
import type { TurnsByKey } from "./turns-by-key.ts";
import { waitUntil } from "./wait-until.ts";

/** What of a daemon is asked for: its name and its node, in the file or no longer. */
export type DaemonName = Pick<Daemon, "name" | "node">;

/** Starts and stops the daemons, one thing at a time for each of them. */
export interface Daemons {
  /** Makes it run, when its node may have it, and sees that it stays. Throws a sentence when it does not. */
  run(daemon: Daemon, signal: AbortSignal): Promise<void>;
  stop(daemon: DaemonName, signal: AbortSignal): Promise<void>;
  isRunning(daemon: DaemonName): boolean;
  isBusy(daemon: DaemonName): boolean;
}

export interface DaemonsOptions {
  readonly nodes: NodesFile;
  readonly stateDir: string;
  readonly inventory: Inventory;
  readonly placement: Placement;
  readonly backoff: Backoff;
  readonly turns: TurnsByKey;
  readonly clock: Clock;
}

const staysMs = 500; // a daemon says nothing of its health; one that lives this long found its program and its settings

export function daemonKey({ name, node }: DaemonName): string {
  return `daemon ${name} on ${node}`;
}

export function createDaemons(options: DaemonsOptions): Daemons {
  const { nodes, stateDir, inventory, placement, backoff, turns, clock } = options;

  const those = ({ name, node }: DaemonName) =>
    inventory.all().filter(({ record }) => record.kind === "daemon" && record.name === name && record.node === node);
  const isRunning = (daemon: DaemonName) => those(daemon).some(inventory.isAlive);

  async function run(daemon: Daemon, signal: AbortSignal) {
    if (isRunning(daemon)) return;
    await orAborted(Promise.all(those(daemon).flatMap(({ ending }) => ending ?? [])), signal);
    const place = await placement.hold({ kind: "daemon", name: daemon.name }, daemon.node);
    if (place === undefined) return;
    try {
      const { name, node, command, env } = daemon;
      const started = await inventory.start({ kind: "daemon", name, node, command: [...command], env });
      await staysAlive(started, signal);
      backoff.succeeded(daemonKey(daemon));
    } catch (error) {
      if (!signal.aborted) backoff.failed(daemonKey(daemon), messageOf(error));
      throw error;
    } finally {
      place.release();
    }
  }

  async function staysAlive(daemon: Incarnation, signal: AbortSignal) {
    const hasEnded = () => !inventory.isAlive(daemon);
    if (!(await waitUntil(hasEnded, { clock, everyMs: 20, forMs: staysMs, signal }))) return;
    const { name, node } = daemon.record;
    throw new Error(`${name} ended right after its start on ${node}; see ${logPath(stateDir, daemon.record)}`);
  }

  async function stop(daemon: DaemonName, signal: AbortSignal) {
    const ends = those(daemon).map((one) => inventory.end(one, nodes.stopGraceMs));
    await orAborted(Promise.all(ends), signal);
  }

  return {
    run: (daemon, signal) => turns.take(daemonKey(daemon), signal, () => run(daemon, signal)),
    stop: (daemon, signal) => turns.take(daemonKey(daemon), signal, () => stop(daemon, signal)),
    isRunning,
    isBusy: (daemon) => turns.isTaken(daemonKey(daemon)),
  };
}
