import type { GateVerdict } from "../plan-types.ts";
import { verdict, type HostView } from "./gate.ts";

/** A host runs at most one activation. */
export function hostBusy({ fleet, host }: Pick<HostView, "fleet" | "host">): readonly GateVerdict[] {
  const busy = fleet.busyWith(host);
  if (busy === null) return [];
  const detail = `${host} is still activating for ${busy.rollout}. It opens when that activation has settled.`;
  return [verdict("host-busy", busy.since, detail)];
}
