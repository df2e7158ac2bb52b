import { expect } from "vitest";
import type { AnyEventObject } from "xstate";
import type { HostContext } from "../../machines/host/context.ts";
import { host } from "../../machines/host/host.ts";
import type { HostState } from "../../machines/host/states.ts";
import { changesIn } from "./host-invariants.ts";
import { timelineOf, type Timeline } from "./timeline.ts";

export const second = 1_000;
export const minute = 60_000;
export const day = 86_400_000;

interface Options {
  soakMs?: number;
  /** Nobody when null. */
  reportsTo?: string | null;
  policy?: Partial<HostContext["policy"]>;
  rollbackTo?: string | null;
  startsAt?: number;
}

const rolloutId = "stable@v2";

/** web-1, which is offered v2 as the timeline begins. */
export function hostOf({
  reportsTo = rolloutId,
  soakMs = 0,
  policy = {},
  startsAt = 1_000_000,
}: Options = {}): Timeline {
  const told = reportsTo === null ? {} : { reportsTo };
  const input = { rolloutId, host: "web-1", channel: "stable", target: "v2", wave: 3, soakMs, policy, ...told };
  return timelineOf(host, input, startsAt);
}

export function acknowledged(rollbackTo: string | null = "v1"): AnyEventObject {
  return { type: "dispatch.acknowledged", observedPrior: "v1", rollbackTo };
}

export const completed = { type: "activation.completed", observedVersion: "v2" };
export const failed = { type: "activation.failed", exitCode: 7, stderrTail: "no space left on device" };
export const deferred = { type: "activation.deferred", component: "kernel" };
export const converged = { type: "host.converged", version: "v2" };
export const reverted = { type: "rollback.completed", revertedTo: "v1" };
export const unhealthy = { type: "health.failed", sustainedMs: minute, failingProbes: ["web"] };
export const waived = { type: "soak.waived", by: "ada" };
export const backAsked = { type: "rollback.requested", reason: "web-9 has failed" };
export const unreachable = { type: "host.unreachable" };
export const seen = { type: "host.seen" };
export const excused = { type: "host.excused", reason: "sent for repair", principal: "ada" };
export const released = { type: "host.released", by: "stable@v3" };

type Mode = "enforce" | "observe" | "disabled";

export function declaring(probes: Readonly<Record<string, Mode>>): AnyEventObject {
  const declared = Object.entries(probes).map(([name, mode]) => ({ name, mode, kind: "http" }));
  return { type: "probes.declared", probes: declared };
}

export function reporting(
  name: string,
  status: "pass" | "fail",
  more: { mode?: Mode; reason?: string; observedAt?: number } = {},
): AnyEventObject {
  return { type: "probe.reported", name, mode: "enforce", status, ...more };
}

/** A host in a state, by the shortest way that life takes; in Failed it goes back when it can. */
export function hostIn(state: HostState, options: Options = {}): Timeline {
  const ways: Readonly<Record<HostState, readonly AnyEventObject[]>> = {
    Pending: [],
    Activating: [acknowledged(options.rollbackTo)],
    Deferred: [acknowledged(options.rollbackTo), deferred],
    Soaking: [acknowledged(options.rollbackTo), completed],
    Converged: [acknowledged(options.rollbackTo), completed, converged],
    Failed: [acknowledged(options.rollbackTo), failed],
    Reverted: [acknowledged(options.rollbackTo), failed, reverted],
    Released: [released],
  };
  const timeline = hostOf(options);
  for (const event of ways[state]) timeline.send(event);
  expect(timeline.state).toBe(state);
  return timeline;
}

export function contextOf({ snapshot }: Timeline): HostContext {
  return snapshot.context as HostContext;
}

export function notesOf({ snapshot, state }: Timeline): readonly string[] {
  return host.notes?.(snapshot.context as never, state) ?? [];
}

/** "Pending > Activating" for each change that its rollout was told of. */
export function toldBy({ said }: Timeline): string[] {
  return changesIn(said).map(({ from, to }) => `${from} > ${to}`);
}
