import { pointerTo, type SchemaFault } from "../core/schema-faults.ts";
import { cyclesOf } from "./cycles.ts";
import type { DeclaredHosts } from "./declared-hosts.ts";
import type { Draft, Entry, WaveDraft } from "./fleet-draft.ts";
import { channelName, type BudgetEntry, type FreezeEntry, type HostEdgeEntry } from "./fleet-schema.ts";
import type { Selector } from "./fleet.ts";
import { parseHostRange } from "./host-range.ts";
import { nameByPlace } from "./wave-name.ts";

/** What the entries of a declaration say of one another and cannot be. */
export function crossFaults(draft: Draft, hosts: DeclaredHosts): SchemaFault[] {
  const known: Known = {
    channels: new Set(draft.channels.map(({ key }) => key)),
    policies: new Set(draft.policies.map(({ key }) => key)),
    hosts,
  };
  return [
    ...[...draft.channels, ...draft.policies].flatMap(unfitName),
    ...draft.channels.flatMap((entry) => unknownPolicy(entry.path, entry.value?.policy, known)),
    ...draft.hosts.flatMap((entry) => unknownChannel([...entry.path, "channel"], entry.value?.channel, known)),
    ...draft.waves.flatMap((waves) => waveFaults(waves, known)),
    ...draft.budgets.flatMap((entry) => budgetFaults(entry, known)),
    ...draft.hostEdges.flatMap((entry) => hostEdgeFaults(entry, known)),
    ...draft.channelEdges.flatMap(({ path, value }) => [
      ...unknownChannel([...path, "before"], value?.before, known),
      ...unknownChannel([...path, "after"], value?.after, known),
    ]),
    ...cycleFaults(draft.hostEdges, "hosts"),
    ...cycleFaults(draft.channelEdges, "channels"),
    ...draft.freezes.flatMap((entry) => freezeFaults(entry, known)),
  ];
}

interface Known {
  readonly channels: ReadonlySet<string>;
  readonly policies: ReadonlySet<string>;
  readonly hosts: DeclaredHosts;
}

type Path = Entry<unknown>["path"];

function unfitName({ path, key }: Entry<unknown>): SchemaFault[] {
  return (channelName.safeParse(key).error?.issues ?? []).map(({ message }) => ({
    pointer: pointerTo(path),
    detail: message,
  }));
}

function unknownPolicy(path: Path, policy: string | undefined, { policies }: Known): SchemaFault[] {
  if (policy === undefined || policies.has(policy)) return [];
  const detail = `there is no policy "${policy}": declare it under policies, or name one of ${listed([...policies])}`;
  return [{ pointer: pointerTo([...path, "policy"]), detail }];
}

function unknownChannel(path: Path, channel: string | undefined, { channels }: Known): SchemaFault[] {
  if (channel === undefined || channels.has(channel)) return [];
  const detail = `there is no channel "${channel}": declare it under channels, or name one of ${listed([...channels])}`;
  return [{ pointer: pointerTo(path), detail }];
}

function unknownHosts(path: Path, name: string, { hosts }: Known): SchemaFault[] {
  const range = parseHostRange(name);
  if ("fault" in range) return [{ pointer: pointerTo(path), detail: range.fault }];
  if (range.size > hosts.size && range.size > 1)
    return [
      { pointer: pointerTo(path), detail: `${name} stands for ${range.size} hosts, and ${hosts.size} are declared` },
    ];
  const [first, ...others] = [...range.names()].filter((each) => !hosts.has(each));
  if (first === undefined) return [];
  const which = others.length === 0 ? first : `${first} (and ${others.length} more of ${name})`;
  return [
    { pointer: pointerTo(path), detail: `there is no host ${which}: declare it under hosts, or take it out here` },
  ];
}

/** Of the waves of one policy. */
function waveFaults(waves: readonly WaveDraft[], known: Known): SchemaFault[] {
  const names = new Set<string>();
  return waves.flatMap(({ path, index, name: given, hosts }) => {
    const name = given ?? nameByPlace(index);
    const isTaken = names.has(name);
    names.add(name);
    const taken = `a wave before it is called "${name}" as well: give each wave a name of its own`;
    return [
      ...(hosts === undefined ? [] : selectorFaults(hosts, [...path, "hosts"], known)),
      ...(isTaken ? [{ pointer: pointerTo(given === undefined ? path : [...path, "name"]), detail: taken }] : []),
    ];
  });
}

function selectorFaults(selector: Selector, path: Path, known: Known): SchemaFault[] {
  const { any = [], and = [], not, hosts = [], channel } = selector;
  return [
    ...any.flatMap((each, index) => selectorFaults(each, [...path, "any", index], known)),
    ...and.flatMap((each, index) => selectorFaults(each, [...path, "and", index], known)),
    ...(not === undefined ? [] : selectorFaults(not, [...path, "not"], known)),
    ...hosts.flatMap((name, index) => unknownHosts([...path, "hosts", index], name, known)),
    ...unknownChannel([...path, "channel"], channel, known),
  ];
}

function budgetFaults({ path, value }: Entry<BudgetEntry>, known: Known): SchemaFault[] {
  if (value === undefined) return [];
  const { maxInFlight, maxInFlightPct } = value;
  const given = Number(maxInFlight !== undefined) + Number(maxInFlightPct !== undefined);
  const fault = {
    pointer: pointerTo(path),
    detail:
      given === 2
        ? "it has both maxInFlight and maxInFlightPct: leave one of them out"
        : "it has neither maxInFlight nor maxInFlightPct: write one of them",
  };
  return [...(given === 1 ? [] : [fault]), ...selectorFaults(value.hosts, [...path, "hosts"], known)];
}

function hostEdgeFaults({ path, value }: Entry<HostEdgeEntry>, known: Known): SchemaFault[] {
  if (value === undefined) return [];
  const { before, after } = value;
  const unknown = [
    ...unknownHosts([...path, "before"], before, known),
    ...unknownHosts([...path, "after"], after, known),
  ];
  const [from, to] = [before, after].map((name) => known.hosts.get(name)?.value?.channel);
  if (unknown.length > 0 || from === undefined || to === undefined || from === to) return unknown;
  const detail =
    `${before} is in channel ${from} and ${after} in ${to}: an edge of hosts holds within one rollout, ` +
    "write a channel edge, or move one of them";
  return [{ pointer: pointerTo(path), detail }];
}

function cycleFaults(edges: readonly Entry<{ before: string; after: string }>[], of: string): SchemaFault[] {
  return cyclesOf(edges.map(({ value }) => value)).map(({ closedBy, names }) => ({
    pointer: pointerTo(edges[closedBy]?.path ?? []),
    detail: `the ${of} wait for each other in a circle: ${circle(names)}. Take one of these edges out`,
  }));
}

function freezeFaults({ path, value }: Entry<FreezeEntry>, known: Known): SchemaFault[] {
  if (value === undefined) return [];
  const channels = (value.channels ?? []).flatMap((channel, index) =>
    unknownChannel([...path, "channels", index], channel, known),
  );
  const isWeekly = value.days !== undefined;
  // Texts of one form: the earlier time is the smaller text. A weekly one may run over midnight.
  const isEmpty = isWeekly ? value.from === value.to || value.from === "24:00" : value.to <= value.from;
  const detail = isWeekly
    ? `from ${value.from} to ${value.to} is no time at all: a whole day is from "00:00" to "24:00"`
    : `it ends at ${value.to} and begins at ${value.from}: write an end after its begin`;
  return [...channels, ...(isEmpty ? [{ pointer: pointerTo([...path, "to"]), detail }] : [])];
}

const namesShown = 8;

function listed(names: readonly string[]): string {
  if (names.length === 0) return "those (there is none yet)";
  const shown = names.slice(0, namesShown).join(", ");
  return names.length > namesShown ? `${shown} and ${names.length - namesShown} more` : shown;
}

function circle(names: readonly string[]): string {
  if (names.length <= 2 * namesShown) return names.join(" -> ");
  const between = `(${names.length - 2 * namesShown} more)`;
  return [...names.slice(0, namesShown), between, ...names.slice(-namesShown)].join(" -> ");
}
