import { observedAtOf, type HostContext, type Probe } from "./context.ts";
import type { HostEventOf } from "./events.ts";

type Probes = HostContext["probes"];

/** The probes that a host has from now on. What was seen of those that it had before stays. */
export function declaredProbes(context: HostContext, { probes }: HostEventOf<"probes.declared">): Probes {
  const declared = probes.map(({ name, kind, mode }) => [
    name,
    { ...(knownProbe(context.probes, name) ?? unseen), kind, mode },
  ]);
  return Object.fromEntries(declared) as Probes;
}

/** The declared mode stands: a report cannot make a probe count less. */
export function reportedProbes(context: HostContext, event: HostEventOf<"probe.reported">): Probes {
  const { name, status, reason } = event;
  const reportedAt = observedAtOf(event, context);
  const before = knownProbe(context.probes, name) ?? { ...unseen, mode: event.mode };
  const failingSince = status === "pass" ? null : (before.failingSince ?? reportedAt);
  return { ...context.probes, [name]: { ...before, status, reason: reason ?? null, failingSince, reportedAt } };
}

/** Names of enforce probes that have not been seen since they were declared. */
export function unseenProbes({ probes }: Pick<HostContext, "probes">): string[] {
  return enforced(probes).flatMap(([name, { status }]) => (status === null ? [name] : []));
}

/** Enforce probes that fail now, with when they began to. */
export function failingProbes({
  probes,
}: Pick<HostContext, "probes">): { name: string; since: number; reason: string | null }[] {
  return enforced(probes).flatMap(([name, { failingSince, reason }]) =>
    failingSince === null ? [] : [{ name, since: failingSince, reason }],
  );
}

/** "db (connection refused), web"; of many only the first ones. */
export function describeProbes(probes: readonly { name: string; reason: string | null }[]): string {
  const shown = probes.slice(0, 10).map(({ name, reason }) => (reason === null ? name : `${name} (${reason})`));
  return [...shown, ...(probes.length > 10 ? [`${probes.length - 10} more`] : [])].join(", ");
}

const unseen = {
  mode: "observe",
  kind: null,
  status: null,
  reason: null,
  failingSince: null,
  reportedAt: null,
} as const;

function enforced(probes: Probes): [string, Probe][] {
  return Object.entries(probes).filter(([, { mode }]) => mode === "enforce");
}

/** Names come from outside: `constructor` is one like any other. */
function knownProbe(known: Probes, name: string): Probe | undefined {
  return Object.hasOwn(known, name) ? known[name] : undefined;
}
