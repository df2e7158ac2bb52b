import { orderIdOf, type HostContext, type Order } from "../../machines/host/context.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineMove } from "../engine/plan.ts";
import type { AgentOrder, KnownRollout } from "./control-plane.ts";
import { dispatchOf } from "./dispatches.ts";
import { agentStream, isAtRest, isFinal, isOpen, lookFor, type HostFacts } from "./facts.ts";
import type { FleetIndex } from "./fleet-index.ts";
import type { Joining } from "./joining.ts";

/** Says what an agent has to do beyond what it knows. */
export function createOrders(given: { engine: Engine; index: FleetIndex; joining: Joining }) {
  const { engine, index, joining } = given;

  /** What is new in a rollout that the agent has records of. */
  async function newsOf(host: string, known: KnownRollout): Promise<AgentOrder[]> {
    const { rolloutId } = known;
    await tookOrders(host, known);
    if (isUpToDate(index.rollouts.get(rolloutId)?.hosts.get(host), known)) return [];
    const found = await lookFor(engine, hostIdOf(rolloutId, host));
    if (found === undefined) return regain(host, known);
    const context = found.context as HostContext;
    const seq = found.row.streams[agentStream] ?? 0;
    const replay: AgentOrder[] = known.sent > seq ? [{ kind: "replay", rolloutId, after: seq }] : [];
    const orders = context.orders
      .map((order): AgentOrder & { kind: "order" } => {
        return { kind: "order", rolloutId, id: orderIdOf(order), event: eventOf(order, context) };
      })
      .filter(({ id }) => !known.orders.includes(id));
    return [...replay, ...orders];
  }

  /** What the agent tells of has happened, and nobody here remembers it: it is told again, to an instance that begins anew. */
  async function regain(host: string, { rolloutId, orders }: KnownRollout): Promise<AgentOrder[]> {
    const atOnce = orders.length === 0 ? [] : [ordersTaken(hostIdOf(rolloutId, host), orders.length)];
    const isJoined = await joining.join({ rolloutId, host, atOnce }, { principal: "engine" });
    return isJoined ? [{ kind: "replay", rolloutId, after: 0 }] : [];
  }

  /** Orders that nobody here remembers count all the same: to what the agent tells next. */
  async function tookOrders(host: string, { rolloutId, orders }: Omit<KnownRollout, "sent">): Promise<void> {
    const facts = index.rollouts.get(rolloutId)?.hosts.get(host);
    if (facts === undefined || isFinal(facts)) return;
    const forgotten = orders.filter((id) => !facts.orders.includes(id)).length;
    if (forgotten === facts.forgottenOrders) return;
    await engine.transactAsEngine([ordersTaken(hostIdOf(rolloutId, host), forgotten)], { principal: "engine" });
  }

  /** What is to be done in a rollout that the agent knows nothing of. */
  async function orderOf(facts: HostFacts): Promise<AgentOrder[]> {
    if (!isWanted(facts)) return [];
    const found = await lookFor(engine, hostIdOf(facts.rolloutId, facts.host));
    if (found === undefined) return [];
    const { row } = found;
    const context = found.context as HostContext;
    const dispatch = dispatchOf(context);
    if (row.state === "Pending") {
      if (context.offeredAt === null || context.excused !== null || !mayDispatch(facts)) return [];
      return [{ kind: "dispatch", dispatch, quarantined: quarantinedOn(context.channel) }];
    }
    const { observedPrior, rollbackTo } = context;
    const seq = row.streams[agentStream] ?? 0;
    if (isAtRest({ state: row.state as HostFacts["state"] }) || seq === 0) return [];
    return [{ kind: "recover", dispatch, acknowledged: { observedPrior, rollbackTo }, seq, state: row.state }];
  }

  /** An offer of a rollout that has halted or was superseded stands until its planner takes it back: nobody is to take it up. */
  function mayDispatch({ rolloutId }: HostFacts): boolean {
    const state = index.rollouts.get(rolloutId)?.facts.state;
    return state !== undefined && (isOpen(state) || state === "Terminal");
  }

  function quarantinedOn(channel: string): string[] {
    return Object.keys(index.channels.get(channel)?.quarantined ?? {}).toSorted();
  }

  async function ordersFor(host: string, known: readonly KnownRollout[]): Promise<AgentOrder[]> {
    const knownIds = new Set(known.map(({ rolloutId }) => rolloutId));
    const unknown = [...index.hostsNamed(host)].filter(({ rolloutId }) => !knownIds.has(rolloutId));
    const found = await Promise.all([
      ...known.map((each) => newsOf(host, each)),
      ...unknown.map((facts) => orderOf(facts)),
    ]);
    return found.flat();
  }

  return { ordersFor, tookOrders };
}

function ordersTaken(id: string, forgotten: number): EngineMove {
  return { id, event: { type: "orders.taken", forgotten }, sender: "engine" };
}

/** Nothing can be there that the agent does not know: neither orders, nor a gap in what it has told. */
function isUpToDate(facts: HostFacts | undefined, { orders, sent }: KnownRollout): boolean {
  return facts !== undefined && facts.streamSeq >= sent && facts.orders.every((id) => orders.includes(id));
}

/** An offer stands, or the agent has lost what it had begun. */
function isWanted(facts: HostFacts): boolean {
  return facts.state === "Pending" ? facts.isOffered && !facts.isExcused : !isAtRest(facts);
}

function eventOf({ event, by, reason }: Order, { rolloutId }: HostContext) {
  switch (event) {
    case "host.released":
      return { type: event, by: by ?? rolloutId };
    case "rollback.requested":
      return { type: event, ...(reason !== undefined && { reason }) };
    case "soak.waived":
      return { type: event, ...(by !== null && { by }) };
    default:
      return event satisfies never;
  }
}
