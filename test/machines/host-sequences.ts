import fc from "fast-check";
import type { AnyEventObject } from "xstate";
import { agentEventTypes } from "../../machines/host/events.ts";
import type { Snapshot } from "../../src/core/machine.ts";
import type { StepResult } from "../../src/core/step.ts";
import {
  acknowledged,
  completed,
  converged,
  day,
  declaring,
  deferred,
  failed,
  minute,
  released,
  reporting,
  reverted,
  second,
} from "./host-in-rollout.ts";
import type { Timeline } from "./timeline.ts";

const probe = fc.constantFrom("web", "db");
const mode = fc.constantFrom("enforce" as const, "observe" as const);
const status = fc.constantFrom("pass" as const, "pass" as const, "fail" as const);

const probed = fc.oneof(
  fc.record({ web: mode, db: mode }, { requiredKeys: [] }).map(declaring),
  fc.record({ name: probe, status, mode }).map(({ name, status, mode }) => reporting(name, status, { mode })),
);
export const told = fc.oneof(
  fc.constantFrom<AnyEventObject>(
    { type: "activation.started" },
    completed,
    completed,
    { ...completed, observedVersion: "v1" },
    deferred,
    failed,
    { type: "activation.unconfirmed" },
    { type: "health.failed", sustainedMs: minute, failingProbes: ["web"] },
    converged,
    converged,
    { ...converged, version: "v1" },
    { type: "agent.failed", call: "probe", reason: "the disk is full" },
    reverted,
    { type: "rollback.failed", reason: "v1 does not start" },
  ),
  probed,
);

const acknowledging = fc.constantFrom("v1", "v2", null).map((rollbackTo) => acknowledged(rollbackTo));

export const ordered = fc.constantFrom<AnyEventObject>(
  { type: "soak.waived", by: "ada" },
  { type: "rollback.requested" },
  released,
);

export const noticed = fc.constantFrom<AnyEventObject>(
  { type: "dispatch.offered" },
  { type: "dispatch.withdrawn" },
  { type: "host.unreachable" },
  { type: "host.seen" },
  { type: "host.excused", reason: "sent for repair" },
);

export const waitMs = fc.constantFrom(0, 0, 0, second, minute, 16 * minute, 8 * day);

/** What is sent, or sent again; how late it is observed, or how far ahead the agent's clock is; and what passes before it. */
export const sendingOf = (event: fc.Arbitrary<AnyEventObject>) =>
  fc.record({
    event,
    again: fc.option(fc.nat(5), { freq: 4 }),
    skewMs: fc.constantFrom(0, 0, -minute, minute, 10 * minute),
    waitMs,
  });
export type Sending = typeof sendingOf extends (event: never) => fc.Arbitrary<infer One> ? One : never;

const anything = fc.oneof(
  { weight: 6, arbitrary: told },
  { weight: 2, arbitrary: acknowledging },
  { weight: 2, arbitrary: noticed },
  { weight: 1, arbitrary: ordered },
);
/** What decides about a convergence, and nothing that would end the soak otherwise. */
export const soaking = fc.oneof(
  { weight: 3, arbitrary: probed },
  { weight: 2, arbitrary: fc.constantFrom(converged, converged, { ...converged, version: "v1" }) },
  { weight: 1, arbitrary: fc.constantFrom<AnyEventObject>({ type: "soak.waived", by: "ada" }, { type: "host.seen" }) },
);

export const soakMs = fc.constantFrom(0, minute, day);
export const policy = fc.record({ onHealthFailure: fc.constantFrom("halt", "rollback-and-halt", "rollback-all") });
/** From the beginning, or from further on, so that what comes late in life comes often. */
const begun = fc.constantFrom<Sending[][]>([], [at(acknowledged())], [at(acknowledged()), at(completed)]);
export const sendings = fc
  .tuple(begun, fc.array(sendingOf(anything), { maxLength: 40 }))
  .map(([first, all]) => [...first, ...all]);

export function at(event: AnyEventObject): Sending {
  return { event, again: null, skewMs: 0, waitMs: 0 };
}

/** Sends everything, timers in between, and shows each step. */
export function forEach(
  web: Timeline,
  all: readonly Sending[],
  look: (before: Snapshot, event: AnyEventObject & { at: number }, result: StepResult) => void,
): void {
  const sent: AnyEventObject[] = [];
  for (const { event: fresh, again, skewMs, waitMs } of all) {
    web.pass(waitMs);
    const isOfAgent = (agentEventTypes as readonly string[]).includes(fresh.type);
    const observed = isOfAgent ? { ...fresh, observedAt: Math.max(0, web.now + skewMs) } : fresh;
    const event = (again === null ? undefined : sent.at(-1 - again)) ?? observed;
    sent.push(event);
    const before = web.snapshot;
    const result = web.send(event);
    look(before, { principal: "local", ...event, at: web.now }, result);
  }
}
