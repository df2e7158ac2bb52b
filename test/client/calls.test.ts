import { describe, expect, it } from "vitest";
import { createClient, SignalboxError, type ClientOptions } from "../../src/client/index.ts";
import { waitMs } from "../../src/client/retry.ts";
import { cut, hostileServer, html, json, problem, rudeServer } from "./hostile-server.ts";

const quick = { retries: { attemptsMax: 4, baseMs: 1 } };
const instance = { id: "c", version: 1 };
const inc = { type: "inc" };

function clientOf(url: string, options: Partial<ClientOptions> = {}) {
  return createClient({ url, ...quick, ...options });
}

async function errorOf(promise: Promise<unknown>): Promise<SignalboxError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SignalboxError);
  return error as SignalboxError;
}

describe("a call", () => {
  it("is made again under the same key when its answer is lost, and under a new one the next time", async () => {
    const { url, requests } = await hostileServer(cut, cut, json(200, instance));
    const client = clientOf(url);

    expect(await client.send("c", inc)).toEqual(instance);
    await client.send("c", inc);

    const keys = requests.map(({ headers }) => headers["idempotency-key"]);
    expect(requests).toHaveLength(4);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[3]).not.toBe(keys[0]);
    expect(new Set(requests.map(({ body }) => body))).toEqual(new Set(['{"type":"inc"}']));
  });

  it("that only reads carries no key, and is made again too", async () => {
    const { url, requests } = await hostileServer(cut, json(200, instance));

    expect(await clientOf(url).read("a/b")).toEqual(instance);

    expect(requests.map(({ method, path, headers }) => [method, path, headers["idempotency-key"]])).toEqual([
      ["GET", "/v1/instances/a%2Fb", undefined],
      ["GET", "/v1/instances/a%2Fb", undefined],
    ]);
  });

  it.each([
    [429, "too-many-requests"],
    [503, "store-unavailable"],
    [503, "shutting-down"],
  ] as const)("is made again after %i %s", async (status, code) => {
    const { url, requests } = await hostileServer(problem(status, code, { "Retry-After": "0" }), json(200, instance));

    expect(await clientOf(url).send("c", inc)).toEqual(instance);
    expect(requests).toHaveLength(2);
  });

  it.each([502, 503, 504])("is made again when a proxy says %i in its own words", async (status) => {
    const { url } = await hostileServer(html(status), json(200, instance));

    expect(await clientOf(url).read("c")).toEqual(instance);
  });

  it.each([
    [400, "invalid-request"],
    [401, "unauthenticated"],
    [404, "not-found"],
    [409, "event-refused"],
    [412, "version-mismatch"],
    [422, "idempotency-key-reused"],
    [500, "internal-fault"],
    [507, "insufficient-storage"],
  ] as const)("is not made again after %i %s, which is thrown with the request's id", async (status, code) => {
    const { url, requests } = await hostileServer(problem(status, code));

    const error = await errorOf(clientOf(url).send("c", inc));

    expect(error).toMatchObject({ code, status, detail: `It is ${code}.`, requestId: "request-1" });
    expect(requests).toHaveLength(1);
  });

  it("is not made again when something else answers", async () => {
    for (const handler of [html(200), html(404), json(200, undefined as never)]) {
      const { url, requests } = await hostileServer(handler);

      expect(await errorOf(clientOf(url).read("c"))).toMatchObject({
        code: "internal-fault",
        detail: expect.stringMatching(/^What answered \d+ at http:\/\/127\.0\.0\.1:\d+ is no Signalbox server\.$/),
      });
      expect(requests).toHaveLength(1);
    }
  });

  it("is given up after as many attempts as there may be", async () => {
    const lost = await hostileServer(cut);
    const busy = await hostileServer(problem(503, "store-unavailable"));

    expect(await errorOf(clientOf(lost.url).send("c", inc))).toMatchObject({ code: "server-unreachable", status: 503 });
    expect(await errorOf(clientOf(busy.url).send("c", inc))).toMatchObject({ code: "store-unavailable" });
    expect([lost.requests.length, busy.requests.length]).toEqual([4, 4]);
    expect(await errorOf(clientOf("http://127.0.0.1:1").read("c"))).toMatchObject({
      code: "server-unreachable",
      detail: expect.stringMatching(/^No server answers at http:\/\/127\.0\.0\.1:1 \(.+\)\.$/),
    });
  });

  it("is given up at once when the server asks for more patience than there is", async () => {
    const { url, requests } = await hostileServer(problem(429, "too-many-requests", { "Retry-After": "3600" }));

    expect(await errorOf(clientOf(url).read("c"))).toMatchObject({ code: "too-many-requests", status: 429 });
    expect(requests).toHaveLength(1);
  });

  it("ends with the signal's reason, while it is asked and while it waits", async () => {
    const reason = new Error("enough");
    const asked = new AbortController();
    const hanging = await hostileServer(() => asked.abort(reason));
    const waited = new AbortController();
    const busy = await hostileServer((request, response) => {
      problem(503, "store-unavailable")(request, response);
      response.on("close", () => setImmediate(() => waited.abort(reason)));
    });

    await expect(clientOf(hanging.url).read("c", { signal: asked.signal })).rejects.toBe(reason);
    const patient = clientOf(busy.url, { retries: { baseMs: 3_600_000, maxMs: 3_600_000 } });
    await expect(patient.send("c", inc, { signal: waited.signal })).rejects.toBe(reason);
    await expect(clientOf(busy.url).read("c", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(busy.requests).toHaveLength(1);
  });

  it("ends after its time, whatever the server does meanwhile", async () => {
    const hanging = await hostileServer(() => undefined);
    const dribbling = await hostileServer((_, response) => {
      response.writeHead(200, { "Content-Type": "application/json" });
      const timer = setInterval(() => response.write(" "), 1);
      response.on("close", () => clearInterval(timer));
    });

    for (const { url } of [hanging, dribbling]) {
      const error = await errorOf(clientOf(url, { retries: { attemptsMax: 1 }, answerWithinMs: 50 }).read("c"));
      expect(error).toMatchObject({ code: "server-unreachable", detail: expect.stringContaining("timeout") });
    }
  });

  it("takes neither endless headers nor an endless answer", async () => {
    const headers = await rudeServer((socket) => {
      const write = () => {
        while (!socket.destroyed && socket.write(`X-Endless: ${"x".repeat(10_000)}\r\n`));
        socket.once("drain", write);
      };
      socket.write("HTTP/1.1 200 OK\r\n");
      write();
    });
    const answer = await hostileServer((_, response) => {
      response.writeHead(200, { "Content-Type": "application/json" });
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(4_194_304, " ")));
        response.once("drain", write);
      };
      write();
    });

    const once = { retries: { attemptsMax: 1 } };
    expect(await errorOf(clientOf(headers.url, once).read("c"))).toMatchObject({ code: "server-unreachable" });
    expect(await errorOf(clientOf(answer.url).read("c"))).toMatchObject({ code: "internal-fault" });
    expect(answer.requests).toHaveLength(1);
  });

  it("carries the token, the version and the body that it is given", async () => {
    const { url, requests } = await hostileServer(json(200, instance));
    const client = clientOf(`${url}/ops/signalbox`, { token: "sbx_abc" });

    await client.send("c", inc, { expectedVersion: 7, idempotencyKey: "mine" });
    await client.call("list-instances", { query: { state: "Active", limit: 5 } });

    expect(requests).toMatchObject([
      {
        method: "POST",
        path: "/ops/signalbox/v1/instances/c/events",
        headers: {
          authorization: "Bearer sbx_abc",
          "if-match": '"v7"',
          "idempotency-key": "mine",
          "content-type": "application/json",
        },
      },
      {
        method: "GET",
        path: "/ops/signalbox/v1/instances?state=Active&limit=5",
        headers: { authorization: "Bearer sbx_abc" },
      },
    ]);
  });

  it("is refused before it is made when it cannot be", async () => {
    expect(() => createClient({ url: "localhost:4100" })).toThrow(
      /such as http:\/\/127\.0\.0\.1:4100, not localhost:4100/,
    );
    expect(() => createClient({ url: "http://localhost", token: "two words" })).toThrow(/invalid-request/);
    expect(await errorOf(clientOf("http://127.0.0.1:1").read(".."))).toMatchObject({ code: "not-found" });
  });
});

describe("the wait before another attempt", () => {
  it("is at least what the server asks for, and otherwise doubles with some chance in it", () => {
    const limits = { baseMs: 100, maxMs: 1_000 };
    const waits = (failed: number) => Array.from({ length: 200 }, () => waitMs({ failed, limits, retryAfterMs: 0 }));

    expect(waitMs({ failed: 1, limits, retryAfterMs: 7_000 })).toBe(7_000);
    for (const [failed, full] of [
      [1, 100],
      [2, 200],
      [3, 400],
      [9, 1_000],
    ] as const) {
      expect(Math.min(...waits(failed))).toBeGreaterThanOrEqual(full / 2);
      expect(Math.max(...waits(failed))).toBeLessThanOrEqual(full);
      expect(new Set(waits(failed)).size).toBeGreaterThan(100);
    }
  });
});
