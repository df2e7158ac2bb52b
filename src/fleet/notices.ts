import type { AnyEventObject } from "xstate";
import type { Clock } from "../core/clock.ts";
import { isSignalboxError, messageOf, type ErrorCode } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";

/**
 * Tells instances of what the control plane has noticed. Each notice is sent until it was heard; one that is refused was not
 * for the state that the instance has come to. Of equal notices that wait only one is sent. What a crash loses is noticed
 * anew by the next start.
 */
export interface Notices {
  tell(instance: string, event: AnyEventObject): void;
  /** Resolves when everything has been told. */
  told(): Promise<void>;
  stop(): Promise<void>;
}

const atOnceMax = 100; // they share a commit, and leave room in its queue for others
const retryMs = 1_000;

export function createNotices(given: { engine: Engine; clock: Clock; log: Log }): Notices {
  const { engine, clock, log } = given;
  const waiting = new Map<string, { instance: string; event: AnyEventObject }>();
  const stopping = new AbortController();
  let telling: Promise<void> | undefined;

  async function tellAll(): Promise<void> {
    while (waiting.size > 0 && !stopping.signal.aborted) {
      const batch = [...waiting].slice(0, atOnceMax);
      for (const [key] of batch) waiting.delete(key); // what is told from now on is another notice
      const isHeard = await Promise.all(batch.map(([, notice]) => send(notice)));
      const unheard = batch.filter((_, index) => isHeard[index] === false);
      for (const [key, notice] of unheard) waiting.set(key, notice);
      if (unheard.length > 0) await clock.wakeAt(clock.now() + retryMs, stopping.signal);
    }
    telling = undefined; // at once, or one that comes meanwhile would wait for the next
  }

  /** Whether it was heard, or never will be. */
  async function send({ instance, event }: { instance: string; event: AnyEventObject }): Promise<boolean> {
    try {
      await engine.transactAsEngine([{ id: instance, event, sender: "engine" }], { principal: "engine" });
      return true;
    } catch (error) {
      const isPassing = isSignalboxError(error) && passing.has(error.code);
      log.warn({ instance, event: event.type, error: messageOf(error) }, "a notice was not heard");
      return !isPassing;
    }
  }

  return {
    tell(instance, event) {
      if (stopping.signal.aborted) return;
      waiting.set(JSON.stringify([instance, event]), { instance, event });
      telling ??= tellAll();
    },
    async told() {
      while (telling !== undefined) await telling;
    },
    async stop() {
      stopping.abort();
      await telling;
    },
  };
}

const passing: ReadonlySet<ErrorCode> = new Set(["store-unavailable", "insufficient-storage", "too-many-requests"]);
