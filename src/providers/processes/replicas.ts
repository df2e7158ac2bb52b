import type { Clock } from "../../core/clock.ts";
import { orAborted } from "../../core/or-aborted.ts";
import { messageOf } from "../../core/errors.ts";
import type { Backoff } from "./backoff.ts";
import type { Health } from "./health.ts";
import type { Incarnation, Inventory } from "./inventory.ts";
import type { NodesFile, Replica } from "./nodes-file.ts";
import type { Placement } from "./placement.ts";
import type { Rotation } from "./rotation.ts";
import type { StartReplica } from "./start-replica.ts";
import type { TurnsByKey } from "./turns-by-key.ts";
import { waitUntil } from "./wait-until.ts";

/**
 * Moves and mends replicas, one thing at a time for each of them. A move starts the new one first and ends the old one
 * last, so that a crash between leaves one too many and never one too few; what finds two of a replica goes on from there.
 */
export interface Replicas {
  /** Moves what is on the node to another one. Returns a sentence, with the replica serving as before, when that cannot be. */
  moveAway(name: string, from: string, signal: AbortSignal): Promise<string | undefined>;
  /** Makes it run on its home, and nowhere else. Throws a sentence when that takes longer than it may. */
  bringHome(replica: Replica, signal: AbortSignal): Promise<void>;
  /** Starts it when it is meant to run and does not; ends what is too many. Throws a sentence when that fails. */
  mend(name: string, signal: AbortSignal): Promise<void>;
  /** Whether it is healthy at home, and nowhere else. */
  isAtHome(replica: Replica): boolean;
  isBusy(name: string): boolean;
}

export interface ReplicasOptions {
  readonly nodes: NodesFile;
  readonly inventory: Inventory;
  readonly placement: Placement;
  readonly health: Health;
  readonly rotation: Rotation;
  readonly startReplica: StartReplica;
  readonly backoff: Backoff;
  readonly turns: TurnsByKey;
  readonly clock: Clock;
}

const retireEveryMs = 500;

export function replicaKey(name: string): string {
  return `replica ${name}`;
}

export function createReplicas(options: ReplicasOptions): Replicas {
  const { nodes, inventory, placement, health, rotation, startReplica, backoff, turns, clock } = options;
  const runningOf = (name: string) => inventory.named("replica", name).filter(inventory.isAlive);

  async function moveAway(name: string, from: string, signal: AbortSignal) {
    await endingsOf(name, ({ record }) => record.node === from, signal);
    for (const old of runningOf(name).filter(({ record }) => record.node === from)) {
      const why = (await runElsewhere(name, old, signal)) ?? (await rotation.retire(old, signal));
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /** Those told to end by an earlier attempt, or before a crash. */
  async function endingsOf(name: string, isMeant: (one: Incarnation) => boolean, signal: AbortSignal) {
    const all = inventory.all().filter(({ record }) => record.kind === "replica" && record.name === name);
    await orAborted(Promise.all(all.filter(isMeant).flatMap(({ ending }) => ending ?? [])), signal);
  }

  /** Makes sure that one serves elsewhere; a sentence when it cannot. */
  async function runElsewhere(name: string, old: Incarnation, signal: AbortSignal) {
    const replica = nodes.replicas.get(name);
    if (replica === undefined) return undefined; // the file no longer wants it anywhere
    const copy = runningOf(name).find(({ record }) => record.node !== old.record.node);
    try {
      if (copy === undefined) return await startElsewhere(replica, old, signal);
      await reachHealth(copy, signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      await endUnready(name, old, signal);
      return messageOf(error);
    }
  }

  async function startElsewhere(replica: Replica, old: Incarnation, signal: AbortSignal) {
    const key = `${replicaKey(replica.name)} moves`; // a start that failed at home says nothing of one elsewhere
    const why = backoff.tooEarly(key) ?? (await rotation.whyNotReplaced(old));
    if (why !== undefined) return why;
    const place = await placement.holdElsewhere(replica.name, old.record.node ?? "");
    if ("why" in place) return place.why;
    await keepingCount(key, () => startReplica(replica, place, signal), signal);
    return undefined;
  }

  async function endUnready(name: string, old: Incarnation, signal: AbortSignal) {
    const unready = runningOf(name).filter((one) => one !== old && one.condition !== "ready");
    await orAborted(Promise.all(unready.map((one) => inventory.end(one, graceMs(one)))), signal);
  }

  async function bringHome(replica: Replica, signal: AbortSignal) {
    const { name, node } = replica;
    const isHome = ({ record }: Incarnation) => record.node === node;
    const there = runningOf(name).find(isHome);
    if (there !== undefined) await reachHealth(there, signal);
    else await startAtHome(replica, signal);
    for (const copy of runningOf(name).filter((one) => !isHome(one))) await retireInTime(copy, signal);
    await endingsOf(name, (one) => !isHome(one), signal);
  }

  async function startAtHome(replica: Replica, signal: AbortSignal) {
    const { name, node } = replica;
    const place = await placement.hold({ kind: "replica", name }, node);
    if (place === undefined) throw new Error(`${node} may not take ${name}: it is being drained`);
    await keepingCount(replicaKey(name), () => startReplica(replica, place, signal), signal);
  }

  async function retireInTime(copy: Incarnation, signal: AbortSignal) {
    const { name, node, group = "" } = copy.record;
    let why: string | undefined;
    const isRetired = async () => (why = await rotation.retire(copy, signal)) === undefined;
    const forMs = nodes.groups.get(group)?.healthTimeoutMs ?? 0;
    if (await waitUntil(isRetired, { clock, everyMs: retireEveryMs, forMs, signal })) return;
    throw new Error(`${name} runs at home again, and still on ${node}: ${why}`);
  }

  async function reachHealth(replica: Incarnation, signal: AbortSignal) {
    const { name, node, group = "" } = replica.record;
    if (!(await health.isReached(replica, signal))) throw new Error(`${name} does not become healthy on ${node}`);
    await rotation.publish(group);
  }

  async function mend(name: string, signal: AbortSignal) {
    const running = runningOf(name);
    const replica = nodes.replicas.get(name);
    if (replica === undefined) await retireAll(running, signal);
    else if (running.length === 0) await startAnywhere(replica, signal);
    else if (running.length > 1) await settle(replica, running, signal);
  }

  async function startAnywhere(replica: Replica, signal: AbortSignal) {
    if (backoff.tooEarly(replicaKey(replica.name)) !== undefined) return;
    const place = await placement.holdAnywhere(replica.name);
    if ("why" in place) backoff.refused(replicaKey(replica.name), place.why);
    else await keepingCount(replicaKey(replica.name), () => startReplica(replica, place, signal), signal);
  }

  /** Two of one replica are a move that was broken off: one stays. */
  async function settle(replica: Replica, running: readonly Incarnation[], signal: AbortSignal) {
    const ranked = await Promise.all(running.map(async (one) => ({ one, rank: await rankOf(one, replica) })));
    const [, ...tooMany] = ranked.toSorted(
      (a, b) => b.rank - a.rank || b.one.record.startedAt - a.one.record.startedAt,
    );
    await retireAll(
      tooMany.map(({ one }) => one),
      signal,
    );
  }

  /** What its group cannot spare now stays until it is mended again. */
  async function retireAll(tooMany: readonly Incarnation[], signal: AbortSignal) {
    for (const one of tooMany) await rotation.retire(one, signal);
  }

  /** Better is: ready, then on a node that may have it, then at home. */
  async function rankOf({ condition, record }: Incarnation, { name, node }: Replica) {
    const mayStay = await placement.mayRunOn({ kind: "replica", name }, record.node ?? "");
    return (condition === "ready" ? 4 : 0) + (mayStay ? 2 : 0) + (record.node === node ? 1 : 0);
  }

  /** Remembers a failed start, so that the next one is not at once. */
  async function keepingCount(key: string, start: () => Promise<unknown>, signal: AbortSignal) {
    try {
      await start();
      backoff.succeeded(key);
    } catch (error) {
      if (!signal.aborted) backoff.failed(key, messageOf(error));
      throw error;
    }
  }

  function graceMs({ record }: Incarnation) {
    return nodes.groups.get(record.group ?? "")?.stopGraceMs ?? nodes.stopGraceMs;
  }

  return {
    moveAway: (name, from, signal) => turns.take(replicaKey(name), signal, () => moveAway(name, from, signal)),
    bringHome: (replica, signal) => turns.take(replicaKey(replica.name), signal, () => bringHome(replica, signal)),
    mend: (name, signal) => turns.take(replicaKey(name), signal, () => mend(name, signal)),
    isAtHome({ name, node }) {
      const all = inventory.all().filter(({ record }) => record.kind === "replica" && record.name === name);
      return all.every(({ record, condition }) => record.node === node && condition === "ready") && all.length === 1;
    },
    isBusy: (name) => turns.isTaken(replicaKey(name)),
  };
}
