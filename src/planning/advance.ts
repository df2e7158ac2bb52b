import type { RolloutView } from "./gates/gate.ts";
import type { PlannedMove } from "./plan-types.ts";
import type { Roster } from "./roster.ts";
import { failuresBefore } from "./views.ts";

/**
 * Opens the next wave that has hosts, once the current one is settled (its soak is served by then). It is asked only when
 * nothing holds the rollout as a whole: no wave opens into a pause, a freeze, a quarantine or behind another channel.
 */
export function advanceOf(roster: Roster, view: RolloutView): Extract<PlannedMove, { kind: "advance" }> | undefined {
  const { rollout } = view;
  const isUnderWay = rollout.state === "Active" || rollout.state === "Converging";
  const toWave = nextWaveOf(view);
  if (!isUnderWay || !rollout.isWaveSettled || toWave === undefined) return undefined;
  if (failuresBefore(roster, toWave) !== null) return undefined;
  return { kind: "advance", fromWave: rollout.currentWave, toWave };
}

/** Empty waves are passed over. */
export function nextWaveOf({ plan, rollout }: RolloutView): number | undefined {
  const next = plan.waves.findIndex(({ hosts }, wave) => wave > rollout.currentWave && hosts.length > 0);
  return next === -1 ? undefined : next;
}
