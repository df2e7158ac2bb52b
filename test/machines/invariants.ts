import { expect } from "vitest";
import { isValidSuccessor, type StateName } from "../../machines/node-maintenance/successors.ts";
import type { NodeContext } from "../../machines/node-maintenance/context.ts";
import { leadingState, type Snapshot } from "../../src/core/machine.ts";
import type { StampedEvent, StepResult } from "../../src/core/step.ts";

interface Stepped {
  before: Snapshot;
  event: StampedEvent;
  result: StepResult;
}

/** What holds of every step of a machine, whatever was sent to it before. */
export const invariants: Readonly<Record<string, (stepped: Stepped) => void>> = {
  nodeMaintenance({ before, result }) {
    if (result.outcome === "refused") return;
    const path = [leadingState(before), ...result.via, leadingState(result.snapshot)] as StateName[];
    for (const [index, to] of path.slice(1).entries()) {
      expect(isValidSuccessor(path[index] as StateName, to), path.join(" > ")).toBe(true);
    }
    const context = result.snapshot.context as NodeContext;
    const was = before.context as NodeContext;
    const { lifecycle, scheduling } = result.snapshot.value as { lifecycle: StateName; scheduling: string };
    expect(scheduling).toBe(lifecycle !== "Active" || context.cordonedByOperator ? "Cordoned" : "Schedulable");
    expect(context.failure !== null).toBe(lifecycle === "DrainFailed");
    expect(context.epoch - was.epoch).toBe(
      path.at(-1) === "EnteringMaintenance" && (path.length > 2 || path[0] === "Active") ? 1 : 0,
    );
    if (lifecycle === "Maintenance" && path[0] === "EnteringMaintenance") {
      expect(["unknown", { replicas: [], daemons: [] }]).toContainEqual(
        context.blockers === "unknown" ? "unknown" : context.blockers,
      );
    }
  },

  maintenanceGroup({ before, event, result }) {
    if (result.outcome === "refused") return;
    const { holders, waiters } = result.snapshot.context as {
      holders: { node: string }[];
      waiters: { node: string }[];
    };
    const was = before.context as { holders: { node: string }[] };
    const holding = holders.map(({ node }) => node);
    expect(new Set(holding).size).toBe(holding.length);
    expect(waiters.filter(({ node }) => holding.includes(node))).toEqual([]);
    const isOver = leadingState(result.snapshot) === "Exhausted" && leadingState(before) === "Exhausted";
    if (isOver && event.type === "slot.taken" && event["observed"] !== true)
      expect(holding.length).toBe(was.holders.length);
  },
};
