import { canonicalJson } from "../core/canonical.ts";
import type { Fleet } from "./fleet.ts";

/** What one declaration changes of another. Names in order. */
export interface FleetDifference {
  readonly channels: readonly { readonly channel: string; readonly from: string | null; readonly to: string | null }[];
  readonly hosts: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  /** Other parts that differ: `policies/standard`, `budgets`, `hostEdges`, `channelEdges`, `freezes`, `retention`. */
  readonly parts: readonly string[];
}

/** What applying `after` would change of `before`; everything is new when there is none before. */
export function differenceOf(before: Fleet | undefined, after: Fleet): FleetDifference {
  const hosts = changesOf(before?.hosts ?? new Map(), after.hosts);
  const policies = changesOf(before?.policies ?? new Map(), after.policies);
  const channels = changesOf(before?.channels ?? new Map(), after.channels);
  const channelPolicies = channels.changed.filter(
    (name) => before?.channels.get(name)?.policy !== after.channels.get(name)?.policy,
  );
  return {
    channels: namesOf(channels)
      .map((channel) => ({
        channel,
        from: before?.channels.get(channel)?.ref ?? null,
        to: after.channels.get(channel)?.ref ?? null,
      }))
      .filter(({ from, to }) => from !== to),
    hosts,
    parts: [
      ...channelPolicies.map((name) => `channels/${name}/policy`),
      ...namesOf(policies).map((name) => `policies/${name}`),
      ...(["budgets", "hostEdges", "channelEdges", "freezes"] as const).filter(
        (part) => !isSame(before?.[part] ?? [], after[part]),
      ),
      ...(before !== undefined && before.retentionMs !== after.retentionMs ? ["retention"] : []),
    ],
  };
}

interface Changes {
  added: string[];
  removed: string[];
  changed: string[];
}

function changesOf(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Changes {
  const stays = [...after.keys()].filter((name) => before.has(name));
  return {
    added: [...after.keys()].filter((name) => !before.has(name)).toSorted(),
    removed: [...before.keys()].filter((name) => !after.has(name)).toSorted(),
    changed: stays.filter((name) => !isSame(before.get(name), after.get(name))).toSorted(),
  };
}

function namesOf({ added, removed, changed }: Changes): string[] {
  return [...added, ...removed, ...changed].toSorted();
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
