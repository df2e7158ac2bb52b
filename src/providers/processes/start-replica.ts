import { freePort } from "./free-port.ts";
import type { Health } from "./health.ts";
import type { Incarnation, Inventory } from "./inventory.ts";
import { logPath } from "./launch.ts";
import type { Group, NodesFile, Replica } from "./nodes-file.ts";
import type { Place } from "./placement.ts";
import type { Rotation } from "./rotation.ts";
import { createSeats } from "./seats.ts";
import { createTurnsByKey } from "./turns-by-key.ts";

export interface StartReplicaOptions {
  readonly nodes: NodesFile;
  readonly stateDir: string;
  readonly inventory: Inventory;
  readonly health: Health;
  readonly rotation: Rotation;
}

/**
 * Starts a replica in a place, waits until it is healthy, and puts it into the rotation. Throws a sentence when it does
 * not become healthy in the time of its group; a process that is merely not healthy yet is left to the caller.
 */
export type StartReplica = (replica: Replica, place: Place, signal: AbortSignal) => Promise<Incarnation>;

const startsAtOnceMax = 16; // more only make each other late on a machine of a few cores
const portsTriedMax = 3; // a port is free when it is chosen and may be taken when it is used

export function createStartReplica(options: StartReplicaOptions): StartReplica {
  const { nodes, stateDir, inventory, health, rotation } = options;
  const seats = createSeats(startsAtOnceMax);
  const choosing = createTurnsByKey();
  const chosen = new Set<number>();

  const start: StartReplica = async (replica, place, signal) => {
    const group = nodes.groups.get(replica.group);
    if (group === undefined) throw new Error(`There is no group ${replica.group}`);
    try {
      return await seats.take(signal, () => startHealthy(replica, group, place, signal));
    } finally {
      place.release();
    }
  };

  async function startHealthy(replica: Replica, group: Group, place: Place, signal: AbortSignal) {
    for (let tried = 1; ; tried++) {
      const started = await startProcess(replica, place.node, signal);
      if (await health.isReached(started, signal)) {
        await rotation.publish(group.name);
        return started;
      }
      const isAlive = inventory.isAlive(started);
      if (!isAlive) await inventory.end(started, group.stopGraceMs); // its slot, and what it left behind
      if (isAlive || tried === portsTriedMax) throw new Error(whyUnhealthy(started, group, isAlive));
    }
  }

  async function startProcess({ name, group, command, env }: Replica, node: string, signal: AbortSignal) {
    const port = await choosing.take("port", signal, choosePort);
    try {
      return await inventory.start({ kind: "replica", name, group, node, command: [...command], port, env });
    } finally {
      chosen.delete(port);
    }
  }

  async function choosePort() {
    const ofGroups = [...nodes.groups.values()].map(({ port }) => port);
    const ofProcesses = inventory.all().flatMap(({ record }) => record.port ?? []);
    const port = await freePort(new Set([...chosen, ...ofGroups, ...ofProcesses]));
    chosen.add(port);
    return port;
  }

  function whyUnhealthy({ record }: Incarnation, { healthTimeoutMs }: Group, isAlive: boolean) {
    const what = isAlive ? `did not become healthy within ${healthTimeoutMs} ms` : "ended before it was healthy";
    return `${record.name} ${what} on ${record.node}; see ${logPath(stateDir, record)}`;
  }

  return start;
}
