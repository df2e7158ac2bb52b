import type { LocalHost } from "./local-hosts.ts";
import { isGood } from "./recover.ts";

/**
 * What is asked for of rollouts that have let this host go: the newest of them, and the versions that it could go back to.
 * The others are in the database only, and in the end forgotten: an agent that has run for years asks as quickly as on its first day.
 */
export interface Past {
  add(host: LocalHost): void;
  /** Newest first. */
  hosts(): readonly LocalHost[];
}

export const endedMax = 20; // the control plane may yet ask for what it has lost of them
const goodMax = 20; // of each channel: somebody would have to quarantine all of them

export function createPast(): Past {
  let hosts: readonly LocalHost[] = [];
  return {
    add(host) {
      const others = hosts.filter(({ id }) => id !== host.id);
      hosts = kept([...others, host].toSorted((a, b) => b.updatedAt - a.updatedAt));
    },
    hosts: () => hosts,
  };
}

function kept(hosts: readonly LocalHost[]): LocalHost[] {
  const good = new Map<string, Set<string>>();
  return hosts.filter((host, place) => isNewGood(host, good) || place < endedMax);
}

/** Whether no newer one has converged to the same version, and not many to others. */
function isNewGood(host: LocalHost, good: Map<string, Set<string>>): boolean {
  const { channel, target } = host.context;
  const versions = good.get(channel) ?? new Set();
  if (!isGood(host) || versions.has(target) || versions.size >= goodMax) return false;
  good.set(channel, versions.add(target));
  return true;
}
