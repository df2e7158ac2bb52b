import type { ChannelContext } from "../../machines/channel/context.ts";
import { isOut } from "../planning/out.ts";
import { isBusy, isOpen, type HostFacts, type RolloutFacts } from "./facts.ts";
import type { Change, FleetIndex, RolloutEntry } from "./fleet-index.ts";

/**
 * Rollouts that are to be planned anew because of a change that is not theirs. What changes within a rollout its own chart
 * knows. Costs as much as there are rollouts that are not over: one for each channel, or little more.
 */
export function concernedBy(change: Change, index: FleetIndex): string[] {
  switch (change.kind) {
    case "host":
      return afterHost(change.before, change.after, index);
    case "rollout":
      return afterRollout(change.before, change.after, index);
    case "channel":
      return afterChannel(change.before, change.after, index);
    case "node":
      return idsOf(index, (each) => isAbout(each, change.host, index));
    case "line":
      return (change.before.stopped === null) === (change.after.stopped === null) ? [] : idsOf(index, isWaiting);
    case "fleet":
      return idsOf(index, isWaiting); // its calendar holds for all
    default:
      return change satisfies never;
  }
}

/** A host that is free again, or that gives a place in a budget back. */
function afterHost(before: HostFacts | undefined, after: HostFacts, index: FleetIndex): string[] {
  if (before === undefined) return [];
  const isFreed = (isBusy(before) && !isBusy(after)) || (isOut(before) && !isOut(after));
  if (!isFreed) return [];
  return idsOf(index, (each) => each.facts.id !== after.rolloutId && isAbout(each, after.host, index));
}

/** A channel that others wait for has come further, or somebody answers for it. */
function afterRollout(before: RolloutFacts | undefined, after: RolloutFacts, index: FleetIndex): string[] {
  const isSame =
    before?.state === after.state && (before.context.cleared === null) === (after.context.cleared === null);
  if (isSame) return [];
  return idsOf(index, ({ plan }) => plan?.plan.channelEdges.some((edge) => edge.before === after.channel) === true);
}

function afterChannel(before: ChannelContext | undefined, after: ChannelContext, index: FleetIndex): string[] {
  const isSame = before?.newest?.rolloutId === after.newest?.rolloutId && before?.quarantined === after.quarantined;
  if (isSame) return [];
  return idsOf(
    index,
    ({ facts, plan }) =>
      facts.channel === after.channel || plan?.plan.channelEdges.some((edge) => edge.before === after.channel) === true,
  );
}

/** The host is of the rollout, or of a budget that the rollout is under. */
function isAbout({ facts, plan }: RolloutEntry, host: string, index: FleetIndex): boolean {
  if (plan === null || !isWaiting({ facts })) return false;
  if (plan.waveOf.has(host)) return true;
  const keys = index.budgets.keysOf(host);
  return keys.length > 0 && plan.plan.budgets.some(({ key }) => keys.includes(key));
}

/** Something may still be dispatched: to what was never dispatched, or to who was excused and has come back. */
function isWaiting({ facts }: Pick<RolloutEntry, "facts">): boolean {
  const { waves } = facts.context;
  if (facts.context.planHash === null || !(isOpen(facts.state) || facts.state === "Terminal")) return false;
  return (waves ?? []).some(({ Pending }) => Pending > 0);
}

function idsOf(index: FleetIndex, isConcerned: (entry: RolloutEntry) => boolean): string[] {
  return [...index.openOnes()].filter(isConcerned).map(({ facts }) => facts.id);
}
