import type { Clock } from "../core/clock.ts";
import { isSignalboxError, messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import type { AgentAnswersView, NumberedEvent } from "../operations/agent-schemas.ts";
import type { Backoff } from "./backoff.ts";
import { expectedNumber, type ControlPlane } from "./control-plane.ts";
import type { LocalHost, LocalHosts } from "./local-hosts.ts";
import { isUnconfirmed } from "./take-orders.ts";

/**
 * Tells the control plane what the agent's own instances heard, in order and without a gap. The numbers follow from the local
 * journal, and how far the control plane is, it says itself: nothing else is kept, so nothing can disagree.
 */
export interface Outbox {
  /** The last number that was acknowledged, or that nobody asks for any more; 0 as long as that is not known. */
  sent(rolloutId: string): number;
  /** An instance may have something to tell. */
  moved(instance: string): void;
  /** The control plane asks for what comes after a number. */
  replay(host: LocalHost, after: number): Promise<void>;
  /** Until the signal is aborted. Begins with everything that may not have been told by an agent before. */
  run(signal: AbortSignal): Promise<void>;
}

const laterMs = 30_000; // for what the control plane does not take: it may open the rollout yet
const endedMax = 20; // the newest of those that are final: an agent that was stopped may not have told their end

export function createOutbox(given: {
  engine: Pick<Engine, "transactAsEngine">;
  hosts: LocalHosts;
  controlPlane: ControlPlane;
  backoff: Backoff;
  clock: Clock;
  log: Log;
}): Outbox {
  const { engine, hosts, controlPlane, backoff, clock, log } = given;
  const acknowledged = new Map<string, number>();
  const waiting = new Map<string, number>(); // instances that may have something to tell, and from when on
  let wake = () => {};

  function add(instance: string, from = 0): void {
    waiting.set(instance, from);
    wake();
  }

  async function addUntold(): Promise<void> {
    const ended = (await hosts.all()).filter(({ isFinal }) => isFinal).toSorted((a, b) => b.updatedAt - a.updatedAt);
    for (const { id } of [...(await hosts.active()), ...ended.slice(0, endedMax)]) add(id);
  }

  /** All that there is to tell of one; nothing where it was left behind: the numbers of its rollout are another run's now. */
  async function tellAll(local: LocalHost, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if ((await hosts.find(local.rolloutId))?.id !== local.id) return endLeftBehind(local.id);
      const known = acknowledged.get(local.rolloutId);
      const after = known ?? (await hosts.last(local)) - 1; // the newest one: the answer to it says how far the control plane is
      const events = await hosts.events(local, Math.max(after, 0));
      if (events.length === 0) return;
      if (!(await tell(local, events, signal))) return;
    }
  }

  /** Whether there may be more to tell. */
  async function tell(local: LocalHost, events: readonly NumberedEvent[], signal: AbortSignal): Promise<boolean> {
    const { id, rolloutId, base } = local;
    try {
      const orders = await hosts.ordersTaken(id);
      const answer = await controlPlane.tell({ rolloutId, orders, events, signal });
      if (!wasAskedMeanwhile(rolloutId, events)) acknowledged.set(rolloutId, answer.last);
      logRefused(local, events, answer);
      await follow(local, answer.state);
      return true;
    } catch (error) {
      const expected = expectedNumber(error);
      const isLost = expected !== undefined && expected <= base && expected > 1; // what came before the base, nobody has any more
      if (expected === undefined || isLost) throw error;
      return goBackTo(local, expected - 1);
    }
  }

  /** What comes after a number is told again, and whether it is: not to one who knows nothing of what is history here. */
  async function goBackTo(local: LocalHost, after: number): Promise<boolean> {
    const { rolloutId } = local;
    const isHistory = after === 0 && (await hosts.leaveBehind(local));
    if (isHistory) {
      log.info({ rolloutId }, "the control plane begins a rollout anew that is history here");
      await endLeftBehind(local.id);
    } else log.info({ rolloutId, after }, "the control plane lacks events: they are told again");
    acknowledged.set(rolloutId, after);
    return !isHistory;
  }

  /** What the control plane asked for while it was told something counts. */
  function wasAskedMeanwhile(rolloutId: string, [first]: readonly NumberedEvent[]): boolean {
    return (acknowledged.get(rolloutId) ?? Number.POSITIVE_INFINITY) < (first?.seq ?? 0) - 1;
  }

  function logRefused(
    { rolloutId, state }: LocalHost,
    events: readonly NumberedEvent[],
    { outcomes }: AgentAnswersView,
  ): void {
    for (const { seq, outcome, reasons } of outcomes) {
      if (outcome !== "refused") continue;
      const event = events.find((each) => each.seq === seq)?.event.type;
      log.warn({ rolloutId, seq, event, state, reasons }, "the control plane refused an event");
    }
  }

  /** The control plane has let go of the host: it is let go here too. */
  async function follow({ id }: LocalHost, state: string): Promise<void> {
    if (state !== "Released") return;
    const local = await hosts.read(id);
    if (local.state !== "Activating") await letGo(local); // the answer to how that ends says so again, and shows that the host is not cut off
  }

  /** Nothing is to come of it; but what may yet cut the host off is waited for, and so does whatever is to be done next. */
  async function endLeftBehind(id: string): Promise<void> {
    const local = await hosts.read(id);
    if (!isUnconfirmed(local)) return letGo(local);
    log.warn(
      { rolloutId: local.rolloutId, state: local.state },
      "what was left behind is still under way: it is waited for",
    );
  }

  async function letGo({ id, isFinal, context }: LocalHost): Promise<void> {
    if (isFinal || context.releaseAskedBy !== null) return;
    const event = { type: "host.released", by: "control-plane" };
    await engine.transactAsEngine([{ id, event, sender: "engine" }], { principal: "agent" });
  }

  /** One that cannot be told of holds no other up. Throws when the control plane is away. */
  async function tellOrPutBack(instance: string, signal: AbortSignal): Promise<void> {
    const local = await ifThere(hosts.read(instance));
    if (local === undefined) return; // it is forgotten
    const { rolloutId } = local;
    try {
      await tellAll(local, signal);
    } catch (error) {
      const isUnknown = isSignalboxError(error, "not-found");
      if (signal.aborted || !(isUnknown || isOfThisOne(error))) throw error;
      if (isUnknown) log.info({ rolloutId }, "the control plane does not know this rollout");
      else log.error({ rolloutId, error: messageOf(error) }, "the control plane does not take the events of a rollout");
      if (!(isUnknown && local.isFinal)) add(instance, clock.now() + laterMs);
      else acknowledged.set(rolloutId, await hosts.last(local)); // who begins it anew asks for what is lacking
    }
  }

  async function round(signal: AbortSignal): Promise<void> {
    const now = clock.now();
    for (const [instance, from] of waiting) {
      if (from > now) continue;
      waiting.delete(instance); // what moves it meanwhile puts it there again, to be told in this very round
      try {
        await tellOrPutBack(instance, signal);
      } catch (error) {
        add(instance);
        throw error;
      }
    }
  }

  /** Resolves when there is something to tell. */
  async function nextToTell(signal: AbortSignal): Promise<void> {
    const news = new AbortController();
    wake = () => news.abort("something to tell");
    await clock.wakeAt(Math.min(...waiting.values()), AbortSignal.any([signal, news.signal]));
  }

  return {
    sent: (rolloutId) => acknowledged.get(rolloutId) ?? 0,
    moved: (instance) => add(instance),
    async replay(local, after) {
      if (await goBackTo(local, after)) add(local.id);
    },

    async run(signal) {
      let isBegun = false;
      while (!signal.aborted) {
        try {
          if (!isBegun) await addUntold();
          isBegun = true;
          await round(signal);
          backoff.succeeded();
          await nextToTell(signal);
        } catch (error) {
          if (signal.aborted) return;
          log.warn({ error: messageOf(error) }, "nothing can be told to the control plane just now");
          await clock.wakeAt(clock.now() + backoff.failed(), signal);
        }
      }
    },
  };
}

/** Something about the events themselves: waiting does not help, and others may be told meanwhile. */
function isOfThisOne(error: unknown): boolean {
  return isSignalboxError(error) && (error.status === 400 || error.status === 409 || error.status === 413);
}
