import type { Refusal } from "../../src/core/law.ts";
import { parseRolloutId } from "../rollout/rollout-id.ts";
import { forgottenMax, keptRuns, lastRun, type ChannelContext } from "./context.ts";
import type { ChannelEventOf } from "./events.ts";

const quarantinedMax = 1_000; // nobody has looked at them for years; more would make each step of the channel slow

/** The rules of a channel by guard name. */
export const laws = {
  /** A run of a ref is numbered one more than the last of that ref. */
  isNextRun(context: ChannelContext, event: ChannelEventOf<"rollout.opened">): Refusal | undefined {
    const { rolloutId, ref, run } = event;
    const parts = parseRolloutId(rolloutId);
    if (parts?.channel !== context.channel || parts.ref !== ref || parts.run !== run) {
      return { code: "wrong-id", detail: `${rolloutId} is not run ${run} of ${ref} over ${context.channel}.` };
    }
    const expected = lastRun(context, ref) + 1;
    const mayBeForgotten = expected === 1 && context.forgotten.length >= forgottenMax;
    if (run === expected || mayBeForgotten) return undefined;
    return {
      code: "wrong-run",
      detail: `The next run of ${ref} over ${context.channel} is number ${expected}, not ${run}.`,
      data: { ref, expected },
    };
  },

  becameTerminal(context: ChannelContext, event: ChannelEventOf<"rollout.ended">): Refusal | undefined {
    const isNew = event.state === "Terminal" && context.lastTerminal?.rolloutId !== event.rolloutId;
    if (isNew && isKept(context, event.rolloutId)) return undefined;
    return {
      code: "nothing-new",
      detail: `${event.rolloutId} in ${event.state} is nothing that an undo goes back to.`,
    };
  },

  /** The newest rollout, and the last that became Terminal, are never pruned. */
  mayBeForgotten(context: ChannelContext, event: ChannelEventOf<"rollout.forgotten">): Refusal | undefined {
    const { rolloutId } = event;
    const { channel, newest, lastTerminal } = context;
    if (rolloutId === newest?.rolloutId) {
      return { code: "is-newest", detail: `${rolloutId} is the newest rollout of ${channel} and is kept.` };
    }
    if (rolloutId === lastTerminal?.rolloutId) {
      return {
        code: "is-last-terminal",
        detail: `${rolloutId} is the last of ${channel} that became Terminal and is kept for an undo.`,
      };
    }
    if (isKept(context, rolloutId)) return undefined;
    return { code: "unknown-rollout", detail: `${channel} keeps no rollout ${rolloutId}.` };
  },

  isQuarantined(context: ChannelContext, { ref }: { type: string; ref: string }): Refusal | undefined {
    if (Object.hasOwn(context.quarantined, ref)) return undefined;
    return {
      code: "not-quarantined",
      detail: `${ref} is not quarantined on ${context.channel}.`,
      hint: "quarantine list has what is; rollout retry brings a ref to the hosts that still lack it",
    };
  },

  /** It was sent before the retry was opened, and comes after it. */
  isRetried(context: ChannelContext, event: ChannelEventOf<"ref.quarantined">): Refusal | undefined {
    const { newest } = context;
    const { ref, rolloutId } = event;
    const run = parseRolloutId(rolloutId)?.run ?? 0;
    if (newest?.isRetry === true && newest.ref === ref && run < newest.run) return undefined;
    const refusal = { code: "not-retried", detail: `Nobody has tried ${ref} again since ${rolloutId}.` };
    return laws.hasRoomForQuarantine(context) ?? refusal;
  },

  isQuarantinedAlready(context: ChannelContext, event: ChannelEventOf<"ref.quarantined">): Refusal | undefined {
    const refusal = laws.isQuarantined(context, event);
    return refusal === undefined ? undefined : (laws.hasRoomForQuarantine(context) ?? refusal);
  },

  hasRoomForQuarantine(context: ChannelContext): Refusal | undefined {
    const count = Object.keys(context.quarantined).length;
    if (count < quarantinedMax) return undefined;
    return {
      code: "too-many-quarantined",
      detail: `${count} refs are quarantined on ${context.channel} already.`,
      hint: "quarantine.cleared",
    };
  },

  hasQuarantines(context: ChannelContext): Refusal | undefined {
    if (Object.keys(context.quarantined).length > 0) return undefined;
    return { code: "clear", detail: `Nothing is quarantined on ${context.channel}.` };
  },

  hasNoQuarantines(context: ChannelContext): Refusal | undefined {
    if (laws.hasQuarantines(context) !== undefined) return undefined;
    return { code: "quarantining", detail: `Refs are quarantined on ${context.channel}.` };
  },
};

function isKept(context: ChannelContext, rolloutId: string): boolean {
  const parts = parseRolloutId(rolloutId);
  return parts?.channel === context.channel && keptRuns(context, parts.ref).includes(parts.run);
}
