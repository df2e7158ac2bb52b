import type { HostState } from "../../machines/host/states.ts";
import type { Fleet } from "../../src/planning/fleet.ts";
import type { FrozenPlan } from "../../src/planning/frozen-plan.ts";
import { freezePlan } from "../../src/planning/freeze-plan.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import type { FleetFacts, PlannedHost, PlannedRollout, Plan, PlanInput } from "../../src/planning/plan-types.ts";

export const t0 = Date.UTC(2026, 0, 5, 12, 0); // a Monday
export const minute = 60_000;

/** A fleet of one channel `stable` with the policy `standard`, and whatever else is declared. */
export function fleetOf(declared: {
  hosts: Record<string, readonly string[]>;
  waves?: readonly unknown[];
  policy?: Record<string, unknown>;
  budgets?: readonly unknown[];
  hostEdges?: readonly unknown[];
  channels?: Record<string, unknown>;
  channelEdges?: readonly unknown[];
  freezes?: readonly unknown[];
}): Fleet {
  const { hosts, waves = [], policy = {}, channels = {}, ...rest } = declared;
  return parseFleet({
    channels: { stable: { ref: "v2", policy: "standard" }, ...channels },
    hosts: Object.fromEntries(Object.entries(hosts).map(([name, tags]) => [name, { channel: "stable", tags }])),
    policies: { standard: { waves, ...policy } },
    ...rest,
  });
}

export function planOf(declared: Parameters<typeof fleetOf>[0]): FrozenPlan {
  return freezePlan(fleetOf(declared), "stable");
}

/** Nothing is out of the ordinary anywhere else. */
export function facts(given: Partial<FleetFacts> = {}): FleetFacts {
  return {
    frozen: null,
    freezes: [],
    quarantined: null,
    newestOf: () => null,
    nodeOf: () => null,
    busyWith: () => null,
    unavailableElsewhere: () => 0,
    ...given,
  };
}

/** A rollout that runs. */
export function rolloutOf(plan: FrozenPlan, given: Partial<PlannedRollout> = {}): PlannedRollout {
  return {
    id: "stable@v2",
    openedAt: t0,
    state: "Active",
    since: t0,
    control: "Running",
    controlSince: t0,
    currentWave: 0,
    promotedThrough: -1,
    isFullyPromoted: false,
    isWaveSettled: false,
    isUndo: false,
    endedBy: null,
    endedAt: null,
    plan,
    isNewest: true,
    isLastTerminal: false,
    ...given,
  };
}

/** A host in a state, with an offer that stands only when it says so. */
export function hostIn(
  plan: FrozenPlan,
  host: string,
  state: HostState,
  given: Partial<PlannedHost> = {},
): PlannedHost {
  return {
    host,
    wave: plan.waves.findIndex(({ hosts }) => hosts.includes(host)),
    state,
    since: t0,
    countedAs: given.isExcused === true ? "Excused" : state,
    isOffered: false,
    isUnreachable: false,
    isExcused: false,
    isSoakWaived: false,
    isReleaseAsked: false,
    failingProbes: 0,
    ...given,
  };
}

export function inputOf(
  plan: FrozenPlan,
  given: {
    rollout?: Partial<PlannedRollout>;
    hosts?: readonly PlannedHost[];
    fleet?: Partial<FleetFacts>;
    at?: number;
  } = {},
): PlanInput {
  return {
    fleet: facts(given.fleet),
    rollout: rolloutOf(plan, given.rollout),
    hosts: given.hosts ?? [],
    at: given.at ?? t0,
  };
}

export const dispatched = ({ moves }: Plan) => moves.flatMap((move) => (move.kind === "dispatch" ? [move.host] : []));
export const gatesOn = ({ blocked }: Plan, host: string) =>
  (blocked.find((each) => each.host === host)?.gates ?? []).map(({ gate }) => gate);
export const detailOn = ({ blocked }: Plan, host: string, gate: string) =>
  blocked.find((each) => each.host === host)?.gates.find((each) => each.gate === gate)?.detail;
export const kindsOf = ({ moves }: Plan) => moves.map(({ kind }) => kind);

/** A canary of one host before two others. */
export const twoWaves = {
  hosts: { "web-1": ["canary"], "web-2": ["web"], "web-3": ["web"] },
  waves: [
    { name: "canary", hosts: { tags: ["canary"] }, soak: "10m" },
    { name: "rest", hosts: { all: true }, soak: "30m" },
  ],
};
