import type { GateVerdict } from "../plan-types.ts";
import { verdict, type HostView } from "./gate.ts";

/** A host runs at most one activation. */
export function hostBusy({ fleet, host }: Pick<HostView, "fleet" | "host">): readonly GateVerdict[] {
  const busy = fleet.busyWith(host);
  if (busy === null) return [];
  const { rollout, since, isUnreachable = false } = busy;
  const detail = isUnreachable
    ? `${host} was activating for ${rollout} when it was last heard of. It opens when that activation has settled, or when ${host} is excused there.`
    : `${host} is still activating for ${rollout}. It opens when that activation has settled.`;
  return [verdict("host-busy", since, detail)];
}
