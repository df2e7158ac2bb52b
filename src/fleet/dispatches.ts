import type { HostContext } from "../../machines/host/context.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { EngineMove } from "../engine/plan.ts";
import type { FrozenPlan } from "../planning/frozen-plan.ts";

/** A host is offered its dispatch in a rollout for the first time: its instance is created, and the rollout counts it. */
export function firstDispatch(given: {
  rolloutId: string;
  host: string;
  wave: number;
  plan: FrozenPlan;
  /** Somebody has asked for it, and not the planner. */
  byOperation?: true;
}): EngineMove[] {
  const { rolloutId, host, wave, plan, byOperation } = given;
  const { onHealthFailure, sustainedMs, confirmWithinMs, acknowledgeWithinMs, excuseAfterMs } = plan.policy;
  const input = {
    rolloutId,
    host,
    channel: plan.channel,
    target: plan.ref,
    wave,
    soakMs: plan.waves[wave]?.soakMs ?? 0,
    policy: { onHealthFailure, sustainedMs, confirmWithinMs, acknowledgeWithinMs, excuseAfterMs },
    reportsTo: rolloutId,
  };
  const labels = { rollout: rolloutId, host, channel: plan.channel };
  return [
    { create: { machine: "host", id: hostIdOf(rolloutId, host), input, labels } },
    {
      id: rolloutId,
      event: { type: "host.joined", host, wave, ...(byOperation && { byOperation }) },
      sender: "engine",
    },
  ];
}

/** What the agent of a host is told of its dispatch. */
export function dispatchOf(context: HostContext) {
  const { rolloutId, host, channel, target, wave, soakMs, policy } = context;
  return { rolloutId, host, channel, target, wave, soakMs, policy };
}
