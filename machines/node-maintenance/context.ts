import type { NodeInput } from "./events.ts";

/** What still runs on the node and would have to leave. Unknown is never drained. */
export type Blockers =
  | "unknown"
  | {
      replicas: readonly string[];
      daemons: readonly string[];
      /** Why one of them cannot leave, by name. */
      reasons?: Readonly<Record<string, string>> | undefined;
    };

export interface NodeContext {
  node: string;
  /** Number of the maintenance window; 0 before the first. */
  epoch: number;
  requestedBy: string | null;
  requestedReason: string | null;
  /** When the operator means to be done (epoch ms). */
  expectedUntil: number | null;
  /** When the drain is given up (epoch ms); null outside EnteringMaintenance and for a drain without deadline. */
  drainDueAt: number | null;
  /** When leaving maintenance is overdue (epoch ms); null outside ExitingMaintenance. */
  exitDueAt: number | null;
  /** When the window's current drain began (epoch ms). */
  drainingSince: number | null;
  blockers: Blockers;
  /** Daemons and replicas that are not healthy again yet; null where nobody reported. */
  waiting: readonly string[] | null;
  /** Only in DrainFailed. */
  failure: { kind: FailureKind; reason: string } | null;
  /** Why the last attempt to resume failed; only in ExitingMaintenance. */
  resumeError: string | null;
  cordonedByOperator: boolean;
  policy: { drainForMs: number; recoveryRampMs: number; exitForMs: number };
  /** Maintenance groups whose budget the node needs. */
  groups: readonly string[];
  /** The one of them in whose line it stands; only in Active. Left out of a node that never stood in one. */
  inLineAt?: string | null;
}

export type FailureKind = "deadline" | "blocked" | "error" | "aborted" | "isolation-lost" | "observed";

const defaultPolicy = { drainForMs: 600_000, recoveryRampMs: 300_000, exitForMs: 600_000 };

export function initialContext({ input }: { input: NodeInput }): NodeContext {
  return {
    node: input.node,
    epoch: 0,
    requestedBy: null,
    requestedReason: null,
    expectedUntil: null,
    drainDueAt: null,
    exitDueAt: null,
    drainingSince: null,
    blockers: "unknown",
    waiting: null,
    failure: null,
    resumeError: null,
    cordonedByOperator: false,
    policy: configuredPolicy(defaultPolicy, input.policy),
    groups: input.groups ?? [],
  };
}

/** The policy with what is given put over it. */
export function configuredPolicy(policy: NodeContext["policy"], given: NodeInput["policy"]): NodeContext["policy"] {
  return {
    drainForMs: given?.drainForMs ?? policy.drainForMs,
    recoveryRampMs: given?.recoveryRampMs ?? policy.recoveryRampMs,
    exitForMs: given?.exitForMs ?? policy.exitForMs,
  };
}

export function isKnownDrained(blockers: Blockers): boolean {
  return blockers !== "unknown" && blockers.replicas.length === 0 && blockers.daemons.length === 0;
}

/** "web-1 (no other node may take it), log-shipper", or that nobody has looked yet. */
export function describeBlockers(blockers: Blockers): string {
  if (blockers === "unknown") return "what still runs there is not known yet";
  const named = [...blockers.replicas, ...blockers.daemons].map((name) => {
    const why = blockers.reasons?.[name];
    return why === undefined ? name : `${name} (${why})`;
  });
  return named.length === 0 ? "nothing is left to drain" : `still there: ${named.join(", ")}`;
}
