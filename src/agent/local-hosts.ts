import type { HostContext } from "../../machines/host/context.ts";
import { agentEventTypes } from "../../machines/host/events.ts";
import type { HostState } from "../../machines/host/states.ts";
import type { Instance } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import type { NumberedEvent } from "./control-plane.ts";

/** This host in one rollout, as the agent's own instance has it. */
export interface LocalHost {
  readonly id: string;
  readonly rolloutId: string;
  readonly state: HostState;
  readonly isFinal: boolean;
  readonly context: HostContext;
  readonly updatedAt: number;
  /** Added to the place of an event in the local journal, it is the event's number. */
  readonly base: number;
}

export const ordersStream = "orders";

/** A label: what the numbers of its stream begin after, when the agent came to it late. */
export const baseLabel = "base";

export interface LocalHosts {
  read(id: string): Promise<LocalHost>;
  find(rolloutId: string): Promise<LocalHost | undefined>;
  /** Every one that is not final. */
  active(): Promise<LocalHost[]>;
  /** All that there ever were. */
  all(): Promise<LocalHost[]>;
  /** How many orders of the control plane it has taken. */
  ordersTaken(id: string): Promise<number>;
  /** Whether something is being done to the host for this one, or watched. A reboot may take days, and is nobody's work. */
  isBusy(host: LocalHost): Promise<boolean>;
  /** What comes after a number of its stream: at most `limit`, and fewer when they are large. */
  events(host: LocalHost, after: number): Promise<NumberedEvent[]>;
  /** The number of the newest event of its stream. */
  last(host: LocalHost): Promise<number>;
}

const pageMax = 500;
const eventsMax = 100; // half of what one request may carry
const charactersMax = 131_072; // half of what a body may have

export function createLocalHosts(engine: Engine): LocalHosts {
  const counted = new Map<string, Counted>();

  async function list(status?: "active"): Promise<LocalHost[]> {
    const hosts: LocalHost[] = [];
    for (let cursor: string | undefined; ; ) {
      const query = { machine: "host", limit: pageMax, ...(status && { status }), ...(cursor && { cursor }) };
      const { items, nextCursor } = await engine.list(query);
      hosts.push(...items.map(localHost));
      if (nextCursor === null) return hosts;
      cursor = nextCursor;
    }
  }

  /** Goes on where it was left, so that a long soak is not read from its beginning for each event. */
  async function countTo(host: LocalHost, after: number): Promise<Counted> {
    const known = counted.get(host.id);
    let at: Counted = known !== undefined && known.number <= after ? known : { position: 0, number: host.base };
    while (at.number < after) {
      const { entries } = await engine.journal({ instance: host.id, after: at.position, limit: pageMax });
      if (entries.length === 0) break;
      for (const entry of entries) {
        if (at.number === after) break;
        at = { position: entry.seq, number: at.number + (isTold(entry) ? 1 : 0) };
      }
    }
    counted.set(host.id, at);
    return at;
  }

  return {
    active: () => list("active"),
    all: () => list(),
    read: async (id) => localHost(await engine.read(id)),

    async find(rolloutId) {
      const { items } = await engine.list({ machine: "host", label: { name: "rollout", value: rolloutId }, limit: 1 });
      return items[0] && localHost(items[0]);
    },

    ordersTaken: async (id) => (await engine.head(id)).row.streams[ordersStream] ?? 0,

    async isBusy({ id, state }) {
      if (state === "Activating" || state === "Soaking") return true;
      if (state !== "Failed") return false;
      const { items } = await engine.pending({ instance: id, kind: "call", limit: 1 }); // it goes back
      return items.length > 0;
    },

    async events(host, after) {
      let { position, number } = await countTo(host, after);
      const events: NumberedEvent[] = [];
      let characters = 0;
      for (;;) {
        const { entries } = await engine.journal({ instance: host.id, after: position, limit: pageMax });
        for (const entry of entries) {
          position = entry.seq;
          if (!isTold(entry)) continue;
          number += 1;
          if (number <= after) continue; // the stream begins later
          const { at, principal: _principal, ...event } = entry.event;
          const told = { ...event, ...(event["observedAt"] === undefined && { observedAt: at }) };
          characters += JSON.stringify(told).length;
          if (events.length > 0 && characters > charactersMax) return events;
          events.push({ seq: number, event: told as NumberedEvent["event"] });
          if (events.length === eventsMax) return events;
        }
        if (entries.length < pageMax) return events;
      }
    },

    last: async (host) => (await countTo(host, Number.POSITIVE_INFINITY)).number,
  };
}

/** A place in the journal of an instance, and the number that the stream has there. */
interface Counted {
  position: number;
  number: number;
}

const told: ReadonlySet<string> = new Set(agentEventTypes);

type Entry = Awaited<ReturnType<Engine["journal"]>>["entries"][number];

/** What an agent tells: its events that the chart accepted. */
function isTold(entry: Entry): entry is Entry & { event: NonNullable<Entry["event"]> } {
  return entry.event !== null && entry.outcome !== "refused" && told.has(entry.event.type);
}

function localHost({ id, state, status, context, updatedAt, labels }: Instance): LocalHost {
  const known = context as HostContext; // the chart's own
  return {
    id,
    rolloutId: known.rolloutId,
    state: state as HostState,
    isFinal: status !== "active",
    context: known,
    updatedAt,
    base: Number(labels[baseLabel] ?? 0),
  };
}
