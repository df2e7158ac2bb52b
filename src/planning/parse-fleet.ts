import { defaultHostPolicy } from "../../machines/host/context.ts";
import { SignalboxError } from "../core/errors.ts";
import type { SchemaFault } from "../core/schema-faults.ts";
import { contentHash } from "./content-hash.ts";
import { expandHosts, expandNames, type DeclaredHosts } from "./declared-hosts.ts";
import { readDraft, type Draft, type Entry } from "./fleet-draft.ts";
import { crossFaults } from "./fleet-faults.ts";
import type { BudgetEntry, FreezeEntry, PolicyEntry, WaveEntry } from "./fleet-schema.ts";
import type { Budget, Fleet, FreezeWindow, Host, Policy, Selector, Wave } from "./fleet.ts";
import { sizeFaults } from "./fleet-size.ts";
import { nameByPlace } from "./wave-name.ts";
import { orderFaults } from "./wave-order.ts";

/**
 * A declaration, checked and with every default filled in. Throws `invalid-request` with every fault at once, each with a
 * pointer into the document.
 */
export function parseFleet(document: unknown): Fleet {
  const { draft, faults } = readDraft(document);
  if (draft === undefined) throw notWellFormed(faults);
  const tooLarge = sizeFaults(draft);
  if (tooLarge.length > 0) throw notWellFormed([...faults, ...tooLarge]); // what it stands for is not written out
  const { hosts, faults: hostFaults } = expandHosts(draft);
  // What is well formed is a fleet of its own: the order of its waves is judged even when other entries are at fault.
  const fleet = fleetOf(draft, hosts);
  const found = [...faults, ...hostFaults, ...crossFaults(draft, hosts), ...orderFaults(fleet, draft.hostEdges)];
  if (found.length > 0) throw notWellFormed(found);
  return { ...fleet, hash: contentHash(document) };
}

const faultsMax = 100; // what a person reads; the rest comes back with the next try

/** Every fault in one error. */
export function notWellFormed(faults: readonly SchemaFault[]): SignalboxError {
  const left = faults.length - faultsMax;
  const more = left > 0 ? [{ pointer: "", detail: `and ${left} faults more` }] : [];
  const errors = [...faults.slice(0, faultsMax), ...more];
  const list = errors.map(({ pointer, detail }) => `${pointer || "(the declaration)"}: ${detail}`).join("; ");
  return new SignalboxError("invalid-request", `The fleet declaration is not well formed: ${list}`, { errors });
}

function fleetOf(draft: Draft, hosts: DeclaredHosts): Omit<Fleet, "hash"> {
  return {
    channels: named(draft.channels, (name, value) => ({ name, ...value })),
    hosts: inOrderOfName(hosts),
    policies: named(draft.policies, policyOf),
    budgets: values(draft.budgets).map(budgetOf),
    hostEdges: values(draft.hostEdges),
    channelEdges: values(draft.channelEdges),
    freezes: values(draft.freezes).map(freezeOf),
    retentionMs: draft.retentionMs,
  };
}

function inOrderOfName(hosts: DeclaredHosts): Map<string, Host> {
  const names = [...hosts.keys()].toSorted(); // by code unit, as everywhere
  return new Map(
    names.flatMap((name) => {
      const value = hosts.get(name)?.value;
      return value === undefined ? [] : [[name, { name, channel: value.channel, tags: value.tags }] as const];
    }),
  );
}

function policyOf(name: string, entry: PolicyEntry): Policy {
  return {
    name,
    onHealthFailure: entry.onHealthFailure ?? defaultHostPolicy.onHealthFailure,
    maxFailures: entry.maxFailures,
    minConverged: entry.minConverged,
    sustainedMs: entry.sustained ?? defaultHostPolicy.sustainedMs,
    confirmWithinMs: entry.confirmWithin ?? defaultHostPolicy.confirmWithinMs,
    acknowledgeWithinMs: entry.acknowledgeWithin ?? defaultHostPolicy.acknowledgeWithinMs,
    excuseAfterMs: entry.excuseAfter ?? defaultHostPolicy.excuseAfterMs,
    excusedMaxPct: entry.excusedMaxPct,
    waves: entry.waves.map((wave, index) => waveOf(wave, index, entry)),
  };
}

function waveOf(wave: WaveEntry, index: number, policy: PolicyEntry): Wave {
  return {
    name: wave.name ?? nameByPlace(index),
    hosts: expanded(wave.hosts),
    soakMs: wave.soak,
    approvals: wave.approvals,
    maxFailures: wave.maxFailures ?? policy.maxFailures,
    minConverged: wave.minConverged ?? policy.minConverged,
  };
}

function budgetOf({ hosts, maxInFlight, maxInFlightPct }: BudgetEntry): Budget {
  return {
    selector: expanded(hosts),
    ...(maxInFlight !== undefined && { maxInFlight }),
    ...(maxInFlightPct !== undefined && { maxInFlightPct }),
  };
}

/** With the ranges in its lists of hosts written out. */
function expanded(selector: Selector): Selector {
  const { any, and, not, hosts } = selector;
  return {
    ...selector,
    ...(any && { any: any.map(expanded) }),
    ...(and && { and: and.map(expanded) }),
    ...(not && { not: expanded(not) }),
    ...(hosts && { hosts: expandNames(hosts) }),
  };
}

function freezeOf(entry: FreezeEntry): FreezeWindow {
  const { name, timeZone, channels = null, days, from, to } = entry;
  const when =
    days === undefined ? ({ kind: "once", from, to } as const) : ({ kind: "weekly", days, from, to } as const);
  return { name, timeZone, channels, when };
}

function named<Value, Made>(entries: readonly Entry<Value>[], make: (name: string, value: Value) => Made) {
  return new Map(entries.flatMap(({ key, value }) => (value === undefined ? [] : [[key, make(key, value)] as const])));
}

function values<Value>(entries: readonly Entry<Value>[]): Value[] {
  return entries.flatMap(({ value }) => (value === undefined ? [] : [value]));
}
