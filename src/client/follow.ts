import { createParser, type EventSourceMessage } from "eventsource-parser";
import { SignalboxError } from "../core/errors.ts";
import type { JournalEntryView } from "../operations/answer-schemas.ts";
import { outcomeOf, strangerAt, textOf } from "./answer.ts";
import { failedOnTheWay, type Connection } from "./connection.ts";
import type { Failed } from "./outcome.ts";
import { pause, waitMs } from "./retry.ts";

export interface FollowQuery {
  /** Of this instance only. */
  instance?: string;
  /** The number of the entry to go on after; without it the journal is followed from now on. */
  after?: number;
  /** Ends it. */
  signal?: AbortSignal;
  /** Told each time that the connection was lost, before it is made anew. */
  onLost?(lost: { error: unknown; waitMs: number }): void;
}

export interface FollowLimits {
  /** How long a server may be away before it is given up. */
  giveUpAfterMs: number;
  /** How long nothing may come: the server tells every 15 seconds that it is there. */
  silenceMaxMs: number;
  /** How long the first byte of an answer may take. */
  answerWithinMs: number;
  /** Wait before the second attempt to connect; doubled each time, and what the server asks for at least. */
  baseMs: number;
  maxMs: number;
}

export const defaultFollowLimits = {
  giveUpAfterMs: 300_000, // a server that is upgraded is back by then
  silenceMaxMs: 40_000, // two heartbeats, and some
  baseMs: 200,
  maxMs: 10_000,
};

const eventCharactersMax = 16_777_216; // many times what an entry may have; it is held in memory until it is whole

/**
 * The journal as it happens, each entry once and in order, over as many connections as it takes. Ends with the signal. Throws
 * what the server refuses it with, and `server-unreachable` when it is away for too long.
 */
export async function* follow(
  connection: Connection,
  { instance, after, signal, onLost }: FollowQuery,
  limits: FollowLimits,
): AsyncGenerator<JournalEntryView, void, undefined> {
  const route = instance === undefined ? "/v1/journal/stream" : "/v1/instances/:id/stream";
  const place: Place = { resumeAfter: after, last: after ?? -1, reconnectMs: limits.baseMs, hasHeard: false };
  let lostAt: number | undefined;
  for (let failed = 1; ; failed += 1) {
    const target = connection.target(
      { path: route },
      { params: { id: instance }, query: { after: place.resumeAfter } },
    );
    place.hasHeard = false;
    const outcome = yield* readOnce({ connection, target, place, limits, signal });
    if (isAborted(signal)) return;
    if (place.hasHeard) [failed, lostAt] = [1, undefined];
    lostAt ??= Date.now();
    const { error, isPassing, retryAfterMs = 0 } = outcome;
    if (!isPassing || Date.now() - lostAt > limits.giveUpAfterMs) throw error;
    const wait = waitMs({ failed, limits: { baseMs: place.reconnectMs, maxMs: limits.maxMs }, retryAfterMs });
    onLost?.({ error, waitMs: wait });
    await pause(wait, signal).catch(() => undefined);
    if (isAborted(signal)) return;
  }
}

/** Where the reader is, over all connections. */
interface Place {
  /** Where the next connection begins. */
  resumeAfter: number | undefined;
  /** The last entry that was handed on. */
  last: number;
  reconnectMs: number;
  /** Whether anything came by the present connection. */
  hasHeard: boolean;
}

/** Hands on what one connection gives; answers with why it ended. */
async function* readOnce(given: {
  connection: Connection;
  target: URL;
  place: Place;
  limits: FollowLimits;
  signal: AbortSignal | undefined;
}): AsyncGenerator<JournalEntryView, Failed, undefined> {
  const { connection, target, place, limits, signal } = given;
  const lost = new AbortController();
  try {
    const response = await within(limits.answerWithinMs, lost, () =>
      connection.fetch(target, {
        headers: connection.headers({ Accept: "text/event-stream" }),
        cache: "no-store",
        signal: signal === undefined ? lost.signal : AbortSignal.any([signal, lost.signal]),
      }),
    );
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || !type.startsWith("text/event-stream")) return await refusalOf(response, limits, lost);
    yield* entriesOf(response, { place, limits, lost, signal });
    return { kind: "failed", error: ended(target), isPassing: true };
  } catch (error) {
    return failedOnTheWay(target, error);
  } finally {
    lost.abort();
  }
}

async function refusalOf(response: Response, limits: FollowLimits, lost: AbortController): Promise<Failed> {
  const outcome = outcomeOf(response, await within(limits.answerWithinMs, lost, () => textOf(response)));
  return outcome.kind === "failed" ? outcome : { kind: "failed", error: strangerAt(response), isPassing: false };
}

async function* entriesOf(
  response: Response,
  given: { place: Place; limits: FollowLimits; lost: AbortController; signal: AbortSignal | undefined },
): AsyncGenerator<JournalEntryView, void, undefined> {
  const { place, limits, lost, signal } = given;
  const came: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: eventCharactersMax,
    onEvent: (event) => void came.push(event),
    onId(id) {
      place.resumeAfter ??= positionIn(id);
    },
    onRetry(ms) {
      place.reconnectMs = Math.min(ms, limits.maxMs);
    },
    onError({ type }) {
      if (type === "max-buffer-size-exceeded") throw strangerAt(response);
    },
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await within(limits.silenceMaxMs, lost, () => reader.read());
    if (done) return;
    place.hasHeard = true;
    parser.feed(decoder.decode(value, { stream: true }));
    for (const { event, data } of came.splice(0)) {
      if (event !== "entry") continue;
      const entry = entryIn(data, response);
      if (entry.seq <= place.last) continue;
      place.last = entry.seq;
      place.resumeAfter = entry.seq;
      yield entry;
      if (isAborted(signal)) return; // what came with it is for nobody
    }
  }
}

/** Gives up what takes longer; a reader that takes its time between two of them has all of it. */
async function within<T>(ms: number, lost: AbortController, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => lost.abort(new Error(`nothing came for ${ms} ms`)), ms);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

function entryIn(data: string, response: Response): JournalEntryView {
  try {
    const entry = JSON.parse(data) as JournalEntryView;
    if (Number.isSafeInteger(entry.seq)) return entry;
  } catch {
    // told below
  }
  throw strangerAt(response);
}

function positionIn(id: string): number | undefined {
  return /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}

function ended({ origin }: URL): SignalboxError {
  return new SignalboxError("server-unreachable", `The server at ${origin} has ended the stream.`);
}

/** Asked anew each time: the signal changes while the generator waits. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
