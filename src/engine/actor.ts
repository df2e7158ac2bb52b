import type { AnyEventObject } from "xstate";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Sent } from "../core/outcome.ts";
import type { Snapshot } from "../core/machine.ts";
import type { Feed } from "./feed.ts";
import type { Reading } from "./reading.ts";

/** A durable instance in the clothes of an XState actor. */
export interface DurableActor {
  readonly id: string;
  /** The last committed snapshot that was seen. */
  getSnapshot(): Snapshot;
  send(event: AnyEventObject): Promise<Sent>;
  /** Calls back after each commit that changed the instance. */
  subscribe(listener: ((snapshot: Snapshot) => void) | { next?: (snapshot: Snapshot) => void }): {
    unsubscribe(): void;
  };
  /** Stops listening; the instance goes on. May be called twice. */
  stop(): void;
}

export async function createDurableActor(
  id: string,
  given: { reading: Reading; feed: Feed; position: number; log: Log; send(event: AnyEventObject): Promise<Sent> },
): Promise<DurableActor> {
  const { reading, feed, position, log, send } = given;
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const stopped = new AbortController();
  let { row, snapshot } = await reading.head(id);

  async function refresh(): Promise<void> {
    const head = await reading.head(id);
    const isSame = head.row.createdSeq === row.createdSeq; // and not another one under the id of one that is forgotten
    if (isSame && head.row.version <= row.version) return;
    ({ row, snapshot } = head);
    for (const listener of listeners) tell(listener, snapshot);
  }

  /** A listener's fault is its own: the others hear, and the event stays acknowledged. */
  function tell(listener: (snapshot: Snapshot) => void, news: Snapshot): void {
    try {
      listener(news);
    } catch (error) {
      log.error({ instance: id, error: messageOf(error) }, "a listener of an actor failed");
    }
  }

  /** Goes on with the next commit after a fault of the store: whoever listens is not left without knowing. */
  async function follow(): Promise<void> {
    let after = position;
    while (!stopped.signal.aborted) {
      const news = feed.news(stopped.signal);
      try {
        for await (const entry of feed.read({ after, instance: id, signal: stopped.signal })) {
          if (entry.kind === "created" || entry.version > row.version) await refresh();
          after = entry.seq;
        }
      } catch (error) {
        log.error({ instance: id, error: messageOf(error) }, "an actor cannot be followed just now");
        await news;
      }
    }
  }
  void follow();

  return {
    id,
    getSnapshot: () => snapshot,
    async send(event) {
      const sent = await send(event);
      await refresh().catch(() => undefined); // the event is acknowledged, whether or not it can be read again now
      return sent;
    },
    subscribe(listener) {
      const next = typeof listener === "function" ? listener : (each: Snapshot) => listener.next?.(each);
      listeners.add(next);
      return { unsubscribe: () => void listeners.delete(next) };
    },
    stop() {
      stopped.abort();
      listeners.clear();
    },
  };
}
