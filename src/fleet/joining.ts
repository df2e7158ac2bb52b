import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineMove } from "../engine/plan.ts";
import type { TransactOptions } from "../engine/transact.ts";
import { firstDispatch } from "./dispatches.ts";
import { lookFor } from "./facts.ts";
import type { FleetIndex } from "./fleet-index.ts";
import { refused } from "./opening.ts";
import type { Plans } from "./plans.ts";
import type { Serial } from "./serial.ts";

/** Gives a host of a plan its instance out of turn. */
export interface Joining {
  /**
   * Creates the instance, if there is none, with what is to happen to it at once, in one transaction. Whether it did.
   * In turn with the planners' decisions, which could dispatch the same host.
   */
  join(
    given: { rolloutId: string; host: string; atOnce?: readonly EngineMove[] },
    asked: TransactOptions,
  ): Promise<boolean>;
}

export function createJoining(given: { engine: Engine; index: FleetIndex; plans: Plans; inTurn: Serial }): Joining {
  const { engine, index, plans, inTurn } = given;

  return {
    join: ({ rolloutId, host, atOnce = [] }, asked) =>
      inTurn(async () => {
        const facts = index.rollouts.get(rolloutId)?.facts;
        if (facts === undefined || facts.context.planHash === null || facts.state === "Pruned") return false;
        const { plan, waveOf } = await plans.of(rolloutId);
        const wave = waveOf.get(host);
        if (wave === undefined || (await lookFor(engine, hostIdOf(rolloutId, host))) !== undefined) return false;
        const moves = [...firstDispatch({ rolloutId, host, wave, plan, byOperation: true }), ...atOnce];
        const [first] = await engine.transactAsEngine(moves, asked);
        if (first?.outcome === "refused") throw refused(first);
        return true;
      }),
  };
}
