import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { createClient, type ClientOptions, type FollowQuery, type JournalEntryView } from "../../src/client/index.ts";
import { until } from "../providers/until.ts";
import { hostileServer, html, problem, type Handler } from "./hostile-server.ts";

const quick = { baseMs: 1, maxMs: 2 };

function clientOf(url: string, following: ClientOptions["following"] = {}) {
  return createClient({ url, following: { ...quick, ...following } });
}

const event = (seq: number) => `id: ${seq}\nevent: entry\ndata: {"seq":${seq}}\n\n`;

/** A stream that says something, and then goes on, ends or is cut. */
const stream =
  (text: string, then: (response: ServerResponse) => void = () => undefined): Handler =>
  (_, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    if (text === "") then(response);
    else response.write(text, () => then(response));
  };
const cutOff = (response: ServerResponse) => void response.destroy();
const end = (response: ServerResponse) => void response.end();

/** Follows until it has so many, and leaves. */
async function take(count: number, entries: AsyncIterable<JournalEntryView>): Promise<number[]> {
  const seen: number[] = [];
  for await (const { seq } of entries) if (seen.push(seq) === count) break;
  return seen;
}

describe("following the journal", () => {
  it("goes on after the last entry, whether the connection ends, is cut, or is cut within an event", async () => {
    const { url, requests } = await hostileServer(
      stream(`retry: 1\nid: 4\n\n${event(5)}`, end),
      stream(event(6), cutOff),
      stream('id: 7\nevent: entry\ndata: {"se', cutOff),
      stream("", cutOff),
      stream(event(7) + event(8)),
    );

    expect(await take(4, clientOf(url).follow({ after: 4 }))).toEqual([5, 6, 7, 8]);
    expect(requests.map(({ path }) => path)).toEqual(
      [4, 5, 6, 6, 6].map((after) => `/v1/journal/stream?after=${after}`),
    );
  });

  it("that begins with what comes loses nothing when it is cut before the first entry", async () => {
    const { url, requests } = await hostileServer(stream("id: 17\n\n", cutOff), stream(event(18)));

    expect(await take(1, clientOf(url).follow({ instance: "node/a" }))).toEqual([18]);
    expect(requests.map(({ path }) => path)).toEqual([
      "/v1/instances/node%2Fa/stream",
      "/v1/instances/node%2Fa/stream?after=17",
    ]);
  });

  it("hands nothing on twice, whatever the server repeats, and passes over what it does not know", async () => {
    const { url } = await hostileServer(
      stream(event(1) + event(2) + event(1), cutOff),
      stream(`${event(1)}${event(2)}: a comment\n\nevent: other\ndata: {}\n\n${event(3)}`),
    );

    expect(await take(3, clientOf(url).follow({ after: 0 }))).toEqual([1, 2, 3]);
  });

  it("makes the connection anew when nothing comes, not even a heartbeat", async () => {
    const { url, requests } = await hostileServer(
      () => undefined, // not even a beginning
      stream("", () => undefined),
      stream(event(1)),
    );
    const client = createClient({ url, answerWithinMs: 40, following: { ...quick, silenceMaxMs: 40 } });

    expect(await take(1, client.follow({ after: 0 }))).toEqual([1]);
    expect(requests.length).toBeGreaterThanOrEqual(3); // more of them on a machine that takes 40 ms to answer
  });

  it("keeps a connection on which only heartbeats come, and one whose reader takes its time", async () => {
    let beats = 0;
    const { url, requests } = await hostileServer((request, response) => {
      stream(event(1))(request, response);
      const heart = setInterval(() => {
        beats += 1;
        response.write(beats === 12 ? event(2) : ": heartbeat\n\n");
      }, 50);
      response.on("close", () => clearInterval(heart));
    });
    const seen: number[] = [];
    for await (const { seq } of clientOf(url, { silenceMaxMs: 500 }).follow({ after: 0 })) {
      seen.push(seq);
      if (seq === 2) break;
      await until("more time has passed than silence may last", () => beats >= 12);
    }

    expect(seen).toEqual([1, 2]);
    expect(requests).toHaveLength(1);
  });

  it("waits as it is told to by 429 and 503, and says each time what it lost", async () => {
    const { url } = await hostileServer(
      problem(429, "too-many-requests", { "Retry-After": "0" }),
      problem(503, "shutting-down"),
      stream(event(1)),
    );
    const lost: unknown[] = [];
    const onLost: FollowQuery["onLost"] = ({ error, waitMs }) =>
      void lost.push([(error as Error).message, waitMs <= 2]);

    expect(await take(1, clientOf(url).follow({ after: 0, onLost }))).toEqual([1]);
    expect(lost).toEqual([
      ["too-many-requests: It is too-many-requests.", true],
      ["shutting-down: It is shutting-down.", true],
    ]);
  });

  it.each([
    [400, "invalid-request"],
    [401, "unauthenticated"],
    [403, "forbidden"],
    [404, "not-found"],
    [500, "internal-fault"],
  ] as const)("throws what it is refused with: %i %s", async (status, code) => {
    const { url, requests } = await hostileServer(stream(event(1), end), problem(status, code));

    await expect(take(2, clientOf(url).follow({ after: 0 }))).rejects.toMatchObject({
      status,
      code,
      requestId: "request-1",
    });
    expect(requests).toHaveLength(2);
  });

  it("throws when something else answers, or talks nonsense", async () => {
    const endless: Handler = (_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("data: ");
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1_048_576, "x")));
        response.once("drain", write);
      };
      write();
    };
    for (const handler of [
      html(200),
      stream("event: entry\ndata: <h1>\n\n"),
      stream("event: entry\ndata: null\n\n"),
      endless,
    ]) {
      const { url, requests } = await hostileServer(handler);

      await expect(take(1, clientOf(url).follow({ after: 0 }))).rejects.toMatchObject({ code: "internal-fault" });
      expect(requests).toHaveLength(1);
    }
  });

  it("gives a server up that is away for too long", async () => {
    const { url } = await hostileServer(stream(event(1), cutOff), stream("", cutOff));
    const seen: number[] = [];
    const following = (async () => {
      for await (const { seq } of clientOf(url, { giveUpAfterMs: 30 }).follow({ after: 0 })) seen.push(seq);
    })();

    await expect(following).rejects.toMatchObject({ code: "server-unreachable" });
    expect(seen).toEqual([1]);
  });

  it("ends with its signal, while it reads and while it waits, and leaves the server", async () => {
    const left = Promise.withResolvers<void>();
    const reading = await hostileServer((request, response) => {
      response.on("close", left.resolve);
      stream(event(1))(request, response);
    });
    const waiting = await hostileServer(problem(503, "shutting-down"));
    const stop = new AbortController();

    for await (const _entry of clientOf(reading.url).follow({ after: 0, signal: stop.signal }))
      setImmediate(() => stop.abort());
    await left.promise;
    const later = new AbortController();
    const slow = createClient({ url: waiting.url, following: { baseMs: 3_600_000, maxMs: 3_600_000 } });
    for await (const _entry of slow.follow({ signal: later.signal, onLost: () => setImmediate(() => later.abort()) }));
    for await (const _entry of slow.follow({ signal: AbortSignal.abort() }));

    expect(waiting.requests).toHaveLength(1);
  });

  it("leaves the server when its reader has seen enough", async () => {
    const left = Promise.withResolvers<void>();
    const { url } = await hostileServer((request, response) => {
      response.on("close", left.resolve);
      stream(event(1))(request, response);
    });

    expect(await take(1, clientOf(url).follow({ after: 0 }))).toEqual([1]);
    await left.promise;
  });
});
