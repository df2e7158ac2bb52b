import { z } from "zod";
import { sentBy, type EventsOf } from "../../src/core/machine.ts";
import { channelPattern, hostPattern, parseRolloutId, refPattern } from "../rollout/rollout-id.ts";
import { failurePolicies } from "../rollout/policy.ts";

const version = z.string().regex(refPattern);
const reason = z.string().min(1).max(1_000);
const probeName = z.string().min(1).max(200);
/** The agent's clock. What it says is bounded by a named skew, and never compared with another host's. */
const observedAt = z.number().int().nonnegative().optional();

export const probeModes = ["enforce", "observe", "disabled"] as const;
export type ProbeMode = (typeof probeModes)[number];

/** Calls of the chart whose failure is the agent's own; that of `rollBack` is a failed rollback. */
export const callNames = ["activate", "awaitReboot", "probe", "awaitConfirmation"] as const;
export type CallName = (typeof callNames)[number];

export const hostPolicySchema = z.strictObject({
  onHealthFailure: z.enum(failurePolicies).optional(),
  /** How long an enforce probe may fail. */
  sustainedMs: z.number().int().nonnegative().max(86_400_000).optional(),
  /** Within which somebody has to be heard after an activation. */
  confirmWithinMs: z.number().int().positive().max(86_400_000).optional(),
  /** After which an offer that nobody acknowledged is taken back. */
  acknowledgeWithinMs: z.number().int().positive().max(86_400_000).optional(),
  /** After which an unreachable host is excused. */
  excuseAfterMs: z.number().int().positive().max(2_592_000_000).optional(),
});

export const inputSchema = z
  .strictObject({
    rolloutId: z.string().refine((id) => parseRolloutId(id) !== undefined, "expected channel@ref or channel@ref~n"),
    host: z.string().regex(hostPattern),
    channel: z.string().regex(channelPattern),
    target: version,
    wave: z.number().int().nonnegative().max(10_000),
    soakMs: z.number().int().nonnegative().max(31_536_000_000).optional(),
    policy: hostPolicySchema.optional(),
    /** The instance that counts this host and is told of its changes; nobody when not given. */
    reportsTo: z.string().min(1).max(500).optional(),
  })
  .meta({
    examples: [
      { rolloutId: "stable@v2", host: "web-1", channel: "stable", target: "v2", wave: 0 },
      {
        rolloutId: "stable@v2",
        host: "web-2",
        channel: "stable",
        target: "v2",
        wave: 1,
        soakMs: 60_000,
        policy: { onHealthFailure: "halt" },
        reportsTo: "stable@v2",
      },
    ],
  });

export const eventSchemas = {
  "dispatch.offered": sentBy("engine", {}),
  "dispatch.withdrawn": sentBy("engine", {}),
  /** `observedPrior`: what really ran. `rollbackTo`: the last version that converged here and is not quarantined. */
  "dispatch.acknowledged": sentBy("agent", {
    observedPrior: version.nullable(),
    rollbackTo: version.nullable().optional(),
    observedAt,
  }),
  "activation.started": sentBy("agent", { observedAt }),
  "activation.completed": sentBy("agent", { observedVersion: version, observedAt }),
  "activation.deferred": sentBy("agent", { component: z.string().min(1).max(200), observedAt }),
  "activation.failed": sentBy("agent", { exitCode: z.number().int(), stderrTail: z.string().max(8_192), observedAt }),
  "activation.unconfirmed": sentBy("agent", { reason: reason.optional(), observedAt }),
  "probes.declared": sentBy("agent", {
    probes: z
      .array(z.strictObject({ name: probeName, kind: z.enum(["http", "tcp", "exec"]), mode: z.enum(probeModes) }))
      .max(100),
    observedAt,
  }),
  "probe.reported": sentBy("agent", {
    name: probeName,
    mode: z.enum(probeModes),
    status: z.enum(["pass", "fail"]),
    reason: reason.optional(),
    observedAt,
  }),
  "health.failed": sentBy("agent", {
    sustainedMs: z.number().int().nonnegative(),
    failingProbes: z.array(probeName).max(100),
    observedAt,
  }),
  /** One of its calls has failed in a way that the agent itself did not foresee. */
  "agent.failed": sentBy("agent", { call: z.enum(callNames), reason, observedAt }),
  "soak.waived": sentBy("engine", { by: z.string().min(1).max(200).optional() }),
  "host.converged": sentBy("agent", { version, observedAt }),
  "rollback.requested": sentBy("engine", { reason: reason.optional() }),
  "rollback.completed": sentBy("agent", { revertedTo: version, observedAt }),
  "rollback.failed": sentBy("agent", { reason, observedAt }),
  "host.released": sentBy("engine", { by: z.string().min(1).max(500) }),
  /** How many of the orders that the agent has taken are not known here: a database that is lost, in part or whole, had them. */
  "orders.taken": sentBy("engine", { forgotten: z.number().int().nonnegative() }),
  "host.unreachable": sentBy(["provider", "engine"], {}),
  "host.seen": sentBy(["provider", "engine"], {}),
  "host.excused": sentBy(["person", "engine"], { reason }),
  /** The host has been unreachable for as long as its policy bears. */
  "host.excuseDue": sentBy("engine", {}),
  /** The reboot that a deferred activation waits for has not come for a long time. */
  "deferral.overdue": sentBy("engine", {}),
} as const;

/** Events that an agent tells: the numbered stream consists of them. */
export const agentEventTypes = [
  "dispatch.acknowledged",
  "activation.started",
  "activation.completed",
  "activation.deferred",
  "activation.failed",
  "activation.unconfirmed",
  "probes.declared",
  "probe.reported",
  "health.failed",
  "host.converged",
  "agent.failed",
  "rollback.completed",
  "rollback.failed",
] as const satisfies readonly (keyof typeof eventSchemas)[];

/** What the control plane orders a host that has acknowledged: the agent gives it to its own instance of the chart. */
export const orderTypes = [
  "soak.waived",
  "rollback.requested",
  "host.released",
] as const satisfies readonly (keyof typeof eventSchemas)[];

export type HostEvent = EventsOf<typeof eventSchemas>;
export type HostEventOf<Type extends HostEvent["type"]> = Extract<HostEvent, { type: Type }>;
export type HostInput = z.output<typeof inputSchema> & { at: number };
