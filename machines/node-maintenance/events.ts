import { z } from "zod";
import { sentBy, setByOperation, type EventsOf } from "../../src/core/machine.ts";
import { stateNames } from "./successors.ts";

const durationMs = z.number().int().positive().max(31_536_000_000); // a year: a longer drain is a mistake of units
const epochMs = z.number().int().nonnegative();
const reason = z.string().min(1).max(1_000);
const names = z.array(z.string().min(1).max(200)).max(10_000);
const epoch = z.number().int().nonnegative();

export const inputSchema = z
  .strictObject({
    node: z.string().min(1).max(200),
    policy: z
      .strictObject({
        drainForMs: durationMs.optional(),
        recoveryRampMs: z.number().int().nonnegative().max(31_536_000_000).optional(),
        exitForMs: durationMs.optional(),
      })
      .optional(),
    groups: names.optional(),
  })
  .meta({ examples: [{ node: "alpha" }, { node: "beta", groups: ["racks"], policy: { drainForMs: 60_000 } }] });

export const eventSchemas = {
  "maintenance.enter": sentBy("person", {
    reason: reason.optional(),
    drainForMs: durationMs.optional(),
    noDeadline: z.literal(true).optional(),
    expectedUntil: epochMs.optional(),
    slots: setByOperation(names.optional()),
    onBehalfOf: setByOperation(z.string().min(1).max(200).optional()),
  }).refine(({ drainForMs, noDeadline }) => drainForMs === undefined || noDeadline === undefined, {
    message: "a drain has either drainForMs or noDeadline",
    path: ["noDeadline"],
  }),
  "maintenance.exit": sentBy("person", { force: z.boolean().optional(), keepCordoned: z.boolean().optional() }),
  "maintenance.abort": sentBy("person", { reason: reason.optional() }),
  "maintenance.retry": sentBy("person", { reason: reason.optional(), drainForMs: durationMs.optional() }),
  "maintenance.observed": sentBy(["person", "agent", "provider"], {
    epoch,
    state: z.strictObject({ name: z.enum(stateNames), deadline: epochMs.optional(), reason: reason.optional() }),
  }),
  "drain.progressed": sentBy(["person", "agent", "provider"], {
    epoch: epoch.optional(),
    replicas: names,
    daemons: names,
    reasons: z.record(z.string().max(200), z.string().max(1_000)).optional(),
  }),
  "daemons.progressed": sentBy(["person", "agent", "provider"], { epoch: epoch.optional(), waiting: names }),
  "node.cordon": sentBy("person", { reason: reason.optional() }),
  "node.uncordon": sentBy("person", {}),
  "node.queued": sentBy("engine", { group: z.string().min(1).max(200), epoch: epoch.optional() }),
  "node.configured": sentBy("engine", { groups: names.optional(), policy: inputSchema.shape.policy }),
  "drain.deadlineElapsed": sentBy("engine", {}),
  "resume.retryDue": sentBy("engine", {}),
  "maintenance.overdue": sentBy("engine", {}),
} as const;

export type NodeEvent = EventsOf<typeof eventSchemas>;
export type NodeEventOf<Type extends NodeEvent["type"]> = Extract<NodeEvent, { type: Type }>;
export type NodeInput = z.output<typeof inputSchema> & { at: number };
