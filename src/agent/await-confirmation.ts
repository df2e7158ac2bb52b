import type { Dispatch } from "../../machines/host/vocabulary.ts";
import type { Activity } from "../core/provider.ts";
import type { ActivityParts } from "./activity-parts.ts";
import { verdictOf } from "./confirmation.ts";
import { runNameOf } from "./runs.ts";
import { tell } from "./tell.ts";

type ConfirmationInput = Dispatch & { completedAt: number | null; confirmWithinMs: number };

const lookEveryMs = 1_000; // also at what the control plane has answered meanwhile
const askEveryMs = 5_000;

/**
 * Ends when anybody has answered after the activation. Nobody in time, although a confirm target had answered in the minute
 * before: `activation.unconfirmed`. As long as that cannot be told it goes on waiting.
 */
export function createAwaitConfirmation(parts: ActivityParts): Activity<ConfirmationInput, void> {
  const { runs, witnesses, clock, log } = parts;

  return async ({ completedAt, confirmWithinMs }, call) => {
    const { signal } = call;
    const record = await runs.recordOf(runNameOf(call.instance, "activate"));
    const before = record?.witnesses ?? [];
    const begunAt = clock.now();
    const until = Math.max(completedAt ?? begunAt, begunAt) + confirmWithinMs; // an agent that was not there heard nobody
    let askAt = begunAt;
    let isTold = false;
    while (!signal.aborted) {
      const now = clock.now();
      if (now >= askAt) {
        await witnesses.ask(signal);
        askAt = now + askEveryMs;
      }
      const verdict = verdictOf({ before, since: witnesses.since(completedAt ?? begunAt), now: clock.now(), until });
      if (verdict === "confirmed") return;
      if (verdict === "unconfirmed") {
        const reason = `nobody answered within ${confirmWithinMs} ms after the activation; before it ${before.join(", ")} did`;
        await tell(
          call,
          { type: "activation.unconfirmed", reason: reason.slice(0, 1_000), observedAt: clock.now() },
          log,
        );
        return;
      }
      if (verdict === "undecided" && !isTold) {
        isTold = true;
        log.warn(
          { instance: call.instance },
          "the control plane is silent, and no confirm target was heard before: nothing is undone",
        );
      }
      await clock.wakeAt(Math.min(now + lookEveryMs, verdict === "waiting" ? until : now + lookEveryMs), signal);
    }
  };
}
