import { initialContext, lastRun, type ChannelContext } from "../../machines/channel/context.ts";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import type { RolloutState } from "../../machines/rollout/states.ts";
import { rolloutIdOf } from "../../machines/rollout/rollout-id.ts";
import { hostsOf } from "../../machines/rollout/waves.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { Sent } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import type { EngineMove } from "../engine/plan.ts";
import type { TransactOptions } from "../engine/transact.ts";
import type { Fleet } from "../planning/fleet.ts";
import { freezePlan } from "../planning/freeze-plan.ts";
import type { FrozenPlan } from "../planning/frozen-plan.ts";
import type { Opened } from "./control-plane.ts";
import { isOver, look, lookFor } from "./facts.ts";
import { channelIdOf, planIdOf } from "./instance-ids.ts";

const attemptsMax = 5; // others may open rollouts of the channel at the same time; more in a row would be a fault of ours

/** A run that is to be opened. What it is made of is decided when the state of its channel is known. */
export interface Run {
  channel: string;
  /** Throws when there is nothing to open. */
  choose(channel: ChannelContext, newest: Newest | undefined): Choice;
}

/** The newest rollout of a channel, as it is now. */
export interface Newest {
  state: RolloutState;
  context: RolloutContext;
}

export interface Choice {
  ref: string;
  /** Only these hosts of the channel. */
  hosts?: ReadonlySet<string>;
  isUndo?: true;
  /** The rollout that is cancelled, and not only superseded. */
  cancels?: { rolloutId: string; reason?: string };
  /** Why it is opened, as far as somebody said. */
  reason?: string;
  /** Why the ref is not quarantined any more, if it is. */
  clears?: string;
}

/** Does what may meet another state than it was decided on: it is decided anew then, a few times. */
export async function withFreshState<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isOfAnotherState(error) || attempt >= attemptsMax) throw error;
    }
  }
}

/** Also `over`: the rollout that was to be cancelled has ended meanwhile. */
function isOfAnotherState(error: unknown): boolean {
  if (isSignalboxError(error, "version-mismatch")) return true;
  return isSignalboxError(error, "event-refused") && error.reasons.some(({ code }) => code === "over");
}

/** Opens runs: the channel takes its newest, the plan is frozen, and the predecessor makes room, in one transaction. */
export interface Opening {
  open(fleet: Fleet, run: Run, asked: TransactOptions): Promise<Opened>;
  /** The moves of an opening, as part of a larger transaction. */
  movesOf(fleet: Fleet, run: Run): Promise<EngineMove[]>;
}

export function createOpening(engine: Engine): Opening {
  return {
    async open(fleet, run, asked) {
      const first = asked.fingerprint === undefined ? undefined : await engine.recall(asked);
      if (first !== undefined) return openedFrom(first); // what it was decided on is not so any more
      return withFreshState(async () => openedFrom(await engine.transactAsEngine(await movesOf(fleet, run), asked)));
    },
    movesOf,
  };

  async function movesOf(fleet: Fleet, { channel, choose }: Run): Promise<EngineMove[]> {
    const id = channelIdOf(channel);
    const found = await lookFor(engine, id);
    const context = (found?.context as ChannelContext | undefined) ?? neverOpened(channel);
    const choice = choose(context, await newestOf(context));
    const frozen = freezePlan(fleet, channel, choice);
    const run = await runOf(context, choice.ref);
    const previous = context.newest?.rolloutId;
    const rolloutId = rolloutIdOf({ channel, ref: choice.ref, run });
    const isQuarantined = Object.hasOwn(context.quarantined, choice.ref);
    const opening: EngineMove = {
      id,
      event: {
        type: "rollout.opened",
        rolloutId,
        ref: choice.ref,
        run,
        ...(choice.clears !== undefined && { isRetry: true }),
      },
      sender: "engine",
      expectedVersion: found?.row.version ?? 1,
    };
    return [
      ...(found === undefined ? [{ create: { machine: "channel", id, input: { channel } } }] : []),
      opening,
      ...(choice.clears !== undefined && isQuarantined ? [clearing(id, choice.ref, choice.clears)] : []),
      ...(await makingRoom(previous, rolloutId, choice)),
      {
        create: {
          machine: "document",
          id: planIdOf(rolloutId),
          input: { kind: "plan", hash: frozen.hash, content: frozen },
        },
      },
      {
        create: {
          machine: "rollout",
          id: rolloutId,
          input: inputOf({ rolloutId, frozen, choice, previous }),
          labels: { channel },
        },
      },
    ];
  }

  async function newestOf({ newest }: ChannelContext): Promise<Newest | undefined> {
    const seen = newest === null ? undefined : await lookFor(engine, newest.rolloutId);
    return seen && { state: seen.row.state as RolloutState, context: seen.context as RolloutContext };
  }

  /** A ref that has come back after the channel forgot about it must not get the id of an instance that is still there. */
  async function runOf(context: ChannelContext, ref: string): Promise<number> {
    const { channel } = context;
    let run = lastRun(context, ref) + 1;
    if (run > 1) return run;
    while ((await ifThere(engine.machineOf(rolloutIdOf({ channel, ref, run })))) !== undefined) run += 1;
    return run;
  }

  /** The predecessor is cancelled where that is asked, else it is superseded; nothing, when it is over already. */
  async function makingRoom(newest: string | undefined, by: string, { cancels }: Choice): Promise<EngineMove[]> {
    const moves: EngineMove[] = [];
    if (cancels !== undefined) {
      const { rolloutId, reason } = cancels;
      moves.push({ id: rolloutId, event: { type: "rollout.cancel", ...(reason !== undefined && { reason }) } });
    }
    if (newest === undefined || newest === cancels?.rolloutId) return moves;
    const { row } = await look(engine, newest);
    if (isOver(row.state as Parameters<typeof isOver>[0])) return moves;
    return [...moves, { id: newest, event: { type: "rollout.superseded", by, byOperation: true }, sender: "engine" }];
  }
}

function neverOpened(channel: string): ChannelContext {
  return initialContext({ input: { channel, at: 0 } });
}

function clearing(id: string, ref: string, reason: string): EngineMove {
  return { id, event: { type: "quarantine.cleared", ref, reason }, sender: "engine" };
}

function inputOf(given: { rolloutId: string; frozen: FrozenPlan; choice: Choice; previous: string | undefined }) {
  const { rolloutId, frozen, choice, previous } = given;
  const { isUndo, reason } = choice;
  return {
    rolloutId,
    channel: frozen.channel,
    targetRef: frozen.ref,
    policy: { ...frozen.policy, retentionMs: frozen.retentionMs },
    waves: frozen.waves.map(({ hosts }) => hosts.length),
    waveRules: frozen.waves.map(({ approvals, maxFailures, minConverged }) => ({
      approvals,
      maxFailures,
      minConverged,
    })),
    planHash: frozen.hash,
    ...(previous !== undefined && { previous }),
    ...(isUndo === true && { isUndo }),
    ...(reason !== undefined && { reason }),
  };
}

/** From the answers alone, so that a retry gets the same: the last is the rollout, one before it may have made room. */
function openedFrom(sents: readonly Sent[]): Opened {
  const [first] = sents;
  if (first?.outcome === "refused") throw refused(first);
  const rollouts = sents.filter(({ instance }) => instance.machine === "rollout").map(({ instance }) => instance);
  const opened = rollouts.at(-1);
  if (opened === undefined) throw new SignalboxError("internal-fault", "An opening has opened nothing.");
  const { waves } = opened.context as RolloutContext;
  const counts = (waves ?? []).map(hostsOf);
  return {
    rolloutId: opened.id,
    hosts: counts.reduce((sum, hosts) => sum + hosts, 0),
    waves: counts,
    superseded: rollouts.at(-2)?.id ?? null,
    ...(first?.replayed === true && { replayed: true as const }),
  };
}

/** A refusal of one of the moves, as an error: what was asked is not done at all. */
export function refused({ instance, reasons = [] }: Sent): SignalboxError {
  const why = reasons.map(({ detail }) => detail).join("; ");
  return new SignalboxError("event-refused", `${instance.id} is ${instance.state}: ${why || "it refuses"}`, {
    extra: { id: instance.id, from: instance.state, reasons, hears: instance.hears },
  });
}
