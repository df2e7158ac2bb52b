import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../src/providers/processes/free-port.ts";
import { createRouter } from "../../src/providers/processes/router.ts";
import { get } from "./traffic.ts";
import { until } from "./until.ts";

type Handler = (incoming: IncomingMessage, answer: ServerResponse) => unknown;

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const backendOf = async (handler: Handler) =>
  listening(createServer((incoming, answer) => void handler(incoming, answer)));

/** Takes a connection and breaks it off when the first byte has come. */
async function brokenBackend() {
  let tries = 0;
  const breakOff = (socket: Socket) => {
    socket.once("data", () => {
      tries += 1;
      socket.resetAndDestroy();
    });
    socket.on("error", () => undefined);
  };
  return { port: await listening(createTcpServer(breakOff)), tries: () => tries };
}

/** A router over backends that are named by their place in the list. */
async function routerOver(...ports: number[]) {
  const { server, pool } = createRouter("web");
  const port = await listening(server);
  const backends = ports.map((backend, i) => ({ id: String(i), port: backend }));
  pool.replace(backends);
  return { port, pool, backends };
}

const saying =
  (text: string): Handler =>
  (_, answer) =>
    answer.end(text);

describe("the router", () => {
  it("goes round robin over its backends", async () => {
    const { port } = await routerOver(await backendOf(saying("a")), await backendOf(saying("b")));

    const answers = [await get(port, "/"), await get(port, "/"), await get(port, "/"), await get(port, "/")];

    expect(answers.map(({ body }) => body).toSorted()).toEqual(["a", "a", "b", "b"]);
  });

  it("answers 503 with a problem when no backend is ready", async () => {
    const { port } = await routerOver();

    const { status, body } = await get(port, "/");

    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ status: 503, detail: "No replica of web is ready" });
  });

  it("answers 503 when every backend refuses the connection", async () => {
    const { port } = await routerOver(await freePort(new Set()), await freePort(new Set()));

    expect(JSON.parse((await get(port, "/")).body)).toMatchObject({ status: 503, detail: "No replica of web answers" });
  });

  it.each(["GET", "POST"])("sends a %s that was refused a connection to another backend", async (method) => {
    const { port } = await routerOver(await freePort(new Set()), await backendOf((i, answer) => i.pipe(answer)));
    const body = method === "POST" ? "hello" : "";

    for (let i = 0; i < 4; i++) {
      expect(await get(port, "/", { method, ...(body && { body }) })).toEqual({ status: 200, body });
    }
  });

  it("repeats a GET that was broken off before its answer at another backend", async () => {
    const broken = await brokenBackend();
    const { port } = await routerOver(broken.port, await backendOf(saying("well")));

    for (let i = 0; i < 4; i++) expect(await get(port, "/")).toEqual({ status: 200, body: "well" });

    expect(broken.tries()).toBeGreaterThan(0);
  });

  it.each(["hello", ""])("never repeats a POST that may have taken effect, with a body of '%s'", async (body) => {
    const broken = await brokenBackend();
    const { port } = await routerOver(broken.port);

    const { status } = await get(port, "/", { method: "POST", body });

    expect(status).toBe(502);
    expect(broken.tries()).toBe(1);
  });

  it("survives a backend that does not speak HTTP", async () => {
    for (const nonsense of ["HTTP/1.1 099 Odd\r\n\r\n", "HTTP/1.1 101 Other\r\nupgrade: x\r\n\r\n", "hello\r\n\r\n"]) {
      const { port } = await routerOver(await listening(createTcpServer((socket) => void socket.end(nonsense))));

      expect(await get(port, "/", { method: "POST" })).toMatchObject({ status: 502 });
    }
  });

  it("breaks off an answer that the backend breaks off", async () => {
    const backend = await backendOf((_, answer) => {
      answer.write("half");
      setImmediate(() => answer.destroy());
    });
    const { port } = await routerOver(backend);

    await expect(get(port, "/")).rejects.toThrow();
  });

  it("hands on bodies in both directions as they come", async () => {
    const { port } = await routerOver(await backendOf((incoming, answer) => void incoming.pipe(answer)));
    const sent = request({ host: "127.0.0.1", port, method: "POST" });
    sent.write("one");
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.setEncoding("utf8");

    expect(await once(answer, "data")).toEqual(["one"]);
    sent.write("two");
    expect(await once(answer, "data")).toEqual(["two"]);

    sent.end();
    answer.resume();
    await once(answer, "end");
  });

  it("hands on what the two sides say to each other, and nothing of the connections", async () => {
    let seen: IncomingMessage | undefined;
    const backend = await backendOf((incoming, answer) => {
      seen = incoming;
      answer.writeHead(207, "Well", { "x-one": ["a", "b"], connection: "x-secret", "x-secret": "1" }).end();
    });
    const { port } = await routerOver(backend);
    const headers = {
      connection: "x-hop",
      "x-hop": "1",
      "x-end": "2",
      "x-forwarded-for": "10.0.0.1",
      host: "example.org",
    };
    const sent = request({ host: "127.0.0.1", port, path: "/a%20b?c=d", headers }).end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.resume();

    expect(seen?.url).toBe("/a%20b?c=d");
    expect(seen?.headers).toMatchObject({
      "x-end": "2",
      host: "example.org",
      "x-forwarded-for": "10.0.0.1, 127.0.0.1",
    });
    expect(seen?.headers).not.toHaveProperty("x-hop");
    expect(answer).toMatchObject({ statusCode: 207, statusMessage: "Well" });
    expect(answer.headers).toMatchObject({ "x-one": "a, b" });
    expect(answer.headers).not.toHaveProperty("x-secret");
  });

  it.each(["DELETE", "GET", "PUT"])("frames the body of a %s that has no length", async (method) => {
    const bodies: string[] = [];
    const backend = await backendOf(async (incoming, answer) => {
      bodies.push((await incoming.toArray()).join(""));
      answer.end();
    });
    const { port } = await routerOver(backend);
    const sent = request({ host: "127.0.0.1", port, method, headers: { "transfer-encoding": "chunked" } });
    sent.end("GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n");
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.resume();
    await get(port, "/after");

    expect(bodies).toEqual(["GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n", ""]);
  });

  it("sends nothing new to a backend that was taken out, while its open request finishes", async () => {
    const held: ServerResponse[] = [];
    const backend = await backendOf((_, answer) => void held.push(answer));
    const { port, pool, backends } = await routerOver(backend, await backendOf(saying("other")));
    pool.replace(backends.slice(0, 1));
    const open = get(port, "/");
    await until("it is open", () => held.length === 1);
    expect(pool.openRequests()).toEqual({ "0": 1 });

    pool.replace(backends.slice(1));

    for (let i = 0; i < 4; i++) expect(await get(port, "/")).toMatchObject({ body: "other" });
    expect(pool.openRequests()).toEqual({ "0": 1 });
    held[0]?.end("finished");
    expect(await open).toEqual({ status: 200, body: "finished" });
    await until("none is open", () => Object.keys(pool.openRequests()).length === 0);
  });

  it("gives up a request whose client went away", async () => {
    let isClosed = false;
    const backend = await backendOf((_, answer) => void answer.once("close", () => (isClosed = true)));
    const { port, pool } = await routerOver(backend);
    const sent = request({ host: "127.0.0.1", port }).end();
    sent.on("error", () => undefined);
    await until("it is open", () => pool.openRequests()["0"] === 1);

    sent.destroy();

    await until("the backend knows", () => isClosed);
    expect(pool.openRequests()).toEqual({});
  });
});
