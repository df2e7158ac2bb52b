import fc from "fast-check";
import { hostStates } from "../../machines/host/states.ts";
import type { FrozenPlan } from "../../src/planning/frozen-plan.ts";
import type { FleetFacts, PlannedHost, PlannedRollout } from "../../src/planning/plan-types.ts";
import { facts, hostIn, planOf, rolloutOf, t0 } from "./scenes.ts";

const tags = ["red", "green", "blue"] as const;
const hostNames = Array.from({ length: 12 }, (_, index) => `h-${String(index).padStart(2, "0")}`);

const selector = fc.oneof(
  fc.constantFrom(...tags).map((tag) => ({ tags: [tag] })),
  fc.constant({ all: true as const }),
  fc.subarray(hostNames.slice(0, 4), { minLength: 1 }).map((hosts) => ({ hosts })),
);

/** Up to twelve hosts in up to three waves, with budgets and edges; one may be in no wave. */
export const plans: fc.Arbitrary<FrozenPlan> = fc
  .record({
    hosts: fc.tuple(...hostNames.map((name) => fc.subarray([...tags]).map((own) => [name, own] as const))),
    waves: fc.array(fc.record({ hosts: selector, soak: fc.constantFrom("0s", "10m") }), { maxLength: 3 }),
    budgets: fc.array(
      fc.oneof(
        fc.record({ hosts: selector, maxInFlight: fc.integer({ min: 1, max: 4 }) }),
        fc.record({ hosts: selector, maxInFlightPct: fc.integer({ min: 1, max: 60 }) }),
      ),
      { maxLength: 3 },
    ),
    // From a smaller to a greater name, so that no circle can be.
    edges: fc.array(fc.tuple(fc.nat(10), fc.integer({ min: 1, max: 5 })), { maxLength: 4 }),
    onHealthFailure: fc.constantFrom("halt", "rollback-and-halt", "rollback-all"),
  })
  .map(({ hosts, waves, budgets, edges, onHealthFailure }) => {
    const declared = { hosts: Object.fromEntries(hosts), waves, budgets, policy: { onHealthFailure } };
    const staged = planOf(declared);
    const waveOf = (name: string) => staged.waves.findIndex((wave) => wave.hosts.includes(name));
    const hostEdges = edges
      .map(([from, by]) => ({ before: hostNames[from] as string, after: hostNames[Math.min(11, from + by)] as string }))
      .filter(({ before, after }) => waveOf(before) >= 0 && waveOf(before) <= waveOf(after));
    return planOf({ ...declared, hostEdges });
  });

export function hostsOf(plan: FrozenPlan): fc.Arbitrary<PlannedHost> {
  return fc
    .record({
      host: fc.constantFrom(...hostNames),
      state: fc.constantFrom(...hostStates),
      since: fc.integer({ min: t0 - 1_000, max: t0 }),
      isOffered: fc.boolean(),
      isUnreachable: fc.boolean(),
      isExcused: fc.boolean(),
      isSoakWaived: fc.boolean(),
      isReleaseAsked: fc.boolean(),
      isJoined: fc.boolean(),
      failingProbes: fc.constantFrom(0, 0, 0, 1, 2),
    })
    .map(({ host, state, isOffered, isJoined, ...given }) =>
      hostIn(plan, host, state, {
        ...given,
        isOffered: state === "Pending" && isOffered && isJoined,
        ...(state === "Pending" && !isJoined && { isJoined }),
      }),
    );
}

export function rolloutsOf(plan: FrozenPlan): fc.Arbitrary<PlannedRollout> {
  return fc
    .record({
      state: fc.constantFrom(
        ...([
          "Opening",
          "Active",
          "Active",
          "Active",
          "Converging",
          "Terminal",
          "Failed",
          "Reverted",
          "Superseded",
        ] as const),
      ),
      control: fc.constantFrom(...(["Running", "Running", "Running", "Paused", "AwaitingApproval"] as const)),
      currentWave: fc.nat(plan.waves.length - 1),
      promotedThrough: fc.integer({ min: -1, max: 2 }),
      isFullyPromoted: fc.boolean(),
      isWaveSettled: fc.boolean(),
      isUndo: fc.boolean(),
      isNewest: fc.boolean(),
      isLastTerminal: fc.boolean(),
    })
    .map((given) => {
      const hasEnded = ["Terminal", "Failed", "Reverted", "Superseded"].includes(given.state);
      return rolloutOf(plan, { ...given, endedAt: hasEnded ? t0 - plan.retentionMs + 5 : null });
    });
}

/** What holds single hosts from outside, and all of them. */
export const elsewheres: fc.Arbitrary<FleetFacts> = fc
  .record({
    isFrozen: fc.constantFrom(false, false, false, true),
    isQuarantined: fc.constantFrom(false, false, false, true),
    busy: fc.subarray(hostNames.slice(0, 6)),
    inMaintenance: fc.subarray(hostNames.slice(4)),
    elsewhere: fc.nat(2),
  })
  .map(({ isFrozen, isQuarantined, busy, inMaintenance, elsewhere }) =>
    facts({
      frozen: isFrozen ? { since: t0, by: "ann", reason: null } : null,
      quarantined: isQuarantined ? { since: t0, reason: "it crashed" } : null,
      busyWith: (host) => (busy.includes(host) ? { rollout: "stable@v1", since: t0 } : null),
      nodeOf: (host) => (inMaintenance.includes(host) ? { since: t0, detail: `${host} is in maintenance` } : null),
      unavailableElsewhere: () => elsewhere,
    }),
  );
