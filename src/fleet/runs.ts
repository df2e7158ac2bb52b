import type { ChannelContext } from "../../machines/channel/context.ts";
import { parseRolloutId } from "../../machines/rollout/rollout-id.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Fleet } from "../planning/fleet.ts";
import type { OpenOrder } from "./control-plane.ts";
import { isOver, type RolloutFacts } from "./facts.ts";
import type { Choice, Newest, Run } from "./opening.ts";

/** A run as somebody asks for it; of the declared ref when none is named. */
export function askedRun(fleet: Fleet, { channel, ref, hosts, isUndo }: OpenOrder): Run {
  const declared = fleet.channels.get(channel);
  return {
    channel,
    choose: () => ({ ref: ref ?? declared?.ref ?? "", ...(hosts && { hosts }), ...(isUndo && { isUndo }) }),
  };
}

/** Back to the last ref that became Terminal: of the newest itself, if that is one, to the one before it. */
export function undoRun(channel: string, reason: string | undefined): Run {
  return {
    channel,
    choose(context, newest) {
      checkNoUndo(newest);
      return { ref: lastGood(context).ref, isUndo: true, ...(reason !== undefined && { reason }) };
    },
  };
}

/** Stops a rollout where it is, and goes back; one that goes back already is not stopped by somebody who means the one before. */
export function abortRun(
  { facts }: { facts: Pick<RolloutFacts, "id" | "channel" | "ref"> },
  reason: string | undefined,
): Run {
  const { id, channel, ref } = facts;
  return {
    channel,
    choose(context, newest): Choice {
      if (context.newest?.rolloutId !== id || newest === undefined) throw notNewest(id, context);
      checkNoUndo(newest);
      const given = reason !== undefined && { reason };
      const cancels = { rolloutId: id, ...given };
      const isToBeStopped = newest.state !== "Terminal" && newest.state !== "Superseded";
      return { ref: lastGood(context, ref).ref, isUndo: true, ...given, ...(isToBeStopped && { cancels }) };
    },
  };
}

/**
 * The same ref again, over the hosts of the channel that have not converged: in this run, or in the one that it retried. Of an
 * undo it is one: no gate holds it that did not hold the first.
 */
export function retryRun(given: {
  fleet: Fleet;
  facts: RolloutFacts;
  hasConverged(host: string): boolean;
  reason: string;
}): Run {
  const { fleet, facts, hasConverged, reason } = given;
  const { id, channel, ref } = facts;
  return {
    channel,
    choose(context): Choice {
      if (context.newest?.rolloutId !== id) throw notNewest(id, context);
      const left = [...fleet.hosts.values()]
        .filter((host) => host.channel === channel && !hasConverged(host.name))
        .map(({ name }) => name);
      if (left.length === 0) throw refusal("nothing-left", `All hosts of ${channel} have converged in ${id}.`);
      const isUndo = facts.context.isUndo && { isUndo: true as const };
      return { ref, hosts: new Set(left), clears: reason, reason, ...isUndo };
    },
  };
}

/** Throws when there is nothing to go back to. */
function lastGood(context: ChannelContext, from = context.newest?.ref): { ref: string } {
  const { channel, newest, lastTerminal, previousTerminal, quarantined } = context;
  if (newest === null)
    throw refusal("nothing-to-undo", `No rollout of a channel ${channel} was ever opened: there is nothing to undo.`);
  const good = [lastTerminal, previousTerminal].find(
    (each) => each !== null && each.ref !== from && !Object.hasOwn(quarantined, each.ref),
  );
  if (good != null) return good;
  const isHeld = [lastTerminal, previousTerminal].some((each) => each !== null && each.ref !== from);
  const why = isHeld ? "What became Terminal before is quarantined" : "No other ref has become Terminal";
  const detail = `${why} on ${channel}: there is nothing to go back to. rollout cancel stops it where it is; a newer ref goes on.`;
  throw refusal("nothing-to-undo", detail);
}

/**
 * A second undo of the same trouble would bring the trouble back, or go further back than anybody has asked for: also where the
 * first has halted. One that is complete, or was cancelled, can be undone.
 */
function checkNoUndo(newest: Newest | undefined): void {
  if (newest?.context.isUndo !== true || newest.state === "Terminal" || isOver(newest.state)) return;
  const { rolloutId, channel, targetRef, endedAt } = newest.context;
  if (endedAt === null) {
    const detail = `${rolloutId} brings ${channel} back to ${targetRef} already. rollout cancel stops it; then it can be undone, too.`;
    throw refusal("undo-under-way", detail);
  }
  const detail = `${rolloutId} was to bring ${channel} back to ${targetRef}, and is ${newest.state}. rollout retry goes on with it; rollout open brings a ref by its name.`;
  throw refusal("undo-halted", detail);
}

function notNewest(id: string, { newest }: ChannelContext): SignalboxError {
  const detail = `${id} is not the newest rollout of ${parseRolloutId(id)?.channel ?? "its channel"}: ${newest?.rolloutId ?? "none"} is.`;
  return refusal("not-newest", detail);
}

/** Why something that was asked for is not done. */
export function refusal(code: string, detail: string): SignalboxError {
  return new SignalboxError("event-refused", detail, { extra: { reasons: [{ code, detail }] } });
}
