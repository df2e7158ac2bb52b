import type { Dispatch } from "../../machines/host/vocabulary.ts";
import type { Activity, Call } from "../core/provider.ts";
import { commandEnv } from "./activate.ts";
import type { ActivityParts } from "./activity-parts.ts";
import { runNameOf, type RunEnd } from "./runs.ts";
import { tell } from "./tell.ts";
import { lastLineOf } from "./version.ts";

type RollBackInput = Dispatch & { rollbackTo: string | null };

/** Brings the version back that is known to be good. Throws when it does not run afterwards. */
export function createRollBack(parts: ActivityParts): Activity<RollBackInput, void> {
  const { file, runs, askVersion, boot, clock, log } = parts;
  const { command, timeoutMs } = file.rollBack;

  async function runOf(input: RollBackInput, target: string, call: Call) {
    const name = runNameOf(call.instance, "rollBack");
    const key = `${call.key} attempt ${call.attempt}`; // another attempt is another run
    const found = await runs.find(name, key);
    if (found !== undefined) return found;
    const { version: prior } = await askVersion(call.signal);
    return runs.begin(name, {
      key,
      instance: call.instance,
      target,
      boot,
      witnesses: [],
      command,
      env: commandEnv(input, { target, prior }),
    });
  }

  return async (input, call) => {
    const { rollbackTo } = input;
    if (rollbackTo === null) throw failedForGood("no version is known to which the host could go back");
    const run = await runOf(input, rollbackTo, call);
    const end = await run.ended({ timeoutMs, signal: call.signal });
    const seen = await askVersion(call.signal);
    const fault = faultOf(end, timeoutMs);
    if (seen.version !== rollbackTo || fault !== undefined) {
      const found = seen.version === null ? seen.why : `${seen.version} runs`;
      throw new Error(`The command to go back to ${rollbackTo} ${fault ?? "ended with 0"}, and ${found}`);
    }
    await tell(call, { type: "rollback.completed", revertedTo: rollbackTo, observedAt: clock.now() }, log);
  };
}

/** A run of which nothing is known is judged by what runs. */
function faultOf(end: RunEnd, timeoutMs: number): string | undefined {
  switch (end.kind) {
    case "exited":
      return end.exitCode === 0 ? undefined : `ended with ${end.exitCode} (${lastLineOf(end.stderrTail).slice(-500)})`;
    case "timed-out":
      return `did not end within ${timeoutMs} ms`;
    case "lost":
      return undefined;
    default:
      return end satisfies never;
  }
}

function failedForGood(message: string): Error {
  return Object.assign(new Error(message), { retryable: false });
}
