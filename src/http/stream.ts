import { once } from "node:events";
import { setImmediate as turnOfOthers } from "node:timers/promises";
import type { Request, Response } from "express";
import { messageOf, SignalboxError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { OpenFeed } from "../engine/feed.ts";
import type { JournalEntry } from "../engine/reading.ts";
import type { Caller } from "../operations/operation.ts";
import { entryBody } from "../operations/wire.ts";
import { requestIdOf } from "./request-id.ts";
import { headersOf } from "./send.ts";

export interface StreamLimits {
  /** Streams of one principal at the same time: each holds a socket. Beyond it 429. */
  perPrincipalMax: number;
  /** A comment that often tells either side that the other one is still there; whoever takes nothing from one to the next is cut off. */
  heartbeatMs: number;
  /** Bytes that may wait in the socket of one stream; a reader that lets more gather is cut off, and resumes where it was. */
  waitingBytesMax: number;
}

export const defaultStreamLimits: StreamLimits = {
  perPrincipalMax: 32,
  heartbeatMs: 15_000,
  waitingBytesMax: 1_048_576,
};

/** Every stream of server-sent events that is open. */
export interface Streams {
  /**
   * Writes a feed for as long as the caller stays: `id` is the journal number, `event` is `entry`, `data` the entry as a
   * page of the journal shows it. Throws `too-many-requests` before anything is written.
   */
  send(request: Request, response: Response, feed: OpenFeed, caller: Caller): Promise<void>;
}

const reconnectMs = 1_000; // what a browser waits; a server that restarts is back after two or three of them

interface Connection {
  principal: string;
  beat(): void;
  end(): void;
}

export function createStreams(given: { limits: StreamLimits; stopping: AbortSignal | undefined; log: Log }): Streams {
  const { limits, stopping, log } = given;
  const open = new Set<Connection>();
  const frames = new WeakMap<JournalEntry, Buffer>(); // readers share the entries of the tail: each is written out once
  let heart: NodeJS.Timeout | undefined;
  stopping?.addEventListener("abort", () => {
    for (const connection of open) connection.end();
  });

  function checkRoom(principal: string): void {
    const held = [...open].filter((each) => each.principal === principal).length;
    if (held < limits.perPrincipalMax) return;
    const detail = `${principal} has ${held} streams open, which is as many as one may have. Close one first; one that was lost is noticed soon.`;
    throw new SignalboxError("too-many-requests", detail, { extra: { retryAfterMs: limits.heartbeatMs } });
  }

  function add(connection: Connection): void {
    open.add(connection);
    heart ??= setInterval(() => {
      for (const each of open) each.beat();
    }, limits.heartbeatMs);
  }

  function remove(connection: Connection): void {
    open.delete(connection);
    if (open.size > 0) return;
    clearInterval(heart);
    heart = undefined;
  }

  function frameOf(entry: JournalEntry): Buffer {
    const made = frames.get(entry);
    if (made !== undefined) return made;
    const frame = Buffer.from(`id: ${entry.seq}\nevent: entry\ndata: ${JSON.stringify(entryBody(entry))}\n\n`);
    frames.set(entry, frame);
    return frame;
  }

  function cutOff(response: Response, why: string): void {
    log.warn({ requestId: requestIdOf(response), waitingBytes: response.writableLength }, why);
    response.destroy();
  }

  /** Who catches up is waited for. New entries are not held back for a slow reader, which is cut off. */
  async function makeRoom(response: Response, isLive: boolean, signal: AbortSignal): Promise<void> {
    if (!isLive) {
      await once(response, "drain", { signal }).catch(() => undefined); // it left
      return;
    }
    await turnOfOthers(); // the socket takes what it can
    if (response.writableLength > limits.waitingBytesMax) {
      cutOff(response, "a stream was cut off: its reader is too slow");
    }
  }

  return {
    async send(request, response, feed, caller) {
      const { principal } = caller;
      checkRoom(principal);
      if (response.destroyed) return;
      setHead(response);
      if (request.method === "HEAD") {
        response.end();
        return;
      }
      const left = new AbortController();
      let isStuck = false;
      const connection: Connection = {
        principal,
        beat() {
          if (response.destroyed || response.writableEnded) return;
          if (caller.isStillValid?.() === false) return connection.end();
          if (isStuck)
            return cutOff(response, "a stream was cut off: its reader has taken nothing since the last heartbeat");
          isStuck = response.writableNeedDrain;
          response.write(": heartbeat\n\n");
        },
        end: () => left.abort(),
      };
      add(connection);
      if (stopping?.aborted === true) connection.end();
      response.once("close", () => {
        remove(connection);
        left.abort();
      });
      response.on("drain", () => {
        isStuck = false;
      });
      response.write(`retry: ${reconnectMs}\nid: ${feed.position}\n\n`); // whoever is cut off before the first entry resumes here
      try {
        for await (const { entries, isLive } of feed.pages(left.signal)) {
          for (const entry of entries) {
            if (left.signal.aborted || response.destroyed) break;
            response.write(frameOf(entry));
            const isFull = isLive ? response.writableLength > limits.waitingBytesMax : response.writableNeedDrain;
            if (isFull) await makeRoom(response, isLive, left.signal);
          }
        }
        finish(response);
      } catch (error) {
        log.error({ requestId: requestIdOf(response), error: messageOf(error) }, "a stream failed");
        response.destroy();
      }
    },
  };
}

function setHead(response: Response): void {
  response.status(200).set(headersOf(response)).type("text/event-stream");
  response.set("Cache-Control", "no-store, no-transform"); // compression would hold entries back
  response.set("X-Accel-Buffering", "no"); // and so would a proxy
}

/** Ends it, and does not wait for a reader that takes nothing. */
function finish(response: Response): void {
  if (response.destroyed) return;
  response.end();
  setImmediate(() => {
    if (!response.writableFinished) response.destroy();
  });
}
