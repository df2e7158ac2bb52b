import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { onTestFinished } from "vitest";

/** A stream of server-sent events as it comes over a socket. */
export interface EventStream {
  response: IncomingMessage;
  events: EventSourceMessage[];
  /** The last `id`, whether or not an event came with it. */
  lastId(): string | undefined;
  comments: string[];
  retryMs(): number | undefined;
  /** Journal numbers of what came. */
  seqs(): number[];
  /** Resolves when the server ends or cuts it; whether it came to an end as it should. */
  ended: Promise<{ isWhole: boolean }>;
  leave(): void;
}

export async function openStream(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
  const asked = request(url, { headers, agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const leave = () => void response.destroy();
  onTestFinished(leave);
  const events: EventSourceMessage[] = [];
  const comments: string[] = [];
  let lastId: string | undefined;
  let retryMs: number | undefined;
  const parser = createParser({
    onEvent: (event) => void events.push(event),
    onId(id) {
      lastId = id;
    },
    onComment: (comment) => void comments.push(comment),
    onRetry(ms) {
      retryMs = ms;
    },
  });
  const ended = new Promise<{ isWhole: boolean }>((resolve) => {
    response.once("close", () => resolve({ isWhole: response.complete }));
  });
  response.on("error", () => undefined); // told by `ended`
  response.setEncoding("utf8").on("data", (chunk: string) => parser.feed(chunk));
  return {
    response,
    events,
    comments,
    lastId: () => lastId,
    retryMs: () => retryMs,
    seqs: () => events.map(({ id }) => Number(id)),
    ended,
    leave,
  };
}
