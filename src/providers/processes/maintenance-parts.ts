import type { Clock } from "../../core/clock.ts";
import type { Daemons } from "./daemons.ts";
import type { Inventory } from "./inventory.ts";
import type { NodesFile } from "./nodes-file.ts";
import type { Placement } from "./placement.ts";
import type { Replicas } from "./replicas.ts";
import type { TurnsByKey } from "./turns-by-key.ts";

/** The input of every activity of node maintenance. */
export interface NodeInput {
  readonly node: string;
  /** The number of the maintenance window; every report carries it. */
  readonly epoch: number;
}

/** What the activities of node maintenance work with. */
export interface MaintenanceParts {
  readonly nodes: NodesFile;
  readonly inventory: Inventory;
  readonly placement: Placement;
  readonly replicas: Replicas;
  readonly daemons: Daemons;
  readonly turns: TurnsByKey;
  readonly clock: Clock;
}
