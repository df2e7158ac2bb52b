import { messageOf } from "../core/errors.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { KnownRollout } from "../operations/agent-schemas.ts";
import type { Backoff } from "./backoff.ts";
import type { Changes } from "./changes.ts";
import type { ControlPlane, Order } from "./control-plane.ts";
import type { LocalHost, LocalHosts } from "./local-hosts.ts";
import type { Outbox } from "./outbox.ts";
import type { TakeOrder } from "./take-orders.ts";

/** What the link asks of the records that are kept here. */
type Records = Pick<LocalHosts, "all" | "ordersTaken">;

const waitSeconds = 60; // the longest that the control plane offers
const idleMs = { base: 500, max: 5_000 }; // between two questions that brought nothing that can be done yet

/** Asks the control plane what there is to do, and does it in order, until the signal is aborted. */
export function createLink(given: {
  controlPlane: ControlPlane;
  hosts: Records;
  outbox: Pick<Outbox, "sent">;
  takeOrder: TakeOrder;
  changes: Changes;
  backoff: Backoff;
  clock: Clock;
  log: Log;
}): { run(signal: AbortSignal): Promise<void> } {
  const { controlPlane, hosts, outbox, takeOrder, changes, backoff, clock, log } = given;
  let fault: string | undefined; // told once, and not each time

  async function round(signal: AbortSignal): Promise<boolean> {
    const known = await knownHere(hosts, outbox);
    const orders = await controlPlane.orders({ known, waitSeconds, signal });
    if (fault !== undefined) log.info({}, "the control plane is there again");
    fault = undefined;
    backoff.succeeded();
    let isAnyTaken = orders.length === 0;
    for (const order of inOrder(orders)) {
      signal.throwIfAborted();
      isAnyTaken = (await takenOrLogged(order, signal)) || isAnyTaken;
    }
    return isAnyTaken;
  }

  /** One that cannot be taken holds no other up: it is handed out again. */
  async function takenOrLogged(order: Order, signal: AbortSignal): Promise<boolean> {
    try {
      return await takeOrder(order, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn({ order: order.kind, error: messageOf(error) }, "an order could not be taken and is asked for again");
      return false;
    }
  }

  return {
    async run(signal) {
      let inVain = 0;
      while (!signal.aborted) {
        const count = changes.count();
        try {
          inVain = (await round(signal)) ? 0 : inVain + 1;
          if (inVain === 0) continue;
          const pauseMs = Math.min(idleMs.max, idleMs.base * 2 ** Math.min(inVain - 1, 10));
          await changes.beyond(count, clock.now() + pauseMs, signal); // what happens here may make room for it
        } catch (error) {
          if (signal.aborted) return;
          if (messageOf(error) !== fault)
            log.warn({ error: messageOf(error) }, "the control plane cannot be asked just now");
          fault = messageOf(error);
          await clock.wakeAt(clock.now() + backoff.failed(), signal);
        }
      }
    },
  };
}

/** A release comes before the dispatch that waits for it. */
function inOrder(orders: readonly Order[]): Order[] {
  const isDispatch = ({ kind }: Order) => kind === "dispatch" || kind === "recover";
  return [...orders.filter((order) => !isDispatch(order)), ...orders.filter(isDispatch)];
}

const knownMax = 20; // together below what a query may carry

/** All that are not final, and the newest that is: the control plane asks for what it has lost of them. */
async function knownHere(hosts: Records, outbox: Pick<Outbox, "sent">): Promise<KnownRollout[]> {
  const all = (await hosts.all()).toSorted((a, b) => b.updatedAt - a.updatedAt);
  const known = [...all.filter(({ isFinal }) => !isFinal), ...newestEnded(all)].slice(0, knownMax);
  return Promise.all(
    known.map(async ({ id, rolloutId }) => ({
      rolloutId,
      orders: await hosts.ordersTaken(id),
      sent: outbox.sent(rolloutId),
    })),
  );
}

/** Of each channel. */
function newestEnded(all: readonly LocalHost[]): LocalHost[] {
  const ended = all.filter(({ isFinal }) => isFinal);
  return [...Map.groupBy(ended, ({ context }) => context.channel).values()].flatMap(([first]) => first ?? []);
}
