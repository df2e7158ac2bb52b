/** Where a rollout is; these names are also what is stored. */
export const rolloutStates = [
  "Opening",
  "Active",
  "Converging",
  "Terminal",
  "Reverted",
  "Failed",
  "Superseded",
  "Pruned",
] as const;

export type RolloutState = (typeof rolloutStates)[number];

/** Whether what has to come after a rollout may come: it is Terminal or Superseded. */
export function isTerminalForOrdering(state: string): boolean {
  return state === "Terminal" || state === "Superseded";
}
