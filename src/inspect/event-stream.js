/**
 * Reads `text/event-stream` from a fetch, since EventSource can send no headers.
 *
 * @typedef {{ id: string, type: string, data: string | null }} StreamEvent `data`: null where it only says a position
 */

const lineMax = 4_000_000; // an entry is smaller; whatever sends more is no stream of ours

/**
 * Takes text as it comes, in any pieces, and hands out whole events.
 *
 * @param {(event: StreamEvent) => void} onEvent
 */
export function createStreamParser(onEvent) {
  let rest = "";
  let id = "";
  let hasId = false;
  let type = "";
  /** @type {string[]} */
  let data = [];
  let endedByReturn = false;

  /** @param {string} line */
  function take(line) {
    if (line === "") {
      if (hasId || data.length > 0)
        onEvent({ id, type: type || "message", data: data.length > 0 ? data.join("\n") : null });
      hasId = false;
      type = "";
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) {
      id = value;
      hasId = true;
    }
  }

  return {
    /** @param {string} text */
    push(text) {
      rest += endedByReturn && text.startsWith("\n") ? text.slice(1) : text;
      if (text !== "") endedByReturn = text.endsWith("\r");
      const lines = rest.split(/\r\n|\n|\r/);
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
      if (rest.length > lineMax) throw new Error("a line of the stream is endless");
    },
  };
}

/**
 * @typedef {object} Follower
 * @property {() => void} stop
 * @property {() => void} retryNow
 */

const firstDelayMs = 500;
const lastDelayMs = 10_000;
const silenceMaxMs = 40_000; // the server says something every 15 s

/**
 * Follows a stream for ever: begins again where it stopped, waits a little longer after each failure, and lets go of its
 * connection while nobody looks (a browser has six for each server).
 *
 * @param {object} given
 * @param {(headers: Record<string, string>, signal: AbortSignal) => Promise<Response>} given.open
 * @param {number | undefined} given.after the last position that is known; undefined: from now on
 * @param {(data: string) => void} given.onEvent each once, in order
 * @param {(connection: "connecting" | "live" | "lost" | "paused", position: number | undefined) => void} given.onConnection
 * @param {(response: Response) => Promise<boolean>} given.onRefusal whether to try again
 * @returns {Follower}
 */
export function follow({ open, after, onEvent, onConnection, onRefusal }) {
  let position = after;
  let failures = 0;
  let stopped = false;
  let attempt = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let again;

  function schedule() {
    if (stopped || document.hidden) return;
    const delayMs = Math.min(lastDelayMs, firstDelayMs * 2 ** Math.max(0, failures - 1));
    clearTimeout(again);
    again = setTimeout(() => void run(), delayMs * (0.75 + Math.random() / 2));
  }

  async function run() {
    clearTimeout(again);
    attempt.abort();
    attempt = new AbortController();
    const { signal } = attempt;
    try {
      if (failures === 0) onConnection("connecting", position);
      const response = await open(position === undefined ? {} : { "Last-Event-ID": String(position) }, signal);
      if (!response.ok || response.body === null) {
        if (signal.aborted) return;
        if (await onRefusal(response)) throw new Error(`the stream answers ${response.status}`);
        return;
      }
      await read(response.body, signal);
      throw new Error("the stream has ended");
    } catch {
      if (signal.aborted) return;
      failures += 1;
      onConnection("lost", position);
      schedule();
    }
  }

  /**
   * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
   * @param {AbortSignal} signal
   */
  async function read(body, signal) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let silence;
    const parser = createStreamParser((event) => {
      const seq = Number(event.id);
      if (event.id !== "" && Number.isSafeInteger(seq)) {
        const isKnown = position !== undefined && seq <= position;
        position = Math.max(seq, position ?? 0);
        if (isKnown) return;
      }
      if (event.data !== null) onEvent(event.data);
    });
    failures = 0;
    onConnection("live", position);
    try {
      for (;;) {
        clearTimeout(silence);
        silence = setTimeout(() => void reader.cancel(), silenceMaxMs);
        const { done, value } = await reader.read();
        if (done || signal.aborted) return;
        parser.push(value);
      }
    } finally {
      clearTimeout(silence);
      void reader.cancel().catch(() => undefined);
    }
  }

  function onVisibility() {
    if (document.hidden) {
      clearTimeout(again);
      attempt.abort();
      onConnection("paused", position);
    } else {
      failures = 0;
      void run();
    }
  }

  const retryNow = () => {
    if (!stopped && failures > 0) void run();
  };
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("online", retryNow);
  if (!document.hidden) void run();
  return {
    retryNow,
    stop() {
      stopped = true;
      clearTimeout(again);
      attempt.abort();
      document.removeEventListener("visibilitychange", onVisibility);
      removeEventListener("online", retryNow);
    },
  };
}
