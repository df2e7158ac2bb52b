import type { AnyEventObject } from "xstate";
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
  given: { reading: Reading; feed: Feed; position: number; send(event: AnyEventObject): Promise<Sent> },
): Promise<DurableActor> {
  const { reading, feed, position, send } = given;
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const stopped = new AbortController();
  let { row, snapshot } = await reading.head(id);

  async function refresh(): Promise<void> {
    const head = await reading.head(id);
    if (head.row.version <= row.version) return;
    ({ row, snapshot } = head);
    for (const listener of listeners) listener(snapshot);
  }

  async function follow(): Promise<void> {
    for await (const entry of feed.read({ after: position, instance: id, signal: stopped.signal })) {
      if (entry.version > row.version) await refresh();
    }
  }
  follow().catch(() => stopped.abort()); // a store that fails ends the subscription; send still tells

  return {
    id,
    getSnapshot: () => snapshot,
    async send(event) {
      const sent = await send(event);
      await refresh();
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
