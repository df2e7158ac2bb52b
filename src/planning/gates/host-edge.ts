import type { GateVerdict, PlannedHost } from "../plan-types.ts";
import { verdict, type HostView } from "./gate.ts";

/** Other hosts of the same rollout go first. */
export function hostEdge(view: Pick<HostView, "rollout" | "host" | "edges" | "hostNamed">): readonly GateVerdict[] {
  const { rollout, host, edges, hostNamed } = view;
  return edges.flatMap(({ before, reason }) => {
    const first = hostNamed(before);
    if (first !== undefined && isPassed(first)) return [];
    const why = reason === null ? "" : ` (${reason})`;
    const detail = `${before} goes before ${host}${why} and ${stateText(first)}. ${openingOf(first, { before, host })}`;
    return [verdict("host-edge", first?.since ?? rollout.openedAt, detail)];
  });
}

/** What comes after the host may go. One that waits for its reboot has the version already. */
export function isPassed({ state }: Pick<PlannedHost, "state">): boolean {
  return state === "Converged" || state === "Deferred";
}

function openingOf(first: PlannedHost | undefined, { before, host }: { before: string; host: string }): string {
  if (first?.isExcused === true)
    return `It opens when ${before} is seen again and has converged; excuse ${host} to complete without it.`;
  const isOut = first?.state === "Failed" || first?.state === "Reverted" || first?.state === "Released";
  if (!isOut) return `It opens when ${before} has converged.`;
  return `${before} does not converge in this rollout any more: excuse ${host}, retry, or open a newer ref.`;
}

function stateText(host: PlannedHost | undefined): string {
  if (host?.isExcused === true) return "is excused";
  return host === undefined || host.isJoined === false ? "is not dispatched yet" : `is ${host.state}`;
}
