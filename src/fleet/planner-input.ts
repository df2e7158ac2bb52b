import { isWaveSettled } from "../../machines/rollout/waves.ts";
import type { FleetFacts, PlannedRollout } from "../planning/plan-types.ts";
import { isBusy, type RolloutFacts } from "./facts.ts";
import type { FleetIndex, PlanFacts } from "./fleet-index.ts";

/** What the planner knows of a rollout, from what the index knows now. */
export function plannedOf(facts: RolloutFacts, { plan }: PlanFacts, index: FleetIndex): PlannedRollout {
  const { id, state, since, control, controlSince, context } = facts;
  const channel = index.channels.get(facts.channel);
  return {
    id,
    openedAt: context.openedAt,
    state,
    since,
    control,
    controlSince,
    paused: context.paused,
    currentWave: context.currentWave,
    promotedThrough: context.promotedThrough,
    isFullyPromoted: context.isFullyPromoted,
    isWaveSettled: isWaveSettled(context, context.currentWave),
    isUndo: context.isUndo,
    endedBy: context.endedBy,
    supersededBy: context.supersededBy,
    endedAt: context.endedAt,
    plan,
    isNewest: channel?.newest?.rolloutId === id,
    isLastTerminal: channel?.lastTerminal?.rolloutId === id,
  };
}

/** What is true of the rest of the fleet, seen from one rollout. */
export function fleetFactsFor({ id, channel, ref }: RolloutFacts, index: FleetIndex): FleetFacts {
  const { stopped } = index.line;
  const quarantine = quarantineOf(index, channel, ref);
  return {
    frozen: stopped === null ? null : { since: stopped.at, by: stopped.by, reason: stopped.reason },
    freezes: index.fleet?.freezes ?? [],
    quarantined: quarantine === null ? null : { since: quarantine.since, reason: quarantine.reason },
    newestOf(name) {
      const newest = index.rollouts.get(index.channels.get(name)?.newest?.rolloutId ?? "")?.facts;
      if (newest === undefined) return null;
      const { endedBy, cleared } = newest.context;
      return { id: newest.id, state: newest.state, since: newest.since, endedBy, isCleared: cleared !== null };
    },
    nodeOf: index.nodeOf,
    busyWith(host) {
      for (const other of index.hostsNamed(host)) {
        if (other.rolloutId === id || !isBusy(other)) continue;
        return { rollout: other.rolloutId, since: other.since, isUnreachable: other.isUnreachable };
      }
      return null;
    },
    unavailableElsewhere: (key) => index.budgets.outElsewhere(key, id),
  };
}

function quarantineOf(index: FleetIndex, channel: string, ref: string) {
  const { quarantined = {} } = index.channels.get(channel) ?? {};
  return Object.hasOwn(quarantined, ref) ? (quarantined[ref] ?? null) : null;
}
