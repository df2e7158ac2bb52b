import { createFreezeCalendar, type FreezeCalendar } from "./freeze-windows.ts";
import type { FreezeWindow } from "./fleet.ts";
import type { FrozenPlan } from "./frozen-plan.ts";
import { decisionOn } from "./decision.ts";
import type { RolloutView } from "./gates/gate.ts";
import { verdictsOn } from "./gates/gates.ts";
import type { Decision, FleetFacts, GateVerdict, PlannedHost, PlannedRollout } from "./plan-types.ts";
import { createRoster } from "./roster.ts";
import { hostViewOf } from "./views.ts";

/** What may have changed since the last decision, beside hosts. */
export interface PlannerFacts {
  readonly fleet: FleetFacts;
  /** Its plan is the planner's own. */
  readonly rollout: Omit<PlannedRollout, "plan">;
  readonly at: number;
}

/**
 * Plans one rollout again and again. It is told of each host that has changed, and decides as `plan` does on all of them;
 * neither costs more the more hosts there are, but for the logarithm of their number.
 */
export interface Planner {
  /** Passes over a host that the plan does not name. */
  set(host: PlannedHost): void;
  remove(host: string): void;
  /**
   * `nodeOf` or `busyWith` may say something else of this host now; of every host when none is named. They are asked of a
   * host when it is set, and then when this is told.
   */
  recheck(host?: string): void;
  decide(facts: PlannerFacts): Decision;
  /** All gates that hold a host, in their order; empty for one that does not wait for its dispatch. */
  explain(host: string, facts: PlannerFacts): readonly GateVerdict[];
  /** Hosts that wait for their dispatch in order of dispatch, then those that no wave has. */
  waiting(): Iterable<string>;
}

export function createPlanner(plan: FrozenPlan): Planner {
  const roster = createRoster(plan);
  const { positions, sets } = roster;
  const unasked = new Set<number>(positions.names.keys());
  const calendarOf = createCalendarKeeper();

  function viewOf({ fleet, rollout, at }: PlannerFacts): RolloutView {
    const calendar = calendarOf(fleet.freezes);
    const freeze = calendar.at(plan.channel, at);
    const freezeAhead = freeze === null ? calendar.at(plan.channel, at + plan.policy.acknowledgeWithinMs) : null;
    return { plan, rollout, fleet, at, freeze, freezeAhead };
  }

  /** Asks of those that were set or are to be asked again what holds them from outside. */
  function ask({ nodeOf, busyWith }: FleetFacts): void {
    for (const position of unasked) {
      if (!sets.waiting.has(position)) continue;
      const host = positions.names[position] as string;
      roster.hold(position, { isBusy: busyWith(host) !== null, isInMaintenance: nodeOf(host) !== null });
    }
    unasked.clear();
  }

  function touch(host: string): void {
    const position = positions.of(host);
    if (position !== undefined) unasked.add(position);
  }

  return {
    set(host) {
      roster.set(host);
      touch(host.host);
    },
    remove(host) {
      roster.remove(host);
      touch(host);
    },
    recheck(host) {
      if (host !== undefined) return touch(host);
      for (let next = sets.waiting.next(0); next !== undefined; next = sets.waiting.next(next + 1)) unasked.add(next);
    },
    decide(facts) {
      ask(facts.fleet);
      return decisionOn(roster, viewOf(facts));
    },
    explain(host, facts) {
      const position = positions.of(host);
      if (position === undefined) return [];
      const isUnstaged = positions.waveAt(position) === null;
      if (!isUnstaged && !sets.waiting.has(position)) return [];
      return verdictsOn(hostViewOf(roster, viewOf(facts), position));
    },
    *waiting() {
      for (let next = sets.waiting.next(0); next !== undefined; next = sets.waiting.next(next + 1)) {
        yield positions.names[next] as string;
      }
      yield* plan.unstaged;
    },
  };
}

/** Reading a time zone costs more than a decision: windows that stay the same are read once. */
function createCalendarKeeper(): (windows: readonly FreezeWindow[]) => FreezeCalendar {
  let kept: { windows: readonly FreezeWindow[]; calendar: FreezeCalendar } | undefined;
  return (windows) => {
    if (kept?.windows !== windows) kept = { windows, calendar: createFreezeCalendar(windows) };
    return kept.calendar;
  };
}
