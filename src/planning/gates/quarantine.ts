import type { GateVerdict } from "../plan-types.ts";
import { verdict, type RolloutView } from "./gate.ts";

/** The ref has failed on this channel before. */
export function quarantine({ fleet, plan }: RolloutView): readonly GateVerdict[] {
  if (fleet.quarantined === null) return [];
  const { since, reason } = fleet.quarantined;
  const detail = `${plan.ref} is quarantined on ${plan.channel}: ${reason}. It opens when somebody clears it, or retries with a reason.`;
  return [verdict("quarantine", since, detail)];
}
