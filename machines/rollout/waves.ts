import { countedStates } from "../host/states.ts";
import type { RolloutContext, WaveCounters, WaveRules } from "./context.ts";

/** A wave as its hosts have it now. */
export interface Wave {
  readonly number: number;
  readonly counters: WaveCounters;
  readonly rules: WaveRules;
  readonly hosts: number;
  /** Hosts that failed, whether they went back or not. */
  readonly failures: number;
  /** Hosts with which it is done: Converged, Deferred, excused or failed. */
  readonly settled: number;
}

/** undefined for a wave that the rollout does not have, or does not count. */
export function waveOf({ waves, rules }: RolloutContext, number: number): Wave | undefined {
  const counters = waves?.[number];
  const rulesOfWave = rules[number];
  if (counters === undefined || rulesOfWave === undefined) return undefined;
  const failures = counters.Failed + counters.Reverted;
  return {
    number,
    counters,
    rules: rulesOfWave,
    hosts: hostsOf(counters),
    failures,
    settled: counters.Converged + counters.Deferred + counters.Excused + failures,
  };
}

/** "wave 1 of 3": its context has no names, and people count from one. */
export function waveText({ waves }: RolloutContext, number: number): string {
  return `wave ${number + 1}${waves === null ? "" : ` of ${waves.length}`}`;
}

export function hostsOf(counters: WaveCounters): number {
  return countedStates.reduce((sum, state) => sum + counters[state], 0);
}

/** How many failures a wave bears: a number, or a share of its hosts, rounded down. */
export function toleranceOf(maxFailures: number | string, hosts: number): number {
  return typeof maxFailures === "number" ? maxFailures : Math.floor((hosts * Number.parseInt(maxFailures, 10)) / 100);
}

/** "2 of 4 hosts failed, 1 borne": why a wave has lost too many, also where that is for want of hosts that converge. */
export function lossText({ failures, hosts, rules }: Pick<Wave, "failures" | "hosts" | "rules">): string {
  const borne = toleranceOf(rules.maxFailures, hosts);
  const lost = `${failures} of ${hosts} ${hosts === 1 ? "host" : "hosts"} failed, ${borne} borne`;
  return failures > borne ? lost : `${lost}, but at least ${rules.minConverged} to converge`;
}

/**
 * How many hosts have to converge: what the rules ask for, but no more than there are hosts that are not excused. Hosts
 * that failed do not lower it: a version that nobody has seen working is not passed on because its failures are borne.
 */
export function neededOf({ rules, hosts, counters }: Wave): number {
  return Math.min(rules.minConverged, hosts - counters.Excused);
}

/** More failures than the wave bears, or so many that what has to converge no longer can. */
export function isBeyondTolerance(wave: Wave): boolean {
  if (wave.failures > toleranceOf(wave.rules.maxFailures, wave.hosts)) return true;
  return wave.hosts - wave.counters.Excused - wave.failures < neededOf(wave);
}

/** Excused hosts that nobody has accepted: those of the current wave beyond what an operator resumed with; all of later ones. */
function unacceptedExcused({ currentWave, excusedAccepted }: RolloutContext, { number, counters }: Wave): number {
  if (number < currentWave) return 0;
  return Math.max(0, counters.Excused - (number === currentWave ? excusedAccepted : 0));
}

export function hasTooManyExcused(context: RolloutContext, wave: Wave): boolean {
  return unacceptedExcused(context, wave) * 100 > context.policy.excusedMaxPct * wave.hosts;
}

/**
 * Whether the wave after it may begin: all its hosts, dispatched or not, are Converged, Deferred, excused or a failure that
 * is borne, and enough have converged. An empty one is settled.
 */
export function isWaveSettled(context: RolloutContext, number: number): boolean {
  const wave = waveOf(context, number);
  if (wave === undefined) return false;
  if (wave.settled < wave.hosts || hasTooManyExcused(context, wave)) return false;
  return wave.counters.Converged >= neededOf(wave) && !isBeyondTolerance(wave);
}

/** Settled, and no host waits for a reboot: it runs the target. */
export function isWaveComplete(context: RolloutContext, number: number): boolean {
  return isWaveSettled(context, number) && context.waves?.[number]?.Deferred === 0;
}

export function isEveryWaveComplete(context: RolloutContext): boolean {
  return context.waves?.every((_, number) => isWaveComplete(context, number)) ?? false;
}

/** The next wave that has hosts; undefined when none is left. */
export function nextWave({ waves, currentWave }: RolloutContext): number | undefined {
  const next = (waves ?? []).findIndex((counters, number) => number > currentWave && hostsOf(counters) > 0);
  return next < 0 ? undefined : next;
}

/** Distinct people that a wave still needs; an undo needs nobody, and so does a wave without hosts. */
export function approvalsMissing(context: RolloutContext, number: number | undefined): number {
  const wave = number === undefined ? undefined : waveOf(context, number);
  if (wave === undefined || wave.hosts === 0 || context.isUndo) return 0;
  return Math.max(0, wave.rules.approvals - (context.approvals[wave.number]?.length ?? 0));
}

/** The first wave from the current one on that lacks an approval. */
export function firstUnapproved(context: RolloutContext): number | undefined {
  const number = (context.waves ?? []).findIndex(
    (_, each) => each >= context.currentWave && approvalsMissing(context, each) > 0,
  );
  return number < 0 ? undefined : number;
}

/** The wave whose turn has come, and that lacks an approval: the current one, or the next once that has settled. */
export function waveToApprove(context: RolloutContext): number | undefined {
  const { currentWave } = context;
  if (approvalsMissing(context, currentWave) > 0) return currentWave;
  const next = isWaveSettled(context, currentWave) ? nextWave(context) : undefined;
  return approvalsMissing(context, next) > 0 ? next : undefined;
}
