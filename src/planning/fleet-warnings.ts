import { pointerTo, type SchemaFault } from "../core/schema-faults.ts";
import type { Fleet, Host, Policy } from "./fleet.ts";
import { budgetMax } from "./freeze-plan.ts";
import { matcherOf, selectHosts } from "./select.ts";
import { stagesOf } from "./stages.ts";

/** What may well be meant otherwise, although it can be done: each with a pointer into the declaration. */
export function warningsOf(fleet: Fleet): SchemaFault[] {
  const byChannel = Map.groupBy(fleet.hosts.values(), ({ channel }) => channel);
  return [
    ...[...fleet.channels.keys()]
      .filter((name) => !byChannel.has(name))
      .map((name) => ({ pointer: pointerTo(["channels", name]), detail: "no host is in this channel" })),
    ...[...fleet.policies.values()].flatMap((policy) => policyWarnings(policy, fleet, byChannel)),
    ...fleet.budgets.flatMap((budget, index) => {
      const selected = selectHosts(fleet.hosts.values(), budget.selector).length;
      const detail = budgetWarning(selected, budgetMax(budget, selected));
      return detail === undefined ? [] : [{ pointer: pointerTo(["budgets", index]), detail }];
    }),
  ];
}

const manyHosts = 10; // with one at a time a rollout over them takes long

function budgetWarning(selected: number, max: number): string | undefined {
  if (selected === 0) return "its selector selects no host";
  if (selected >= manyHosts && max === 1) return `only one of ${selected} hosts may be out at once: they go one by one`;
  return undefined;
}

function policyWarnings(policy: Policy, fleet: Fleet, byChannel: ReadonlyMap<string, Host[]>): SchemaFault[] {
  const channels = [...fleet.channels.values()].filter((channel) => channel.policy === policy.name);
  const path = ["policies", policy.name];
  if (channels.length === 0) return [{ pointer: pointerTo(path), detail: "no channel uses this policy" }];
  const hosts = channels.flatMap(({ name }) => byChannel.get(name) ?? []);
  return [
    ...policy.waves.flatMap((wave, index) => {
      const isNobody = !hosts.some(matcherOf(wave.hosts));
      const detail = "its selector selects no host of a channel that uses the policy: the wave is passed over";
      return isNobody ? [{ pointer: pointerTo([...path, "waves", index, "hosts"]), detail }] : [];
    }),
    ...channels.flatMap(({ name }) => unstagedWarning(policy, name, byChannel.get(name) ?? [])),
  ];
}

function unstagedWarning(policy: Policy, channel: string, hosts: readonly Host[]): SchemaFault[] {
  const stageOf = stagesOf(policy.waves);
  const [first, ...others] = hosts.filter((host) => stageOf(host) === undefined);
  if (first === undefined) return [];
  const which = others.length === 0 ? `${first.name} is` : `${first.name} and ${others.length} more are`;
  const detail =
    `${which} in channel ${channel} and in none of the waves, and will not be dispatched: ` +
    "add a wave that selects { all: true }";
  return [{ pointer: pointerTo(["policies", policy.name, "waves"]), detail }];
}
