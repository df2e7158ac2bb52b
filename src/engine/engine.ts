import type { AnyEventObject } from "xstate";
import type { Clock } from "../core/clock.ts";
import type { Effect } from "../core/effect.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Refusal } from "../core/law.ts";
import { silentLog, type Log } from "../core/log.ts";
import type { Machine } from "../core/machine.ts";
import type { Instance, Move, Sent, WaitingFor } from "../core/outcome.ts";
import type { Provider } from "../core/provider.ts";
import { randomId } from "../providers/random-id.ts";
import { readSecret } from "../providers/secrets.ts";
import { systemClock } from "../providers/system-clock.ts";
import type { InstanceQuery, InstanceRow, PendingCount, Store } from "../store/store.ts";
import { createDurableActor, type DurableActor } from "./actor.ts";
import { createAudit, type Audit } from "./audit.ts";
import { performsOf } from "./call.ts";
import type { CommandOptions } from "./commands.ts";
import { canonicalJson } from "../core/canonical.ts";
import { createCatalogue, parseEvent, type Catalogue } from "./catalogue.ts";
import { createCommitter } from "./committer.ts";
import { createFeed, type Feed, type FeedQuery } from "./feed.ts";
import { createGate } from "./gate.ts";
import type { CommittedHead } from "./head.ts";
import { createHeads } from "./heads.ts";
import { createHistory, type Moment } from "./history.ts";
import { createHousekeeping, type Sweep } from "./housekeeping.ts";
import { createIntervention, type Intervention } from "./intervention.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { createMigrator } from "./migration.ts";
import { engineAsker, eventMove } from "./move.ts";
import { createObservers, type Observer } from "./observer.ts";
import { createPlanner, type EngineMove } from "./plan.ts";
import { createProbe } from "./probe.ts";
import { createReading, type JournalEntry, type PendingItem, type Reading } from "./reading.ts";
import { createRefusalRate } from "./refusal-rate.ts";
import { createRunner, type Runner } from "./runner.ts";
import type { ResolveSecret } from "./secrets.ts";
import { createSpace } from "./space.ts";
import { createTransactor, type TransactOptions, type Transactor } from "./transact.ts";
import { createTurns } from "./turns.ts";
import { createVerifier, type Verification } from "./verify.ts";
import { viewOf } from "./view.ts";

export interface EngineOptions {
  machines: readonly Machine[];
  store: Store;
  clock?: Clock;
  providers?: readonly Provider[];
  limits?: Partial<Limits>;
  log?: Log;
  /** The value of a `{ secret: "env:NAME" }` or `{ secret: "file:PATH" }` in a call's input; asked for each attempt. */
  resolveSecret?: ResolveSecret;
  /** Asked of each instance that ended longer than `limits.endedRetentionMs` ago: false keeps it. */
  mayForget?(id: string): boolean;
}

export interface CreateOptions {
  machine: string;
  /** Chosen by the engine when not given. */
  id?: string;
  input: unknown;
  labels?: Readonly<Record<string, string>>;
  commandId?: string;
  principal?: string;
  trace?: string;
}

export interface SendOptions extends TransactOptions {
  /** Refused with `version-mismatch` when the instance is at another one. */
  expectedVersion?: number;
}

export interface DryRun {
  outcome: "changed" | "unchanged" | "refused";
  reasons?: Refusal[];
  via: readonly string[];
  effects: readonly Effect[];
  /** As it would be. */
  instance: Instance;
}

export interface Explanation {
  instance: Instance;
  waitingFor: WaitingFor[];
  hears: Instance["hears"];
  /** Its calls, timers and messages. */
  pending: PendingItem[];
  /** The verdict on the event that was asked about; `to` is the state that it would lead to. */
  verdict?: { type: string; to: string } & Omit<DryRun, "instance">;
}

/**
 * Durable statecharts: `instances` is what is, `journal` what happened, `pending` what is to happen. What is acknowledged
 * has been written and synchronised. Errors are thrown as `SignalboxError`; a refusal is an answer.
 */
export interface Engine extends Pick<Reading, "read" | "list" | "journal" | "journalUnder" | "pending">, Intervention {
  readonly catalogue: Catalogue;
  readonly limits: Limits;
  readonly clock: Clock;
  /** An id for an instance of a machine that nobody chose one for. */
  newId(machine: string): string;
  /** The name of the machine of an instance that is about to be sent to. Throws `not-found`. */
  machineOf(id: string): Promise<string>;
  /** The same id with the same input again answers with what is there. Throws `already-exists` for another input. */
  create(options: CreateOptions): Promise<Instance>;
  send(id: string, event: AnyEventObject, options?: SendOptions): Promise<Sent>;
  /** All moves or none; when one is refused, the answer to it alone. */
  transact(moves: readonly Move[], options?: TransactOptions): Promise<Sent[]>;
  /** For operations that are part of Signalbox: moves may carry the engine's own events. */
  transactAsEngine(moves: readonly EngineMove[], options?: TransactOptions): Promise<Sent[]>;
  /** The first answer to a command that says by its fingerprint what it stands for; undefined when it was never given. */
  recall(options: CommandOptions): Promise<Sent[] | undefined>;
  /** What an event would do now, from outside or from an operation of ours. Changes nothing. */
  dryRun(id: string, event: AnyEventObject, options?: { principal?: string; sender?: "operation" }): Promise<DryRun>;
  explain(id: string, event?: AnyEventObject, options?: { principal?: string }): Promise<Explanation>;
  /** Replays one instance's journal, or all. */
  verify(id?: string): Promise<Verification>;
  /** The journal as evidence. */
  readonly audit: Audit;
  /** An instance as an entry of its journal left it, with what it was before. */
  momentOf(id: string, seq: number): Promise<Moment>;
  actor(id: string): Promise<DurableActor>;
  feed(query?: FeedQuery): AsyncIterable<JournalEntry>;
  /** The same by pages that all readers share, for many of them at once. Throws `invalid-request` before it begins. */
  openFeed: Feed["open"];
  /** The last journal number: a feed that begins after it misses nothing of what is read from now on. */
  position(): Promise<number>;
  /** For parts of Signalbox: an instance as it is committed, with XState's own snapshot. Throws `not-found`. */
  head(id: string): Promise<CommittedHead>;
  /** For parts of Signalbox: instances as they are stored, in order of id. */
  rows(query: InstanceQuery): Promise<InstanceRow[]>;
  /** Tells the observer what the engine does from now on, until the answer is called. */
  observe(observer: Observer): () => void;
  /** Resolves when the store can be written to, now or a second ago. */
  probe(): Promise<void>;
  /** Whether the store has run out of space: until a probe succeeds nothing is written. */
  isReadOnly(): boolean;
  /** How the last round of housekeeping went; null before the first. */
  lastSweep(): Sweep | null;
  /** How many pending rows there are of each kind and state. */
  countPending(): Promise<PendingCount[]>;
  /** How long what is due has been waiting for the runner; 0 when nothing is late. */
  lagMs(): Promise<number>;
  /** Starts the runner. */
  start(): Promise<void>;
  /** Stops the runner and waits for what is being written. What is sent from then on is refused with `shutting-down`, until `start`. */
  stop(): Promise<void>;
  /** Performs what is due now, and says how much. */
  runOnce(): Promise<number>;
}

/** Makes an engine; nothing runs before `start`, but everything can be sent. Throws `machine-unfit`. */
export function createEngine(options: EngineOptions): Engine {
  const { machines, providers = [], clock = systemClock(), log = silentLog } = options;
  const { resolveSecret = readSecret, mayForget = () => true } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const space = createSpace({ store: options.store, clock, log });
  const { store } = space;
  const catalogue = createCatalogue(machines);
  const performs = performsOf(providers);
  const feed = createFeed({ store, limits });
  const observers = createObservers(log);
  const committer = createCommitter({ store, limits, observers });
  const heads = createHeads({ store, catalogue, limits, migrate: createMigrator({ store, catalogue, clock }) });
  const reading = createReading({ store, catalogue, clock, limits });
  const transactor = createTransactor({
    store,
    space,
    clock,
    limits,
    heads,
    turns: createTurns(),
    planner: createPlanner({ catalogue, heads, clock, limits, performs }),
    committer,
    refusalRate: createRefusalRate({ clock, limits }),
    read: reading.read,
    onCommitted,
    observers,
  });
  const intervention = createIntervention({
    store,
    clock,
    limits,
    reading,
    heads,
    transactor,
    committer,
    performs,
    onCommitted,
  });
  const housekeeping = createHousekeeping({ store, clock, limits, heads, mayForget, onCommitted: feed.notify });
  const runner = createRunner({
    store,
    space,
    clock,
    limits,
    providers,
    transactor,
    machineOf: async (id) => (await heads.find(id))?.head.machine,
    resolveSecret,
    sweep: housekeeping.sweep,
    owner: randomId(),
    observers,
    log,
  });
  function onCommitted(committed: Parameters<Runner["committed"]>[0]): void {
    runner.committed(committed);
    feed.notify();
  }

  const { verify } = createVerifier({ store, catalogue, performs });
  const { momentOf } = createHistory({ store, catalogue, limits, performs });

  const dryRun: Engine["dryRun"] = async (id, event, { principal = "local", sender } = {}) => {
    const head = await reading.head(id);
    const { type, payload } = parseEvent(head.machine, event, sender);
    const at = Math.max(clock.now(), head.row.at);
    const asker = { ...engineAsker, principal };
    const {
      outcome,
      reasons,
      via,
      effects,
      head: after,
    } = eventMove(head, { type, ...payload, at, principal }, asker, performs);
    return { outcome, ...(reasons && { reasons }), via, effects, instance: viewOf(after, clock.now()) };
  };

  async function* rowsOf(id?: string): AsyncGenerator<InstanceRow> {
    if (id !== undefined) {
      const loaded = await store.load(id);
      if (loaded === undefined) throw new SignalboxError("not-found", `There is no instance ${id}.`);
      yield loaded.row;
      return;
    }
    for (let after: string | undefined; ; ) {
      const rows = await store.instances({ limit: limits.pageMax, ...(after !== undefined && { after }) });
      yield* rows;
      if (rows.length < limits.pageMax) return;
      after = rows.at(-1)?.id;
    }
  }

  const gate = createGate();
  const transact: Transactor["transact"] = (moves, asked) => gate.enter(() => transactor.transact(moves, asked));
  const { read, list, journal, journalUnder, pending } = reading;
  const engine: Engine = {
    catalogue,
    limits,
    clock,
    read,
    list,
    journal,
    journalUnder,
    pending,

    newId,
    machineOf: async (id) => (await heads.get(id)).head.machine.name,

    async create({ machine, id, input, labels, ...asked }) {
      const create = { machine, id: id ?? newId(machine), input, ...(labels && { labels }) };
      const fingerprint = id === undefined ? canonicalJson([{ create: { ...create, id: null } }]) : undefined; // a retry draws another id
      const [sent] = await transact([{ create }], { ...asked, ...(fingerprint && { fingerprint }) });
      return answered(sent).instance;
    },

    async send(id, event, asked = {}) {
      const { expectedVersion } = asked;
      const move = expectedVersion === undefined ? { id, event } : { id, event, expectedVersion };
      const [sent] = await transact([move], asked);
      return answered(sent);
    },

    transact: (moves, asked) => transact(moves.map(asOutsider), asked),
    transactAsEngine: transact,
    recall: transactor.recall,
    dryRun,

    async explain(id, event, asked) {
      const instance = await read(id);
      const { items } = await pending({ instance: id, limit: limits.pageMax });
      const explained: Explanation = {
        instance,
        waitingFor: instance.waitingFor,
        hears: instance.hears,
        pending: items,
      };
      if (event === undefined) return explained;
      const { instance: after, ...verdict } = await dryRun(id, event, asked);
      return { ...explained, verdict: { type: event.type, to: after.state, ...verdict } };
    },

    verify: (id) => verify(rowsOf(id)),
    audit: createAudit({ store, limits }),
    momentOf,

    async actor(id) {
      const position = await store.position(); // before the snapshot is read: nothing in between is missed
      return createDurableActor(id, { reading, feed, position, log, send: (event) => engine.send(id, event) });
    },

    feed: feed.read,
    openFeed: feed.open,
    position: store.position,
    head: reading.head,
    rows: store.instances,

    retryPending: (key, asked) => gate.enter(() => intervention.retryPending(key, asked)),
    discardPending: (key, asked) => gate.enter(() => intervention.discardPending(key, asked)),
    observe: observers.observe,
    probe: createProbe({ store, clock }),
    isReadOnly: space.isLost,
    lastSweep: housekeeping.lastSweep,
    countPending: () => store.countPending(clock.now()),
    async lagMs() {
      const dueAt = await store.nextDueAt();
      return dueAt === null ? 0 : Math.max(0, clock.now() - dueAt);
    },
    start() {
      gate.open();
      return runner.start();
    },
    async stop() {
      const left = gate.close();
      await runner.stop();
      await left;
      await committer.idle();
    },
    runOnce: runner.runOnce,
  };
  return engine;
}

function newId(machine: string): string {
  return `${machine}/${randomId()}`;
}

/** A move as anybody may make it, whatever else the object carries. */
function asOutsider(move: Move): EngineMove {
  if ("create" in move) return { create: move.create };
  const { id, event, expectedVersion } = move;
  return { id, event, ...(expectedVersion !== undefined && { expectedVersion }) };
}

function answered(sent: Sent | undefined): Sent {
  if (sent === undefined) throw new SignalboxError("internal-fault", "A move was not answered.");
  return sent;
}
