import type { CountedState, HostState } from "../../machines/host/states.ts";
import type { GateName } from "../../machines/rollout/events.ts";
import type { RolloutState } from "../../machines/rollout/states.ts";
import type { FreezeWindow } from "./fleet.ts";
import type { FrozenPlan } from "./frozen-plan.ts";

/** What the planner knows of a rollout. Times are epoch ms. */
export interface PlannedRollout {
  readonly id: string;
  /** Since then its hosts wait for whatever holds them from the beginning. */
  readonly openedAt: number;
  readonly state: RolloutState;
  /** Since when it is in that state. */
  readonly since: number;
  readonly control: "Running" | "Paused" | "AwaitingApproval" | "Over";
  readonly controlSince: number;
  /** Who has paused it, and why. */
  readonly paused?: { readonly by: string; readonly reason: string | null } | null;
  readonly currentWave: number;
  readonly promotedThrough: number;
  readonly isFullyPromoted: boolean;
  /** Whether its counters say that the current wave is settled. */
  readonly isWaveSettled: boolean;
  readonly isUndo: boolean;
  readonly endedBy: string | null;
  /** The rollout that it made room for; it is named to the hosts that are released. */
  readonly supersededBy?: string | null;
  /** When it ended; null before. */
  readonly endedAt: number | null;
  readonly plan: FrozenPlan;
  /** The newest of its channel. */
  readonly isNewest: boolean;
  /** The last of its channel that became Terminal. */
  readonly isLastTerminal: boolean;
}

/** What the planner knows of a host in that rollout; a host without an instance may be left out. */
export interface PlannedHost {
  readonly host: string;
  readonly wave: number;
  readonly state: HostState;
  /** Since when. */
  readonly since: number;
  readonly countedAs: CountedState;
  /** An offer stands. */
  readonly isOffered: boolean;
  readonly isUnreachable: boolean;
  /** Of an unreachable one: since when its agent is missed. */
  readonly missedSince?: number | null;
  readonly isExcused: boolean;
  readonly isSoakWaived: boolean;
  /** Asked for already, and taken when the activation settles. */
  readonly isReleaseAsked: boolean;
  /** Enforce probes that fail now. */
  readonly failingProbes: number;
  /** false: it has no instance yet, and is told because something else is known of it. */
  readonly isJoined?: boolean;
}

/** What the planner knows of everything else. */
export interface FleetFacts {
  /** Somebody has stopped the line; null: it runs. */
  readonly frozen: { readonly since: number; readonly by: string; readonly reason: string | null } | null;
  readonly freezes: readonly FreezeWindow[];
  /** The ref of the rollout is quarantined on its channel. */
  readonly quarantined: { readonly since: number; readonly reason: string } | null;
  /** The newest rollout of a channel; null: there is none yet. */
  newestOf(channel: string): {
    readonly id: string;
    readonly state: RolloutState;
    readonly since: number;
    readonly endedBy: string | null;
    readonly isCleared: boolean;
  } | null;
  /** Why the host's node is not to be touched; null: it may be, or there is no such node. */
  nodeOf(host: string): { readonly since: number; readonly detail: string } | null;
  /** Another rollout in which the host is busy: its activation has begun and not settled, and it is not excused. */
  busyWith(host: string): {
    readonly rollout: string;
    readonly since: number;
    readonly isUnreachable?: boolean;
  } | null;
  /**
   * How many hosts of a budget are out because of other rollouts, unreachable, or in maintenance; those that are out in this
   * rollout (`isOut`) are not counted.
   */
  unavailableElsewhere(budgetKey: string): number;
}

export interface PlanInput {
  readonly fleet: FleetFacts;
  readonly rollout: PlannedRollout;
  readonly hosts: Iterable<PlannedHost>;
  readonly at: number;
}

/** What is to be done now, in this order. */
export type PlannedMove =
  /** Offer the host its dispatch: its instance is created, or is offered again. */
  | {
      readonly kind: "dispatch";
      readonly host: string;
      readonly wave: number;
      readonly isNew: boolean;
    }
  /** Take an offer back that nobody has acknowledged: the rollout as a whole is held. */
  | { readonly kind: "withdraw"; readonly host: string }
  | { readonly kind: "waive-soak"; readonly host: string }
  | { readonly kind: "roll-back"; readonly host: string; readonly reason: string }
  | { readonly kind: "release"; readonly host: string; readonly by: string }
  | { readonly kind: "advance"; readonly fromWave: number; readonly toWave: number }
  /** All its hosts are released and it has been kept long enough. */
  | { readonly kind: "prune" };

export interface GateVerdict {
  readonly gate: GateName;
  readonly since: number;
  /** What holds, and what would open it. */
  readonly detail: string;
}

/** What the planner decides, at most so much as one transaction bears. */
export interface Decision {
  readonly moves: readonly PlannedMove[];
  /** What holds hosts back now, over the rollout as a whole: the first of each kind and how many more. Bounded. */
  readonly gates: readonly GateVerdict[];
  /** When to plan again although nothing else changes; null: never. */
  readonly nextAt: number | null;
  /** There is more to be done at once: plan again when these moves are made. */
  readonly again: boolean;
}

export interface Plan extends Decision {
  /** Hosts that wait for their dispatch, in order of dispatch, each with all the gates that hold it, in the order of the gates. */
  readonly blocked: readonly { readonly host: string; readonly gates: readonly GateVerdict[] }[];
}
