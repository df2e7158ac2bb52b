import type { Machine } from "../src/core/machine.ts";
import { maintenanceGroup } from "./maintenance-group/maintenance-group.ts";
import { nodeMaintenance } from "./node-maintenance/node-maintenance.ts";

/** Every machine that Signalbox brings. A new one is a folder beside these and a line here. */
export const machines: readonly Machine[] = [nodeMaintenance, maintenanceGroup];
