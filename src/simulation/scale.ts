import type { Fleet, Host } from "../planning/fleet.ts";
import { parseHostRange } from "../planning/host-range.ts";
import { matcherOf } from "../planning/select.ts";
import { stagesOf } from "../planning/stages.ts";
import { createHeap } from "../core/heap.ts";

/** A declaration with another number of hosts, as a file would have it. */
export interface ScaledDeclaration {
  document: Record<string, unknown>;
  /** What the other number changes beyond itself. */
  notes: readonly string[];
}

/**
 * The declaration with `count` hosts in place of those that it has, in the same shares of channel, tags and wave. Hosts that
 * are dropped are the last of their kind by name; added ones are named after one that is there (`web-1.2`), and a selector
 * that names a host means its likes too. Edges between hosts hold for the hosts that they name alone.
 */
export function scaleDeclaration(document: Record<string, unknown>, fleet: Fleet, count: number): ScaledDeclaration {
  const kinds = kindsOf(fleet);
  const shares = sharesOf(
    [...kinds.values()].map((members) => members.length),
    count,
  );
  const named = new Set(fleet.hostEdges.flatMap(({ before, after }) => [before, after]));
  const likes = new Map<string, string[]>(); // by the name of a host that was declared: those that stand for it now
  const hosts: Record<string, { channel: string; tags: readonly string[] }> = {};
  for (const [index, members] of [...kinds.values()].entries()) {
    const inOrder = [
      ...members.filter(({ name }) => named.has(name)),
      ...members.filter(({ name }) => !named.has(name)),
    ];
    for (let made = 0; made < (shares[index] ?? 0); made += 1) {
      const { name, channel, tags } = inOrder[made % inOrder.length] as Host;
      const like = likeOf(name, Math.floor(made / inOrder.length), (taken) => fleet.hosts.has(taken));
      hosts[like] = { channel, tags };
      const known = likes.get(name);
      if (known === undefined) likes.set(name, [like]);
      else known.push(like);
    }
  }
  const edges = edgesOf(document).filter(({ before, after }) => likes.has(before) && likes.has(after));
  return {
    document: {
      ...withoutHosts(document, likes),
      hosts,
      ...(edges.length > 0 && { hostEdges: edges }),
    },
    notes: notesOn({ fleet, count, edges: edges.length, dropped: shares.filter((share) => share === 0).length }),
  };
}

type Likes = ReadonlyMap<string, readonly string[]>;

/** The declaration of the same channels, policies and calendars over no host at all; selectors name those that stand for theirs. */
export function withoutHosts(document: Record<string, unknown>, likes: Likes = new Map()): Record<string, unknown> {
  const { hosts: _, hostEdges: __, ...rest } = document;
  return { ...(withNames(rest, likes) as Record<string, unknown>), hosts: {} };
}

/** Hosts that differ in their names alone, in order of name. */
function kindsOf(fleet: Fleet): Map<string, Host[]> {
  const stages = new Map(
    [...fleet.channels.values()].map(({ name, policy }) => [name, stagesOf(fleet.policies.get(policy)?.waves ?? [])]),
  );
  const budgets = fleet.budgets.map(({ selector }) => matcherOf(selector));
  return Map.groupBy(fleet.hosts.values(), (host) =>
    JSON.stringify([
      host.channel,
      host.tags,
      stages.get(host.channel)?.(host) ?? null,
      budgets.map((isMeant) => isMeant(host)),
    ]),
  );
}

/**
 * Whole numbers in the proportion of `sizes` that add up to `count`: the largest remainders are rounded up. What is there at
 * all stays there at least once, as long as there are enough for that.
 */
export function sharesOf(sizes: readonly number[], count: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (size * count) / total);
  const shares = exact.map(Math.floor);
  const left = count - shares.reduce((sum, share) => sum + share, 0);
  const remainders = exact.map((share, index) => ({ index, rest: share - Math.floor(share) }));
  for (const { index } of remainders.toSorted((a, b) => b.rest - a.rest || a.index - b.index).slice(0, left))
    shares[index] = (shares[index] ?? 0) + 1;
  if (count >= sizes.length) fillEmpty(shares);
  return shares;
}

function fillEmpty(shares: number[]): void {
  const places = shares.map((_, index) => ({ index }));
  const largest = createHeap<{ index: number }>((a, b) => {
    const difference = (shares[a.index] ?? 0) - (shares[b.index] ?? 0);
    return difference > 0 || (difference === 0 && a.index < b.index);
  });
  for (const place of places) largest.push(place);
  for (const { index } of places) {
    if (shares[index] !== 0) continue;
    const giver = largest.pop();
    if (giver === undefined) return;
    shares[giver.index] = (shares[giver.index] ?? 0) - 1;
    shares[index] = 1;
    largest.push(giver);
  }
}

/** The name of the n-th like of a host; the first is the host itself. */
function likeOf(name: string, number: number, isTaken: (name: string) => boolean): string {
  if (number === 0) return name;
  for (let like = `${name}.${number + 1}`; ; like = `${like}x`) if (!isTaken(like)) return like;
}

/** A copy in which every selector that names hosts names those that stand for them now. */
function withNames(value: unknown, likes: Likes): unknown {
  if (Array.isArray(value)) return value.map((each) => withNames(each, likes));
  if (typeof value !== "object" || value === null) return value;
  const { hosts, ...rest } = value as Record<string, unknown>;
  const others = Object.fromEntries(Object.entries(rest).map(([field, held]) => [field, withNames(held, likes)]));
  if (hosts === undefined) return others;
  if (!isListOfNames(hosts)) return { ...others, hosts: withNames(hosts, likes) };
  const names = hosts.flatMap(namesIn).flatMap((name) => likes.get(name) ?? []);
  if (names.length > 0) return { ...others, hosts: names };
  return Object.keys(others).length > 0 ? others : nobody;
}

/** A selector of which nobody is left. */
const nobody = { not: { all: true } };

function isListOfNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function namesIn(name: string): string[] {
  const range = parseHostRange(name);
  return "fault" in range ? [name] : [...range.names()];
}

function edgesOf({ hostEdges }: Record<string, unknown>): { before: string; after: string }[] {
  return Array.isArray(hostEdges) ? (hostEdges as { before: string; after: string }[]) : [];
}

function notesOn(given: { fleet: Fleet; count: number; edges: number; dropped: number }): string[] {
  const { fleet, count, edges, dropped } = given;
  const size = fleet.hosts.size;
  return [
    `${count} hosts stand for the ${size} that are declared, in the same shares of channel, tags and wave; fixed numbers (budgets, failures that are borne) stay as declared`,
    ...(dropped > 0 ? [`${dropped} kinds of host are too rare to be among ${count} hosts, and are left out`] : []),
    ...(fleet.hostEdges.length > 0
      ? [
          `${edges} of ${fleet.hostEdges.length} edges between hosts are kept; they hold for the hosts that they name, not for their likes`,
        ]
      : []),
  ];
}
