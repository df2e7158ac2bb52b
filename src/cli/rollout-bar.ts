import type { RolloutView } from "../operations/rollout-schemas.ts";

/** How many hosts are counted as what; a state that is left out has none. */
export type HostCounts = RolloutView["waves"][number]["counts"];
type CountedState = keyof HostCounts;

interface Kind {
  /** In a bar: how far a host has come, and whether it is well. */
  mark: string;
  /** In the text beside it. */
  word: string;
  states: readonly CountedState[];
}

/** In the order in which they stand. */
const kinds: readonly Kind[] = [
  { mark: "#", word: "converged", states: ["Converged"] },
  { mark: "=", word: "soaking", states: ["Soaking"] },
  { mark: ">", word: "activating", states: ["Activating"] },
  { mark: "z", word: "deferred", states: ["Deferred"] },
  { mark: "~", word: "excused", states: ["Excused"] },
  { mark: "!", word: "failed", states: ["Failed"] },
  { mark: "<", word: "reverted", states: ["Reverted"] },
  { mark: "-", word: "released", states: ["Released"] },
  { mark: ".", word: "pending", states: ["Pending"] },
];

/** What the marks of a bar of these mean, as one line. */
export function legendOf(counts: HostCounts): string {
  const there = kinds.filter(({ states }) => sumOf(counts, states) > 0);
  return there.map(({ mark, word }) => `${mark} ${word}`).join("  ");
}

/** "#########===>>......": a mark per host, or shares where there are more hosts than cells. What there is has a cell. */
export function bar(counts: HostCounts, cellsMax: number): string {
  const shares = kinds.map(({ mark, states }) => ({ mark, hosts: sumOf(counts, states), cells: 0 }));
  const hosts = shares.reduce((sum, share) => sum + share.hosts, 0);
  const cells = Math.min(hosts, cellsMax);
  const there = shares.filter((share) => share.hosts > 0);
  for (const share of there) share.cells = Math.max(1, Math.floor((share.hosts / hosts) * cells));
  for (let given = cellsIn(there); given !== cells; given = cellsIn(there)) {
    const short = (share: (typeof there)[number]) => (share.hosts / hosts) * cells - share.cells;
    const byNeed = there.toSorted((a, b) => short(b) - short(a));
    const next = given < cells ? byNeed[0] : byNeed.findLast((share) => share.cells > 1);
    if (next === undefined) break; // more kinds than cells
    next.cells += given < cells ? 1 : -1;
  }
  return there.map(({ mark, cells: each }) => mark.repeat(each)).join("");
}

/** All of them together. */
export function sumOfCounts(all: readonly HostCounts[]): HostCounts {
  const states = kinds.flatMap((kind) => kind.states);
  return Object.fromEntries(states.map((state) => [state, all.reduce((sum, counts) => sum + (counts[state] ?? 0), 0)]));
}

/** "3/12 converged, 2 soaking, 7 pending" */
export function countsText(counts: HostCounts): string {
  const hosts = kinds.reduce((sum, { states }) => sum + sumOf(counts, states), 0);
  const [first, ...others] = kinds.map(({ word, states }) => ({ word, count: sumOf(counts, states) }));
  const rest = others.filter(({ count }) => count > 0).map(({ word, count }) => `, ${count} ${word}`);
  return `${first?.count ?? 0}/${hosts} converged${rest.join("")}`;
}

function sumOf(counts: HostCounts, states: readonly CountedState[]): number {
  return states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

function cellsIn(shares: readonly { cells: number }[]): number {
  return shares.reduce((sum, { cells }) => sum + cells, 0);
}
