import { messageOf } from "../../core/errors.ts";
import type { Activity } from "../../core/provider.ts";
import type { MaintenanceParts, NodeInput } from "./maintenance-parts.ts";
import { allEnded, inBatches } from "./in-batches.ts";
import { tellChanges } from "./tell-changes.ts";

/**
 * Starts what is meant to run on the node: its daemons, and its own replicas, which come home from where they are. Returns
 * when all of it is there and healthy; reports what is waited for meanwhile. Throws an error that names everything that
 * did not come up in its time, after the rest has.
 */
export function createResumeNode(options: MaintenanceParts): Activity<NodeInput, Record<string, never>> {
  const { nodes, inventory, placement, replicas, daemons, turns, clock } = options;

  return ({ node, epoch }, call) => {
    const { signal } = call;
    const tell = tellChanges(call);
    const faults: string[] = [];

    async function resume() {
      await inventory.refresh();
      const missing = [...(nodes.nodes.get(node)?.daemons.values() ?? [])].filter((one) => !daemons.isRunning(one));
      const away = [...nodes.replicas.values()].filter((one) => one.node === node && !replicas.isAtHome(one));
      const waiting = new Set<{ name: string }>([...missing, ...away]);
      await tellWaiting(waiting);

      await allEnded(missing.map((daemon) => bringUp(daemon, waiting, () => daemons.run(daemon, signal))));
      await inBatches(away, { ...nodes.drain, clock, signal }, (replica) =>
        bringUp(replica, waiting, () => replicas.bringHome(replica, signal)),
      );
      if (faults.length > 0) throw new Error(faults.join("; "));
      return {};
    }

    async function bringUp<T extends { name: string }>(one: T, waiting: Set<T>, work: () => Promise<void>) {
      try {
        await work();
        waiting.delete(one);
        await tellWaiting(waiting);
      } catch (error) {
        signal.throwIfAborted();
        faults.push(messageOf(error));
      }
    }

    /** Waiting for nothing is the end of the call, and told by that. */
    async function tellWaiting(waiting: Set<{ name: string }>) {
      const names = [...waiting].map(({ name }) => name).toSorted();
      if (names.length > 0) await tell({ type: "daemons.progressed", epoch, waiting: names });
    }

    return turns.take(`node ${node}`, signal, () => {
      placement.mark(node, "resuming"); // for longer than this call: what falls over before all is well comes back here
      return resume();
    });
  };
}
