import type { Host } from "../../src/planning/fleet.ts";
import type { FrozenPlan } from "../../src/planning/frozen-plan.ts";
import { windowAt } from "../../src/planning/freeze-windows.ts";
import type { PlanInput, PlannedHost } from "../../src/planning/plan-types.ts";

const dispatchesMax = 200;

/**
 * Which hosts are to be dispatched, written down as plainly as the rules are said: every host is looked at, and for each
 * every other. What the planner is compared with, in what it decides and in what that costs.
 */
export function dispatchedByFullScan({ fleet, rollout, hosts, at }: PlanInput): string[] {
  const { plan } = rollout;
  const known = new Map([...hosts].map((host) => [host.host, host]));
  const isOpen = ["Opening", "Active", "Converging"].includes(rollout.state) && rollout.control === "Running";
  const catchesUp = rollout.state === "Terminal" && rollout.isNewest;
  const isFrozen = fleet.frozen !== null || windowAt(fleet.freezes, plan.channel, at) !== null;
  if ((!isOpen && !catchesUp) || (isFrozen && !rollout.isUndo) || fleet.quarantined !== null) return [];
  const isBehind = plan.channelEdges.some(({ before }) => {
    const newest = fleet.newestOf(before);
    return newest === null || (newest.state !== "Terminal" && !newest.isCleared);
  });
  if (isBehind) return [];

  const inUse = plan.budgets.map(({ key, hosts: members }) => {
    const staged = members.filter((name) => plan.waves.some((wave) => wave.hosts.includes(name)));
    return fleet.unavailableElsewhere(key) + staged.filter((name) => takesPlace(known.get(name))).length;
  });
  const dispatched: string[] = [];
  for (const [wave, { hosts: members }] of plan.waves.entries()) {
    for (const name of members) {
      const host = known.get(name);
      const held =
        !isWaiting(host) ||
        (wave > rollout.currentWave && !rollout.isFullyPromoted) ||
        fleet.busyWith(name) !== null ||
        fleet.nodeOf(name) !== null ||
        plan.hostEdges.some(({ before, after }) => after === name && !hasPassed(known.get(before))) ||
        isNonCompliant(plan, known, wave);
      const own = plan.budgets.flatMap((budget, index) => (budget.hosts.includes(name) ? [index] : []));
      const needsPlace = !takesPlace(host);
      const isFull = own.some((index) => (inUse[index] as number) >= (plan.budgets[index]?.max as number));
      if (held || (needsPlace && isFull) || dispatched.length === dispatchesMax) continue;
      dispatched.push(name);
      if (needsPlace) for (const index of own) inUse[index] = (inUse[index] as number) + 1;
    }
  }
  return dispatched;
}

export function takesPlace(host: PlannedHost | undefined): boolean {
  if (host === undefined || host.isExcused || host.state === "Released") return false;
  return host.isUnreachable || host.isOffered || ["Activating", "Soaking", "Failed"].includes(host.state);
}

function isWaiting(host: PlannedHost | undefined): boolean {
  return host === undefined || (host.state === "Pending" && !host.isOffered && !host.isExcused);
}

function hasPassed(host: PlannedHost | undefined): boolean {
  return host?.state === "Converged" || host?.state === "Deferred";
}

function isNonCompliant(plan: FrozenPlan, known: ReadonlyMap<Host["name"], PlannedHost>, wave: number): boolean {
  return plan.waves.slice(0, wave).some(({ hosts }) =>
    hosts.some((name) => {
      const host = known.get(name);
      const counts = host?.state === "Soaking" || host?.state === "Converged";
      return counts && !host.isExcused && host.failingProbes > 0;
    }),
  );
}
