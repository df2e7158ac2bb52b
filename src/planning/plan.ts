import type { Plan, PlanInput, PlannedHost, PlannedMove } from "./plan-types.ts";
import { createPlanner } from "./planner.ts";

/**
 * What is to be done with a rollout now, and what holds each host that waits. Pure, and the same for the same input in
 * whatever order the hosts come; what plans again and again keeps a planner, which decides the same.
 */
export function plan({ fleet, rollout, hosts, at }: PlanInput): Plan {
  const planner = createPlanner(rollout.plan);
  const known = new Map<string, PlannedHost>();
  for (const host of hosts) {
    planner.set(host);
    known.set(host.host, host);
  }
  const facts = { fleet, rollout, at };
  const decision = planner.decide(facts);
  for (const move of decision.moves) {
    if (move.kind === "dispatch") planner.set({ ...asOffered(move, at), ...known.get(move.host), isOffered: true });
  }
  const blocked = [...planner.waiting()]
    .map((host) => ({ host, gates: planner.explain(host, facts) }))
    .filter(({ gates }) => gates.length > 0);
  return { ...decision, blocked };
}

/** As a host is once it has its dispatch: those after it are judged with that. */
function asOffered({ host, wave }: Extract<PlannedMove, { kind: "dispatch" }>, at: number) {
  return {
    host,
    wave,
    state: "Pending",
    since: at,
    countedAs: "Pending",
    isOffered: true,
    isUnreachable: false,
    isExcused: false,
    isSoakWaived: false,
    isReleaseAsked: false,
    failingProbes: 0,
  } as const;
}
