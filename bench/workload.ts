import type { AnyEventObject } from "xstate";

/** One whole maintenance window: what a node hears from entry to being Active again. */
export const maintenanceWindow: readonly AnyEventObject[] = [
  { type: "maintenance.enter", reason: "a new kernel" },
  { type: "drain.progressed", replicas: ["web-1"], daemons: [] },
  { type: "drain.progressed", replicas: [], daemons: [] },
  { type: "maintenance.exit" },
  { type: "daemons.progressed", waiting: [] },
  { type: "maintenance.exit", force: true },
];

export function eventOf(turn: number): AnyEventObject {
  return maintenanceWindow[turn % maintenanceWindow.length] as AnyEventObject;
}
