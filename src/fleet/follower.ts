import type { ChannelContext } from "../../machines/channel/context.ts";
import type { FleetContext } from "../../machines/fleet/fleet.ts";
import type { HostContext } from "../../machines/host/context.ts";
import type { LineContext } from "../../machines/line/line.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { hostsOf } from "../../machines/rollout/waves.ts";
import type { Clock } from "../core/clock.ts";
import { isSignalboxError, messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { orAborted } from "../core/or-aborted.ts";
import type { Engine } from "../engine/engine.ts";
import { parseFleet } from "../planning/parse-fleet.ts";
import { hostFactsOf, isOver, look, lookAt, rolloutFactsOf, type RolloutFacts, type Row, type Seen } from "./facts.ts";
import type { FleetIndex, NodeTrouble, RolloutEntry } from "./fleet-index.ts";
import { fleetDocumentIdOf } from "./instance-ids.ts";
import type { Plans } from "./plans.ts";

/** Fills the index with what is there, and follows the journal from then on. */
export interface Follower {
  /** Resolves when everything that is there has been read. */
  start(): Promise<void>;
  /** Reads all hosts of a rollout that the index has let go, and answers with them: it may let go of them at any time again. */
  readHosts(rolloutId: string): Promise<RolloutEntry["hosts"]>;
  /** Resolves when the index has seen this position of the journal. Throws the signal's reason. */
  reached(position: number, signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

const pageRows = 500;
const looksAtOnce = 50;
const retryMs = 1_000;

export function createFollower(given: {
  engine: Engine;
  index: FleetIndex;
  plans: Plans;
  clock: Clock;
  log: Log;
}): Follower {
  const { engine, index, plans, clock, log } = given;
  const stopping = new AbortController();
  const waiting = new Set<{ position: number; resolve: () => void }>();
  let seen = 0;
  let following: Promise<void> | undefined;

  const readers: Readonly<Record<string, (seen: Seen) => Promise<void> | void>> = {
    host: ({ context, ...rest }) => {
      if ((context as HostContext).reportsTo !== null) index.putHost(hostFactsOf({ context, ...rest }));
    },
    async rollout(rollout) {
      const facts = rolloutFactsOf(rollout);
      const isPlanned = facts.context.planHash !== null && !isOver(facts.state);
      index.putRollout(facts, isPlanned ? (index.rollouts.get(facts.id)?.plan ?? (await plans.of(facts.id))) : null);
    },
    channel: ({ context }) => index.putChannel(context as ChannelContext),
    line: ({ row, context }) => index.putLine({ version: row.version, stopped: (context as LineContext).stopped }),
    async fleet({ context }) {
      const { hash } = context as FleetContext;
      if (hash === null || index.fleet?.hash === hash) return;
      const { row } = await engine.head(fleetDocumentIdOf(hash));
      index.putFleet(parseFleet((JSON.parse(row.input) as { content: unknown }).content));
    },
    nodeMaintenance(node) {
      index.putNode((node.context as { node: string }).node, nodeTroubleOf(node));
    },
  };

  async function read(found: Seen): Promise<void> {
    await readers[found.row.machine]?.(found);
  }

  async function readAll(machine: string): Promise<void> {
    for await (const row of rowsOf(engine, machine))
      await tolerant(row.id, async () => read(await lookAt(engine, row)));
  }

  /** One instance that cannot be read must not keep the others from being seen. */
  async function tolerant(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isSignalboxError(error, "needs-migration") && !isSignalboxError(error, "not-found")) throw error;
      log.error({ instance: id, error: messageOf(error) }, "the fleet goes on without an instance");
    }
  }

  async function readHosts(rolloutId: string): Promise<RolloutEntry["hosts"]> {
    for (;;) {
      const { hosts } = index.rollouts.get(rolloutId) ?? {};
      if (hosts === undefined) return new Map();
      if (await readInto(hosts, rolloutId)) return hosts;
    }
  }

  /** Whether all are there: a change of their rollout may let go of those that were read. */
  async function readInto(hosts: RolloutEntry["hosts"], rolloutId: string): Promise<boolean> {
    const isKept = () => index.rollouts.get(rolloutId)?.hosts === hosts;
    for await (const row of hostRowsOf(engine, rolloutId)) {
      await tolerant(row.id, async () => {
        const seen = await lookAt(engine, row);
        if (isKept() && !hosts.has(hostFactsOf(seen).host)) await read(seen); // what the journal told meanwhile is newer
      });
      if (!isKept()) return false;
    }
    if (isKept()) index.complete(rolloutId);
    return isKept();
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const feed = await engine.openFeed({ after: seen });
        for await (const { entries } of feed.pages(stopping.signal)) {
          const changed = entries.filter(({ outcome, machine }) => outcome === "changed" && machine in readers);
          await readAnew([...new Set(changed.map(({ instance }) => instance))]);
          see(entries.at(-1)?.seq ?? seen);
        }
      } catch (error) {
        log.error({ error: messageOf(error) }, "the fleet could not follow the journal and tries again");
        await clock.wakeAt(clock.now() + retryMs, stopping.signal);
      }
    }
  }

  async function readAnew(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += looksAtOnce) {
      const some = ids.slice(from, from + looksAtOnce);
      const found = await Promise.all(some.map((id) => lookOrNothing(id)));
      for (const each of found) if (each !== undefined) await tolerant(each.row.id, () => read(each));
    }
  }

  async function lookOrNothing(id: string): Promise<Seen | undefined> {
    let found: Seen | undefined;
    await tolerant(id, async () => {
      found = await look(engine, id);
    });
    return found;
  }

  function see(position: number): void {
    seen = position;
    for (const each of waiting) {
      if (each.position > seen) continue;
      waiting.delete(each);
      each.resolve();
    }
  }

  return {
    async start() {
      seen = await engine.position(); // before anything is read: nothing in between is missed
      for (const machine of ["line", "fleet", "channel", "nodeMaintenance", "rollout"]) await readAll(machine);
      for (const { facts } of index.rollouts.values()) {
        if (!hasRestlessHosts(facts)) continue;
        await readHosts(facts.id);
        index.letGo(facts.id); // its counters count excused ones that are at rest by now
      }
      following = follow();
    },
    readHosts,
    async reached(position, signal) {
      signal?.throwIfAborted();
      if (position <= seen) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { position, resolve };
      waiting.add(waiter);
      try {
        await (signal === undefined ? promise : orAborted(promise, signal));
      } finally {
        waiting.delete(waiter);
      }
    },
    async stop() {
      stopping.abort();
      await following;
    },
  };
}

/** Whether one that is over still has hosts that something is to be done with, as far as its counters say. */
function hasRestlessHosts({ state, context }: RolloutFacts): boolean {
  if (!isOver(state)) return true;
  return (context.waves ?? []).some((wave) => {
    const { Activating, Deferred, Soaking, Failed, Excused, Pending, joined } = wave;
    return Activating + Deferred + Soaking + Failed + Excused > 0 || Pending > hostsOf(wave) - joined;
  });
}

/** Those that have not ended: of a rollout that is pruned, and of its hosts, nobody has to know any more. */
async function* rowsOf(engine: Engine, machine: string): AsyncGenerator<Row> {
  for (let after: string | undefined; ; ) {
    const rows = await engine.rows({
      machine,
      status: "active",
      limit: pageRows,
      ...(after !== undefined && { after }),
    });
    yield* rows;
    if (rows.length < pageRows) return;
    after = rows.at(-1)?.id;
  }
}

/** The instances of a rollout's hosts, by the order of ids alone: as many reads as there are pages of them. */
async function* hostRowsOf(engine: Engine, rolloutId: string): AsyncGenerator<Row> {
  const prefix = hostIdOf(rolloutId, "");
  for (let after = prefix; ; ) {
    const rows = await engine.rows({ after, limit: pageRows });
    const own = rows.filter(({ id }) => id.startsWith(prefix));
    yield* own;
    if (own.length < pageRows) return;
    after = own.at(-1)?.id ?? after;
  }
}

function nodeTroubleOf({ row }: Seen): NodeTrouble | null {
  if (row.state !== "Active") return { since: row.since, detail: `its node is in ${row.state}` };
  if (!row.tags.includes("cordoned")) return null;
  return { since: row.regionsSince["scheduling"] ?? row.since, detail: "its node is cordoned" };
}
