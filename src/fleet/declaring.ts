import { lastRun } from "../../machines/channel/context.ts";
import type { FleetContext } from "../../machines/fleet/fleet.ts";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import { parseRolloutId } from "../../machines/rollout/rollout-id.ts";
import { hostsOf } from "../../machines/rollout/waves.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Sent } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineMove } from "../engine/plan.ts";
import type { TransactOptions } from "../engine/transact.ts";
import { differenceOf } from "../planning/difference.ts";
import type { Fleet } from "../planning/fleet.ts";
import { freezePlan } from "../planning/freeze-plan.ts";
import { parseFleet } from "../planning/parse-fleet.ts";
import type { Application, ApplyOptions } from "./control-plane.ts";
import { lookFor } from "./facts.ts";
import type { FleetIndex } from "./fleet-index.ts";
import { fleetDocumentIdOf, fleetId } from "./instance-ids.ts";
import { refused, withFreshState, type Opening } from "./opening.ts";

type Affected = Application["rollouts"][number];
type Held = FleetContext & { version: number };

const openingsAtOnce = 100; // six moves for each, in one transaction with the declaration; further ones follow it

/** Keeps declarations of the fleet, and opens what follows from them. */
export function createDeclaring(given: { engine: Engine; index: FleetIndex; opening: Opening }) {
  const { engine, index, opening } = given;

  /** Which declaration holds, as it is stored now. */
  async function held(): Promise<Held | undefined> {
    const found = await lookFor(engine, fleetId);
    return found && { ...(found.context as FleetContext), version: found.row.version };
  }

  async function declaredBy(hash: string | null | undefined): Promise<Fleet | undefined> {
    if (hash == null) return undefined;
    if (index.fleet?.hash === hash) return index.fleet;
    const { row } = await engine.head(fleetDocumentIdOf(hash));
    return parseFleet((JSON.parse(row.input) as { content: unknown }).content);
  }

  /** Channels whose newest rollout is of another ref than the declared one, in order of name. */
  function affectedBy(fleet: Fleet): Affected[] {
    return [...fleet.channels.values()]
      .map(({ name, ref }) => ({ channel: name, ref, from: index.channels.get(name)?.newest?.ref ?? null }))
      .filter(({ ref, from }) => ref !== from)
      .toSorted((a, b) => (a.channel < b.channel ? -1 : 1))
      .map((each) => ({ ...each, hosts: hostsIn(fleet, each.channel), rolloutId: null }));
  }

  /**
   * The declaration says something new of the channel. One that somebody has taken elsewhere since (an undo, another ref)
   * stays there when it is declared again what was declared before.
   */
  function isNews({ channel, ref }: Affected, known: Fleet | undefined): boolean {
    const context = index.channels.get(channel);
    return context === undefined || lastRun(context, ref) === 0 || known?.channels.get(channel)?.ref !== ref;
  }

  function withReason(each: Affected, known: Fleet | undefined): Affected {
    if (isNews(each, known)) return each;
    const { channel, ref, from } = each;
    const why =
      `${ref} was declared already, and somebody has taken ${channel} to ${from ?? "another ref"} since. ` +
      `Open it by name (rollout open ${channel} ${ref}), or declare another ref.`;
    return { ...each, why };
  }

  async function apply(
    fleet: Fleet,
    document: unknown,
    { expectedVersion, ...asked }: ApplyOptions,
  ): Promise<Application> {
    const before = await held();
    checkIsHeld(before, expectedVersion);
    const known = await declaredBy(before?.hash);
    const affected = affectedBy(fleet).map((each) => withReason(each, known));
    const news = affected.filter(({ why }) => why === undefined);
    const moves = keeping(fleet, document, before?.hash ?? null);
    for (const { channel } of news.slice(0, openingsAtOnce))
      moves.push(...(await opening.movesOf(fleet, declaredRun(fleet, channel))));
    const sents = await engine.transactAsEngine(moves, asked);
    const [first] = sents;
    if (first?.outcome === "refused") throw refused(first);
    if (first?.replayed === true) return replayOf(fleet, sents);
    const opened = new Map(createdIn(sents).map(({ rolloutId, channel }) => [channel, rolloutId]));
    for (const { channel } of news.slice(openingsAtOnce)) {
      const { rolloutId } = await opening.open(fleet, declaredRun(fleet, channel), partOf(asked, channel));
      opened.set(channel, rolloutId);
    }
    return {
      hash: fleet.hash,
      version: versionIn(sents),
      difference: differenceOf(known, fleet),
      rollouts: affected.map((each) => ({ ...each, rolloutId: opened.get(each.channel) ?? null })),
    };
  }

  /** The first answer, as far as it can still be told: what was opened then. */
  async function replayOf(fleet: Fleet, sents: readonly Sent[]): Promise<Application> {
    const now = await held();
    const known = now?.hash === fleet.hash ? await declaredBy(now.previousHash) : undefined;
    const rollouts = createdIn(sents).map((context): Affected => {
      const { rolloutId, channel, targetRef, waves, previous } = context;
      const hosts = (waves ?? []).reduce((sum, each) => sum + hostsOf(each), 0);
      return { channel, ref: targetRef, from: parseRolloutId(previous ?? "")?.ref ?? null, hosts, rolloutId };
    });
    const version = versionIn(sents);
    return { hash: fleet.hash, version, difference: differenceOf(known, fleet), rollouts, replayed: true };
  }

  return {
    async compare(fleet: Fleet, { expectedVersion }: Pick<ApplyOptions, "expectedVersion"> = {}): Promise<Application> {
      const now = await held();
      checkIsHeld(now, expectedVersion);
      const known = await declaredBy(now?.hash);
      const rollouts = affectedBy(fleet).map((each) => withReason(each, known));
      return { hash: fleet.hash, version: now?.version ?? 0, difference: differenceOf(known, fleet), rollouts };
    },
    async apply(fleet: Fleet, document: unknown, asked: ApplyOptions): Promise<Application> {
      const first = asked.fingerprint === undefined ? undefined : await engine.recall(asked);
      if (first !== undefined) return replayOf(fleet, first);
      return withFreshState(() => apply(fleet, document, asked));
    },
  };
}

/** Throws `version-mismatch` when another declaration is held than the one of that version. */
function checkIsHeld(held: Held | undefined, expectedVersion: number | undefined): void {
  if (expectedVersion === undefined || expectedVersion === (held?.version ?? 0)) return;
  const by = held?.appliedBy == null ? "" : ` by ${held.appliedBy}`;
  const what = held === undefined ? "Nothing is declared yet" : `Another declaration was applied${by} since`;
  throw new SignalboxError("version-mismatch", `${what}. Compare with it, and decide anew.`);
}

/** What the instance that keeps what is declared has become. */
function versionIn(sents: readonly Sent[]): number {
  return sents.findLast(({ instance }) => instance.id === fleetId)?.version ?? 0;
}

function keeping(fleet: Fleet, content: unknown, over: string | null): EngineMove[] {
  const { hash } = fleet;
  return [
    { create: { machine: "fleet", id: fleetId, input: {} } },
    { create: { machine: "document", id: fleetDocumentIdOf(hash), input: { kind: "fleet", hash, content } } },
    { id: fleetId, event: { type: "fleet.applied", hash, over }, sender: "engine" },
  ];
}

function declaredRun(fleet: Fleet, channel: string) {
  return { channel, choose: () => ({ ref: fleet.channels.get(channel)?.ref ?? "" }) };
}

/** Rollouts that the transaction created; those that made room in it were there before. */
function createdIn(sents: readonly Sent[]): RolloutContext[] {
  return sents.flatMap(({ version, instance }) =>
    instance.machine === "rollout" && version === 1 ? [instance.context as RolloutContext] : [],
  );
}

function hostsIn(fleet: Fleet, channel: string): number {
  return freezePlan(fleet, channel).waves.reduce((sum, { hosts }) => sum + hosts.length, 0);
}

/** A request of its own for each channel: a retry of the whole gets what was opened then. */
function partOf({ commandId, fingerprint, ...asked }: TransactOptions, channel: string): TransactOptions {
  if (commandId === undefined) return asked;
  return { ...asked, commandId: `${commandId}/${channel}`, fingerprint: `${fingerprint ?? ""}/${channel}` };
}
