import type { Refusal } from "../../src/core/law.ts";
import { observedAtOf, type HostContext } from "./context.ts";
import type { HostEventOf } from "./events.ts";
import { describeProbes, failingProbes, unseenProbes } from "./probes.ts";

/** The rules of a host in a rollout by guard name. */
export const laws = {
  isOffered(context: HostContext): Refusal | undefined {
    if (context.offeredAt !== null) return undefined;
    return {
      code: "not-offered",
      detail: `No dispatch of ${context.target} to ${context.host} stands: it was taken back.`,
      hint: "ask for the dispatch again before anything is done",
    };
  },

  isStarted(context: HostContext): Refusal | undefined {
    return context.startedAt !== null ? undefined : { code: "not-started", detail: "The activation has not begun." };
  },

  /** What runs is what was meant to run. */
  isTarget(
    context: HostContext,
    event: HostEventOf<"activation.completed"> | HostEventOf<"host.converged">,
  ): Refusal | undefined {
    const version = event.type === "host.converged" ? event.version : event.observedVersion;
    if (version === context.target) return undefined;
    return {
      code: "version-mismatch",
      detail: `${context.host} runs ${version}, not ${context.target}.`,
      data: { version, target: context.target },
    };
  },

  /**
   * The soak is counted from the completion on this host, and judged by the clock that the completion was observed with. Where
   * orders are forgotten one of them may have waived it: then the agent's own chart has judged.
   */
  isSoaked(context: HostContext, event: HostEventOf<"host.converged">): Refusal | undefined {
    const leftMs = (context.soakDueAt ?? Number.POSITIVE_INFINITY) - observedAtOf(event, context);
    if (context.isSoakWaived || leftMs <= 0 || laws.hasForgotten(context) === undefined) return undefined;
    return {
      code: "soak-not-over",
      detail: `${context.host} has to soak for another ${Math.ceil(leftMs / 1_000)} s.`,
      data: { soakDueAt: context.soakDueAt, leftMs },
    };
  },

  /** No news is not good news. */
  sawProbes(context: HostContext): Refusal | undefined {
    const missing = unseenProbes(context);
    if (missing.length === 0) return undefined;
    return {
      code: "probes-unseen",
      detail: `Not seen on ${context.host} since the activation: ${missing.join(", ")}.`,
      data: { probes: missing },
      hint: "probe.reported",
    };
  },

  passesProbes(context: HostContext): Refusal | undefined {
    const failing = failingProbes(context);
    if (failing.length === 0) return undefined;
    return {
      code: "probes-failing",
      detail: `Failing on ${context.host}: ${describeProbes(failing)}.`,
      data: { probes: failing.map(({ name }) => name) },
    };
  },

  /** An enforce probe fails, and has done so without a pass for as long as the policy bears. */
  isUnhealthy(context: HostContext, event: HostEventOf<"health.failed">): Refusal | undefined {
    const failing = failingProbes(context);
    if (failing.length === 0) {
      return { code: "no-probe-failing", detail: `No probe that is enforced fails on ${context.host}.` };
    }
    const { sustainedMs } = context.policy;
    const failingMs = observedAtOf(event, context) - Math.min(...failing.map(({ since }) => since));
    if (failingMs >= sustainedMs) return undefined;
    return {
      code: "not-sustained",
      detail: `${describeProbes(failing)} on ${context.host}: failing for ${failingMs} ms of ${sustainedMs} ms.`,
      data: { probes: failing.map(({ name }) => name), failingMs, sustainedMs },
    };
  },

  isSoakWaived(context: HostContext): Refusal | undefined {
    return context.isSoakWaived ? undefined : { code: "not-waived", detail: `${context.host} has to soak.` };
  },

  forgotOrders(context: HostContext, { forgotten }: HostEventOf<"orders.taken">): Refusal | undefined {
    const { forgottenOrders = 0, host } = context;
    if (forgotten !== forgottenOrders) return undefined;
    return { code: "known", detail: `It is known already how many orders to ${host} are forgotten.` };
  },

  hasForgotten({ forgottenOrders = 0, host }: HostContext): Refusal | undefined {
    if (forgottenOrders > 0) return undefined;
    return { code: "not-ordered", detail: `Every order that ${host} was given is known, and none was to go back.` };
  },

  isReleaseAsked(context: HostContext): Refusal | undefined {
    if (context.releaseAskedBy !== null) return undefined;
    return { code: "release-not-asked", detail: `Nobody has asked for the release of ${context.host}.` };
  },

  mayBeCutOff(context: HostContext): Refusal | undefined {
    if (context.failure?.kind === "unconfirmed") return undefined;
    return { code: "confirmed", detail: `Nothing says that ${context.host} has been cut off.` };
  },

  /** An unconfirmed activation may have cut the host off: then nobody could decide, so it goes back whatever the policy. */
  rollsBack(context: HostContext): Refusal | undefined {
    const { failure, policy, rollbackTo, rollbackError, host, target } = context;
    const isOrdered = failure?.kind === "rollback-requested";
    if (policy.onHealthFailure === "halt" && !isOrdered && laws.mayBeCutOff(context) !== undefined) {
      return { code: "policy-halts", detail: `The policy leaves ${host} as it is.` };
    }
    if (rollbackTo === null || rollbackTo === target) {
      return { code: "no-known-good", detail: `No version is known to which ${host} could go back.` };
    }
    if (rollbackError === null) return undefined;
    return { code: "rollback-failed", detail: `${host} could not go back to ${rollbackTo}: ${rollbackError}.` };
  },

  isUnreachable(context: HostContext): Refusal | undefined {
    return context.unreachableSince !== null
      ? undefined
      : { code: "reachable", detail: `${context.host} is not missed.` };
  },

  isExcused(context: HostContext): Refusal | undefined {
    return context.excused !== null ? undefined : { code: "not-excused", detail: `${context.host} is not excused.` };
  },

  /** Missed, and nobody has excused it yet. */
  isAway(context: HostContext): Refusal | undefined {
    if (context.excused === null) return laws.isUnreachable(context);
    return { code: "excused", detail: `${context.host} is excused already.` };
  },

  /** Missed or excused. */
  isMissed(context: HostContext): Refusal | undefined {
    return context.excused === null ? laws.isUnreachable(context) : undefined;
  },
};
