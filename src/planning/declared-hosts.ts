import { hostPattern } from "../../machines/rollout/rollout-id.ts";
import { pointerTo, type SchemaFault } from "../core/schema-faults.ts";
import type { Draft, Entry } from "./fleet-draft.ts";
import type { HostEntry } from "./fleet-schema.ts";
import { parseHostRange, type HostRange } from "./host-range.ts";

/** Every host by name, with the entry that declares it. */
export type DeclaredHosts = ReadonlyMap<string, Entry<HostEntry>>;

/** Writes the ranges of names out. How many there may be is `fleet-size.ts`. */
export function expandHosts(draft: Draft): { hosts: DeclaredHosts; faults: SchemaFault[] } {
  const faults: SchemaFault[] = [];
  const ranges = draft.hosts.flatMap((entry) => {
    const range = parseHostRange(entry.key);
    if (!("fault" in range)) return [{ entry, range }];
    faults.push({ pointer: pointerTo(entry.path), detail: range.fault });
    return [];
  });
  const hosts = new Map<string, Entry<HostEntry>>();
  for (const { entry, range } of ranges) faults.push(...declare(entry, range, hosts));
  return { hosts, faults };
}

/** The names that a selector's list stands for, each once and in order; a name with a faulty range for none. */
export function expandNames(names: readonly string[]): string[] {
  const expanded = names.flatMap((name) => {
    const range = parseHostRange(name);
    return "fault" in range ? [] : [...range.names()];
  });
  return [...new Set(expanded)].toSorted();
}

function declare(entry: Entry<HostEntry>, range: HostRange, hosts: Map<string, Entry<HostEntry>>): SchemaFault[] {
  const taken = new Map<Entry<HostEntry>, string>();
  for (const name of range.names()) {
    if (!hostPattern.test(name)) return [unfit(entry, name)];
    const other = hosts.get(name);
    if (other === undefined) hosts.set(name, entry);
    else if (!taken.has(other)) taken.set(other, name);
  }
  return [...taken].map(([other, name]) => ({
    pointer: pointerTo(entry.path),
    detail: `${name} is declared by "${other.key}" as well: a host is declared once, take it out of one of them`,
  }));
}

function unfit(entry: Entry<HostEntry>, name: string): SchemaFault {
  return {
    pointer: pointerTo(entry.path),
    detail: `"${name.slice(0, 300)}" is no name of a host: it is 1 to 253 letters, digits, dots, dashes and underscores, and begins with no dot`,
  };
}
