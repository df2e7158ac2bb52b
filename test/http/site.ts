import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { onTestFinished } from "vitest";
import type { Machine } from "../../src/core/machine.ts";
import type { Provider } from "../../src/core/provider.ts";
import type { Limits } from "../../src/engine/limits.ts";
import { createApp, type AppOptions } from "../../src/http/app.ts";
import { listen, type Listening } from "../../src/http/server.ts";
import type { ControlPlane } from "../../src/fleet/control-plane.ts";
import { createControlPlane } from "../../src/fleet/create-control-plane.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { machines as ours } from "../../machines/index.ts";
import { counter } from "../support/test-machines.ts";
import { createWorld, startsAt, type World } from "../support/world.ts";
import { broken } from "./answer-check.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a test says what it expects of the JSON that it reads
export type Json = any;

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Undefined when the answer is no JSON. */
  body: Json;
}

export interface Asked {
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, with whatever headers say. */
  raw?: string | Buffer;
}

/** Asks over a socket, and holds the answer to its schema. The path goes out as it is: fetch would tidy it up. */
export type Ask = (method: string, path: string, asked?: Asked) => Promise<Answered>;

export interface Site extends World {
  url: string;
  listening: Listening;
  ask: Ask;
  get(path: string, headers?: Asked["headers"]): Promise<Answered>;
  post(path: string, body?: unknown, headers?: Asked["headers"]): Promise<Answered>;
}

export interface SiteOptions extends Omit<AppOptions, "fleet"> {
  /** Whether rollouts run there. */
  hasFleet?: boolean;
  store?: Store;
  limits?: Partial<Limits>;
  providers?: readonly Provider[];
  machines?: readonly Machine[];
}

const tested = [...ours, counter];

/** The real app on a real socket, over an engine whose time stands still. It ends with the test. */
export async function createSite(options: SiteOptions = {}): Promise<Site> {
  const { store = sqliteStore(":memory:"), limits = {}, providers = [], machines = tested, ...rest } = options;
  const { hasFleet = false, ...appOptions } = rest;
  const clock = virtualClock(startsAt);
  const fleet = hasFleet ? createControlPlane({ clock }) : undefined;
  const performers = fleet === undefined ? providers : [...providers, fleet.provider];
  const world = createWorld({ machines, store, limits, providers: performers }, clock);
  await fleet?.start(world.engine);
  const app = createApp(world.engine, { ...appOptions, ...(fleet && { fleet }) });
  const listening = await listen(app, { host: "127.0.0.1", port: 0 });
  const { ask, end } = createAsk(listening.url);
  onTestFinished(async () => {
    end();
    await listening.close();
    await fleet?.stop();
    await world.engine.stop();
    await store.close();
  });
  return {
    ...world,
    ...(fleet && { settle: settling(world, fleet) }),
    url: listening.url,
    listening,
    ask,
    get: (path, headers = {}) => ask("GET", path, { headers }),
    post: (path, body, headers = {}) => ask("POST", path, { body, headers }),
  };
}

/** Until nothing follows any more: what the control plane sees of the journal, it sees a little later. */
export function settling({ engine, settle }: World, fleet: ControlPlane): () => Promise<void> {
  return async () => {
    for (let before = -1, position = 0; before !== position; position = await engine.position()) {
      before = position;
      await settle();
      await fleet.settled();
    }
  };
}

const answerWithinMs = 10_000; // nothing here takes a tenth of it: a request that hangs fails its test

export function createAsk(url: string): { ask: Ask; end(): void } {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(url);
  return {
    end: () => agent.destroy(),
    ask: (method, path, { headers = {}, body, raw } = {}) =>
      new Promise((resolve, reject) => {
        const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
        const type = body === undefined ? {} : { "Content-Type": "application/json" };
        const length = content === undefined ? {} : { "Content-Length": String(Buffer.byteLength(content)) };
        const sent = request({ agent, hostname, port, method, path, headers: { ...type, ...length, ...headers } });
        sent.setTimeout(answerWithinMs, () => sent.destroy(new Error(`${method} ${path} was not answered`)));
        sent.on("error", reject);
        sent.on("response", (response) => {
          const { statusCode: status = 0, headers: answerHeaders } = response;
          const settle = (text: string, json?: Json) => {
            const answered = { status, headers: answerHeaders, text, body: json };
            const fault = broken(method, path, answered);
            if (fault === undefined) resolve(answered);
            else reject(new Error(`${method} ${path} is not answered as it promises: ${fault}`));
          };
          const chunks: Buffer[] = [];
          const isStream = answerHeaders["content-type"]?.startsWith("text/event-stream") === true;
          if (isStream && method !== "HEAD") {
            settle("");
            response.destroy(); // it has no end
            return;
          }
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const isJson = answerHeaders["content-type"]?.includes("json") === true && text !== "";
            settle(text, isJson ? JSON.parse(text) : undefined);
          });
        });
        sent.end(content);
      }),
  };
}

/** A node in a state: `Active` when it is made. */
export async function addNode({ engine }: World, node: string, groups: readonly string[] = []): Promise<string> {
  const id = `node/${node}`;
  await engine.create({ machine: "nodeMaintenance", id, input: groups.length > 0 ? { node, groups } : { node } });
  return id;
}

export async function addCounter({ engine }: World, id = "c", count = 0): Promise<string> {
  await engine.create({ machine: "counter", id, input: { count } });
  return id;
}
