import type { Refusal } from "../../src/core/law.ts";
import type { CountedState } from "../host/states.ts";
import type { RolloutContext } from "./context.ts";
import { countedAfter, failedAfter } from "./counting.ts";
import type { RolloutEvent, RolloutEventOf } from "./events.ts";
import {
  approvalsMissing,
  firstUnapproved,
  hasTooManyExcused,
  isBeyondTolerance,
  isEveryWaveComplete,
  isWaveSettled,
  neededOf,
  nextWave,
  toleranceOf,
  waveOf,
  waveText,
  waveToApprove,
} from "./waves.ts";

type Joined = RolloutEventOf<"host.joined">;
type Changed = RolloutEventOf<"host.changed">;
type Advanced = RolloutEventOf<"wave.advanced">;

/** The rules of a rollout by guard name. */
export const laws = {
  /** A planned rollout is counted by its hosts and moved by its planner, whatever somebody else says. */
  mayDrive(context: RolloutContext, event: RolloutEvent): Refusal | undefined {
    const { principal, type } = event;
    const isOurs = principal === "engine" || principal === "provider:planRollout";
    if (context.planHash === null || isOurs || ("byOperation" in event && event.byOperation === true)) return undefined;
    return {
      code: "driven-by-plan",
      detail: `${context.rolloutId} is counted by its hosts and moved by its planner; ${type} is not taken from ${principal ?? "outside"}.`,
      hint: "rollout.pause, rollout.resume, rollout.promote, wave.approve or rollout.cancel",
    };
  },

  joins(context: RolloutContext, event: Joined): Refusal | undefined {
    const refusal = laws.mayDrive(context, event) ?? unknownWave(context, event.wave);
    const wave = waveOf(context, event.wave);
    if (refusal !== undefined || wave === undefined || wave.counters.joined < wave.hosts) return refusal;
    return {
      code: "all-joined",
      detail: `All ${wave.hosts} hosts of ${waveText(context, event.wave)} were dispatched already.`,
    };
  },

  /** The counters are moved from where they are: nobody leaves a state in which nobody is counted. */
  counts(context: RolloutContext, event: Changed): Refusal | undefined {
    const refusal = laws.mayDrive(context, event) ?? unknownWave(context, event.wave);
    const wave = waveOf(context, event.wave);
    if (refusal !== undefined || wave === undefined || wave.counters[event.from] > 0) return refusal;
    return {
      code: "not-counted",
      detail: `No host of ${waveText(context, event.wave)} is counted as ${event.from}.`,
      data: { wave: event.wave, from: event.from, counters: wave.counters },
    };
  },

  /** With this host, more have failed than the wave bears. */
  failsAs(
    context: RolloutContext,
    event: Changed,
    { to }: { to: Extract<CountedState, "Failed" | "Reverted"> },
  ): Refusal | undefined {
    const refusal = laws.counts(context, event);
    if (refusal !== undefined) return refusal;
    if (event.to !== to) return { code: "other-state", detail: `The host is ${event.to}, not ${to}.` };
    const wave = waveOf(countedAfter(context, event), event.wave);
    const isBeyond =
      wave === undefined
        ? failedAfter(context, event) > toleranceOf(context.policy.maxFailures, 0)
        : isBeyondTolerance(wave);
    return isBeyond
      ? undefined
      : { code: "borne", detail: `This failure is borne in ${waveText(context, event.wave)}.` };
  },

  /** A host of a rollout that has failed is back, and the policy asks for that. */
  goesBack(context: RolloutContext, event: Changed): Refusal | undefined {
    const refusal = laws.counts(context, event);
    if (refusal !== undefined || (event.to === "Reverted" && context.policy.onHealthFailure !== "halt")) return refusal;
    return { code: "stays-failed", detail: `The rollout stays as it is when a host becomes ${event.to}.` };
  },

  advances(context: RolloutContext, event: Advanced): Refusal | undefined {
    const refusal = unfit(context, event);
    if (refusal !== undefined || isFurther(event)) return refusal;
    return { code: "no-further", detail: "It names no later wave." };
  },

  settles(context: RolloutContext, event: Advanced): Refusal | undefined {
    const refusal = unfit(context, event);
    if (refusal !== undefined || !isFurther(event)) return refusal;
    return { code: "further", detail: "It names a later wave." };
  },

  completes(context: RolloutContext, event: RolloutEventOf<"rollout.completed">): Refusal | undefined {
    const refusal = laws.mayDrive(context, event);
    if (refusal !== undefined || context.waves === null || isEveryWaveComplete(context)) return refusal;
    const outstanding = context.waves.flatMap(({ joined: _joined, Converged: _converged, ...rest }, wave) => [
      { wave, ...rest },
    ]);
    return {
      code: "counters-disagree",
      detail: `Not every host of ${context.rolloutId} has converged, is excused or is a failure that is borne.`,
      data: { waves: outstanding },
    };
  },

  hasNoHosts(context: RolloutContext): Refusal | undefined {
    if (context.waves !== null && isEveryWaveComplete(context)) return undefined;
    return { code: "has-hosts", detail: `${context.rolloutId} has hosts, or nobody has said how many.` };
  },

  isNotOver({ rolloutId, terminalAt, supersededAt, supersededBy, cancelled }: RolloutContext): Refusal | undefined {
    if (terminalAt === null && supersededAt === null) return undefined;
    const supersession = supersededBy === null ? "was superseded" : `was superseded by ${supersededBy}`;
    const ended = supersededAt === null ? "is complete" : cancelled === null ? supersession : "was cancelled";
    return {
      code: "over",
      detail: `${rolloutId} ${ended}: there is nothing left to hold, to hasten or to stop.`,
      hint: "rollout retry opens a new run of the same ref; rollout undo brings the last one back",
    };
  },

  isUnderWay(context: RolloutContext): Refusal | undefined {
    const over = laws.isNotOver(context);
    if (over !== undefined || context.failure === null) return over;
    return {
      code: "halted",
      detail: `${context.rolloutId} has halted: ${describeFailure(context)}. Nothing more is dispatched, so there is nothing to hold or to hasten.`,
      hint: "a newer ref, rollout retry (a new run of the same ref), rollout undo, or rollout.cancel",
    };
  },

  isPromotedAlready(context: RolloutContext, event: RolloutEventOf<"rollout.promote">): Refusal | undefined {
    const refusal = laws.mayPromote(context, event);
    const isAsked = event.full === true ? context.isFullyPromoted : context.promotedThrough >= context.currentWave;
    if (refusal !== undefined || isAsked) return refusal;
    return {
      code: "not-promoted",
      detail: `${context.rolloutId} soaks in full in ${waveText(context, context.currentWave)}.`,
    };
  },

  /** All waves at once takes the approvals of all of them: hastening is no way around the second pair of eyes. */
  mayPromote(context: RolloutContext, event: RolloutEventOf<"rollout.promote">): Refusal | undefined {
    const under = laws.isUnderWay(context);
    if (under !== undefined || event.full !== true) return under;
    const unapproved = firstUnapproved(context);
    return unapproved === undefined ? undefined : approvalMissing(context, unapproved);
  },

  mayApprove(context: RolloutContext, event: RolloutEventOf<"wave.approve">): Refusal | undefined {
    const under = laws.isUnderWay(context);
    if (under !== undefined) return under;
    const number = event.wave ?? waveToApprove(context);
    if (number !== undefined && number < context.currentWave) {
      const detail = `${context.rolloutId} is at ${waveText(context, context.currentWave)}: ${waveText(context, number)} has begun.`;
      return { code: "wave-begun", detail };
    }
    if (number === undefined || approvalsMissing(context, number) === 0) {
      const which = number === undefined ? "no wave waits for an" : `${waveText(context, number)} waits for no`;
      const later = number === undefined ? firstUnapproved(context) : undefined;
      return {
        code: "no-approval-needed",
        detail: `In ${context.rolloutId} ${which} approval.`,
        ...(later !== undefined && { hint: `name ${waveText(context, later)} to approve it ahead of its turn` }),
      };
    }
    const given = context.approvals[number] ?? [];
    if (!given.some(({ by }) => by === approverOf(event))) return undefined;
    return {
      code: "same-approver",
      detail: `${approverOf(event)} has approved ${waveText(context, number)} already; it takes somebody else.`,
      data: { wave: number, approvals: given, missing: approvalsMissing(context, number) },
    };
  },

  /** Before the current wave: nothing was dispatched yet, or it has just begun. */
  awaitsApproval(context: RolloutContext): Refusal | undefined {
    return awaits(context, context.currentWave);
  },

  awaitsNextApproval(context: RolloutContext): Refusal | undefined {
    return awaits(context, nextWave(context));
  },

  hasTooManyExcused(context: RolloutContext): Refusal | undefined {
    const wave = waveOf(context, context.currentWave);
    if (wave !== undefined && hasTooManyExcused(context, wave)) return undefined;
    return { code: "few-excused", detail: `Few hosts of ${waveText(context, context.currentWave)} are excused.` };
  },

  /** A decision that dispatches needs a rollout that runs; its reasons say what stands in the way. */
  dispatchesNothing(context: RolloutContext, event: RolloutEventOf<"plan.decided">): Refusal | undefined {
    if (event.dispatched === 0) return undefined;
    const { paused } = context;
    if (paused !== null) return { code: "paused", detail: describePause(context, paused), hint: "rollout.resume" };
    const unapproved = firstUnapproved(context);
    return laws.isUnderWay(context) ?? (unapproved === undefined ? notRunning : approvalMissing(context, unapproved));
  },

  isPlanned(context: RolloutContext): Refusal | undefined {
    if (context.planHash !== null) return undefined;
    return { code: "not-planned", detail: `${context.rolloutId} has no plan: it is driven by its events alone.` };
  },

  isPlanStale(context: RolloutContext): Refusal | undefined {
    return context.isPlanStale ? undefined : { code: "fresh", detail: "Nothing has changed since the planner began." };
  },

  plansAgain(context: RolloutContext, event: PlanDone): Refusal | undefined {
    if (context.isPlanStale || event.output.again) return undefined;
    return { code: "planned", detail: "There is nothing to plan anew." };
  },
};

/** What the planner answers. `nextAt`: epoch ms. */
export interface PlanOutcome {
  nextAt: number | null;
  /** There is more to do at once. */
  again: boolean;
}

interface PlanDone {
  type: string;
  output: PlanOutcome;
}

const notRunning: Refusal = { code: "not-running", detail: "Hosts are dispatched only while the rollout runs." };

/** Who approves, where nobody is told apart too. */
export function approverOf({ principal }: { principal?: string }): string {
  return principal ?? "local";
}

function unknownWave({ rolloutId, waves }: RolloutContext, wave: number): Refusal | undefined {
  if (waves === null || wave < waves.length) return undefined;
  return { code: "unknown-wave", detail: `${rolloutId} has ${waves.length} waves, numbered from 0; ${wave} is none.` };
}

function isFurther({ fromWave, toWave }: Advanced): boolean {
  return toWave > fromWave;
}

/** Why no wave may be left, or entered, by this event. */
function unfit(context: RolloutContext, event: Advanced): Refusal | undefined {
  const refusal = laws.mayDrive(context, event) ?? unsettled(context, event);
  return refusal ?? (isFurther(event) ? barred(context, event) : noWaveLeft(context));
}

function noWaveLeft(context: RolloutContext): Refusal | undefined {
  if (context.waves === null || nextWave(context) !== undefined) return undefined;
  return { code: "no-wave-left", detail: `No wave with hosts comes after ${waveText(context, context.currentWave)}.` };
}

/** The counters do not say that the wave which is left is the current one, and settled. */
function unsettled(context: RolloutContext, { fromWave }: Advanced): Refusal | undefined {
  const { currentWave, waves } = context;
  if (waves === null) return undefined;
  if (fromWave !== currentWave) {
    return {
      code: "stale-wave",
      detail: `This is about ${waveText(context, fromWave)}; the rollout is at ${waveText(context, currentWave)}.`,
    };
  }
  const wave = waveOf(context, currentWave);
  if (wave === undefined || isWaveSettled(context, currentWave)) return undefined;
  return {
    code: "counters-disagree",
    detail: `The rollout is at ${waveText(context, currentWave)}, which is not settled: ${wave.settled} of ${wave.hosts} hosts are, and ${wave.counters.Converged} of at least ${neededOf(wave)} have converged.`,
    data: { wave: currentWave, counters: wave.counters },
  };
}

/** Between the two waves lies one that is not settled, or the later one is not to be entered yet. */
function barred(context: RolloutContext, { fromWave, toWave }: Advanced): Refusal | undefined {
  const unknown = unknownWave(context, toWave);
  if (unknown !== undefined || context.waves === null) return unknown;
  for (let number = fromWave + 1; number < toWave; number += 1) {
    if (!isWaveSettled(context, number))
      return {
        code: "counters-disagree",
        detail: `What lies between cannot be passed over: ${waveText(context, number)} is not settled.`,
      };
  }
  return approvalsMissing(context, toWave) === 0 ? undefined : approvalMissing(context, toWave);
}

function awaits(context: RolloutContext, wave: number | undefined): Refusal | undefined {
  if (approvalsMissing(context, wave) > 0) return undefined;
  return { code: "approved", detail: "The wave lacks no approval." };
}

function approvalMissing(context: RolloutContext, wave: number): Refusal {
  const missing = approvalsMissing(context, wave);
  return {
    code: "approval-missing",
    detail: `${context.rolloutId} lacks ${missing} of ${context.rules[wave]?.approvals} approvals for ${waveText(context, wave)}.`,
    data: { wave, missing, approvals: context.approvals[wave] ?? [] },
    hint: "wave.approve",
  };
}

/** "web-3 became Failed in wave 1 of 3". */
export function describeFailure(context: RolloutContext): string {
  const { failure } = context;
  return `${failure?.host ?? "a host"} became ${failure?.to} in ${waveText(context, failure?.wave ?? 0)}`;
}

/** "stable@v2 is paused by ann: a bad disk". */
export function describePause({ rolloutId }: RolloutContext, paused: NonNullable<RolloutContext["paused"]>): string {
  return `${rolloutId} is paused by ${paused.by}: ${paused.reason ?? "no reason given"}`;
}
