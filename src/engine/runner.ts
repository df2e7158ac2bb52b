import type { Clock } from "../core/clock.ts";
import { isSignalboxError, messageOf, SignalboxError, type ErrorCode } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Machine } from "../core/machine.ts";
import type { Call, Provider } from "../core/provider.ts";
import { isExhausted, retryDelayMs } from "../core/retry.ts";
import type { PendingRow, PutBack, Store } from "../store/store.ts";
import { failureOf, optionsOf, performCall, providerOf, retryOf, type Outcome } from "./call.ts";
import { childOf } from "./head.ts";
import type { Limits } from "./limits.ts";
import { cancelRequest } from "./move.ts";
import type { CallBegun, CallEnd, Observers } from "./observer.ts";
import type { EngineMove } from "./plan.ts";
import type { ResolveSecret } from "./secrets.ts";
import type { Space } from "./space.ts";
import type { Transactor } from "./transact.ts";

/** Touches the world: performs what is due and reports how it went. The only part that does. */
export interface Runner {
  start(): Promise<void>;
  /** Waits for what it performs, gives back what it holds. May be called twice. */
  stop(): Promise<void>;
  /**
   * Performs what is due now, and says how much that was. Waits for it, but for calls that are declared to run until they
   * are withdrawn.
   */
  runOnce(): Promise<number>;
  /** Something was committed: calls to abort, and perhaps new rows. */
  committed(committed: { withdrawn: readonly string[]; arms: boolean }): void;
}

const idleRecheckMs = 1_000; // due but not claimable (all slots taken, an earlier message waits): looked at again
const sweepCheckMs = 60_000; // how late housekeeping may be
const deliveryRetry = { baseMs: 500, maxMs: 60_000 }; // an instance that is created a moment later, a store that comes back

export function createRunner(given: {
  store: Store;
  space: Pick<Space, "regained">;
  clock: Clock;
  limits: Limits;
  providers: readonly Provider[];
  transactor: Transactor;
  /** Of whoever owns the row; undefined when it is gone. */
  machineOf(instance: string): Promise<Machine | undefined>;
  resolveSecret: ResolveSecret;
  /** Housekeeping that is due from time to time. */
  sweep(): Promise<void>;
  owner: string;
  observers: Observers;
  log: Log;
}): Runner {
  const { store, space, clock, limits, providers, transactor, machineOf, resolveSecret, sweep, owner, observers, log } =
    given;
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  let started: Promise<void> | undefined;
  let loop: Promise<void> | undefined;
  let stopping = new AbortController();
  let wake = new AbortController();
  let renewAt = 0;

  /** Claims once and begins with all of it. */
  async function round(): Promise<{ claimed: number; delivered: Promise<void>; called: Promise<unknown> }> {
    const now = clock.now();
    const free = limits.callsInFlightMax - running.size;
    const claim = { now, owner, leaseUntil: now + limits.leaseMs, calls: free, deliveries: limits.deliveriesMax };
    const rows = await store.claim(claim);
    const deliveries = rows.filter(({ kind }) => kind !== "call");
    const begun = await Promise.all(rows.filter(({ kind }) => kind === "call").map(begin));
    return {
      claimed: rows.length,
      delivered: deliverAll(deliveries),
      called: Promise.all(begun.map(({ ended }) => ended)),
    };
  }

  /** Timers of an instance in order, messages in order for each pair; side by side otherwise, so that they share a commit. */
  async function deliverAll(rows: readonly PendingRow[]): Promise<void> {
    const lanes = Map.groupBy(rows, (row) => (row.to === null ? row.instance : `${row.instance}\n${row.to}`));
    await Promise.all([...lanes.values()].map(deliverInOrder));
  }

  async function deliverInOrder(rows: readonly PendingRow[]): Promise<void> {
    let isHeld = false; // an earlier message could not be delivered
    for (const row of rows) {
      if (row.kind === "message" && isHeld) await putBack({ ...row, dueAt: row.dueAt ?? clock.now() });
      else if (!(await deliver(row))) isHeld = true;
    }
  }

  /** Whether the row is out of the way. */
  async function deliver(row: PendingRow): Promise<boolean> {
    try {
      const move = (await isAwaited(row)) ? await moveOf(row) : undefined;
      const fences = [row.key, ...(row.settles === null ? [] : [row.settles])].map((key) => ({ key, settle: true }));
      const sents = move && (await withSpace(() => transactor.transactFenced([move], { ...sentBy(row), fences })));
      if (sents === undefined)
        await discard(row); // withdrawn meanwhile, or nobody to hear it or to wait for it
      else if (sents[0]?.outcome === "refused")
        log.warn({ key: row.key, reasons: sents[0].reasons }, `${row.kind} refused`);
      return true;
    } catch (error) {
      await failDelivery(row, error);
      return false;
    }
  }

  /** A parent that is forgotten waits for no end; one that was created again under its id waits for that of another child. */
  async function isAwaited({ settles, instance, to }: PendingRow): Promise<boolean> {
    if (settles === null) return true;
    const [call] = await store.pending({ key: settles, now: clock.now(), limit: 1 });
    return call !== undefined && (instance === to || childOf(call) === instance);
  }

  async function moveOf(row: PendingRow): Promise<EngineMove | undefined> {
    const id = row.to ?? row.instance;
    const event = JSON.parse(row.payload) as { type: string };
    if (row.kind === "timer" || event.type.startsWith("xstate.")) return { id, event, sender: "engine", isInner: true };
    if (event.type !== cancelRequest) return { id, event, sender: "engine" };
    const cancelEvent = (await machineOf(id))?.cancelEvent;
    return cancelEvent === undefined ? undefined : { id, event: { type: cancelEvent }, sender: "engine" };
  }

  async function discard({ key }: PendingRow): Promise<void> {
    await store.commit([{ writes: [], expects: [], journal: [], fences: [], changes: [{ kind: "discard", key }] }]);
  }

  async function failDelivery(row: PendingRow, error: unknown): Promise<void> {
    const failed = row.attempts + 1;
    const isHopeless = isSignalboxError(error, "invalid-request") || isSignalboxError(error, "internal-event");
    const isGivenUp = isExhausted({ failed, attempts: limits.deliveryAttemptsMax }) && !isPassing(error);
    const dead = isHopeless || isGivenUp;
    const message = messageOf(error).toWellFormed();
    log.error({ key: row.key, failed, dead, error: message }, `${row.kind} could not be delivered`);
    const dueAt = clock.now() + retryDelayMs({ failed, ...deliveryRetry });
    if (dead) observers.deadLettered({ kind: row.kind });
    await putBack({ ...row, dueAt, attempts: failed, error: message, dead });
  }

  async function putBack({ key, dueAt, attempts, error, dead }: Omit<PutBack, "owner">): Promise<void> {
    try {
      await store.putBack([{ key, owner, dueAt, attempts, error, dead }]);
    } catch (failure) {
      log.error({ key, error: messageOf(failure) }, "a row could not be put back; its lease will end");
    }
  }

  /** Starts a call. `ended` is when it has ended; at once for one that runs until it is withdrawn. Never rejects. */
  async function begin(row: PendingRow): Promise<{ ended: Promise<void> }> {
    try {
      const machine = await machineOf(row.instance);
      const provider = providerOf(providers, row.activity ?? "", JSON.parse(row.payload));
      if (machine !== undefined && provider !== undefined) return follow(row, machine, provider);
      await store.reschedule([{ key: row.key, dueAt: null }]); // manual since the providers changed
    } catch (error) {
      await failDelivery(row, error);
    }
    return { ended: Promise.resolve() };
  }

  function follow(row: PendingRow, machine: Machine, provider: Provider): { ended: Promise<void> } {
    const controller = new AbortController();
    const call = {
      controller,
      done: perform(row, machine, provider, controller.signal).finally(() => {
        const wasFull = running.size >= limits.callsInFlightMax;
        if (running.get(row.key) === call) running.delete(row.key);
        if (wasFull) poke();
      }),
    };
    running.set(row.key, call);
    const { untilWithdrawn } = optionsOf(machine, row.activity);
    return { ended: untilWithdrawn === true ? Promise.resolve() : call.done };
  }

  async function perform(row: PendingRow, machine: Machine, provider: Provider, signal: AbortSignal): Promise<void> {
    const watch = observers.performing(begunOf(row, machine));
    const traced = { ...row, trace: watch?.trace ?? row.trace };
    const outcome = await performCall(row, provider, callOf(traced, signal), resolveSecret);
    const end = endOf(row, machine, signal, outcome);
    watch?.ended({ outcome: end, ...(outcome.kind === "failed" && { error: outcome.error }) });
    if (end === "stopped") return putBack({ ...row, dueAt: row.dueAt ?? clock.now() });
    if (end === "withdrawn") return;
    if (end !== "retried" || outcome.kind !== "failed") return reportOutcome(traced, outcome);
    const failed = row.attempts + 1;
    const dueAt = clock.now() + retryDelayMs({ failed, ...retryOf(optionsOf(machine, row.activity)) });
    log.warn({ key: row.key, failed, error: outcome.error }, "a call failed and is tried again");
    await putBack({ ...row, dueAt, attempts: failed, error: outcome.error });
    poke();
  }

  function endOf(row: PendingRow, machine: Machine, signal: AbortSignal, outcome: Outcome): CallEnd["outcome"] {
    if (signal.aborted) return stopping.signal.aborted ? "stopped" : "withdrawn";
    if (outcome.kind === "ended") return "ended";
    const { attempts } = retryOf(optionsOf(machine, row.activity));
    return outcome.isRetryable && !isExhausted({ failed: row.attempts + 1, attempts }) ? "retried" : "failed";
  }

  async function reportOutcome(row: PendingRow, { event }: Outcome): Promise<void> {
    const move: EngineMove = { id: row.instance, event, sender: "engine", isInner: true };
    try {
      const asked = { ...sentBy(row), fences: [{ key: row.key, settle: true }] };
      const sents = await withSpace(() => transactor.transactFenced([move], asked));
      if (sents?.[0]?.outcome === "refused")
        log.warn({ key: row.key, reasons: sents[0].reasons }, "an outcome was refused");
    } catch (error) {
      if (isSignalboxError(error, "payload-too-large") && event.type.startsWith("xstate.done."))
        return reportOutcome(row, failureOf(row.id, error)); // it would be as large the next time
      await failDelivery(row, error);
    }
  }

  function callOf(row: PendingRow, signal: AbortSignal): Call {
    const fences = [{ key: row.key, settle: false }];
    const transact = async (moves: readonly EngineMove[]) => {
      signal.throwIfAborted();
      const principal = `provider:${row.activity ?? row.id}`;
      const sents = await withSpace(() => transactor.transactFenced(moves, { ...sentBy(row), principal, fences }));
      if (sents === undefined) throw new SignalboxError("event-refused", `The call ${row.key} is not wanted any more.`);
      return sents;
    };
    return {
      key: row.key,
      instance: row.instance,
      signal,
      attempt: row.attempts + 1,
      ...(row.trace !== null && { traceparent: row.trace }),
      transact,
      transactAsEngine: (moves) => transact(moves.map((move) => ({ ...move, sender: "engine" }))),
      async report(event) {
        const [sent] = await transact([{ id: row.instance, event }]);
        if (sent === undefined) throw new SignalboxError("internal-fault", "A report was not answered.");
        return sent;
      },
    };
  }

  /** What has happened in the world is told when there is space for it, however long that takes. */
  async function withSpace<T>(tell: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await tell();
      } catch (error) {
        if (!isSignalboxError(error, "insufficient-storage") || stopping.signal.aborted) throw error;
        await waitForSpace();
      }
    }
  }

  async function waitForSpace(): Promise<void> {
    await space.regained(stopping.signal);
    renewAt = 0; // leases may have ended meanwhile: they are prolonged before anything is claimed
  }

  async function renewLeases(): Promise<void> {
    if (running.size === 0 || clock.now() < renewAt) return;
    renewAt = clock.now() + limits.leaseMs / 3;
    const keys = [...running.keys()];
    const held = new Set(await store.renew({ keys, owner, leaseUntil: clock.now() + limits.leaseMs }));
    for (const key of keys) if (!held.has(key)) abort(key, "the call is not wanted any more");
  }

  function abort(key: string, why: string): void {
    running.get(key)?.controller.abort(new DOMException(why, "AbortError"));
  }

  async function run(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      wake = new AbortController();
      try {
        await renewLeases();
        await sweep();
        const { claimed, delivered } = await round();
        await delivered;
        if (claimed === 0) await clock.wakeAt(await wakeTime(), AbortSignal.any([signal, wake.signal]));
      } catch (error) {
        if (isSignalboxError(error, "insufficient-storage")) {
          await waitForSpace();
          continue;
        }
        log.error({ error: messageOf(error) }, "the runner failed and goes on");
        await clock.wakeAt(clock.now() + idleRecheckMs, signal);
      }
    }
  }

  async function wakeTime(): Promise<number> {
    const now = clock.now();
    const next = (await store.nextDueAt()) ?? Number.POSITIVE_INFINITY;
    const due = next > now ? next : now + idleRecheckMs;
    return Math.min(due, running.size > 0 ? renewAt : Number.POSITIVE_INFINITY, now + sweepCheckMs);
  }

  function poke(): void {
    if (!wake.signal.aborted) wake.abort("poked"); // a reason of its own: making the default one is what costs
  }

  return {
    async start() {
      started ??= startUp();
      try {
        await started;
      } catch (error) {
        started = undefined;
        throw error;
      }
    },

    async stop() {
      stopping.abort();
      await started?.catch(() => undefined);
      for (const key of running.keys()) abort(key, "the runner stops");
      const grace = new AbortController();
      const ended = Promise.all([...running.values()].map(({ done }) => done));
      await Promise.race([ended, clock.wakeAt(clock.now() + limits.stopGraceMs, grace.signal)]);
      grace.abort(); // a wait that is left open keeps the process alive
      await loop;
      started = undefined;
    },

    async runOnce() {
      await renewLeases();
      await sweep();
      const { claimed, delivered, called } = await round();
      await delivered;
      await called;
      return claimed;
    },

    committed({ withdrawn, arms }) {
      for (const key of withdrawn) abort(key, "the call is not wanted any more");
      if (arms) poke();
    },
  };

  async function startUp(): Promise<void> {
    stopping = new AbortController();
    await store.takeBack(owner);
    await rescheduleCalls();
    loop = run();
  }

  /** Providers may have come and gone since the rows were written. */
  async function rescheduleCalls(): Promise<void> {
    const pageSize = 500;
    for (let after: string | undefined; ; ) {
      const rows = await store.pending({
        kind: "call",
        now: clock.now(),
        limit: pageSize,
        ...(after !== undefined && { after }),
      });
      const moved = rows
        .filter((row) => !row.dead && row.activity !== "instance")
        .flatMap((row) => {
          const isPerformed = providerOf(providers, row.activity ?? "", JSON.parse(row.payload)) !== undefined;
          if (isPerformed === (row.dueAt !== null)) return [];
          return [{ key: row.key, dueAt: isPerformed ? clock.now() : null }];
        });
      if (moved.length > 0) await store.reschedule(moved);
      if (rows.length < pageSize) return;
      after = rows.at(-1)?.key;
    }
  }
}

function begunOf({ key, instance, activity, attempts, trace }: PendingRow, { name }: Machine): CallBegun {
  return { key, instance, machine: name, activity: activity ?? "", attempt: attempts + 1, trace };
}

/** What is sent on account of a row is part of what armed it. */
function sentBy({ trace }: PendingRow) {
  return { principal: "engine", ...(trace !== null && { trace }) };
}

/** Time or a new deployment heals it, so that what is to happen is not given up. */
function isPassing(error: unknown): boolean {
  return isSignalboxError(error) && passing.has(error.code);
}

const passing: ReadonlySet<ErrorCode> = new Set([
  "store-unavailable",
  "insufficient-storage",
  "too-many-requests",
  "needs-migration",
]);
