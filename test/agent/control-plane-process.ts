import { join } from "node:path";
import { onTestFinished } from "vitest";
import { startServer, temporaryDirectory, type Server } from "../cli/processes.ts";
import { until } from "../providers/until.ts";
import { createFaultyProxy, type FaultyProxy } from "./faulty-proxy.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a test says what it expects of the JSON that it reads
type Json = any;

/** A real control plane, which may be killed and started again, behind a proxy that agents are led through. */
export interface ControlPlaneProcess {
  proxy: FaultyProxy;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** The way to it is there again. */
  reconnect(): void;
  /** On the database that it had. */
  startAgain(): Promise<void>;
  /** On an empty one. */
  startAnew(): Promise<void>;
  /** Declares a version for `web-1`, which opens a rollout. */
  apply(ref: string): Promise<void>;
  get(path: string): Promise<Json>;
  stateOf(rolloutId: string): Promise<string>;
  hostIn(rolloutId: string): Promise<Json>;
  /** Resolves when `web-1` has come to that state. */
  reached(rolloutId: string, state: string): Promise<void>;
  /** What moved the instance of `web-1`, in order. */
  changes(rolloutId: string): Promise<string[]>;
}

export interface ControlPlaneOptions {
  policy?: object;
  soak?: string;
  /** More arguments of `serve`, and the token that the test asks with. */
  tokens?: { file: string; admin: string };
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlaneProcess> {
  const { policy = {}, soak = "100ms", tokens } = options;
  const proxy = await createFaultyProxy();
  const directory = temporaryDirectory();
  let generation = 0;
  let server: Server | undefined;
  onTestFinished(async () => {
    await server?.end();
    directory.remove();
  });
  const headers = {
    "Content-Type": "application/json",
    ...(tokens && { Authorization: `Bearer ${tokens.admin}` }),
  };

  async function serve(): Promise<void> {
    const args = tokens === undefined ? [] : ["--tokens", tokens.file];
    server = await startServer(join(directory.path, `data-${generation}`), args);
    proxy.leadTo(server.url);
  }

  async function ask(method: string, path: string, body?: object): Promise<Json> {
    const answer = await fetch(`${server?.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  const rollout = (rolloutId: string) => `/v1/rollouts/${encodeURIComponent(rolloutId)}`;
  const get = (path: string) => ask("GET", path);
  const hostIn = (rolloutId: string) => get(`${rollout(rolloutId)}/hosts/web-1`);
  await serve();

  return {
    proxy,
    get,
    hostIn,
    async kill() {
      proxy.leadTo(undefined);
      await server?.end();
    },
    reconnect: () => proxy.leadTo(server?.url),
    startAgain: serve,
    async startAnew() {
      generation += 1;
      await serve();
    },
    async apply(ref) {
      const wave = { name: "all", hosts: { all: true }, soak };
      const document = {
        channels: { stable: { ref, policy: "quick" } },
        hosts: { "web-1": { channel: "stable" } },
        policies: { quick: { sustained: "200ms", ...policy, waves: [wave] } },
      };
      await ask("POST", "/v1/fleet", { document });
    },
    stateOf: async (rolloutId) => (await get(rollout(rolloutId))).state,
    async reached(rolloutId, state) {
      await until(`web-1 is ${state} in ${rolloutId}`, async () => (await hostIn(rolloutId)).state === state);
    },
    async changes(rolloutId) {
      const id = encodeURIComponent(`${rolloutId}/web-1`);
      const { entries } = await get(`/v1/instances/${id}/journal?limit=500`);
      return entries.flatMap(({ event, outcome }: Json) =>
        event !== null && outcome === "changed" ? [event.type] : [],
      );
    },
  };
}
