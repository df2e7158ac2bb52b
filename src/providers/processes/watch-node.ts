import type { Activity } from "../../core/provider.ts";
import type { MaintenanceParts, NodeInput } from "./maintenance-parts.ts";
import { tellChanges } from "./tell-changes.ts";

const lookEveryMs = 1_000;

/**
 * Looks what is really on the node until the call is withdrawn, and reports it on the first look and whenever it changes.
 * Its end by withdrawal is no failure.
 */
export function createWatchNode(
  options: Pick<MaintenanceParts, "inventory" | "placement" | "clock">,
): Activity<NodeInput, void> {
  const { inventory, placement, clock } = options;

  return async ({ node, epoch }, call) => {
    const tell = tellChanges(call);
    try {
      while (!call.signal.aborted) {
        await inventory.refresh();
        await tell({ type: "drain.progressed", epoch, ...(await placement.leftOn(node)) });
        await clock.wakeAt(clock.now() + lookEveryMs, call.signal);
      }
    } catch (error) {
      if (!call.signal.aborted) throw error;
    }
  };
}
