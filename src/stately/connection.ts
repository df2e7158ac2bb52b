import { setImmediate, setTimeout } from "node:timers/promises";
import { SignalboxError } from "../core/errors.ts";
import type { Clock } from "../core/clock.ts";

/** An open WebSocket to a receiver that may read as slowly as it likes. What it sends is ignored. */
export interface Connection {
  /** Aborted when the connection has ended, from whichever side. */
  readonly lost: AbortSignal;
  /** Resolves when the network has taken the text. Rejects when the connection ended before. */
  send(text: string): Promise<void>;
  close(): void;
}

const openingMs = 10_000; // a receiver that takes longer for its handshake is not there
const drainPollMs = 20; // a WebSocket tells how much it holds, not when that changes

/** Throws `invalid-request` for what is not the address of a WebSocket. */
export function parseInspectUrl(text: string): URL {
  const url = URL.parse(text);
  const fault = url === null ? "it cannot be read" : faultIn(url);
  if (url !== null && fault === undefined) return url;
  throw new SignalboxError(
    "invalid-request",
    `The inspector's URL does not fit: ${fault}. Give one like ws://localhost:8080.`,
  );
}

function faultIn({ protocol, username, password, hash }: URL): string | undefined {
  if (!/^wss?:$/.test(protocol)) return "it does not begin with ws:// or wss://";
  if (username !== "" || password !== "") return "a WebSocket takes no name and password";
  return hash === "" ? undefined : "a WebSocket takes no fragment";
}

/** Opens a connection; the signal ends it. Rejects when it cannot be opened or not in time. */
export async function connect(url: URL, clock: Clock, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  const socket = new WebSocket(url);
  const lost = new AbortController();
  const opened = Promise.withResolvers<void>();
  const over = new AbortController(); // no more waiting for it to open
  let fault = "no connection could be made"; // a WebSocket does not tell why
  socket.addEventListener("open", () => {
    fault = "the connection was ended";
    opened.resolve();
  });
  socket.addEventListener("error", ({ message }) => {
    if (message !== "") fault = message;
  });
  socket.addEventListener("close", ({ code, reason }) => {
    lost.abort(new Error(`${fault} (${code}${reason === "" ? "" : `, ${reason}`})`));
    opened.reject(lost.signal.reason);
  });
  const leave = () => {
    opened.reject(signal.reason);
    socket.close();
  };
  signal.addEventListener("abort", leave, { signal: lost.signal });
  void clock.wakeAt(clock.now() + openingMs, over.signal).then(() => opened.reject(new Error("it did not answer")));
  try {
    await opened.promise;
  } catch (error) {
    socket.close();
    throw error;
  } finally {
    over.abort();
  }

  return {
    lost: lost.signal,
    async send(text) {
      socket.send(text);
      await setImmediate(); // others have their turn, and most often the network has taken it by then
      while (isOpen(socket) && socket.bufferedAmount > 0) {
        await setTimeout(drainPollMs, undefined, { signal: lost.signal }).catch(() => undefined);
      }
      if (!isOpen(socket)) throw lost.signal.reason ?? new Error("it is closing");
    },
    close: () => socket.close(),
  };
}

function isOpen({ readyState }: WebSocket): boolean {
  return readyState === WebSocket.OPEN;
}
