import { orderIdOf, type HostContext } from "../../machines/host/context.ts";
import { failingProbes } from "../../machines/host/probes.ts";
import type { HostState } from "../../machines/host/states.ts";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import type { RolloutState } from "../../machines/rollout/states.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Frozen } from "../core/freeze.ts";
import { versionOf } from "../core/machine.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import type { PlannedHost, PlannedRollout } from "../planning/plan-types.ts";

/** An instance as it is stored. */
export type Row = Awaited<ReturnType<Engine["rows"]>>[number];

/** An instance with its context in the present form. */
export interface Seen {
  readonly row: Row;
  readonly value: unknown;
  readonly context: unknown;
}

/** What is kept of a host in a rollout: small, because there are many. */
export interface HostFacts extends PlannedHost {
  readonly rolloutId: string;
  readonly channel: string;
  readonly isAcknowledged: boolean;
  /** The ids of the orders that it was given. */
  readonly orders: readonly string[];
  /** How many others its agent has taken, which nobody here remembers. */
  readonly forgottenOrders: number;
  /** A number that the agent's stream has reached; it may have gone on without a change. */
  readonly streamSeq: number;
}

export interface RolloutFacts {
  readonly id: string;
  readonly channel: string;
  readonly ref: string;
  readonly state: RolloutState;
  readonly since: number;
  readonly control: PlannedRollout["control"];
  readonly controlSince: number;
  readonly version: number;
  readonly openedSeq: number;
  readonly lastTransitionSeq: number;
  readonly context: RolloutContext;
}

/** The name of the numbered stream in which an agent tells of its host. */
export const agentStream = "agent";

/** Reads an instance; an older form of it is brought to the present one. Throws `not-found` and `needs-migration`. */
export async function look(engine: Engine, id: string): Promise<Seen> {
  const { row, snapshot } = await engine.head(id);
  return { row, value: snapshot.value as unknown, context: snapshot.context as unknown };
}

/** The same, or undefined where there is no such instance. */
export function lookFor(engine: Engine, id: string): Promise<Seen | undefined> {
  return ifThere(look(engine, id));
}

/** The same of a row that was read already. */
export async function lookAt(engine: Engine, row: Row): Promise<Seen> {
  const machine = engine.catalogue.machine(row.machine);
  if (row.machineVersion !== versionOf(machine)) return look(engine, row.id);
  const { value, context } = JSON.parse(row.snapshot) as Frozen;
  return { row, value, context };
}

const noOrders: readonly string[] = []; // most hosts have none

export function hostFactsOf({ row, context: seen }: Seen): HostFacts {
  const context = seen as HostContext;
  return {
    rolloutId: context.rolloutId,
    channel: context.channel,
    host: context.host,
    wave: context.wave,
    state: row.state as HostState,
    since: row.since,
    countedAs: context.countedAs,
    isOffered: context.offeredAt !== null,
    isUnreachable: context.unreachableSince !== null,
    missedSince: context.unreachableSince,
    isExcused: context.excused !== null,
    isSoakWaived: context.isSoakWaived,
    isReleaseAsked: context.releaseAskedBy !== null,
    failingProbes: failingProbes(context).length,
    isAcknowledged: context.acknowledgedAt !== null,
    orders: context.orders.length === 0 ? noOrders : context.orders.map(orderIdOf),
    forgottenOrders: context.forgottenOrders ?? 0,
    streamSeq: row.streams[agentStream] ?? 0,
  };
}

export function rolloutFactsOf({ row, value, context: seen }: Seen): RolloutFacts {
  const context = seen as RolloutContext;
  const { control } = value as { control: PlannedRollout["control"] };
  return {
    id: context.rolloutId,
    channel: context.channel,
    ref: context.targetRef,
    state: row.state as RolloutState,
    since: row.since,
    control,
    controlSince: row.regionsSince["control"] ?? row.since,
    version: row.version,
    openedSeq: row.createdSeq,
    lastTransitionSeq: row.transitionSeq,
    context,
  };
}

/** Nothing more is to be done with it before its rollout is pruned. */
export function isAtRest({ state }: Pick<HostFacts, "state">): boolean {
  return state === "Converged" || state === "Reverted" || state === "Released";
}

export function isFinal({ state }: Pick<HostFacts, "state">): boolean {
  return state === "Reverted" || state === "Released";
}

/** A rollout as it is stored. Throws `not-found`. */
export async function rolloutNamed(engine: Engine, id: string): Promise<RolloutFacts> {
  const found = await lookFor(engine, id);
  if (found?.row.machine === "rollout") return rolloutFactsOf(found);
  throw new SignalboxError("not-found", `There is no rollout ${id}.`);
}

/** It has begun to change what the host runs, and is expected to tell how that went. */
export function isBusy({ state, isExcused }: Pick<HostFacts, "state" | "isExcused">): boolean {
  return state === "Activating" && !isExcused;
}

/** It has an end behind it: there is a newer one, or it is gone. */
export function isOver(state: RolloutState): boolean {
  return state === "Superseded" || state === "Pruned";
}

/** It may dispatch, or go on by what happens elsewhere. */
export function isOpen(state: RolloutState): boolean {
  return state === "Opening" || state === "Active" || state === "Converging";
}
