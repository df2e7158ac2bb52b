import type { GateVerdict, PlannedHost } from "../plan-types.ts";
import { verdict, type HostView } from "./gate.ts";

/** Other hosts of the same rollout go first. */
export function hostEdge(view: Pick<HostView, "rollout" | "host" | "edges" | "hostNamed">): readonly GateVerdict[] {
  const { rollout, host, edges, hostNamed } = view;
  return edges.flatMap(({ before, reason }) => {
    const first = hostNamed(before);
    if (first !== undefined && isPassed(first)) return [];
    const why = reason === null ? "" : ` (${reason})`;
    const detail = `${before} goes before ${host}${why} and ${stateText(first)}. It opens when ${before} has converged.`;
    return [verdict("host-edge", first?.since ?? rollout.since, detail)];
  });
}

/** What comes after the host may go. One that waits for its reboot has the version already. */
export function isPassed({ state }: Pick<PlannedHost, "state">): boolean {
  return state === "Converged" || state === "Deferred";
}

function stateText(host: PlannedHost | undefined): string {
  if (host?.isExcused === true) return "is excused";
  return host === undefined || host.isJoined === false ? "is not dispatched yet" : `is ${host.state}`;
}
