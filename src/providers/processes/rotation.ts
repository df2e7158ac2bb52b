import type { Clock } from "../../core/clock.ts";
import { orAborted } from "../../core/or-aborted.ts";
import type { Health } from "./health.ts";
import type { Incarnation, Inventory } from "./inventory.ts";
import type { NodesFile } from "./nodes-file.ts";
import type { Routers } from "./routers.ts";
import { createTurnsByKey } from "./turns-by-key.ts";
import { waitUntil } from "./wait-until.ts";

/** Which replicas are sent requests. */
export interface Rotation {
  /** Tells the group's router who is ready. Once resolved, no new request goes to any other. */
  publish(group: string): Promise<void>;
  /**
   * Takes a replica out, lets its open requests finish, and ends it. Returns a sentence, with nothing changed, when its
   * group cannot spare it. When the signal is aborted before its end has begun, it is back in the rotation.
   */
  retire(replica: Incarnation, signal: AbortSignal): Promise<string | undefined>;
  /** A sentence when its group could not spare it even if another one took its place. */
  whyNotReplaced(replica: Incarnation): Promise<string | undefined>;
}

export interface RotationOptions {
  readonly nodes: NodesFile;
  readonly inventory: Inventory;
  readonly health: Health;
  readonly routers: Routers;
  readonly clock: Clock;
}

const openRequestsEveryMs = 20;

export function createRotation({ nodes, inventory, health, routers, clock }: RotationOptions): Rotation {
  const publishing = createTurnsByKey();
  const leaving = createTurnsByKey();
  const never = new AbortController().signal;

  const inRotation = (group: string) =>
    inventory
      .all()
      .filter(({ record }) => record.kind === "replica" && record.group === group)
      .filter(({ condition, isLeaving, ending }) => condition === "ready" && !isLeaving && ending === undefined);

  function publish(group: string) {
    return publishing.take(group, never, async () => {
      const backends = inRotation(group).map(({ record }) => ({ id: record.incarnation, port: record.port ?? 0 }));
      await routers.put(group, backends);
    });
  }

  /** Marks it as leaving when its group can spare it. One at a time, so that two drains never count on each other's. */
  function markLeaving(replica: Incarnation, signal: AbortSignal) {
    const { group = "" } = replica.record;
    return leaving.take(group, signal, async () => {
      const why = await whyNotSpared(replica, { coming: 0 });
      if (why === undefined) replica.isLeaving = true;
      return why;
    });
  }

  async function whyNotSpared(replica: Incarnation, { coming }: { coming: number }) {
    const { group = "", name } = replica.record;
    if (replica.condition !== "ready") return undefined; // it serves nobody
    const minHealthy = nodes.groups.get(group)?.minHealthy ?? 0;
    const others = inRotation(group).filter((other) => other !== replica);
    const healthy = (await Promise.all(others.map(health.look))).filter(Boolean).length;
    if (healthy + coming >= minHealthy) return undefined;
    const replaced = coming > 0 ? "replaced" : "stopped";
    return `${name} cannot be ${replaced}: ${group} needs ${minHealthy} healthy and would have ${healthy + coming}`;
  }

  async function retire(replica: Incarnation, signal: AbortSignal) {
    const { group = "" } = replica.record;
    const why = await markLeaving(replica, signal);
    if (why !== undefined) return why;
    try {
      if (nodes.groups.has(group)) {
        await publish(group);
        await openRequestsEnd(replica, group, signal);
      }
      signal.throwIfAborted();
    } catch (error) {
      replica.isLeaving = false;
      await publish(group).catch(() => undefined); // the light loop publishes again
      throw error;
    }
    const graceMs = nodes.groups.get(group)?.stopGraceMs ?? nodes.stopGraceMs;
    await orAborted(inventory.end(replica, graceMs), signal);
    return undefined;
  }

  async function openRequestsEnd(replica: Incarnation, group: string, signal: AbortSignal) {
    const forMs = nodes.groups.get(group)?.openRequestsMs ?? 0;
    const open = async () => (await routers.status(group)).openRequests[replica.record.incarnation] ?? 0;
    const isIdle = async () => !inventory.isAlive(replica) || (await open()) === 0;
    await waitUntil(isIdle, { clock, everyMs: openRequestsEveryMs, forMs, signal });
  }

  return { publish, retire, whyNotReplaced: (replica) => whyNotSpared(replica, { coming: 1 }) };
}
