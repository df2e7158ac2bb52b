import type { FrozenPlan } from "../../src/planning/frozen-plan.ts";
import { isOut } from "../../src/planning/out.ts";
import { plan } from "../../src/planning/plan.ts";
import type { FleetFacts, PlannedHost, PlannedMove, PlannedRollout } from "../../src/planning/plan-types.ts";
import { facts, hostIn, rolloutOf } from "./scenes.ts";

/** A rollout whose hosts do as they are told, step by step: only as much as tells whether the planner goes on rightly. */
export interface ToyRollout {
  readonly plan: FrozenPlan;
  readonly hosts: Map<string, PlannedHost>;
  rollout: PlannedRollout;
}

export function toyRollout(frozen: FrozenPlan, given: Partial<PlannedRollout> = {}): ToyRollout {
  return { plan: frozen, hosts: new Map(), rollout: rolloutOf(frozen, { state: "Opening", ...given }) };
}

/** Plans and does what was decided; answers with the moves. */
export function turn(toy: ToyRollout, others: readonly ToyRollout[], at: number, more: Partial<FleetFacts> = {}) {
  const settled = isSettled(toy);
  const isLast = toy.plan.waves.every(({ hosts }, wave) => wave <= toy.rollout.currentWave || hosts.length === 0);
  if (settled && isLast) toy.rollout = { ...toy.rollout, state: "Terminal", control: "Over", isWaveSettled: true };
  else toy.rollout = { ...toy.rollout, isWaveSettled: settled, state: settled ? "Converging" : toy.rollout.state };
  const elsewhere = facts({
    unavailableElsewhere: (key) =>
      new Set(others.flatMap((other) => outOf(other, key).filter((host) => !outOf(toy, key).includes(host)))).size,
    newestOf: (channel) => {
      const other = others.find((each) => each.plan.channel === channel)?.rollout;
      return other === undefined ? null : { ...other, isCleared: false };
    },
    ...more,
  });
  const { moves } = plan({ fleet: elsewhere, rollout: toy.rollout, hosts: toy.hosts.values(), at });
  for (const move of moves) make(toy, move, at);
  return moves;
}

/** Hosts that are out and fall under the budget. */
export function outOf({ plan, hosts }: ToyRollout, key: string): string[] {
  const members = plan.budgets.find((budget) => budget.key === key)?.hosts ?? [];
  return members.filter((name) => {
    const host = hosts.get(name);
    return host !== undefined && isOut(host);
  });
}

/** The host takes its next step towards Converged. */
export function step({ hosts }: ToyRollout, host: PlannedHost, at: number): void {
  const next = { Pending: "Activating", Activating: "Soaking", Soaking: "Converged" } as const;
  if (host.state === "Pending" && !host.isOffered) return;
  if (host.state in next) {
    const state = next[host.state as keyof typeof next];
    hosts.set(host.host, { ...host, state, countedAs: state, isOffered: false, since: at });
  }
}

export function isSettled({ plan, hosts, rollout }: ToyRollout): boolean {
  return plan.waves
    .slice(0, rollout.currentWave + 1)
    .every((wave) => wave.hosts.every((name) => hosts.get(name)?.state === "Converged"));
}

function make(toy: ToyRollout, move: PlannedMove, at: number): void {
  if (move.kind === "dispatch") {
    toy.hosts.set(move.host, { ...hostIn(toy.plan, move.host, "Pending"), isOffered: true, since: at });
    toy.rollout = { ...toy.rollout, state: "Active" };
  }
  if (move.kind === "advance") {
    toy.rollout = { ...toy.rollout, currentWave: move.toWave, state: "Active", isWaveSettled: false };
  }
}
