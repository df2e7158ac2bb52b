import type { z } from "zod";
import { countedStates } from "../../machines/host/states.ts";
import { fromCursor, toCursor } from "../engine/reading.ts";
import type { AgentOrder, HostExplanation, HostRecord, RolloutRecord } from "../fleet/control-plane.ts";
import type { FrozenPlan } from "../planning/frozen-plan.ts";
import type { GateVerdict } from "../planning/plan-types.ts";
import type { AgentOrderView } from "./agent-schemas.ts";
import type { GateView, HostExplanationView, RolloutHostView, RolloutView } from "./rollout-schemas.ts";
import type { frozenPlan } from "./rollout-schemas.ts";
import { timeText } from "./wire.ts";

export function gateBody({ gate, since, detail }: GateVerdict): GateView {
  return { gate, since: timeText(since), detail };
}

/** As much of a rollout as a list of channels shows. */
export function rolloutSummary(record: RolloutRecord) {
  const { rolloutId, channel, targetRef, state, control, since, currentWave, gates } = record;
  return {
    rolloutId,
    channel,
    targetRef,
    state,
    control,
    currentWave,
    since: timeText(since),
    gates: gates.map(gateBody),
  };
}

export function rolloutBody(record: RolloutRecord): RolloutView {
  const { openedSeq, lastTransitionSeq, supersededBy, endedBy, planHash, version } = record;
  const { paused, approvals, failure, cleared } = record;
  return {
    ...rolloutSummary(record),
    openedSeq,
    lastTransitionSeq,
    supersededBy,
    endedBy,
    planHash,
    version,
    openedAt: timeText(record.openedAt),
    terminalAt: timeText(record.terminalAt),
    supersededAt: timeText(record.supersededAt),
    waves: record.waves.map(waveBody),
    paused: timed(paused),
    approvals: Object.fromEntries(
      Object.entries(approvals).map(([wave, given]) => [wave, given.map(({ by, at }) => ({ by, at: timeText(at) }))]),
    ),
    failure: timed(failure),
    cleared: timed(cleared),
  };
}

function waveBody(wave: RolloutRecord["waves"][number]): RolloutView["waves"][number] {
  const { name, state, hosts, joined, soakMs, approvals, maxFailures, minConverged } = wave;
  const counts = Object.fromEntries(countedStates.flatMap((each) => (wave[each] > 0 ? [[each, wave[each]]] : [])));
  return { name, state, hosts, joined, counts, soakMs, approvals, maxFailures, minConverged };
}

function timed<Given extends { at: number }>(given: Given | null): (Omit<Given, "at"> & { at: string }) | null {
  return given && { ...given, at: timeText(given.at) };
}

export function hostBody(record: HostRecord): RolloutHostView {
  const { host, wave, state, countedAs, since, isOffered, observedVersion, isUnreachable, excused, failure, instance } =
    record;
  return {
    host,
    wave,
    state,
    countedAs,
    isOffered,
    observedVersion,
    isUnreachable,
    instance,
    since: timeText(since),
    excused: timed(excused),
    failure: failure && { kind: failure.kind, reason: failure.reason },
  };
}

export function explanationOfHost(explained: HostExplanation): HostExplanationView {
  return {
    ...hostBody(explained),
    gates: explained.gates.map(gateBody),
    nextAt: timeText(explained.nextAt),
    waitingFor: [...explained.waitingFor],
    failure: explained.failure,
  };
}

export function planBody(plan: FrozenPlan): z.output<typeof frozenPlan> {
  return {
    channel: plan.channel,
    ref: plan.ref,
    hash: plan.hash,
    waves: plan.waves.map((wave) => ({ ...wave, hosts: [...wave.hosts] })),
    unstaged: [...plan.unstaged],
    budgets: plan.budgets.map((budget) => ({ ...budget, hosts: [...budget.hosts] })),
    hostEdges: plan.hostEdges.map((edge) => ({ ...edge })),
    channelEdges: plan.channelEdges.map((edge) => ({ ...edge })),
    policy: { ...plan.policy },
    retentionMs: plan.retentionMs,
  };
}

export function orderBody(order: AgentOrder): AgentOrderView {
  return order.kind === "dispatch" ? { ...order, quarantined: [...order.quarantined] } : order;
}

const pageSize = 100; // when nobody says otherwise, as in all lists

/** A page of a list that goes on after the name of its last item: one more is read to know whether there are any. */
export async function pageAfter<Item, View>(given: {
  cursor: string | undefined;
  limit: number | undefined;
  read(query: { after?: string; limit: number }): Promise<readonly Item[]>;
  nameOf(item: Item): string;
  viewOf(item: Item): View;
}): Promise<{ items: View[]; nextCursor: string | null }> {
  const { cursor, limit = pageSize, read, nameOf, viewOf } = given;
  const found = await read({ ...(cursor !== undefined && { after: fromCursor(cursor) }), limit: limit + 1 });
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(viewOf),
    nextCursor: found.length > limit && last !== undefined ? toCursor(nameOf(last)) : null,
  };
}
