import type { Machine } from "../src/core/machine.ts";
import { channel } from "./channel/channel.ts";
import { document } from "./document/document.ts";
import { fleet } from "./fleet/fleet.ts";
import { host } from "./host/host.ts";
import { line } from "./line/line.ts";
import { maintenanceGroup } from "./maintenance-group/maintenance-group.ts";
import { nodeMaintenance } from "./node-maintenance/node-maintenance.ts";
import { rollout } from "./rollout/rollout.ts";

/** Every machine that Signalbox brings. A new one is a folder beside these and a line here. */
export const machines: readonly Machine[] = [
  nodeMaintenance,
  maintenanceGroup,
  host,
  rollout,
  channel,
  line,
  fleet,
  document,
];
