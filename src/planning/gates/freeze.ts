import type { GateVerdict } from "../plan-types.ts";
import { instant, verdict, type RolloutView } from "./gate.ts";

/** Somebody has stopped the line, or a window of the calendar holds the channel. Neither holds an undo. */
export function freeze({ fleet, freeze, rollout }: RolloutView): readonly GateVerdict[] {
  if (rollout.isUndo) return [];
  const { frozen } = fleet;
  const verdicts: GateVerdict[] = [];
  if (frozen !== null) {
    const reason = frozen.reason === null ? "" : `: ${frozen.reason}`;
    const detail = `The line is stopped by ${frozen.by}${reason}. Everything goes on when somebody starts it again.`;
    verdicts.push(verdict("freeze", frozen.since, detail));
  }
  if (freeze !== null) {
    verdicts.push(verdict("freeze", freeze.since, `"${freeze.name}" holds until ${instant(freeze.until)}.`));
  }
  return verdicts;
}
