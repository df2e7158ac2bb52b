import { expect } from "vitest";
import { isValidSuccessor, type StateName } from "../../machines/node-maintenance/successors.ts";
import type { NodeContext } from "../../machines/node-maintenance/context.ts";
import type { ChannelContext } from "../../machines/channel/context.ts";
import type { FleetContext } from "../../machines/fleet/fleet.ts";
import type { LineContext } from "../../machines/line/line.ts";
import { leadingState, type Snapshot } from "../../src/core/machine.ts";
import type { StampedEvent, StepResult } from "../../src/core/step.ts";
import { hostHolds } from "./host-invariants.ts";
import { rolloutHolds } from "./rollout-invariants.ts";

interface Stepped {
  before: Snapshot;
  event: StampedEvent;
  result: StepResult;
}

/** What holds of every step of a machine, whatever was sent to it before. */
export const invariants: Readonly<Record<string, (stepped: Stepped) => void>> = {
  host: hostHolds,
  rollout: rolloutHolds,

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

  channel({ before, event, result }) {
    if (result.outcome === "refused") return;
    const was = before.context as ChannelContext;
    const { newest, lastTerminal, runs, kept, quarantined } = result.snapshot.context as ChannelContext;
    for (const [ref, run] of Object.entries(was.runs)) expect(runs[ref]).toBeGreaterThanOrEqual(run);
    if (event.type === "rollout.opened") expect(newest?.run).toBe((was.runs[newest?.ref ?? ""] ?? 0) + 1);
    if (newest !== null) expect(kept[newest.ref]).toContain(newest.run);
    if (lastTerminal !== null) expect(kept).toHaveProperty([lastTerminal.ref]);
    expect(leadingState(result.snapshot)).toBe(Object.keys(quarantined).length > 0 ? "Quarantining" : "Clear");
    if (event.type !== "quarantine.cleared") expect(quarantined).toMatchObject(was.quarantined);
  },

  line({ before, event, result }) {
    const { stopped, decisions } = result.snapshot.context as LineContext;
    expect(stopped !== null).toBe(leadingState(result.snapshot) === "Stopped");
    const isHeld = leadingState(before) === "Stopped" && event["isUndo"] !== true;
    const isCounted = event.type === "dispatch.planned" && !isHeld;
    expect(decisions - (before.context as LineContext).decisions).toBe(isCounted ? 1 : 0);
  },

  fleet({ before, result }) {
    const { hash, previousHash, appliedBy, applications } = result.snapshot.context as FleetContext;
    const was = before.context as FleetContext;
    expect(hash !== null).toBe(leadingState(result.snapshot) === "Declared");
    expect(hash !== was.hash).toBe(applications > was.applications);
    if (applications > was.applications) expect([previousHash, appliedBy !== null]).toEqual([was.hash, true]);
  },

  document({ before, result }) {
    expect(result.snapshot.context).toEqual(before.context);
  },
};
