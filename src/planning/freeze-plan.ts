import { SignalboxError } from "../core/errors.ts";
import { contentHash } from "./content-hash.ts";
import type { Channel, Fleet, Host, Policy } from "./fleet.ts";
import type { FrozenPlan, PlannedBudget, PlannedWave } from "./frozen-plan.ts";
import { selectHosts, selectorKey } from "./select.ts";
import { stagesOf } from "./stages.ts";

export interface FreezeOrder {
  /** The declared one when not given. */
  readonly ref?: string;
  /** Only these hosts of the channel. */
  readonly hosts?: ReadonlySet<string>;
  /** No wave soaks or asks for approval. */
  readonly isUndo?: boolean;
}

/** What a rollout over a channel will do. Throws `not-found` for a channel that is not declared. */
export function freezePlan(fleet: Fleet, channelName: string, order: FreezeOrder = {}): FrozenPlan {
  const { channel, policy } = channelOf(fleet, channelName);
  const hosts = [...fleet.hosts.values()].filter(
    ({ name, channel }) => channel === channelName && order.hosts?.has(name) !== false,
  );
  const { staged, unstaged } = stage(hosts, policy);
  const planned = new Set(staged.flat());
  const { waves: _, name: __, ...rules } = policy;
  const content = {
    channel: channelName,
    ref: order.ref ?? channel.ref,
    waves: staged.map((names, index) => waveOf(names, policy, index, order.isUndo === true)),
    unstaged,
    budgets: budgetsOf(fleet, planned),
    hostEdges: fleet.hostEdges.filter(({ before, after }) => planned.has(before) && planned.has(after)),
    channelEdges: fleet.channelEdges
      .filter(({ after }) => after === channelName)
      .map(({ before, reason }) => ({ before, reason })),
    policy: rules,
    retentionMs: fleet.retentionMs,
  };
  return { ...content, hash: contentHash(content) };
}

function channelOf(fleet: Fleet, name: string): { channel: Channel; policy: Policy } {
  const channel = fleet.channels.get(name);
  const policy = fleet.policies.get(channel?.policy ?? "");
  if (channel !== undefined && policy !== undefined) return { channel, policy };
  const known = [...fleet.channels.keys()].slice(0, 20).join(", ");
  throw new SignalboxError("not-found", `There is no channel "${name}" in the fleet; there is ${known || "none"}.`);
}

/** The hosts are in order of name, and so are those of each wave. */
function stage(hosts: readonly Host[], policy: Policy): { staged: string[][]; unstaged: string[] } {
  const stageOf = stagesOf(policy.waves);
  const staged: string[][] = Array.from({ length: Math.max(1, policy.waves.length) }, () => []);
  const unstaged: string[] = [];
  for (const host of hosts) {
    const wave = stageOf(host);
    (wave === undefined ? unstaged : (staged[wave] ?? unstaged)).push(host.name);
  }
  return { staged, unstaged };
}

function waveOf(hosts: readonly string[], policy: Policy, index: number, isUndo: boolean): PlannedWave {
  const wave = policy.waves[index];
  const minConverged = wave?.minConverged ?? policy.minConverged;
  return {
    name: wave?.name ?? "all",
    soakMs: isUndo ? 0 : (wave?.soakMs ?? 0),
    approvals: isUndo ? 0 : (wave?.approvals ?? 0),
    maxFailures: wave?.maxFailures ?? policy.maxFailures,
    // More than there are could never converge, and the wave would never settle.
    minConverged: Math.min(minConverged, hosts.length),
    hosts,
  };
}

/** Those that hold a host of the plan. Two of one selector hold both: the smaller one decides. */
function budgetsOf(fleet: Fleet, planned: ReadonlySet<string>): PlannedBudget[] {
  return fleet.budgets.flatMap((budget) => {
    const hosts = selectHosts(fleet.hosts.values(), budget.selector).map(({ name }) => name);
    if (!hosts.some((name) => planned.has(name))) return [];
    return [{ key: selectorKey(budget.selector), max: budgetMax(budget, hosts.length), hosts }];
  });
}

/** How many of so many hosts a budget lets out at once: a share is rounded down, and lets one out at least. */
export function budgetMax(budget: { maxInFlight?: number; maxInFlightPct?: number }, hosts: number): number {
  return budget.maxInFlight ?? Math.max(1, shareOf(hosts, budget.maxInFlightPct ?? 100));
}

const digitsKept = 12; // 18.4 % of 375 is 69; in binary fractions it is a little less

function shareOf(hosts: number, percent: number): number {
  return Math.floor(Number(((hosts * percent) / 100).toPrecision(digitsKept)));
}
