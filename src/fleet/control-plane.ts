import type { HostInput, orderTypes } from "../../machines/host/events.ts";
import type { RolloutState } from "../../machines/rollout/states.ts";
import type { WaveCounters, WaveRules } from "../../machines/rollout/context.ts";
import type { Provider } from "../core/provider.ts";
import type { Engine } from "../engine/engine.ts";
import type { TransactOptions } from "../engine/transact.ts";
import type { Fleet } from "../planning/fleet.ts";
import type { FleetDifference } from "../planning/difference.ts";
import type { FrozenPlan } from "../planning/frozen-plan.ts";
import type { GateVerdict } from "../planning/plan-types.ts";
import type { DeclarationFault, DeclarationSource } from "./declaration-watch.ts";
import type { ContestedHost } from "./holders.ts";

/**
 * Runs the rollouts of a fleet on an engine: opens them, plans them, watches which agents are there, and says what an agent
 * has to do. Everything durable is in the engine's instances; what is kept here is an index over them that a start rebuilds.
 */
export interface ControlPlane {
  /** Performs `planRollout`. Handed to the engine before `start`. */
  readonly provider: Provider;
  /** Reads what is there, follows the journal from then on, and has every rollout planned anew. */
  start(engine: Engine): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when everything that is committed has been seen, and what follows from it has been told. */
  settled(): Promise<void>;

  /** The declaration that holds; undefined before the first. */
  fleet(): Fleet | undefined;
  /** Applies what a source declares, now and whenever it changes. Resolves when it was looked at for the first time. */
  watch(source: DeclarationSource): Promise<void>;
  /** Why what the watched source declares does not hold; null when it does, or nothing is watched. */
  declarationFault(): DeclarationFault | null;
  /** What applying a declaration would change; changes nothing. */
  compare(declared: Fleet, asked?: Pick<ApplyOptions, "expectedVersion">): Promise<Application>;
  /** Keeps the declaration and opens a rollout for each channel whose ref has changed, in one transaction per channel. */
  apply(declared: Fleet, document: unknown, asked: ApplyOptions): Promise<Application>;

  /** Opens a run of a ref (the declared one when not given) over a channel; supersedes the one before in the same transaction. */
  open(order: OpenOrder, asked: TransactOptions): Promise<Opened>;
  /** Cancels, and brings the last ref that became Terminal back. */
  abort(rolloutId: string, order: { reason?: string }, asked: TransactOptions): Promise<Opened>;
  /** A new run of the same ref over the hosts that have not converged; lifts its quarantine. */
  retry(rolloutId: string, order: { reason: string }, asked: TransactOptions): Promise<Opened>;
  /** A new run of the last ref that became Terminal; freeze, approval and soak do not hold it. */
  undo(channel: string, order: { reason?: string }, asked: TransactOptions): Promise<Opened>;
  /** A host that was never dispatched gets its instance with it. */
  excuse(rolloutId: string, host: string, order: { reason: string }, asked: TransactOptions): Promise<void>;

  rollout(id: string): Promise<RolloutRecord>;
  /** Those that are not pruned, newest first. */
  rollouts(query: { channel?: string; state?: string; after?: string; limit: number }): Promise<RolloutRecord[]>;
  planOf(rolloutId: string): Promise<FrozenPlan>;
  /** By wave and name; hosts that were never dispatched too. */
  hosts(
    rolloutId: string,
    query: { state?: string; wave?: number; after?: string; limit: number },
  ): Promise<HostRecord[]>;
  /** Which gates hold a host back, since when, and what would open them. */
  explainHost(rolloutId: string, host: string): Promise<HostExplanation>;

  /** Throws `host-taken` when another agent speaks for the host; to be asked before anything is done for this one. */
  admit(host: string, agent: string): void;
  /** Hosts for which a second agent was refused not long ago. */
  contested(): ContestedHost[];
  /** The agent of a host has asked or told what was taken: it is there, and speaks for the host where it says which it is. */
  seen(host: string, agent?: string): void;
  /** What a host has to do beyond what its agent knows; nothing is changed but that a host of a plan gets its instance when its agent tells of it. */
  ordersFor(host: string, known: readonly KnownRollout[]): Promise<AgentOrder[]>;
  /** The agent of a host tells of a rollout, in which it has taken these orders: to be told before its events are. */
  tookOrders(host: string, taken: Omit<KnownRollout, "sent">): Promise<void>;
  /** Resolves when something of the host has changed from now on, or the signal is aborted: ask this, then look. */
  changed(host: string, signal: AbortSignal): Promise<void>;
}

export interface OpenOrder {
  channel: string;
  ref?: string;
  /** Only these hosts of the channel. */
  hosts?: ReadonlySet<string>;
  isUndo?: true;
}

export interface Opened {
  rolloutId: string;
  hosts: number;
  /** Hosts of each wave. */
  waves: readonly number[];
  superseded: string | null;
  /** The first answer to the same command. */
  replayed?: true;
}

/** `expectedVersion`: of an `Application`. Throws `version-mismatch` when another declaration was applied since. */
export type ApplyOptions = TransactOptions & { expectedVersion?: number };

export interface Application {
  hash: string;
  /** Of the instance that keeps what is declared: what it was compared with, or has become; 0 before the first. */
  version: number;
  difference: FleetDifference;
  /** A rollout for each channel whose ref differs from its newest rollout's. */
  rollouts: readonly {
    channel: string;
    ref: string;
    from: string | null;
    hosts: number;
    /** null: it was not opened. */
    rolloutId: string | null;
    /** Why none is opened although the refs differ; not there where one is. */
    why?: string;
  }[];
  /** The first answer to the same command. */
  replayed?: true;
}

export interface RolloutRecord {
  rolloutId: string;
  channel: string;
  targetRef: string;
  state: RolloutState;
  control: string;
  /** Epoch ms. */
  since: number;
  currentWave: number;
  /** Journal numbers. */
  openedSeq: number;
  lastTransitionSeq: number;
  openedAt: number;
  terminalAt: number | null;
  supersededAt: number | null;
  supersededBy: string | null;
  endedBy: string | null;
  planHash: string | null;
  waves: readonly (WaveCounters &
    WaveRules & { name: string; hosts: number; soakMs: number; state: "done" | "current" | "ahead" })[];
  /** What holds hosts back, as the planner last decided. */
  gates: readonly GateVerdict[];
  paused: { by: string; reason: string | null; at: number } | null;
  approvals: Readonly<Record<string, readonly { by: string; at: number }[]>>;
  failure: { host: string | null; wave: number; to: string; at: number } | null;
  cleared: { by: string; reason: string; at: number } | null;
  version: number;
}

export interface HostRecord {
  host: string;
  wave: number;
  /** `Pending` for one without an instance. */
  state: string;
  countedAs: string;
  since: number | null;
  isOffered: boolean;
  observedVersion: string | null;
  isUnreachable: boolean;
  excused: { by: string; reason: string; at: number } | null;
  failure: { kind: string; reason: string; exitCode: number | null; stderrTail: string | null } | null;
  /** Of its instance; null: it has none. */
  instance: string | null;
}

export interface HostExplanation extends HostRecord {
  /** Empty when nothing holds it, or it was dispatched. */
  gates: readonly GateVerdict[];
  nextAt: number | null;
  /** What its instance waits for. */
  waitingFor: readonly string[];
}

/** A rollout that an agent has records of. */
export interface KnownRollout {
  rolloutId: string;
  /** The ids of orders that it has taken. */
  orders: readonly string[];
  /** The last number of its stream that was acknowledged to it. */
  sent: number;
}

export type AgentOrder =
  /** Acknowledge, then activate. `quarantined`: refs of the channel that must not be rolled back to. */
  | { kind: "dispatch"; dispatch: Omit<HostInput, "at" | "reportsTo">; quarantined: readonly string[] }
  /** It was acknowledged (`seq` numbers are taken), and the agent knows nothing of it. */
  | {
      kind: "recover";
      dispatch: Omit<HostInput, "at" | "reportsTo">;
      acknowledged: { observedPrior: string | null; rollbackTo: string | null };
      seq: number;
      state: string;
    }
  | {
      kind: "order";
      rolloutId: string;
      /** It is taken once. */
      id: string;
      event: { type: (typeof orderTypes)[number] } & Record<string, unknown>;
    }
  /** Tell again what comes after this number of the stream. */
  | { kind: "replay"; rolloutId: string; after: number };
