import type { Clock } from "../../core/clock.ts";
import { exchange } from "./http-exchange.ts";
import type { Incarnation, Inventory } from "./inventory.ts";
import type { Group, NodesFile } from "./nodes-file.ts";
import { waitUntil } from "./wait-until.ts";

/** Looks whether replicas are healthy, and keeps their condition. */
export interface Health {
  /** One look: whether it is healthy right now. One failed look does not yet make a ready replica unhealthy. */
  look(replica: Incarnation): Promise<boolean>;
  /** Waits until it is healthy; false when its process ended, or when it took too long. */
  isReached(replica: Incarnation, signal: AbortSignal): Promise<boolean>;
}

const lookMs = 2_000;
const looksUntilUnhealthy = 3;
const startingLookEveryMs = 50;

export function createHealth(options: { nodes: NodesFile; inventory: Inventory; clock: Clock }): Health {
  const { nodes, inventory, clock } = options;
  const groupOf = ({ record }: Incarnation): Group | undefined => nodes.groups.get(record.group ?? "");

  async function look(replica: Incarnation) {
    const { port } = replica.record;
    const path = groupOf(replica)?.healthPath;
    if (port === undefined || path === undefined) return false;
    const isHealthy = (await answersWell(port, path)) && inventory.isAlive(replica);
    keepCondition(replica, isHealthy);
    return isHealthy;
  }

  return {
    look,
    async isReached(replica, signal) {
      const forMs = groupOf(replica)?.healthTimeoutMs ?? 0;
      const isOver = async () => !inventory.isAlive(replica) || (await look(replica));
      await waitUntil(isOver, { clock, everyMs: startingLookEveryMs, forMs, signal });
      return inventory.isAlive(replica) && replica.condition === "ready";
    },
  };
}

async function answersWell(port: number, path: string): Promise<boolean> {
  try {
    const { status } = await exchange({ port, path, timeoutMs: lookMs });
    return status >= 200 && status < 300;
  } catch {
    return false;
  }
}

function keepCondition(replica: Incarnation, isHealthy: boolean): void {
  replica.failedLooks = isHealthy ? 0 : replica.failedLooks + 1;
  if (isHealthy) replica.condition = "ready";
  else if (replica.condition === "ready" && replica.failedLooks >= looksUntilUnhealthy) replica.condition = "unhealthy";
}
