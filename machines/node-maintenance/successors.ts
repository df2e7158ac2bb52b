/** The leading states of node maintenance, in the order life runs. */
export const stateNames = [
  "Active",
  "EnteringMaintenance",
  "Maintenance",
  "ExitingMaintenance",
  "DrainFailed",
  "Recovery",
] as const;

export type StateName = (typeof stateNames)[number];

/**
 * The rank graph. `ExitingMaintenance` has no way to `DrainFailed`: an observation that arrives late must not undo an
 * operator's exit.
 */
const successors: Readonly<Record<StateName, readonly StateName[]>> = {
  Active: ["Active", "EnteringMaintenance"],
  EnteringMaintenance: ["EnteringMaintenance", "Maintenance", "DrainFailed"],
  Maintenance: ["Maintenance", "ExitingMaintenance", "DrainFailed"],
  ExitingMaintenance: ["ExitingMaintenance", "Recovery"],
  DrainFailed: ["DrainFailed", "ExitingMaintenance"],
  Recovery: ["Recovery", "Active"],
};

/** Whether a node in `from` may next be in `to`. Every arc of the chart and every observation keeps it. */
export function isValidSuccessor(from: StateName, to: StateName): boolean {
  return successors[from].includes(to);
}

/**
 * How far along a state is. Not the law: ExitingMaintenance and DrainFailed share a rank, so that a ladder of ranks would
 * let the one follow the other.
 */
export const rank: Readonly<Record<StateName, number>> = {
  Active: 0,
  EnteringMaintenance: 1,
  Maintenance: 2,
  ExitingMaintenance: 3,
  DrainFailed: 3,
  Recovery: 4,
};

export function isNonActive(state: StateName): boolean {
  return state !== "Active";
}

/** In maintenance and at rest: work on the node may go on. */
export function isSteadyMaintenance(state: StateName): boolean {
  return state === "Maintenance";
}

/** Since when (epoch ms) the node has been out of normal service in this state; undefined while it is Active. */
export function sinceOf({ state, since }: { state: StateName; since: number }): number | undefined {
  return isNonActive(state) ? since : undefined;
}
