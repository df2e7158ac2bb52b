import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { type Daemons, daemonKey } from "./daemons.ts";
import type { Backoff } from "./backoff.ts";
import type { Health } from "./health.ts";
import type { Inventory } from "./inventory.ts";
import type { Log } from "./log.ts";
import type { Group, NodesFile } from "./nodes-file.ts";
import { type Replicas, replicaKey } from "./replicas.ts";
import type { Rotation } from "./rotation.ts";
import type { Routers } from "./routers.ts";

export interface SuperviseOptions {
  readonly nodes: NodesFile;
  readonly inventory: Inventory;
  readonly health: Health;
  readonly routers: Routers;
  readonly rotation: Rotation;
  readonly replicas: Replicas;
  readonly daemons: Daemons;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly log: Log;
}

/** The light loop that keeps what runs in line with what is meant to run. */
export interface Supervisor {
  /** Adopts the rotations as the routers have them, so that taking over takes nobody out. */
  takeOver(signal: AbortSignal): Promise<void>;
  /** Brings up what is missing; resolves when each has succeeded or failed once. */
  bringUp(signal: AbortSignal): Promise<void>;
  /** Looks after everything until the signal is aborted, and then until the last of its work has ended. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSupervisor(options: SuperviseOptions): Supervisor {
  const { nodes, inventory, health, routers, rotation, replicas, daemons, backoff, clock, log } = options;
  const groups = [...nodes.groups.values()];
  const everyMs = Math.min(1_000, ...groups.map(({ healthIntervalMs }) => healthIntervalMs));

  async function takeOver(signal: AbortSignal) {
    await Promise.all(
      groups.map((group) => attempt(`router ${group.name}`, signal, () => routers.ensure(group, signal))),
    );
    const statuses = await Promise.all(groups.map(({ name }) => routers.status(name).catch(() => undefined)));
    const serving = new Set(statuses.flatMap((status) => status?.backends ?? []).map(({ id }) => id));
    for (const one of inventory.all()) if (serving.has(one.record.incarnation)) one.condition = "ready";
    await lookAtReplicas();
    await publishAll(signal);
  }

  async function lookAtReplicas() {
    const all = inventory.all().filter(({ record, ending }) => record.kind === "replica" && ending === undefined);
    await Promise.all(all.map(health.look));
  }

  async function publishAll(signal: AbortSignal) {
    await Promise.all(groups.map((group) => attempt(`router ${group.name}`, signal, () => publish(group, signal))));
  }

  async function publish(group: Group, signal: AbortSignal) {
    const key = `router ${group.name}`;
    if (backoff.tooEarly(key) !== undefined) return;
    try {
      await routers.ensure(group, signal);
      await rotation.publish(group.name);
      backoff.succeeded(key);
    } catch (error) {
      backoff.failed(key, messageOf(error));
      throw error;
    }
  }

  async function bringUp(signal: AbortSignal) {
    await Promise.all([...mendReplicas((count) => count === 0, signal), ...runDaemons(signal)]);
  }

  async function endTooMany(signal: AbortSignal) {
    await Promise.all([...mendReplicas((count) => count > 0, signal), ...endStrays(signal)]);
  }

  /** Those of whom there are not as many as are meant to be, if the number that there are is one of those asked for. */
  function mendReplicas(isAskedFor: (count: number) => boolean, signal: AbortSignal) {
    const running = inventory.all().filter(({ record, ending }) => record.kind === "replica" && ending === undefined);
    const counts = new Map([...nodes.replicas.keys()].map((name) => [name, 0]));
    for (const { record } of running) counts.set(record.name, (counts.get(record.name) ?? 0) + 1);
    return [...counts]
      .filter(([name, count]) => count !== (nodes.replicas.has(name) ? 1 : 0) && isAskedFor(count))
      .filter(([name]) => !replicas.isBusy(name))
      .map(([name]) => attempt(replicaKey(name), signal, () => replicas.mend(name, signal)));
  }

  function runDaemons(signal: AbortSignal) {
    return [...nodes.nodes.values()]
      .flatMap((node) => [...node.daemons.values()])
      .filter((one) => !daemons.isBusy(one) && !daemons.isRunning(one))
      .filter((one) => backoff.tooEarly(daemonKey(one)) === undefined)
      .map((one) => attempt(daemonKey(one), signal, () => daemons.run(one, signal)));
  }

  /** What the file no longer names. Replicas of that kind are mended by ending them. */
  function endStrays(signal: AbortSignal) {
    const strays = inventory.all().filter(({ record, ending }) => {
      const { kind, name, node = "" } = record;
      if (ending !== undefined || kind === "replica") return false;
      return kind === "router" ? !nodes.groups.has(name) : !nodes.nodes.get(node)?.daemons.has(name);
    });
    return strays.map((one) => attempt(one.record.incarnation, signal, () => inventory.end(one, nodes.stopGraceMs)));
  }

  async function attempt(what: string, signal: AbortSignal, work: () => Promise<unknown>) {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) log.warn({ what, reason: messageOf(error) }, "Could not be brought in order");
    }
  }

  async function run(signal: AbortSignal) {
    const mending = new Set<Promise<unknown>>();
    while (!signal.aborted) {
      await attempt("processes", signal, async () => {
        await inventory.refresh();
        await lookAtReplicas();
        await publishAll(signal);
      });
      const mend = Promise.all([bringUp(signal), endTooMany(signal)]).finally(() => mending.delete(mend));
      mending.add(mend);
      await clock.wakeAt(clock.now() + everyMs, signal);
    }
    await Promise.allSettled(mending);
  }

  return { takeOver, bringUp, run };
}
