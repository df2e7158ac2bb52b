import { pointerTo, type SchemaFault } from "../core/schema-faults.ts";
import type { Draft } from "./fleet-draft.ts";
import type { Selector } from "./fleet.ts";
import { parseHostRange } from "./host-range.ts";

// A few characters stand for many names. What a declaration becomes is bounded here, before anything is written out.
const hostsMax = 200_000; // a plan over all of them is still well below what a document may hold
const namesMax = 1_000_000; // in all selectors together
const budgetsMax = 200; // each is asked for every host of the fleet

/** What would make a fleet too large to be planned. */
export function sizeFaults(draft: Draft): SchemaFault[] {
  const faults: SchemaFault[] = [];
  if (draft.budgets.length > budgetsMax)
    faults.push({ pointer: "/budgets", detail: `there are ${draft.budgets.length}: at most ${budgetsMax} are kept` });
  const hosts = draft.hosts.reduce((sum, { key }) => sum + sizeOf(key), 0);
  if (hosts > hostsMax)
    faults.push({ pointer: "/hosts", detail: `they stand for ${hosts} hosts: a fleet has at most ${hostsMax}` });
  let left = namesMax;
  for (const { path, selector } of selectorsOf(draft)) {
    left -= namesIn(selector);
    if (left >= 0) continue;
    const detail = `the lists of hosts up to this one stand for more than ${namesMax} names: select by tags instead`;
    return [...faults, { pointer: pointerTo(path), detail }];
  }
  return faults;
}

function selectorsOf({ policies, budgets }: Draft): { path: readonly (string | number)[]; selector: Selector }[] {
  const ofWaves = policies.flatMap(({ path, value }) =>
    (value?.waves ?? []).map((wave, index) => ({ path: [...path, "waves", index], selector: wave.hosts })),
  );
  const ofBudgets = budgets.flatMap(({ path, value }) =>
    value === undefined ? [] : [{ path, selector: value.hosts }],
  );
  return [...ofWaves, ...ofBudgets];
}

function namesIn({ any = [], and = [], not, hosts = [] }: Selector): number {
  const inside = [...any, ...and, ...(not === undefined ? [] : [not])];
  return [...inside.map(namesIn), ...hosts.map(sizeOf)].reduce((sum, each) => sum + each, 0);
}

function sizeOf(name: string): number {
  const range = parseHostRange(name);
  return "fault" in range ? 1 : range.size;
}
