import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import express from "express";
import { describe, expect, it, onTestFinished } from "vitest";
import { isSignalboxError } from "../../src/core/errors.ts";
import { createApp } from "../../src/http/app.ts";
import { createHttpServer, listen } from "../../src/http/server.ts";
import { createWorld } from "../support/world.ts";
import { createAsk, createSite } from "./site.ts";

describe("a server", () => {
  it("picks a free port when it is given 0, and says which", async () => {
    const listening = await listen((_, response) => response.end("here"), { host: "127.0.0.1", port: 0 });
    onTestFinished(() => listening.close());

    expect(listening.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
    expect(await (await fetch(listening.url)).text()).toBe("here");
  });

  it("says what to do when the port is taken", async () => {
    const first = await listen(() => {}, { host: "127.0.0.1", port: 0 });
    onTestFinished(() => first.close());
    const port = Number(new URL(first.url).port);

    const error: unknown = await listen(() => {}, { host: "127.0.0.1", port }).catch((reason: unknown) => reason);

    expect(isSignalboxError(error, "invalid-request")).toBe(true);
    expect(String(error)).toContain(`Cannot listen on 127.0.0.1:${port}`);
    expect(String(error)).toContain("Choose another --port");
  });

  it("lets an open request finish, ends idle connections, takes no new ones, and closes once", {
    timeout: 4_000,
  }, async () => {
    const arrived = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const listening = await listen(
      (request, response) => {
        if (request.url === "/idle") {
          response.end();
        } else {
          arrived.resolve();
          void answer.promise.then(() => response.end("finished"));
        }
      },
      { host: "127.0.0.1", port: 0 },
    );
    const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })] as const;
    onTestFinished(() => agents.forEach((agent) => agent.destroy()));
    const idle = await connectedAndIdle(listening.url, agents[0]);
    const open = fetchText(`${listening.url}/open`, agents[1]);
    await arrived.promise;

    const closed = listening.close();
    await once(idle, "close");
    const refused: unknown = await fetch(listening.url).catch((error: unknown) => error);
    answer.resolve();

    expect(refused).toBeInstanceOf(Error);
    expect(await open).toBe("finished");
    await closed; // within the test's timeout: the connection of the open request is not kept alive until the cut
    await listening.close();
  });

  it("cuts those off who send their headers slowly on purpose", () => {
    const server = createHttpServer(() => {});

    expect(server).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 1_000, // with Node's default of 30 s the others are only words
    });
  });

  it("answers what is no HTTP with 400 and goes on", async () => {
    const { listening, get: ask } = await createSite();
    const { port } = new URL(listening.url);
    const socket = connect(Number(port), "127.0.0.1");

    socket.end("GET / HTTP/9.9\r\n\r\n\u0000");
    const [answer] = (await once(socket, "data")) as [Buffer];

    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask("/livez")).status).toBe(200);
  });
});

describe("the app under a path of another one", () => {
  async function mounted(before: (host: express.Express) => void = () => {}) {
    const world = createWorld();
    const host = express();
    before(host);
    host.use("/ops/signalbox", createApp(world.engine));
    host.get("/own", (_, response) => void response.send("own"));
    const server = createServer(host).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { ask, end } = createAsk(`http://127.0.0.1:${port}`);
    onTestFinished(async () => {
      end();
      server.closeAllConnections();
      server.close();
      await world.engine.stop();
    });
    return { ...world, ask };
  }

  it("works there, with Locations that lead back to it", async () => {
    const { ask } = await mounted();
    const create = { machine: "counter", id: "a/b", input: {} };

    const made = await ask("POST", "/ops/signalbox/v1/instances", { body: create });

    expect([made.status, made.headers.location]).toEqual([201, "/ops/signalbox/v1/instances/a%2Fb"]);
    const shown = await ask("GET", made.headers.location ?? "");
    expect([shown.status, shown.body.id, shown.headers.etag]).toEqual([200, "a/b", '"v1"']);
    expect((await ask("GET", "/ops/signalbox/nowhere")).body.code).toBe("not-found");
    expect((await ask("DELETE", "/ops/signalbox/livez")).headers.allow).toBe("OPTIONS, GET, HEAD");
    expect((await ask("GET", "/own")).text).toBe("own");
  });

  it("takes the body that a parser of the host has read, and checks it all the same", async () => {
    const { ask, engine } = await mounted((host) => host.use(express.json()));
    await engine.create({ machine: "counter", id: "c", input: {} });
    const path = "/ops/signalbox/v1/instances/c/events";

    expect((await ask("POST", path, { body: { type: "inc" } })).status).toBe(200);
    expect((await ask("POST", path, { body: { type: "inc", at: 1 } })).status).toBe(400);
    const raw = '{"type":"inc","__proto__":{}}';
    expect((await ask("POST", path, { raw, headers: { "Content-Type": "application/json" } })).status).toBe(400);
  });
});

/** A connection that has had its answer and waits for another request. */
async function connectedAndIdle(url: string, agent: Agent): Promise<Socket> {
  const request = get(`${url}/idle`, { agent });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const { socket } = response;
  response.resume();
  await once(response, "end");
  return socket;
}

async function fetchText(url: string, agent: Agent): Promise<string> {
  const [response] = (await once(get(url, { agent }), "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}
