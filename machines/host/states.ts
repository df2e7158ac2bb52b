/** Where a host is in a rollout, in the order in which life runs. */
export const hostStates = [
  "Pending",
  "Activating",
  "Deferred",
  "Soaking",
  "Converged",
  "Failed",
  "Reverted",
  "Released",
] as const;

export type HostState = (typeof hostStates)[number];

/** What a rollout counts a host as: its state, or that it is excused. */
export const countedStates = [...hostStates, "Excused"] as const;

export type CountedState = (typeof countedStates)[number];
