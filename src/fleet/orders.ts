import type { HostContext, Order } from "../../machines/host/context.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { isSignalboxError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { AgentOrder, KnownRollout } from "./control-plane.ts";
import { dispatchOf } from "./dispatches.ts";
import { agentStream, isAtRest, look, type HostFacts, type Seen } from "./facts.ts";
import type { FleetIndex } from "./fleet-index.ts";
import type { Joining } from "./joining.ts";

/** Says what an agent has to do beyond what it knows. */
export function createOrders(given: { engine: Engine; index: FleetIndex; joining: Joining }) {
  const { engine, index, joining } = given;

  /** What is new in a rollout that the agent has records of. */
  async function newsOf(host: string, known: KnownRollout): Promise<AgentOrder[]> {
    const { rolloutId } = known;
    const entry = index.rollouts.get(rolloutId);
    if (entry === undefined || isUpToDate(entry.hosts.get(host), known)) return [];
    const found = await find(hostIdOf(rolloutId, host));
    if (found === undefined) return regain(host, rolloutId);
    const context = found.context as HostContext;
    const seq = found.row.streams[agentStream] ?? 0;
    const replay: AgentOrder[] = known.sent > seq ? [{ kind: "replay", rolloutId, after: seq }] : [];
    const orders = context.orders.slice(known.orders).map((order, index): AgentOrder => {
      return { kind: "order", rolloutId, number: known.orders + index + 1, event: eventOf(order, context) };
    });
    return [...replay, ...orders];
  }

  /** What the agent tells of has happened, and nobody here remembers it: it is told again, to an instance that begins anew. */
  async function regain(host: string, rolloutId: string): Promise<AgentOrder[]> {
    const isJoined = await joining.join({ rolloutId, host }, { principal: "engine" });
    return isJoined ? [{ kind: "replay", rolloutId, after: 0 }] : [];
  }

  /** What is to be done in a rollout that the agent knows nothing of. */
  async function orderOf(facts: HostFacts): Promise<AgentOrder[]> {
    if (!isWanted(facts)) return [];
    const found = await find(hostIdOf(facts.rolloutId, facts.host));
    if (found === undefined) return [];
    const { row } = found;
    const context = found.context as HostContext;
    const dispatch = dispatchOf(context);
    if (row.state === "Pending") {
      if (context.offeredAt === null || context.excused !== null) return [];
      return [{ kind: "dispatch", dispatch, quarantined: quarantinedOn(context.channel) }];
    }
    const { observedPrior, rollbackTo } = context;
    const seq = row.streams[agentStream] ?? 0;
    if (isAtRest({ state: row.state as HostFacts["state"] }) || seq === 0) return [];
    return [{ kind: "recover", dispatch, acknowledged: { observedPrior, rollbackTo }, seq, state: row.state }];
  }

  function quarantinedOn(channel: string): string[] {
    return Object.keys(index.channels.get(channel)?.quarantined ?? {}).toSorted();
  }

  async function find(id: string): Promise<Seen | undefined> {
    try {
      return await look(engine, id);
    } catch (error) {
      if (isSignalboxError(error, "not-found")) return undefined;
      throw error;
    }
  }

  return async function ordersFor(host: string, known: readonly KnownRollout[]): Promise<AgentOrder[]> {
    const knownIds = new Set(known.map(({ rolloutId }) => rolloutId));
    const unknown = [...index.hostsNamed(host)].filter(({ rolloutId }) => !knownIds.has(rolloutId));
    const found = await Promise.all([
      ...known.map((each) => newsOf(host, each)),
      ...unknown.map((facts) => orderOf(facts)),
    ]);
    return found.flat();
  };
}

/** Nothing can be there that the agent does not know: neither orders, nor a gap in what it has told. */
function isUpToDate(facts: HostFacts | undefined, { orders, sent }: KnownRollout): boolean {
  return facts !== undefined && facts.orders <= orders && facts.streamSeq >= sent;
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
