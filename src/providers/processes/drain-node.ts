import type { Activity } from "../../core/provider.ts";
import { allEnded, inBatches } from "./in-batches.ts";
import type { MaintenanceParts, NodeInput } from "./maintenance-parts.ts";
import type { LeftOnNode } from "./placement.ts";
import { tellChanges } from "./tell-changes.ts";
import { pause } from "./wait-until.ts";

const retryMs = 1_000; // what stands in the way is another node's maintenance or an unhealthy replica: both last

/**
 * Moves every replica off the node, then stops the daemons that are not essential. Returns when nothing is left; what
 * cannot move stays and serves, and is tried again until the call is withdrawn. Reports what is left, and why, on the
 * first look and whenever that changes.
 */
export function createDrainNode(options: MaintenanceParts): Activity<NodeInput, LeftOnNode> {
  const { nodes, inventory, placement, replicas, daemons, turns, clock } = options;

  return ({ node, epoch }, call) => {
    const { signal } = call;
    const reasons = new Map<string, string>();
    const tell = tellChanges(call);

    async function drain(): Promise<LeftOnNode> {
      for (;;) {
        const left = await look();
        if (left.replicas.length > 0) await moveAway(left.replicas);
        else if (left.daemons.length > 0) await stopDaemons(left.daemons);
        else return left;
      }
    }

    async function look() {
      await inventory.refresh();
      const left = await placement.leftOn(node);
      const why = Object.fromEntries(left.replicas.map((name) => [name, reasons.get(name)]).filter(([, why]) => why));
      await tell({ type: "drain.progressed", epoch, ...left, ...(Object.keys(why).length > 0 && { reasons: why }) });
      return left;
    }

    async function moveAway(names: readonly string[]) {
      await inBatches(names, { ...nodes.drain, clock, signal }, async (name) => {
        const why = await replicas.moveAway(name, node, signal);
        if (why === undefined) reasons.delete(name);
        else reasons.set(name, why);
        await look();
      });
      if ((await look()).replicas.length > 0) await pause(retryMs, { clock, signal });
    }

    async function stopDaemons(names: readonly string[]) {
      await allEnded(names.map((name) => daemons.stop({ name, node }, signal)));
    }

    return turns.take(`node ${node}`, signal, async () => {
      placement.mark(node, "draining");
      try {
        return await drain();
      } finally {
        placement.mark(node, undefined);
      }
    });
  };
}
