import type { HostContext } from "../../machines/host/context.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { hostsOf } from "../../machines/rollout/waves.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { HostExplanation, HostRecord, RolloutRecord } from "./control-plane.ts";
import { hostFactsOf, lookFor, rolloutNamed, type HostFacts, type RolloutFacts, type Seen } from "./facts.ts";
import { paused } from "../planning/gates/paused.ts";
import { nameByPlace } from "../planning/wave-name.ts";
import type { FleetIndex, PlanFacts } from "./fleet-index.ts";
import { plannedOf } from "./planner-input.ts";
import type { Explained, Planners } from "./planners.ts";
import type { Plans, WaveFacts } from "./plans.ts";

const looksAtOnce = 50;

/** Rollouts and their hosts as people read them. What is asked for by name is read from the store. */
export function createRecords(given: {
  engine: Engine;
  index: FleetIndex;
  plans: Plans;
  planners: Planners;
  now(): number;
}) {
  const { engine, index, plans, planners, now } = given;

  async function recordOf(facts: RolloutFacts): Promise<RolloutRecord> {
    return rolloutRecord(facts, facts.context.planHash === null ? [] : await plans.wavesOf(facts.id));
  }

  /** By wave and name. What the index knows already is not read only to be passed over. */
  async function* hostRecords(rolloutId: string, query: HostQuery): AsyncGenerator<HostRecord> {
    const entry = index.rollouts.get(rolloutId);
    const { plan } = await plans.of(rolloutId);
    const places = plan.waves.flatMap(({ hosts }, wave) => hosts.map((host) => ({ host, wave })));
    const from = query.after === undefined ? 0 : places.findIndex(({ host }) => host === query.after) + 1;
    const candidates = places
      .slice(from)
      .filter(({ wave }) => query.wave === undefined || wave === query.wave)
      .filter(({ host }) => entry?.isComplete !== true || matches(entry.hosts.get(host), query));
    for (let at = 0; at < candidates.length; at += looksAtOnce) {
      const some = candidates.slice(at, at + looksAtOnce);
      const found = await Promise.all(some.map(({ host }) => lookFor(engine, hostIdOf(rolloutId, host))));
      for (const [place, { host, wave }] of some.entries()) {
        const record = hostRecord({ host, wave, seen: found[place] });
        if (matches(record, query)) yield record;
      }
    }
  }

  async function explainHost(rolloutId: string, host: string): Promise<HostExplanation> {
    const facts = await rolloutNamed(engine, rolloutId);
    const plan = await plans.of(rolloutId);
    const wave = plan.waveOf.get(host);
    if (wave === undefined) throw noSuchHost(rolloutId, host, plan.plan.unstaged.includes(host));
    const seen = await lookFor(engine, hostIdOf(rolloutId, host));
    const record = hostRecord({ host, wave, seen });
    const isPlanned = index.rollouts.get(rolloutId)?.isComplete === true;
    const explained = isPlanned
      ? planners.explain({ rolloutId, host, plan, at: now() })
      : afterTheEnd(facts, record, plan);
    const waitingFor = seen === undefined ? [] : (await engine.read(seen.row.id)).waitingFor.map(({ what }) => what);
    return { ...record, ...explained, waitingFor };
  }

  /** Nobody plans a rollout any more whose hosts were let go: what holds one that was never dispatched is that it is over. */
  function afterTheEnd(facts: RolloutFacts, { state }: HostRecord, plan: PlanFacts): Explained {
    const gates = state === "Pending" ? paused({ rollout: plannedOf(facts, plan, index), plan: plan.plan }) : [];
    return { gates, nextAt: null };
  }

  return {
    rollout: async (id: string) => recordOf(await rolloutNamed(engine, id)),

    async rollouts({ channel, state, after, limit }: RolloutQuery): Promise<RolloutRecord[]> {
      const all = [...index.rollouts.values()].map(({ facts }) => facts).toSorted((a, b) => b.openedSeq - a.openedSeq);
      const last =
        after === undefined ? undefined : (index.rollouts.get(after)?.facts ?? (await rolloutNamed(engine, after)));
      const found = all
        .filter(({ openedSeq }) => last === undefined || openedSeq < last.openedSeq)
        .filter((each) => channel === undefined || each.channel === channel)
        .filter((each) => state === undefined || each.state === state);
      return Promise.all(found.slice(0, limit).map(recordOf));
    },

    async planOf(rolloutId: string) {
      await rolloutNamed(engine, rolloutId);
      return (await plans.of(rolloutId)).plan;
    },

    async hosts(rolloutId: string, query: HostQuery & { limit: number }): Promise<HostRecord[]> {
      await rolloutNamed(engine, rolloutId);
      const records: HostRecord[] = [];
      for await (const record of hostRecords(rolloutId, query)) {
        records.push(record);
        if (records.length >= query.limit) break;
      }
      return records;
    },

    explainHost,
  };
}

export interface RolloutQuery {
  channel?: string;
  state?: string;
  after?: string;
  limit: number;
}

export interface HostQuery {
  state?: string;
  wave?: number;
  after?: string;
}

/** Of an excused host both words fit: where it is, and what it counts as. */
function matches(host: Pick<HostRecord, "state" | "countedAs"> | undefined, { state }: HostQuery): boolean {
  if (state === undefined) return true;
  return state === (host?.state ?? "Pending") || state === host?.countedAs;
}

function noSuchHost(rolloutId: string, host: string, isUnstaged: boolean): SignalboxError {
  const detail = isUnstaged
    ? `${host} is in no wave of ${rolloutId}: nothing is dispatched to it. Give it a wave in its policy.`
    : `${host} is not a host of ${rolloutId}.`;
  return new SignalboxError("not-found", detail);
}

function rolloutRecord(facts: RolloutFacts, names: readonly WaveFacts[]): RolloutRecord {
  const { id, channel, ref, state, since, control, openedSeq, lastTransitionSeq, version, context } = facts;
  const { currentWave } = context;
  return {
    rolloutId: id,
    channel,
    targetRef: ref,
    state,
    control,
    since,
    currentWave,
    openedSeq,
    lastTransitionSeq,
    openedAt: context.openedAt,
    terminalAt: context.terminalAt,
    supersededAt: context.supersededAt,
    supersededBy: context.supersededBy,
    endedBy: context.endedBy,
    planHash: context.planHash,
    waves: (context.waves ?? []).map((counters, number) => ({
      ...counters,
      ...(context.rules[number] ?? { approvals: 0, maxFailures: 0, minConverged: 0 }),
      name: names[number]?.name ?? nameByPlace(number),
      hosts: hostsOf(counters),
      soakMs: names[number]?.soakMs ?? 0,
      state: waveState(number, facts),
    })),
    gates: context.gates,
    paused: context.paused,
    approvals: context.approvals,
    failure: context.failure,
    cleared: context.cleared,
    version,
  };
}

function waveState(number: number, { context }: RolloutFacts): RolloutRecord["waves"][number]["state"] {
  if (context.terminalAt !== null || number < context.currentWave) return "done";
  return number === context.currentWave ? "current" : "ahead";
}

function hostRecord({ host, wave, seen }: { host: string; wave: number; seen: Seen | undefined }): HostRecord {
  if (seen === undefined) return { ...undispatched, host, wave };
  const { observedVersion, excused, failure } = seen.context as HostContext;
  const { state, countedAs, since, isOffered, isUnreachable }: HostFacts = hostFactsOf(seen);
  return {
    host,
    wave,
    state,
    countedAs,
    since,
    isOffered,
    observedVersion,
    isUnreachable,
    excused,
    failure: failure && {
      kind: failure.kind,
      reason: failure.reason,
      exitCode: failure.exitCode ?? null,
      stderrTail: failure.stderrTail ?? null,
    },
    instance: seen.row.id,
  };
}

const undispatched = {
  state: "Pending",
  countedAs: "Pending",
  since: null,
  isOffered: false,
  observedVersion: null,
  isUnreachable: false,
  excused: null,
  failure: null,
  instance: null,
} as const;
