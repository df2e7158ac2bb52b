import type { Clock } from "../../core/clock.ts";
import { isRunning, type ProcessIdentity, signalGroup, signalPid } from "./process-identity.ts";
import { remnantsOf } from "./remnants.ts";
import { waitUntil } from "./wait-until.ts";

export interface Ending {
  readonly identity: ProcessIdentity;
  readonly incarnation: string;
  readonly graceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const pollMs = 20;

/**
 * Ends the process and what it started in its group: SIGTERM, the grace, SIGKILL. Resolves when all of it is gone, however
 * long the kernel takes for that. Throws the signal's reason when that is aborted, and then leaves things as they are.
 */
export async function endProcess({ identity, incarnation, graceMs, clock, signal }: Ending): Promise<void> {
  const remnants = () => remnantsOf({ pid: identity.pid, incarnation });
  const send = (name: NodeJS.Signals) => {
    if (!signalGroup(identity, name)) for (const pid of remnants()) signalPid(pid, name);
  };
  const isGone = () => !isRunning(identity) && remnants().length === 0;

  if (isGone()) return;
  send("SIGTERM");
  if (await waitUntil(isGone, { clock, everyMs: pollMs, forMs: graceMs, signal })) return;
  send("SIGKILL");
  await waitUntil(isGone, { clock, everyMs: pollMs, signal });
}
