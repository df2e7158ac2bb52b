import { SignalboxError } from "../core/errors.ts";
import type { ControlPlane } from "../fleet/control-plane.ts";
import type { Workplace } from "./operation.ts";

/** What runs the rollouts here. Throws `not-found`. */
export function fleetOf({ fleet }: Pick<Workplace, "fleet">): ControlPlane {
  if (fleet !== undefined) return fleet;
  throw new SignalboxError(
    "not-found",
    "This server runs no fleet: whoever embeds it gives `createApp` a control plane.",
  );
}
