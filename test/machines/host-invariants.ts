import { expect } from "vitest";
import type { HostContext } from "../../machines/host/context.ts";
import type { CountedState, HostState } from "../../machines/host/states.ts";
import type { Effect } from "../../src/core/effect.ts";
import { leadingState, type Snapshot } from "../../src/core/machine.ts";
import type { StepResult } from "../../src/core/step.ts";

/** Which state may follow which, the same one aside; written by hand, from the lifecycle's page. */
const successors: Readonly<Record<HostState, readonly HostState[]>> = {
  Pending: ["Activating", "Released"],
  Activating: ["Deferred", "Soaking", "Failed", "Released"],
  Deferred: ["Soaking", "Failed", "Released"],
  Soaking: ["Converged", "Failed", "Released"],
  Converged: ["Failed", "Released"],
  Failed: ["Reverted", "Released"],
  Reverted: [],
  Released: [],
};

/** What holds of every step of a host, whatever was sent to it before. */
export function hostHolds({ before, result }: { before: Snapshot; result: StepResult }): void {
  if (before.status === "done") expect(result.outcome).toBe("refused");
  if (result.outcome === "refused") return;
  const was = before.context as HostContext;
  const is = result.snapshot.context as HostContext;

  const path = [leadingState(before), ...result.via, leadingState(result.snapshot)] as HostState[];
  for (const [index, to] of path.slice(1).entries()) {
    const from = path[index] as HostState;
    if (from !== to) expect(successors[from], path.join(" > ")).toContain(to);
  }
  expect(is.standsIn).toBe(leadingState(result.snapshot));
  expect(is.countedAs).toBe(is.excused === null ? is.standsIn : "Excused");
  expect(is.orders.slice(0, was.orders.length)).toEqual(was.orders);
  if (is.standsIn !== "Pending") expect(is.offeredAt).toBeNull();
  expect(is.offeredAt === null).toBe(is.offerDueAt === null);
  if (is.standsIn === "Converged") expect(faultsOfConvergence(is)).toEqual([]);
  if (is.standsIn === "Failed" || is.standsIn === "Reverted") expect(is.failure).not.toBeNull();
  if (is.standsIn === "Reverted") expect(is.revertedTo).toBe(is.observedVersion);
  if (is.standsIn === "Reverted") expect(is.revertedTo).not.toBeNull();
  expectChained(was, is, result.effects);
}

/** What a host that has converged has to show. */
function faultsOfConvergence({ observedVersion, target, probes, isSoakWaived, ...times }: HostContext): string[] {
  const isSoaked = isSoakWaived || (times.convergedAt ?? 0) >= (times.soakDueAt ?? Number.POSITIVE_INFINITY);
  const enforced = Object.entries(probes).filter(([, { mode }]) => mode === "enforce");
  return [
    ...(observedVersion === target ? [] : [`runs ${observedVersion}, not ${target}`]),
    ...(isSoaked ? [] : ["has not soaked"]),
    ...enforced.flatMap(([name, { status }]) => (status === "pass" ? [] : [`${name}: ${status}`])),
  ];
}

/** Whoever counts can follow: each change begins where the one before it ended. */
function expectChained(was: HostContext, is: HostContext, effects: readonly Effect[]): void {
  const told = changesIn(effects);
  if (is.reportsTo === null) return expect(effects.filter(({ kind }) => kind === "message")).toEqual([]);
  let counted: CountedState = was.countedAs;
  for (const { from, to } of told) {
    expect(from).toBe(counted);
    expect(to).not.toBe(from);
    counted = to;
  }
  expect(counted).toBe(is.countedAs);
}

export interface Change {
  host: string;
  from: CountedState;
  to: CountedState;
  wave: number;
}

/** The changes that a host tells whoever counts it. */
export function changesIn(effects: readonly Effect[]): Change[] {
  return effects.flatMap((effect) =>
    effect.kind === "message" && effect.event.type === "host.changed" ? [effect.event as unknown as Change] : [],
  );
}
