import { messageOf } from "../core/errors.ts";
import { silentLog, type Log } from "../core/log.ts";
import { retryDelayMs } from "../core/retry.ts";
import type { Engine } from "../engine/engine.ts";
import { connect, parseInspectUrl, type Connection } from "./connection.ts";
import { createInspectedActors } from "./inspected-actors.ts";
import type { InspectionMessage } from "./messages.ts";

export interface InspectorOptions {
  /** `ws:` or `wss:`. Whoever listens there sees every context and event. */
  url: string;
  log?: Log;
}

export interface Inspector {
  /** Ends the connection. May be called twice. */
  stop(): Promise<void>;
}

const backoff = { baseMs: 1_000, maxMs: 30_000 };
const backlogMax = 10_000; // entries told after an outage; nobody scrolls through more, and they would keep the newest away

/**
 * Tells a receiver of Stately's inspection protocol what happens from now on. It reads the journal at its own pace and
 * holds one entry at a time, so neither a slow receiver nor one that is gone is felt by the engine; after an outage it goes
 * on where it was. Throws `invalid-request` for a URL that is not one.
 */
export function createInspector(engine: Engine, { url: address, log = silentLog }: InspectorOptions): Inspector {
  const url = parseInspectUrl(address);
  const receiver = `${url.origin}${url.pathname}`; // a query may hold a token
  const { clock } = engine;
  const stopping = new AbortController();
  const actors = createInspectedActors(engine);
  let position: number | undefined; // the last entry that was taken from the journal
  let unsent: InspectionMessage[] = []; // what is left to say of it
  let isOut = false;

  async function run(): Promise<void> {
    for (let failed = 1; !isStopping(); failed += 1) {
      const began = clock.now();
      try {
        position ??= await begin();
        await withConnection(tell);
      } catch (error) {
        if (isStopping()) return;
        if (!isOut)
          log.warn({ receiver, error: messageOf(error) }, "the inspector cannot tell anybody; it keeps trying");
        isOut = true;
      }
      if (clock.now() - began > backoff.maxMs) failed = 1; // it had been well
      await clock.wakeAt(clock.now() + retryDelayMs({ failed, ...backoff }), stopping.signal);
    }
  }

  /** The position comes first: what moves while the instances are read is in the entries after it. */
  async function begin(): Promise<number> {
    const from = await engine.position();
    unsent = [];
    await actors.meetActive();
    return from;
  }

  async function withConnection(use: (connection: Connection) => Promise<void>): Promise<void> {
    const connection = await connect(url, clock, stopping.signal);
    try {
      await use(connection);
    } finally {
      connection.close();
    }
  }

  /** Returns when it is to stop; rejects when the connection is lost. */
  async function tell(connection: Connection): Promise<void> {
    await skipBacklog();
    for (const message of actors.announcements()) await connection.send(JSON.stringify(message));
    if (isOut) log.info({ receiver }, "the inspector is connected again");
    isOut = false;
    await sendRest(connection);
    const signal = AbortSignal.any([stopping.signal, connection.lost]);
    for await (const entry of engine.feed({ after: position ?? 0, signal })) {
      unsent = await actors.messagesOf(entry);
      position = entry.seq;
      await sendRest(connection);
    }
    if (!isStopping()) throw connection.lost.reason;
  }

  async function sendRest(connection: Connection): Promise<void> {
    for (let [next] = unsent; next !== undefined; [next] = unsent) {
      await connection.send(JSON.stringify(next));
      unsent.shift();
    }
  }

  async function skipBacklog(): Promise<void> {
    const entries = (await engine.position()) - (position ?? 0);
    if (entries <= backlogMax) return;
    log.warn({ receiver, entries }, "the inspector was out for too long: what happened meanwhile is not told");
    position = await begin();
  }

  const isStopping = () => stopping.signal.aborted;
  const ended = run();
  return {
    stop() {
      stopping.abort();
      return ended;
    },
  };
}
