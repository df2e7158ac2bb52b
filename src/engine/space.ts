import type { Clock } from "../core/clock.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../store/store.ts";

/** Whether the store has space to write. Once it has none the engine only reads, until a probe succeeds. */
export interface Space {
  /** The store; what it finds full is remembered, and nothing is written to it meanwhile. */
  readonly store: Store;
  /** Throws `insufficient-storage` while there is none; looks again when it is time. */
  check(): Promise<void>;
  /** Whether nothing is written at present. */
  isLost(): boolean;
  /** Resolves when there is space, or with the signal. */
  regained(signal: AbortSignal): Promise<void>;
}

const probeEveryMs = 1_000; // whoever makes space sees it go on at once, and a full disk is hardly asked

export function createSpace({ store, clock, log }: { store: Store; clock: Clock; log: Log }): Space {
  let fault: SignalboxError | undefined; // what the store said when it was full
  let probeAt = 0;
  let probing: Promise<void> | undefined;

  function noticed(error: unknown): void {
    if (!isSignalboxError(error, "insufficient-storage")) return;
    if (fault === undefined) log.error({ error: error.detail }, "there is no space left: only reading from now on");
    fault = error;
    probeAt = clock.now() + probeEveryMs;
  }

  async function probe(): Promise<void> {
    try {
      await store.probe();
      fault = undefined;
      log.info({}, "there is space again: writing goes on");
    } catch {
      probeAt = clock.now() + probeEveryMs;
    }
  }

  async function check(): Promise<void> {
    if (fault === undefined) return;
    const hasClockGoneBack = probeAt - clock.now() > probeEveryMs;
    if (clock.now() >= probeAt || hasClockGoneBack) await (probing ??= probe().finally(() => (probing = undefined)));
    if (fault !== undefined) throw new SignalboxError(fault.code, fault.detail, { cause: fault });
  }

  async function written<T>(write: () => Promise<T>): Promise<T> {
    await check();
    try {
      return await write();
    } catch (error) {
      noticed(error);
      throw error;
    }
  }

  return {
    check,
    isLost: () => fault !== undefined,

    async regained(signal) {
      while (fault !== undefined && !signal.aborted) {
        await clock.wakeAt(Math.min(probeAt, clock.now() + probeEveryMs), signal);
        await check().catch(() => undefined);
      }
    },

    store: {
      load: (id) => store.load(id),
      command: (principal, id) => store.command(principal, id),
      nextDueAt: () => store.nextDueAt(),
      instances: (query) => store.instances(query),
      journal: (query) => store.journal(query),
      chain: (query) => store.chain(query),
      pending: (query) => store.pending(query),
      countPending: (now) => store.countPending(now),
      position: () => store.position(),
      close: () => store.close(),
      commit: (batch) => written(() => store.commit(batch)),
      claim: (claim) => written(() => store.claim(claim)),
      renew: (renewal) => written(() => store.renew(renewal)),
      putBack: (rows) => written(() => store.putBack(rows)),
      takeBack: (owner) => written(() => store.takeBack(owner)),
      reschedule: (rows) => written(() => store.reschedule(rows)),
      forgetCommands: (before, limit) => written(() => store.forgetCommands(before, limit)),
      probe: () => written(() => store.probe()),
    },
  };
}
