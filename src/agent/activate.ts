import type { Dispatch } from "../../machines/host/vocabulary.ts";
import type { Activity, Call } from "../core/provider.ts";
import { pause } from "../providers/processes/wait-until.ts";
import type { ActivityParts } from "./activity-parts.ts";
import { runNameOf, type Run, type RunEnd } from "./runs.ts";
import { tell } from "./tell.ts";
import type { VersionSeen } from "./version.ts";

type ActivateInput = Dispatch & { prior: string | null };

/** Somebody has to have answered in this time before an activation, so that silence after it means something. */
const heardWithinMs = 60_000;
const cutOffRetryMs = 5_000;

/**
 * Brings the target to the host by the activation command. A run that an agent before this one began is waited for; what is
 * not known to have ended is done again, unless the target runs already. Does not begin on a host that is cut off.
 */
export function createActivate(parts: ActivityParts): Activity<ActivateInput, void> {
  const { file, runs, witnesses, askVersion, boot, clock, log } = parts;
  const { command, timeoutMs, deferExitCode } = file.activate;

  async function perform(input: ActivateInput, call: Call): Promise<Run> {
    const witnessed = await heardJustNow(call.signal);
    await tell(call, { type: "activation.started", observedAt: clock.now() }, log);
    return runs.begin(runNameOf(call.instance, "activate"), {
      key: call.key,
      instance: call.instance,
      target: input.target,
      boot,
      witnesses: witnessed,
      command,
      env: commandEnv(input, { target: input.target, prior: input.prior }),
    });
  }

  /** Waits until somebody answers: a host that is cut off already could not tell whether it was the activation that did it. */
  async function heardJustNow(signal: AbortSignal): Promise<string[]> {
    for (let turn = 0; ; turn += 1) {
      await witnesses.ask(signal);
      const heard = witnesses.since(clock.now() - heardWithinMs);
      if (heard.length > 0) return heard;
      if (turn === 0) log.warn({}, "this host is cut off: nothing is activated before somebody answers");
      await pause(cutOffRetryMs, { clock, signal });
    }
  }

  async function report(input: ActivateInput, call: Call, end: RunEnd): Promise<boolean> {
    const observedAt = clock.now();
    switch (end.kind) {
      case "timed-out": {
        const stderrTail = withReason(end.stderrTail, `It did not end within ${timeoutMs} ms and was ended.`);
        await tell(call, { type: "activation.failed", exitCode: timedOutCode, stderrTail, observedAt }, log);
        return true;
      }
      case "lost": {
        const seen = await askVersion(call.signal);
        if (seen.version !== input.target) return false;
        await tell(call, { type: "activation.completed", observedVersion: seen.version, observedAt }, log);
        return true;
      }
      case "exited": {
        const { exitCode, stderrTail, lastLine } = end;
        if (exitCode === deferExitCode) {
          const component = lastLine.slice(0, 200) || "reboot";
          await tell(call, { type: "activation.deferred", component, observedAt }, log);
        } else if (exitCode === 0) await tell(call, completion(await askVersion(call.signal), clock.now()), log);
        else await tell(call, { type: "activation.failed", exitCode, stderrTail, observedAt }, log);
        return true;
      }
      default:
        return end satisfies never;
    }
  }

  return async (input, call) => {
    const { signal } = call;
    const found = await runs.find(runNameOf(call.instance, "activate"), call.key);
    if (found !== undefined) log.info({ instance: call.instance }, "an activation of before is found again");
    if (found !== undefined && (await report(input, call, await found.ended({ timeoutMs, signal })))) return;
    const run = await perform(input, call);
    if (!(await report(input, call, await run.ended({ timeoutMs, signal })))) {
      throw new Error("The activation ended without an exit code: somebody killed it");
    }
  };
}

/** As `timeout` of coreutils tells it. */
const timedOutCode = 124;

/** What a command is told beside what it inherits. */
export function commandEnv(
  { rolloutId, host }: Dispatch,
  { target, prior }: { target: string; prior: string | null },
): Record<string, string> {
  return {
    SIGNALBOX_HOST: host,
    SIGNALBOX_ROLLOUT: rolloutId,
    SIGNALBOX_TARGET: target,
    SIGNALBOX_PRIOR: prior ?? "",
  };
}

/** An activation without a version that can be told is none. */
export function completion(seen: VersionSeen, observedAt: number): { type: string } & Record<string, unknown> {
  return seen.version === null
    ? { type: "activation.failed", exitCode: 0, stderrTail: seen.why, observedAt }
    : { type: "activation.completed", observedVersion: seen.version, observedAt };
}

const stderrTailMax = 8_192; // what the event may carry

function withReason(stderrTail: string, reason: string): string {
  return `${stderrTail.slice(reason.length + 1 - stderrTailMax)}\n${reason}`.trimStart();
}
