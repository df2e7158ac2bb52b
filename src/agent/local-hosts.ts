import type { HostContext } from "../../machines/host/context.ts";
import { agentEventTypes } from "../../machines/host/events.ts";
import type { HostState } from "../../machines/host/states.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { Instance } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import type { NumberedEvent } from "../operations/agent-schemas.ts";
import { createPast } from "./past.ts";

/** This host in one rollout, as the agent's own instance has it. */
export interface LocalHost {
  readonly id: string;
  readonly rolloutId: string;
  readonly state: HostState;
  readonly isFinal: boolean;
  readonly context: HostContext;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Added to the place of an event in the local journal, it is the event's number. */
  readonly base: number;
}

/** Each order is a stream of its own in which it is number 1: the engine takes it once, whatever the chart says to it. */
export function orderStream(id: string): string {
  return `${orderPrefix}${id}`;
}

const orderPrefix = "order:";
const ordersMax = 8; // that are told: a host is given three in a rollout, and each lost database may have given others

/** A label: what the numbers of its stream begin after, when the agent came to it late. */
export const baseLabel = "base";

export interface LocalHosts {
  read(id: string): Promise<LocalHost>;
  find(rolloutId: string): Promise<LocalHost | undefined>;
  /** Every one that is not final, also what was left behind. */
  active(): Promise<LocalHost[]>;
  /** Each rollout's newest, but what was left behind: all that are not final, and of the others what is still asked for. */
  all(): Promise<LocalHost[]>;
  /** One was made: it is not missed, however soon it ends. */
  made(id: string): void;
  /** Whether nothing here asks for one any more that has ended. */
  mayForget(id: string): boolean;
  /** Names one that begins: a rollout that begins anew has another. */
  nameFor(rolloutId: string, host: string): Promise<string>;
  /**
   * Passes over one from now on that has been left for a newer ref, or of which nobody has the beginning any more, and says
   * whether it did: a control plane that knows nothing of it begins it anew, and what was done then is not what runs now.
   */
  leaveBehind(host: LocalHost): Promise<boolean>;
  /** The ids of the orders of the control plane that it has taken; the newest of very many. */
  ordersTaken(id: string): Promise<string[]>;
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
  const leftBehind = new Set<string>();

  const past = createPast();
  const unended = new Set<string>(); // as far as is known
  let isPastKnown = false;

  async function all(): Promise<LocalHost[]> {
    return newestOfEach(await remembered()).filter(({ id }) => !leftBehind.has(id));
  }

  async function* stored(status?: "active"): AsyncGenerator<LocalHost> {
    for (let cursor: string | undefined; ; ) {
      const query = { machine: "host", limit: pageMax, ...(status && { status }), ...(cursor && { cursor }) };
      const { items, nextCursor } = await engine.list(query);
      yield* items.map(localHost);
      if (nextCursor === null) return;
      cursor = nextCursor;
    }
  }

  /** What was there before and is not any more has ended. */
  async function unendedNow(): Promise<LocalHost[]> {
    const hosts: LocalHost[] = [];
    for await (const host of stored("active")) hosts.push(host);
    const there = new Set(hosts.map(({ id }) => id));
    for (const id of [...unended].filter((each) => !there.has(each))) {
      const host = localHost(await engine.read(id));
      if (!host.isFinal) continue; // made meanwhile
      past.add(host);
      unended.delete(id);
    }
    for (const id of there) unended.add(id);
    return hosts;
  }

  /** Everything is read once; from then on only what has not ended. */
  async function remembered(): Promise<LocalHost[]> {
    if (!isPastKnown) {
      for await (const host of stored()) {
        if (host.isFinal) past.add(host);
        else unended.add(host.id);
      }
    }
    isPastKnown = true;
    const hosts = await unendedNow();
    const there = new Set(hosts.map(({ id }) => id));
    return [...hosts, ...past.hosts().filter(({ id }) => !there.has(id))];
  }

  async function runsOf(rolloutId: string): Promise<LocalHost[]> {
    const label = { name: "rollout", value: rolloutId };
    return (await engine.list({ machine: "host", label, limit: pageMax })).items.map(localHost);
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
    active: unendedNow,
    all,
    made: (id) => void unended.add(id),
    mayForget: (id) => isPastKnown && !unended.has(id) && !past.hosts().some((host) => host.id === id),
    read: async (id) => localHost(await engine.read(id)),

    async find(rolloutId) {
      const [newest] = newestOfEach(await runsOf(rolloutId));
      return newest === undefined || leftBehind.has(newest.id) ? undefined : newest;
    },

    async nameFor(rolloutId, host) {
      const first = hostIdOf(rolloutId, host);
      const runs = (await runsOf(rolloutId)).map(({ id }) => (id === first ? 1 : Number(id.slice(first.length + 1))));
      const name = runs.length === 0 ? first : `${first}~${Math.max(...runs) + 1}`; // the earliest may be forgotten
      leftBehind.delete(name); // was another one, if any was
      counted.delete(name);
      return name;
    },

    async leaveBehind({ id, base, context: { channel, acknowledgedAt } }) {
      const isNewer = ({ context }: LocalHost) =>
        context.channel === channel && (context.acknowledgedAt ?? 0) > (acknowledgedAt ?? 0);
      if (base === 0 && !(await all()).some(isNewer)) return false;
      leftBehind.add(id);
      return true;
    },

    async ordersTaken(id) {
      const streams = Object.keys((await engine.head(id)).row.streams).toSorted();
      const orders = streams.filter((each) => each.startsWith(orderPrefix));
      return orders.map((each) => each.slice(orderPrefix.length)).slice(-ordersMax);
    },

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

/** Of each rollout the one that was begun last. */
function newestOfEach(hosts: readonly LocalHost[]): LocalHost[] {
  const byRollout = Map.groupBy(hosts, ({ rolloutId }) => rolloutId);
  return [...byRollout.values()].flatMap((runs) => runs.toSorted((a, b) => b.createdAt - a.createdAt).slice(0, 1));
}

function localHost({ id, state, status, context, createdAt, updatedAt, labels }: Instance): LocalHost {
  const known = context as HostContext; // the chart's own
  return {
    id,
    rolloutId: known.rolloutId,
    state: state as HostState,
    isFinal: status !== "active",
    context: known,
    createdAt,
    updatedAt,
    base: Number(labels[baseLabel] ?? 0),
  };
}
