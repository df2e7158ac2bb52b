import type { Dispatch } from "../../machines/host/vocabulary.ts";
import type { Activity } from "../core/provider.ts";
import { completion } from "./activate.ts";
import { aborted } from "../providers/stop-signal.ts";
import type { ActivityParts } from "./activity-parts.ts";
import { runNameOf } from "./runs.ts";
import { tell } from "./tell.ts";
import type { VersionSeen } from "./version.ts";

/** After the machine has been started again, what runs decides whether the deferred activation came to its end. */
export function createAwaitReboot(parts: ActivityParts): Activity<Dispatch, void> {
  const { file, runs, askVersion, boot, clock, log } = parts;
  const { deferExitCode = 0 } = file.activate;

  function verdict(seen: VersionSeen, target: string): { type: string } & Record<string, unknown> {
    const observedAt = clock.now();
    if (seen.version === target) return completion(seen, observedAt);
    const stderrTail = seen.version === null ? seen.why : `${seen.version} runs after the reboot, not ${target}.`;
    return { type: "activation.failed", exitCode: deferExitCode, stderrTail, observedAt };
  }

  return async ({ target }, call) => {
    const record = await runs.recordOf(runNameOf(call.instance, "activate"));
    if (record === undefined || record.boot === boot) await aborted(call.signal);
    else await tell(call, verdict(await askVersion(call.signal), target), log);
  };
}
