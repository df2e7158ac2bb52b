import { isSignalboxError } from "../core/errors.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Sent } from "../core/outcome.ts";
import type { Activity, Call } from "../core/provider.ts";
import type { Engine } from "../engine/engine.ts";
import type { PlanOutcome } from "../../machines/rollout/laws.ts";
import type { Decision } from "../planning/plan-types.ts";
import { isOver } from "./facts.ts";
import type { Follower } from "./follower.ts";
import type { FleetIndex, RolloutEntry } from "./fleet-index.ts";
import { transactionsOf, type LineAt } from "./moves.ts";
import type { Planners } from "./planners.ts";
import type { Plans } from "./plans.ts";
import type { Serial } from "./serial.ts";

const attemptsMax = 5; // each sees what the one before has met; more would be a fault of ours

/**
 * Plans a rollout and does what was decided. Decisions of all rollouts are made one after the other, each on everything
 * that is committed; the line's version says so once more in the transaction that dispatches.
 */
export function createDirector(given: {
  engine: Engine;
  index: FleetIndex;
  follower: Follower;
  plans: Plans;
  planners: Planners;
  inTurn: Serial;
  clock: Clock;
  log: Log;
}): Activity<{ rolloutId: string }, PlanOutcome> {
  const { engine, index, follower, plans, planners, inTurn, clock, log } = given;

  return function planRollout({ rolloutId }, call) {
    return inTurn(async () => {
      for (let attempt = 1; ; attempt += 1) {
        call.signal.throwIfAborted();
        const decision = await decisionOn(rolloutId, call.signal);
        if (decision === undefined) return { nextAt: null, again: false };
        const obstacle = await carryOut(rolloutId, decision, call);
        if (obstacle === undefined) return { nextAt: decision.nextAt, again: decision.again };
        log.debug({ rollout: rolloutId, attempt, obstacle }, "a decision has met another state and is made anew");
        if (attempt >= attemptsMax)
          throw new Error(`The plan could not be carried out ${attempt} times in a row: ${obstacle}`);
      }
    });
  };

  /** Undefined when there is nothing to plan any more. */
  async function decisionOn(rolloutId: string, signal: AbortSignal): Promise<Decision | undefined> {
    await follower.reached(await engine.position(), signal);
    for (;;) {
      const entry = index.rollouts.get(rolloutId);
      if (entry === undefined || hasNothingToDo(entry)) return undefined;
      const plan = entry.plan ?? (await plans.of(rolloutId));
      if (entry.isComplete) return planners.decide(rolloutId, plan, clock.now()); // asked last: hosts may be let go during any wait
      await follower.readHosts(rolloutId);
    }
  }

  /** What stood in the way; undefined when everything was done. */
  async function carryOut(rolloutId: string, decision: Decision, call: Call): Promise<string | undefined> {
    const entry = index.rollouts.get(rolloutId);
    if (entry === undefined) return undefined;
    let line: LineAt = { version: index.line.version };
    const { plan } = entry.plan ?? (await plans.of(rolloutId));
    for (const { moves, lineMove } of transactionsOf({ decision, facts: entry.facts, plan, line: () => line })) {
      try {
        const sents = await call.transactAsEngine(moves);
        const obstacle = refusalIn(sents);
        if (obstacle !== undefined) return obstacle;
        if (lineMove !== undefined) line = { version: sents[lineMove]?.version ?? line.version };
      } catch (error) {
        if (isSignalboxError(error, "version-mismatch")) return error.detail;
        throw error;
      }
    }
    return undefined;
  }
}

function refusalIn(sents: readonly Sent[]): string | undefined {
  const refused = sents.find(({ outcome }) => outcome === "refused");
  if (refused === undefined) return undefined;
  return `${refused.instance.id}: ${refused.reasons?.map(({ detail }) => detail).join("; ") ?? "refused"}`;
}

/** Before its retention is over nothing is done with a rollout that is over and whose hosts are at rest. */
function hasNothingToDo({ facts, restless, isComplete }: RolloutEntry): boolean {
  const { state, context } = facts;
  return state === "Pruned" || (isOver(state) && restless === 0 && !isComplete && context.retainedUntil !== null);
}
