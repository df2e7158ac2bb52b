import { once } from "node:events";
import type { Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { machines } from "../../machines/index.ts";
import type { Machine } from "../../src/core/machine.ts";
import { createApp } from "../../src/http/app.ts";
import { networkOf } from "../../src/http/address.ts";
import { createHttpServer, type ServerLimits } from "../../src/http/server.ts";
import { testMachines } from "../support/test-machines.ts";
import { createWorld, type World } from "../support/world.ts";
import { createAsk, createSite, type Ask } from "./site.ts";

interface Served extends World {
  url: string;
  server: Server;
  ask: Ask;
}

/** The app with limits that a test can reach. */
async function served(
  limits: Partial<ServerLimits> = {},
  stopping?: AbortSignal,
  machines: readonly Machine[] = testMachines,
): Promise<Served> {
  const world = createWorld({ machines });
  const app = createApp(world.engine, { ...(stopping && { stopping }) });
  const server = createHttpServer(app, limits).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { ask, end } = createAsk(url);
  onTestFinished(async () => {
    end();
    server.closeAllConnections();
    server.close();
    await world.engine.stop();
  });
  return { ...world, url, server, ask };
}

const connectionsOf = (server: Server) => promisify(server.getConnections.bind(server))();

async function opened({ url }: { url: string }, from = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", localAddress: from });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined); // an end is an end
  await once(socket, "connect");
  return socket;
}

/** All that comes until the other side ends it. */
async function untilEnd(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1"))).resume();
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve)); // `once` would reject on a reset
  return text;
}

/**
 * What a connection answers to bytes until the server ends it, so the last request has to ask for that; where it `isCut` the
 * client hangs up behind them.
 */
async function answerTo(site: { url: string }, bytes: string, { isCut = false } = {}): Promise<string> {
  const socket = await opened(site);
  const answer = untilEnd(socket);
  if (isCut) socket.end(bytes);
  else socket.write(bytes);
  return answer;
}

const last = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

const quick = { headersWithinMs: 200, requestWithinMs: 400, connectionsCheckMs: 50 };
const attackers = 24;

describe("a client that is slow on purpose", () => {
  const beginnings: Readonly<Record<string, string>> = {
    "sends nothing": "",
    "sends half a request line": "GET /livez HT",
    "sends headers without end": "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n",
    "sends a body that does not come":
      "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    "sends a body in pieces that stop":
      "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
  };

  it.each(Object.keys(beginnings))("is cut off when it %s, and others are served meanwhile", async (way) => {
    const { url, ask } = await served(quick);
    const sockets = await Promise.all(Array.from({ length: attackers }, () => opened({ url })));
    const ends = sockets.map(untilEnd);
    for (const socket of sockets) socket.write(beginnings[way] ?? "");

    const statuses = [];
    for (let asked = 0; asked < 20; asked += 1) statuses.push((await ask("GET", "/v1/machines")).status);
    const answers = await Promise.all(ends);

    expect(statuses).toEqual(statuses.map(() => 200));
    for (const answer of answers) expect(answer).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
  });

  it("is cut off when it does not read its answer, and others are served meanwhile", async () => {
    const { url, server, ask, engine } = await served({ stalledMs: 2_000 }); // longer than the answers take to be made, also on a loaded machine
    const labels = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}`, "x".repeat(200)]));
    const moves = Array.from({ length: 400 }, (_, index) => ({
      create: { machine: "counter", id: `c/${index}`, input: {}, labels },
    }));
    await engine.transact(moves); // 4 MB in one page, more than the sockets' buffers take
    const sockets = await Promise.all(Array.from({ length: attackers / 2 }, () => opened({ url })));
    for (const socket of sockets)
      socket.pause().write("GET /v1/instances?limit=400 HTTP/1.1\r\nHost: localhost\r\n\r\n");

    const statuses = [];
    for (let asked = 0; asked < 20; asked += 1) statuses.push((await ask("GET", "/livez")).status);
    await expect.poll(() => connectionsOf(server), { timeout: 10_000 }).toBe(1); // the good client's
    const texts = await Promise.all(sockets.map(untilEnd));

    expect(statuses).toEqual(statuses.map(() => 200));
    for (const text of texts) {
      const [, length = "0"] = /Content-Length: (\d+)/.exec(text) ?? [];
      expect(Number(length)).toBeGreaterThan(text.length); // it was cut off in the middle
    }
  });

  it("is not somebody who waits between two requests for as long as a proxy does", () => {
    const server = createHttpServer(() => {});

    expect(server.keepAliveTimeout).toBeGreaterThan(60_000);
    expect(server.timeout).toBeGreaterThan(server.keepAliveTimeout);
  });
});

describe("connections", () => {
  it("are limited by address, so that one cannot use up those of others", async () => {
    const { url } = await served({ connectionsPerLoopbackAddressMax: 5 });
    const held = await Promise.all(Array.from({ length: 5 }, () => opened({ url }, "127.0.0.2")));

    const refused = await untilEnd(await opened({ url }, "127.0.0.2"));
    const other = await opened({ url }, "127.0.0.3");
    const answer = untilEnd(other);
    other.write(last);

    expect(refused).toBe("");
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of held) expect(socket.closed).toBe(false);
  });

  it("are given back when they end", async () => {
    const { url, server } = await served({ connectionsPerLoopbackAddressMax: 2 });

    for (let round = 0; round < 5; round += 1) {
      const answers = [1, 2].map(() => answerTo({ url }, last));
      for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      await expect.poll(() => connectionsOf(server)).toBe(0);
    }
  });

  it("are limited together", async () => {
    const { url } = await served({ connectionsMax: 3 });
    await Promise.all(["127.0.0.2", "127.0.0.3", "127.0.0.4"].map((from) => opened({ url }, from)));

    expect(await untilEnd(await opened({ url }, "127.0.0.5"))).toBe("");
  });

  it("are counted for an IPv4 address as such, and for the /64 of an IPv6 one", () => {
    expect(networkOf("192.0.2.7")).toBe("192.0.2.7");
    expect(networkOf("::ffff:192.0.2.7")).toBe("192.0.2.7");
    expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe(networkOf("2001:db8:1:2::1"));
    expect(networkOf("2001:db8:1:2::1")).not.toBe(networkOf("2001:db8:1:3::1"));
    expect(networkOf("::1")).toBe("0:0:0:0::/64");
    expect(networkOf(undefined)).toBe("local socket");
  });

  it("carry a number of requests; the last answer says that it is the last, and what comes after it is refused", async () => {
    const { url } = await served({ requestsPerConnectionMax: 2 });
    const livez = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

    const socket = await opened({ url });
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.write(livez.repeat(3));
    await expect.poll(() => text.split("HTTP/1.1 ")).toHaveLength(4); // who does not heed it is not hung up on

    const [, first = "", second = "", third = ""] = text.split("HTTP/1.1 ");
    expect(first).toMatch(/^200 [^]*Connection: keep-alive/);
    expect(second).toMatch(/^200 [^]*Connection: close/);
    expect(third).toMatch(/^503 /);
  });
});

describe("a request that can be read in two ways", () => {
  const body = '{"moves":[]}';
  const smuggled = "GET /v1/machines HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const post = (headers: string, content: string) =>
    `POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${content}`;
  const ambiguous: Readonly<Record<string, string>> = {
    "has a length and is chunked": post("Content-Length: 4\r\nTransfer-Encoding: chunked", `0\r\n\r\n${smuggled}`),
    "is chunked and has a length": post("Transfer-Encoding: chunked\r\nContent-Length: 4", `0\r\n\r\n${smuggled}`),
    "has two lengths": post(`Content-Length: ${body.length}\r\nContent-Length: 0`, body + smuggled),
    "has a list of lengths": post(`Content-Length: ${body.length}, 0`, body + smuggled),
    "has a length with a sign": post(`Content-Length: +${body.length}`, body + smuggled),
    "has a length in hexadecimal": post("Content-Length: 0xc", body + smuggled),
    "has a negative length": post("Content-Length: -1", body + smuggled),
    "is chunked by a misspelt name": post("Transfer-Encoding: xchunked", `0\r\n\r\n${smuggled}`),
    "is chunked twice": post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", `0\r\n\r\n${smuggled}`),
    "is chunked after a blank": post("Transfer-Encoding : chunked", `0\r\n\r\n${smuggled}`),
    "has a chunk of a size that is none": post("Transfer-Encoding: chunked", `zz\r\n\r\n${smuggled}`),
    "has a chunk of a negative size": post("Transfer-Encoding: chunked", `-1\r\n\r\n${smuggled}`),
    "folds a header": post("X-A: b\r\n Content-Length: 5", smuggled),
    "has a bare line feed in a header": `GET /livez HTTP/1.1\nHost: localhost\n\n${smuggled}`,
    "has a NUL in a header": `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: \u0000\r\n\r\n${smuggled}`,
    "has no host": `GET /v1/machines HTTP/1.1\r\n\r\n`,
    "has two hosts": last.replace("\r\n\r\n", "\r\nHost: example.org\r\n\r\n"),
    "has two types": post(`Connection: close\r\nContent-Length: ${body.length}\r\nContent-Type: text/plain`, body),
    "has two keys": post(
      `Connection: close\r\nContent-Length: ${body.length}\r\nIdempotency-Key: a\r\nIdempotency-Key: b`,
      body,
    ),
  };

  it.each(Object.keys(ambiguous))("is refused when it %s, and nothing after it is heard", async (way) => {
    const { url } = await served();

    const answer = await answerTo({ url }, ambiguous[way] ?? "");

    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 2/g)).toBeNull();
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it("is one that a parser finds two in: both of two whole ones are answered", async () => {
    const { url } = await served();

    const answer = await answerTo({ url }, smuggled + last);

    expect(answer.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });
});

describe("a connection", () => {
  const post = (length: number, content: string) =>
    `POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${content}`;
  const livez = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

  it("carries the next request after one whose body was too large, or was not asked for", async () => {
    const { url } = await served();
    const tooLarge = 300_000;

    const afterLarge = await answerTo({ url }, post(tooLarge, "x".repeat(tooLarge)) + last);
    const inChunks = post(0, "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    const afterChunks = await answerTo(
      { url },
      `${inChunks}${tooLarge.toString(16)}\r\n${"x".repeat(tooLarge)}\r\n0\r\n\r\n${last}`,
    );
    const afterUnread = await answerTo({ url }, post(tooLarge, "x".repeat(tooLarge)).replace("/v1", "/v2") + last);

    expect(afterLarge).toMatch(/^HTTP\/1\.1 413 [^]*HTTP\/1\.1 200 /);
    expect(afterChunks).toMatch(/^HTTP\/1\.1 413 [^]*HTTP\/1\.1 200 /);
    expect(afterUnread).toMatch(/^HTTP\/1\.1 404 [^]*HTTP\/1\.1 200 /);
  });

  it("gets its refusal without the body, where the length says already that it is too large", async () => {
    const { url } = await served({ requestWithinMs: 60_000 });
    const socket = await opened({ url });
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));

    socket.write(post(300_000, "[")); // and the rest is held back

    await expect.poll(() => text, { timeout: 5_000 }).toMatch(/^HTTP\/1\.1 413 [^]*payload-too-large[^]*256 KiB/);
  });

  it("is told to go on by who reads the body, not by who refuses the request", async () => {
    const { url } = await served();
    const expecting = (length: number, content: string) =>
      post(length, content).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    const moves = '{"moves":[{"create":{"machine":"counter","id":"c","input":{}}}]}';

    const taken = await answerTo({ url }, expecting(moves.length, moves) + last);
    const refused = await answerTo({ url }, expecting(300_000, ""));
    const unread = await answerTo({ url }, expecting(10, "").replace("/v1", "/v2"));

    expect(taken).toMatch(/^HTTP\/1\.1 100 [^]*HTTP\/1\.1 200 [^]*HTTP\/1\.1 200 /);
    expect(refused).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close/); // else it would not know what comes next
    expect(unread).toMatch(/^HTTP\/1\.1 404 [^]*Connection: close/);
  });

  it("ends the connection after an upgrade that is not taken, also where the body waits to be asked for", async () => {
    const { url } = await served();
    const moves = '{"moves":[{"create":{"machine":"counter","id":"c","input":{}}}]}';
    const upgrading = "\r\nExpect: 100-continue\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

    const taken = await answerTo({ url }, post(moves.length, moves).replace("\r\n\r\n", upgrading));

    expect(taken).toMatch(/^HTTP\/1\.1 100 [^]*HTTP\/1\.1 200 [^]*Connection: close/);
  });

  it("that is cut off within a body has asked for nothing, also where the body may be left out", async () => {
    const { url, ask, engine } = await served({}, undefined, machines);
    await engine.create({ machine: "nodeMaintenance", id: "node/alpha", input: { node: "alpha" } });
    const cordon = "POST /v1/nodes/alpha/cordon HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

    for (const rest of [
      "Content-Length: 20\r\n\r\n{",
      "Content-Length: 20\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n{",
    ]) {
      await answerTo({ url }, cordon + rest, { isCut: true });
    }
    await ask("GET", "/livez"); // behind them

    expect((await engine.read("node/alpha")).version).toBe(1);
  });

  it("is not kept after a request to upgrade it, which is answered as any other", async () => {
    const { url } = await served();

    const answer = await answerTo(
      { url },
      livez.replace("\r\n\r\n", "\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n") + livez,
    );

    expect(answer.match(/HTTP\/1\.1 200 /g)).toHaveLength(1);
    expect(answer).toContain("Connection: close");
  });
});

describe("headers", () => {
  it("are refused beyond 100 of them, not dropped", async () => {
    const { ask } = await createSite();
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`X-${index}`, "1"]));

    expect((await ask("GET", "/v1/machines", { headers: many(90) })).status).toBe(200);
    expect((await ask("GET", "/v1/machines", { headers: many(101) })).body.code).toBe("invalid-request");
    expect((await ask("GET", "/v1/machines", { headers: many(1_500) })).status).toBe(400);
  });

  it("are refused beyond 16 KiB together", async () => {
    const { ask } = await createSite();

    expect((await ask("GET", "/v1/machines", { headers: { "X-A": "a".repeat(17_000) } })).status).toBe(431);
    expect((await ask("GET", `/v1/machines?a=${"a".repeat(17_000)}`)).status).toBe(431);
  });
});

describe("a server that is about to stop", () => {
  it("refuses requests with 503 and ends their connections, while one that was begun is finished", async () => {
    const stopping = new AbortController();
    const { url, ask, engine } = await served({}, stopping.signal);
    await engine.create({ machine: "counter", id: "c", input: {} });
    const kept = await opened({ url });
    kept.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(kept, "data");
    const begun = await opened({ url });
    const event = '{"type":"inc"}';
    const head = ["POST /v1/instances/c/events HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
    begun.write([...head, `Content-Length: ${event.length}`, "Expect: 100-continue", "\r\n"].join("\r\n"));
    const [continued] = (await once(begun, "data")) as [Buffer]; // its headers have been read

    stopping.abort();
    const late = untilEnd(kept);
    kept.write("GET /v1/machines HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const { status, body, headers } = await ask("POST", "/v1/instances/c/events", { body: { type: "inc" } });
    const finished = untilEnd(begun);
    begun.end(event);

    expect(String(continued)).toMatch(/^HTTP\/1\.1 100 /);
    expect([status, body.code, headers.connection]).toEqual([503, "shutting-down", "close"]);
    expect(await late).toMatch(/^HTTP\/1\.1 503 [^]*shutting-down/);
    expect(await finished).toMatch(/^HTTP\/1\.1 200 /);
    expect((await engine.read("c")).version).toBe(2);
  });
});
