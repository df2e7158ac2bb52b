import { z } from "zod";
import { approval, sentBy, setByOperation, type EventsOf } from "../../src/core/machine.ts";
import { hostPolicySchema } from "../host/events.ts";
import { countedStates } from "../host/states.ts";
import { channelPattern, hostPattern, parseRolloutId, refPattern } from "./rollout-id.ts";

const wave = z.number().int().nonnegative().max(10_000);
const count = z.number().int().nonnegative().max(10_000_000);
const reason = z.string().min(1).max(1_000);
const rolloutId = z.string().refine((id) => parseRolloutId(id) !== undefined, "expected channel@ref or channel@ref~n");
/** A number, or a share in percent of the hosts of the wave, rounded down. */
export const toleranceSchema = z.union([count, z.string().regex(/^(?:100|[1-9]?\d)%$/)]);

export const gateNames = [
  "paused",
  "freeze",
  "quarantine",
  "host-busy",
  "node-maintenance",
  "channel-edges",
  "wave-promotion",
  "host-edge",
  "disruption-budget",
  "compliance-wave",
] as const;
export type GateName = (typeof gateNames)[number];

export const rolloutPolicySchema = hostPolicySchema.extend({
  /** Failures that a wave bears. */
  maxFailures: toleranceSchema.optional(),
  /** Hosts that have to converge in a wave. */
  minConverged: count.optional(),
  /** A wave with more than this share of excused hosts stops. */
  excusedMaxPct: z.number().min(0).max(100).optional(),
  /** How long a rollout that has ended is kept. */
  retentionMs: z.number().int().positive().max(315_360_000_000).optional(),
});

/** What one wave asks for, where it differs from the policy. */
export const waveRulesSchema = z.strictObject({
  /** Distinct people who have to approve before it begins. */
  approvals: z.number().int().nonnegative().max(20).optional(),
  maxFailures: toleranceSchema.optional(),
  minConverged: count.optional(),
});

export const inputSchema = z
  .strictObject({
    rolloutId,
    channel: z.string().regex(channelPattern),
    targetRef: z.string().regex(refPattern),
    policy: rolloutPolicySchema.optional(),
    /** Number of hosts in each wave. Without it the rollout is driven by its events alone. */
    waves: z.array(count).max(1_000).optional(),
    waveRules: z.array(waveRulesSchema).max(1_000).optional(),
    /** Hash of the plan that was frozen for it: it is driven by its hosts and its planner. */
    planHash: z.string().min(1).max(200).optional(),
    /** The newest rollout of the channel when it was opened. */
    previous: rolloutId.optional(),
    /** Freeze, approval and soak do not hold it. */
    isUndo: z.literal(true).optional(),
    /** Why somebody has opened it. */
    reason: reason.optional(),
  })
  .meta({
    examples: [
      { rolloutId: "stable@v2", channel: "stable", targetRef: "v2" },
      { rolloutId: "stable@v2", channel: "stable", targetRef: "v2", waves: [1, 1] },
      {
        rolloutId: "stable@v3",
        channel: "stable",
        targetRef: "v3",
        waves: [1, 1],
        waveRules: [{}, { approvals: 1 }],
        planHash: "5f2b",
      },
      { rolloutId: "stable@v4", channel: "stable", targetRef: "v4", waves: [0], planHash: "9c01", isUndo: true },
    ],
  });

/** An operation of ours sends it for a person: a planned rollout takes it although the principal is not its planner. */
const byOperation = setByOperation(z.literal(true).optional());
const hostName = z.string().regex(hostPattern).optional();

export const eventSchemas = {
  "host.joined": sentBy("provider", { host: hostName, wave, byOperation }),
  "host.changed": sentBy("provider", {
    host: hostName,
    from: z.enum(countedStates),
    to: z.enum(countedStates),
    wave,
  }),
  "wave.advanced": sentBy("provider", { fromWave: wave, toWave: wave }),
  "rollout.completed": sentBy("provider", {}),
  "rollout.superseded": sentBy("provider", { by: z.string().min(1).max(500), byOperation }),
  "retention.expired": sentBy("provider", {}),
  "rollout.pause": sentBy("person", { reason: reason.optional() }),
  "rollout.resume": sentBy("person", {}),
  /** Waives the rest of the soak of the current wave; `full` opens all waves. */
  "rollout.promote": sentBy("person", { full: z.boolean().optional() }),
  "wave.approve": approval(sentBy("person", { wave: wave.optional() })),
  "rollout.cancel": sentBy("person", { reason: reason.optional() }),
  /** A person vouches for what a failed rollout left behind: channels that wait for it may go on. */
  "operator.cleared": sentBy("person", { reason }),
  /** Something that the planner judges has changed. */
  "plan.requested": sentBy(["provider", "engine"], {}),
  /** What the planner is about to do and what holds it; part of the transaction that does it. */
  "plan.decided": sentBy("engine", {
    /** Hosts that are offered their dispatch by this decision. */
    dispatched: count,
    /** What holds hosts back now. */
    gates: z
      .array(
        z.strictObject({
          gate: z.enum(gateNames),
          since: z.number().int().nonnegative(),
          detail: z.string().max(1_000),
        }),
      )
      .max(100),
  }),
  /** A time that the planner waits for has come. */
  "plan.due": sentBy("engine", {}),
  /** It has ended as long ago as its policy keeps it. */
  "retention.due": sentBy("engine", {}),
} as const;

export type RolloutEvent = EventsOf<typeof eventSchemas>;
export type RolloutEventOf<Type extends RolloutEvent["type"]> = Extract<RolloutEvent, { type: Type }>;
export type RolloutInput = z.output<typeof inputSchema> & { at: number };
