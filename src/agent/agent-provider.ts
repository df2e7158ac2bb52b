import type { Activity, Provider } from "../core/provider.ts";
import { createActivate } from "./activate.ts";
import type { ActivityParts } from "./activity-parts.ts";
import { createAwaitConfirmation } from "./await-confirmation.ts";
import { createAwaitReboot } from "./await-reboot.ts";
import { createProbe } from "./probe.ts";
import { createRollBack } from "./roll-back.ts";

/**
 * Performs what the chart of a host asks for, on this host. The parts are asked for when something is performed: the engine is
 * made with its providers, and the parts with the engine.
 */
export function createAgentProvider(parts: () => ActivityParts): Provider {
  const performing =
    <Input>(create: (parts: ActivityParts) => Activity<Input, void>): Activity<Input, void> =>
    (input, call) =>
      create(parts())(input, call);
  return {
    name: "agent",
    activities: {
      activate: performing(createActivate),
      awaitReboot: performing(createAwaitReboot),
      awaitConfirmation: performing(createAwaitConfirmation),
      probe: performing(createProbe),
      rollBack: performing(createRollBack),
    },
  };
}
