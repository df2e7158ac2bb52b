import type { HostContext } from "../../machines/host/context.ts";
import { failingProbes, unseenProbes } from "../../machines/host/probes.ts";
import type { Dispatch } from "../../machines/host/vocabulary.ts";
import type { Activity, Call } from "../core/provider.ts";
import type { ActivityParts } from "./activity-parts.ts";
import type { AgentProbe } from "./agent-file.ts";
import { look, type Seen } from "./look.ts";
import { tell } from "./tell.ts";

const repeatMs = 60_000; // how old what was told of a probe may be
const recheckMs = 10_000; // for what was refused, or not known

/**
 * Watches a host that soaks, until the call is withdrawn. Tells what a probe sees when that changes, and then judges: an
 * enforced probe that fails for too long ends it, the end of the soak with all of them passing converges the host. What was
 * told before an agent was restarted is not judged before every probe has been looked at again.
 */
export function createProbe(parts: ActivityParts): Activity<Dispatch & { sustainedMs: number }, void> {
  const { file, hosts, changes, clock, log } = parts;

  return async ({ sustainedMs }, call) => {
    const over = new AbortController();
    const signal = AbortSignal.any([call.signal, over.signal]);
    const unseen = new Set(file.probes.flatMap(({ name, mode }) => (mode === "enforce" ? [name] : [])));
    try {
      await declare(call);
      const watched = file.probes.filter(({ mode }) => mode !== "disabled");
      await Promise.all([...watched.map((probe) => watch(probe)), judge()]);
    } catch (error) {
      if (!call.signal.aborted) throw error;
    } finally {
      over.abort(new DOMException("another part of it failed", "AbortError"));
    }

    async function watch(probe: AgentProbe): Promise<void> {
      while (!signal.aborted) {
        const begunAt = clock.now();
        const seen = await look(probe, { ...parts, signal });
        await tellNews(probe, seen);
        unseen.delete(probe.name);
        await clock.wakeAt(begunAt + probe.everyMs, signal);
      }
    }

    async function tellNews({ name, mode }: AgentProbe, seen: Seen): Promise<void> {
      const { context } = await hosts.read(call.instance);
      const known = Object.hasOwn(context.probes, name) ? context.probes[name] : undefined;
      const observedAt = clock.now();
      if (known?.status === seen.status && observedAt - (known.reportedAt ?? 0) < repeatMs) return;
      const reason = seen.status === "fail" && { reason: seen.why };
      await tell(call, { type: "probe.reported", name, mode, status: seen.status, ...reason, observedAt }, log);
    }

    async function judge(): Promise<void> {
      while (!signal.aborted) {
        const count = changes.count();
        const { context } = await hosts.read(call.instance);
        const lookAgainAt = unseen.size > 0 ? clock.now() + lookMs : await judged(context, sustainedMs, call);
        await changes.beyond(count, lookAgainAt, signal);
      }
    }
  };

  async function declare(call: Call): Promise<void> {
    const { context } = await hosts.read(call.instance);
    const declared = Object.entries(context.probes).map(([name, { kind, mode }]) => ({ name, kind, mode }));
    const probes = file.probes.map(({ name, kind, mode }) => ({ name, kind, mode }));
    if (textOf(declared) === textOf(probes)) return;
    await tell(call, { type: "probes.declared", probes, observedAt: clock.now() }, log);
  }

  /** When to judge again, if nothing happens before. */
  async function judged(context: HostContext, sustainedMs: number, call: Call): Promise<number> {
    const now = clock.now();
    const failing = failingProbes(context);
    const failsAt = Math.min(...failing.map(({ since }) => since)) + sustainedMs;
    if (now >= failsAt) {
      const failingProbes = failing.map(({ name }) => name);
      const failingMs = now - failsAt + sustainedMs;
      await tell(call, { type: "health.failed", sustainedMs: failingMs, failingProbes, observedAt: now }, log);
      return now + recheckMs;
    }
    if (failing.length > 0) return failsAt;
    const { soakDueAt, isSoakWaived, confirmedAt } = context;
    if (!isSoakWaived && now < (soakDueAt ?? 0)) return soakDueAt ?? now;
    if (confirmedAt === null || unseenProbes(context).length > 0) return now + recheckMs; // told when it comes
    const seen = await parts.askVersion(call.signal);
    if (seen.version === null) log.warn({ instance: call.instance }, seen.why);
    else await tell(call, { type: "host.converged", version: seen.version, observedAt: clock.now() }, log);
    return clock.now() + recheckMs;
  }
}

const lookMs = 100; // the first looks are under way; they end with their own limits

/** Whatever their order. */
function textOf(probes: readonly { name: string; kind: string | null; mode: string }[]): string {
  return JSON.stringify(probes.map(({ name, kind, mode }) => [name, kind, mode]).toSorted());
}
