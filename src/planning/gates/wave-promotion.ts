import type { GateVerdict } from "../plan-types.ts";
import { waveText } from "../wave-name.ts";
import { verdict, type HostView } from "./gate.ts";

/** Waves open one after another. A host in no wave is refused: nobody has said when it may go. */
export function wavePromotion(view: Pick<HostView, "plan" | "rollout" | "host" | "wave">): readonly GateVerdict[] {
  const { plan, rollout, host, wave } = view;
  if (wave === null) {
    const detail = `${host} is in no wave of this plan and is not dispatched. It opens with a new rollout whose policy selects it.`;
    return [verdict("wave-promotion", rollout.openedAt, detail)];
  }
  if (wave <= rollout.currentWave || rollout.isFullyPromoted) return [];
  const detail =
    `${host} is in ${waveText(plan.waves, wave)}, and the rollout is at ${waveText(plan.waves, rollout.currentWave)}. ` +
    `It opens when every wave before it has settled, or by a full promotion.`;
  return [verdict("wave-promotion", rollout.openedAt, detail)];
}
