import { createPlanner, type Planner, type PlannerFacts } from "../planning/planner.ts";
import type { Decision, GateVerdict } from "../planning/plan-types.ts";
import { isBusy } from "./facts.ts";
import type { Change, FleetIndex, PlanFacts } from "./fleet-index.ts";
import { fleetFactsFor, plannedOf } from "./planner-input.ts";

/** A planner for each rollout that is being planned, told of every change that it is concerned by. */
export interface Planners {
  /** Everything about the rollout has to be in the index. */
  decide(rolloutId: string, plan: PlanFacts, at: number): Decision;
  /** What holds a host back now. */
  explain(given: { rolloutId: string; host: string; plan: PlanFacts; at: number }): Explained;
  /** To be told after the index has changed. */
  changed(change: Change): void;
}

export interface Explained {
  gates: readonly GateVerdict[];
  nextAt: number | null;
}

export function createPlanners(index: FleetIndex): Planners {
  const planners = new Map<string, Planner>();

  function plannerOf(rolloutId: string, { plan }: PlanFacts): Planner {
    const known = planners.get(rolloutId);
    if (known !== undefined) return known;
    const planner = createPlanner(plan);
    for (const facts of index.rollouts.get(rolloutId)?.hosts.values() ?? []) planner.set(facts);
    planners.set(rolloutId, planner);
    return planner;
  }

  function forgetIfLetGo(rolloutId: string): void {
    if (index.rollouts.get(rolloutId)?.isComplete !== true) planners.delete(rolloutId);
  }

  function factsOf(rolloutId: string, plan: PlanFacts, at: number): PlannerFacts {
    const facts = index.rollouts.get(rolloutId)?.facts;
    if (facts === undefined) throw new Error(`There is no rollout ${rolloutId}.`);
    return { fleet: fleetFactsFor(facts, index), rollout: plannedOf(facts, plan, index), at };
  }

  return {
    decide: (rolloutId, plan, at) => plannerOf(rolloutId, plan).decide(factsOf(rolloutId, plan, at)),

    explain({ rolloutId, host, plan, at }) {
      const planner = plannerOf(rolloutId, plan);
      const facts = factsOf(rolloutId, plan, at);
      const { nextAt } = planner.decide(facts); // decides nothing by itself: whoever plans does what it says
      return { gates: planner.explain(host, facts), nextAt };
    },

    changed(change) {
      switch (change.kind) {
        case "host": {
          const { before, after } = change;
          planners.get(after.rolloutId)?.set(after);
          forgetIfLetGo(after.rolloutId);
          if (before === undefined || isBusy(before) === isBusy(after)) break;
          for (const [id, planner] of planners) if (id !== after.rolloutId) planner.recheck(after.host);
          break;
        }
        case "rollout":
          forgetIfLetGo(change.after.id);
          break;
        case "node":
          for (const planner of planners.values()) planner.recheck(change.host);
          break;
        case "channel":
        case "line":
        case "fleet":
          break; // asked anew for each decision
        default:
          change satisfies never;
      }
    },
  };
}
