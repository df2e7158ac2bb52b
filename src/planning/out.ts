import type { PlannedHost } from "./plan-types.ts";

/**
 * A host takes a place in the budgets that it falls under: it is dispatched, at work, failed or not to be reached. One that
 * is excused counts neither way.
 */
export function isOut(host: Pick<PlannedHost, "state" | "isOffered" | "isUnreachable" | "isExcused">): boolean {
  const { state, isOffered, isUnreachable, isExcused } = host;
  if (isExcused || state === "Released") return false;
  return isOffered || isUnreachable || state === "Activating" || state === "Soaking" || state === "Failed";
}
