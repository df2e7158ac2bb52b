import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { nodeMaintenance } from "../machines/node-maintenance/node-maintenance.ts";
import { createEngine } from "../src/engine/engine.ts";
import { sqliteStore } from "../src/store/sqlite/sqlite.ts";
import { median, type Figure } from "./measure.ts";
import { eventOf } from "./workload.ts";

const instances = 10_000;
const eventsEach = 9; // with the creation: 100,000 journal rows
const rounds = 5;

/** Opening the database and starting the engine beside reading the instances' rows once. */
export async function measureStart(parentDir: string): Promise<Figure> {
  const directory = mkdtempSync(join(parentDir, "start-"));
  const path = join(directory, "bench.db");
  try {
    await fill(path);
    const pairs = [];
    for (let round = 0; round < rounds; round += 1)
      pairs.push({ readMs: readRows(path), startMs: await startEngine(path) });
    const startMs = median(pairs.map((pair) => pair.startMs));
    return {
      ratio: median(pairs.map((pair) => pair.startMs / pair.readMs)),
      baseline: "reading the rows of the 10,000 instances once (a ratio of times)",
      perSecond: 1_000 / startMs,
      p50Ms: startMs,
      p99Ms: Math.max(...pairs.map((pair) => pair.startMs)),
      readRowsMs: median(pairs.map((pair) => pair.readMs)),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(path: string): Promise<void> {
  const store = sqliteStore(path);
  const engine = createEngine({ machines: [nodeMaintenance], store, limits: { commitQueueMax: instances } });
  const ids = Array.from({ length: instances }, (_, index) => `node/n${index}`);
  await Promise.all(ids.map((id) => engine.create({ machine: "nodeMaintenance", id, input: { node: id } })));
  for (let turn = 0; turn < eventsEach; turn += 1) await Promise.all(ids.map((id) => engine.send(id, eventOf(turn))));
  await engine.stop();
  await store.close();
}

function readRows(path: string): number {
  const begun = performance.now();
  const database = new DatabaseSync(path, { readOnly: true });
  database.prepare("SELECT * FROM instances").all();
  database.close();
  return performance.now() - begun;
}

async function startEngine(path: string): Promise<number> {
  const begun = performance.now();
  const store = sqliteStore(path);
  const engine = createEngine({ machines: [nodeMaintenance], store });
  await engine.start();
  const startMs = performance.now() - begun;
  await engine.stop();
  await store.close();
  return startMs;
}
