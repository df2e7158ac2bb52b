import { Agent, request, type IncomingMessage } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import express from "express";
import { nodeMaintenance } from "../machines/node-maintenance/node-maintenance.ts";
import { createEngine } from "../src/engine/engine.ts";
import { createApp } from "../src/http/app.ts";
import { listen } from "../src/http/server.ts";
import { sqliteStore } from "../src/store/sqlite/sqlite.ts";
import { median, withCallers, type Figure } from "./measure.ts";
import { eventOf } from "./workload.ts";

const connections = 64;
const each = 90;
const rounds = 5;
const warmUps = 3; // rounds that do not count: a server runs for longer than its first second
const loopback = { host: "127.0.0.1", port: 0 };

/** `POST .../events` beside a bare Express 5 app that reads the same body and sends it back; client and server share a process; both warmed up. */
export async function measureHttp(parentDir: string): Promise<Figure> {
  const directory = mkdtempSync(join(parentDir, "http-"));
  const store = sqliteStore(join(directory, "bench.db"));
  const engine = createEngine({ machines: [nodeMaintenance], store });
  const ids = Array.from({ length: connections }, (_, caller) => `node/n${caller}`);
  for (const id of ids) await engine.create({ machine: "nodeMaintenance", id, input: { node: id } });
  const echo = express();
  echo.use(express.json());
  echo.post("/{*path}", (asked, answer) => void answer.json(asked.body));
  const [our, bare] = [await listen(createApp(engine), loopback), await listen(echo, loopback)];
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const ask = (url: string) => (caller: number, turn: number) =>
    post(agent, `${url}/v1/instances/${encodeURIComponent(ids[caller] as string)}/events`, eventOf(turn));
  try {
    const pairs = [];
    for (let round = -warmUps; round < rounds; round += 1) {
      const baseline = await withCallers({ callers: connections, each, ask: ask(bare.url) });
      const measured = await withCallers({ callers: connections, each, ask: ask(our.url) });
      if (round >= 0) pairs.push({ baseline, measured });
    }
    return {
      ratio: median(pairs.map(({ measured, baseline }) => measured.perSecond / baseline.perSecond)),
      baseline: "a bare Express 5 JSON echo with the same body, 64 connections, client in the same process",
      perSecond: median(pairs.map(({ measured }) => measured.perSecond)),
      p50Ms: median(pairs.map(({ measured }) => measured.p50Ms)),
      p99Ms: median(pairs.map(({ measured }) => measured.p99Ms)),
      baselinePerSecond: median(pairs.map(({ baseline }) => baseline.perSecond)),
      processorUs: median(pairs.map(({ measured }) => measured.processorUs)),
      baselineProcessorUs: median(pairs.map(({ baseline }) => baseline.processorUs)),
    };
  } finally {
    agent.destroy();
    await Promise.all([our.close(), bare.close()]);
    await engine.stop();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function post(agent: Agent, url: string, body: object): Promise<void> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
    const asked = request(url, { method: "POST", agent, headers }, (response: IncomingMessage) => {
      response.resume();
      response.on("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    asked.on("error", reject);
    asked.end(text);
  });
}
