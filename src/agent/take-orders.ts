import { orderTypes } from "../../machines/host/events.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";
import type { NumberedEvent } from "../operations/agent-schemas.ts";
import { expectedNumber, type ControlPlane, type Order, type OrderOf } from "./control-plane.ts";
import { baseLabel, orderStream, type LocalHost, type LocalHosts } from "./local-hosts.ts";
import type { Outbox } from "./outbox.ts";
import { knownGood, recovered, type Dispatch } from "./recover.ts";
import type { Runs } from "./runs.ts";
import type { AskVersion } from "./version.ts";

/** Does what the control plane orders; says whether anything came of it. Throws what the control plane throws. */
export type TakeOrder = (order: Order, signal: AbortSignal) => Promise<boolean>;

export function createTakeOrder(given: {
  engine: Pick<Engine, "transactAsEngine">;
  host: string;
  hosts: LocalHosts;
  controlPlane: ControlPlane;
  outbox: Pick<Outbox, "replay">;
  runs: Pick<Runs, "isAnyRunning">;
  askVersion: AskVersion;
  clock: Clock;
  log: Log;
}): TakeOrder {
  const { engine, host, hosts, controlPlane, outbox, runs, askVersion, clock, log } = given;
  const refusedUpTo = new Map<string, number>(); // numbers that acknowledgements have used up in vain

  /** The control plane hears it first: only when it takes the acknowledgement is anything done here. */
  async function takeDispatch({ dispatch, quarantined }: OrderOf<"dispatch">, signal: AbortSignal): Promise<boolean> {
    const { rolloutId } = dispatch;
    if (!isForUs(dispatch)) return false;
    const local = await hosts.find(rolloutId);
    if (local !== undefined) return tellFrom(local, 0);
    if (await isBusy()) {
      log.debug({ rolloutId }, "a dispatch waits for the one before to settle");
      return false;
    }
    const seen = await askVersion(signal);
    if (seen.version === null) log.warn({ rolloutId }, seen.why);
    const rollbackTo = knownGood(await hosts.all(), dispatch, quarantined);
    const observedAt = clock.now();
    const event = { type: "dispatch.acknowledged" as const, observedPrior: seen.version, rollbackTo, observedAt };
    const seq = (refusedUpTo.get(rolloutId) ?? 0) + 1;
    const answer = await answerTo(rolloutId, { seq, event }, signal);
    if (answer === undefined) return false;
    if (answer.outcome === "refused") {
      refusedUpTo.set(rolloutId, seq);
      log.info({ rolloutId, reasons: answer.reasons }, "the dispatch was taken back before it was acknowledged");
      return false;
    }
    await create(dispatch, seq - 1, [event]);
    return true;
  }

  /** What was taken here long ago: the control plane has lost what became of it after that number. */
  async function tellFrom(local: LocalHost, after: number): Promise<false> {
    await outbox.replay(local, after);
    return false;
  }

  /** Undefined where the control plane does not know the numbers that were used up: its next one is taken the next time. */
  async function answerTo(rolloutId: string, { seq, event }: NumberedEvent, signal: AbortSignal) {
    try {
      const { outcomes } = await controlPlane.tell({ rolloutId, orders: [], events: [{ seq, event }], signal });
      return outcomes[0];
    } catch (error) {
      const expected = expectedNumber(error);
      if (expected === undefined) throw error;
      refusedUpTo.set(rolloutId, expected - 1);
      return undefined;
    }
  }

  async function isBusy(): Promise<boolean> {
    for (const each of await hosts.active()) if (await hosts.isBusy(each)) return true;
    return runs.isAnyRunning();
  }

  /** It was acknowledged, and this agent was stopped before it wrote that down, or has lost what it wrote. */
  async function takeRecovery(order: OrderOf<"recover">): Promise<boolean> {
    const { dispatch, seq, state } = order;
    if (!isForUs(dispatch)) return false;
    const { rolloutId } = dispatch;
    const local = await hosts.find(rolloutId);
    if (local !== undefined) return tellFrom(local, seq);
    if (await isBusy()) return false;
    const known = recovered(order, clock.now());
    if (known === undefined) return false;
    log.warn({ rolloutId, seq, state }, seq === 1 ? "goes on with a dispatch" : "the records of a dispatch are lost");
    await create(known.dispatch, known.base, known.events);
    return true;
  }

  async function create(
    dispatch: Dispatch,
    base: number,
    events: readonly ({ type: string } & object)[],
  ): Promise<void> {
    const { rolloutId, channel } = dispatch;
    const id = await hosts.nameFor(rolloutId, host);
    const labels = { rollout: rolloutId, host, channel, ...(base !== 0 && { [baseLabel]: String(base) }) };
    const moves = events.map((event) => ({ id, event }));
    const sents = await engine.transactAsEngine(
      [{ create: { machine: "host", id, input: dispatch, labels } }, ...moves],
      {
        principal: "agent",
      },
    );
    hosts.made(id);
    const refused = sents.find(({ outcome }) => outcome === "refused");
    if (refused !== undefined) log.error({ rolloutId, reasons: refused.reasons }, "the local chart refused a dispatch");
  }

  /** Each is taken once, whatever the local chart says to it. */
  async function takeEvent({ rolloutId, id: order, event }: OrderOf<"order">): Promise<boolean> {
    const local = await hosts.find(rolloutId);
    if (local === undefined) return false;
    if (event.type === "host.released" && isUnconfirmed(local)) {
      log.debug({ rolloutId }, "a release waits for the activation to be confirmed");
      return false;
    }
    const [sent] = await engine.transactAsEngine([{ id: local.id, event: orderEvent(event), sender: "engine" }], {
      principal: "agent",
      stream: { name: orderStream(order), seq: 1 },
    });
    if (sent?.outcome === "refused")
      log.warn({ rolloutId, order, event: event.type, reasons: sent.reasons }, "the local chart refused an order");
    return sent?.replayed !== true;
  }

  async function replay({ rolloutId, after }: OrderOf<"replay">): Promise<boolean> {
    const local = await hosts.find(rolloutId);
    if (local === undefined) return false;
    await outbox.replay(local, after);
    return true;
  }

  function isForUs({ rolloutId, host: named }: Dispatch): boolean {
    if (named !== host) log.error({ rolloutId, named }, "a dispatch for another host was handed out to this one");
    return named === host;
  }

  return async (order, signal) => {
    switch (order.kind) {
      case "dispatch":
        return takeDispatch(order, signal);
      case "recover":
        return takeRecovery(order);
      case "order":
        return takeEvent(order);
      case "replay":
        return replay(order);
      default:
        return order satisfies never;
    }
  };
}

/**
 * Whether the host may yet turn out to be cut off by what is being activated. Released, it would not go back: so a release waits,
 * and that it comes again after the activation is itself the answer that confirms it.
 */
export function isUnconfirmed({ state, context }: Pick<LocalHost, "state" | "context">): boolean {
  return state === "Activating" || (state === "Soaking" && context.confirmedAt === null);
}

/** Only what the event is made of. */
function orderEvent(given: OrderOf<"order">["event"]): { type: (typeof orderTypes)[number] } & Record<string, unknown> {
  const { at: _at, principal: _principal, ...event } = given;
  return event;
}
