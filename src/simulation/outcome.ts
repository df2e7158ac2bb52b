import type { FailurePolicy } from "../../machines/rollout/policy.ts";
import type { RolloutState } from "../../machines/rollout/states.ts";

/** What has come of one run. JSON; times are ms after the start, null where it did not come to that. */
export interface RunOutcome {
  seed: string;
  rollouts: RolloutOutcome[];
  /** Until the last thing that happened. */
  durationMs: number;
  /** Journal entries of hosts: what was told of them. */
  hostEvents: number;
  /** `stuck`: nothing more would happen before the time is over, unless somebody acts; `out-of-time`: it was still going on. */
  ending: "at-rest" | "stuck" | "out-of-time";
  /** Should be empty: where the model of an agent and the control plane did not understand each other. */
  discords: { host: string; what: string }[];
}

export interface RolloutOutcome {
  rolloutId: string;
  channel: string;
  ref: string;
  /** What the hosts ran before. */
  from: string;
  state: RolloutState;
  control: string;
  hosts: number;
  /** Hosts in no wave: they are not dispatched. */
  unstaged: number;
  openedMs: number;
  /** When it became Terminal, Failed or Reverted. */
  endedMs: number | null;
  policy: FailurePolicy;
  waves: WaveOutcome[];
  /** The policy stopped it. */
  halt: Halt | null;
  blast: Blast;
  waits: Wait[];
  /** What would let it go on, when it has not come to its end in the run. */
  stuckOn: string[];
}

export interface WaveOutcome {
  name: string;
  hosts: number;
  soakMs: number;
  approvals: number;
  /** Its first dispatch. */
  startedMs: number | null;
  /** When the last activation of the wave had settled. */
  activatedMs: number | null;
  /** When it was settled as a whole, or the rollout stopped. */
  endedMs: number | null;
  /** When the last of its hosts that went back had done so. */
  revertedMs: number | null;
  /** At the end of the run. */
  counts: { converged: number; failed: number; reverted: number; excused: number; pending: number; other: number };
}

export interface Halt {
  atMs: number;
  state: RolloutState;
  policy: FailurePolicy;
  host: string | null;
  wave: string;
  /** Failures that the wave bears. */
  maxFailures: number | string;
  /** "2 of 4 hosts failed, 1 borne": the count that stopped it. */
  why: string;
  isQuarantined: boolean;
}

/** How far a version got. */
export interface Blast {
  /** Hosts on which an activation began. */
  touched: number;
  /** Hosts on which it failed, whatever came then. */
  failed: number;
  /** Hosts that have gone back. */
  reverted: number;
  /** Hosts on which it failed and that have not gone back. */
  leftFailed: number;
  /** Hosts that run it at the end. */
  running: number;
}

/** Time during which something held at least one host back. */
export interface Wait {
  gate: string;
  totalMs: number;
  spans: { fromMs: number; toMs: number }[];
  /** What was said of it first. */
  detail: string;
}

/** The outcomes of many runs with different luck. */
export interface Spread {
  runs: number;
  /** Share of runs that became Terminal, were stopped by the policy, and did neither. */
  completed: number;
  halted: number;
  unfinished: number;
  /** Of completed runs; null when there is none. */
  durationMs: Quantiles | null;
  /** Of halted runs: until the policy stopped them. */
  haltedAfterMs: Quantiles | null;
  touched: Quantiles;
  failed: Quantiles;
  reverted: Quantiles;
}

export interface Quantiles {
  p5: number;
  p50: number;
  p95: number;
}
