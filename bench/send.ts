import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AnyEventObject } from "xstate";
import { nodeMaintenance } from "../machines/node-maintenance/node-maintenance.ts";
import type { Machine } from "../src/core/machine.ts";
import { createEngine } from "../src/engine/engine.ts";
import {
  instanceValues,
  journalColumns,
  journalValues,
  pendingColumns,
  pendingValues,
  placeholders,
} from "../src/store/sqlite/rows.ts";
import { contentOf } from "../src/store/chain.ts";
import { memoryStore } from "../src/store/memory.ts";
import { migrate } from "../src/store/sqlite/schema.ts";
import { sqliteStore } from "../src/store/sqlite/sqlite.ts";
import type { Element, Store } from "../src/store/store.ts";
import { median, withCallers, type Figure } from "./measure.ts";
import { lease } from "./lease.ts";
import { eventOf } from "./workload.ts";

const callers = 128;
const each = 120;
const rounds = 5;
const warmUps = 4; // rounds that do not count: a server runs for longer than its first second
const ids = Array.from({ length: callers }, (_, caller) => `instance/${caller}`);

interface Load {
  machine: Machine;
  input: unknown;
  eventOf(turn: number): AnyEventObject;
}

/** A small chart, each send of which writes all three tables; and node maintenance, whose step costs more than its rows. */
const loads = {
  lease: { machine: lease, input: {}, eventOf: () => ({ type: "lease.renewed", holder: "somebody" }) },
  maintenance: { machine: nodeMaintenance, input: { node: "alpha" }, eventOf },
} satisfies Record<string, Load>;

/**
 * A durable send on a file, beside a loop written by hand that commits the very same rows in groups: the same tables and indexes,
 * the same PRAGMAs, as many bytes in every column (which is checked), one sync for all who wait; both warmed up. Not in the baseline, and so the
 * price of the product: the step, the check of the event, JSON of the snapshot and the event, the version check and the hashes of
 * the chain (the baseline writes constants of their size).
 */
export async function measureSend(parentDir: string, stepAndFreezeUs: number): Promise<Figure> {
  const directory = mkdtempSync(join(parentDir, "send-"));
  try {
    const { ratio, measured, baseline } = await compare(loads.lease, directory);
    const maintenance = await compare(loads.maintenance, directory);
    return {
      ratio,
      baseline: "a hand-written node:sqlite loop that commits the same rows of all three tables in groups, fsynced",
      ...measured,
      baselinePerSecond: baseline.perSecond,
      baselineP50Ms: baseline.p50Ms,
      baselineP99Ms: baseline.p99Ms,
      baselineProcessorUs: baseline.processorUs,
      maintenanceRatio: maintenance.ratio,
      maintenancePerSecond: maintenance.measured.perSecond,
      maintenanceProcessorUs: maintenance.measured.processorUs,
      maintenanceBaselineProcessorUs: maintenance.baseline.processorUs,
      maintenanceStepAndFreezeShare: stepAndFreezeUs / (1_000_000 / maintenance.measured.perSecond),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type Measured = Awaited<ReturnType<typeof withCallers>>;

async function compare(load: Load, directory: string) {
  const rows = await rowsToWrite(load);
  const pairs: { baseline: Measured; measured: Measured }[] = [];
  for (let round = -warmUps; round < rounds; round += 1) {
    const path = join(directory, `${load.machine.name}-${round}`);
    const baseline = await byHand(`${path}-hand.db`, rows);
    const measured = await ours(load, sqliteStore(`${path}-ours.db`));
    if (round >= 0) pairs.push({ baseline, measured });
    checkSameSize({ hand: `${path}-hand.db`, ours: `${path}-ours.db` });
  }
  const middle = (pick: (pair: (typeof pairs)[number]) => Measured): Measured => ({
    perSecond: median(pairs.map((pair) => pick(pair).perSecond)),
    p50Ms: median(pairs.map((pair) => pick(pair).p50Ms)),
    p99Ms: median(pairs.map((pair) => pick(pair).p99Ms)),
    processorUs: median(pairs.map((pair) => pick(pair).processorUs)),
  });
  return {
    ratio: median(pairs.map(({ measured, baseline }) => measured.perSecond / baseline.perSecond)),
    measured: middle(({ measured }) => measured),
    baseline: middle(({ baseline }) => baseline),
  };
}

/** Throws where one has written more than the other. */
function checkSameSize({ hand, ours }: { hand: string; ours: string }): void {
  for (const table of ["instances", "journal", "pending"]) {
    const [expected, found] = [sizesOf(hand, table), sizesOf(ours, table)];
    if (found !== expected)
      throw new Error(`The baseline has written other ${table} than we: ${expected}, not ${found}`);
  }
}

/** Rows of a table, and the characters of each of its columns. */
function sizesOf(path: string, table: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const columns = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all() as { name: string }[];
  const sums = columns.map(({ name }) => `sum(length(${name})) AS ${name}`).join(", ");
  const sizes = database.prepare(`SELECT count(*) AS rows, ${sums} FROM ${table}`).get();
  database.close();
  return JSON.stringify(sizes);
}

async function ours(load: Load, store: Store): Promise<Measured> {
  const engine = await begun(load, store);
  const measured = await withCallers({
    callers,
    each,
    ask: (caller, turn) => engine.send(ids[caller] as string, load.eventOf(turn)),
  });
  await store.close();
  return measured;
}

async function begun({ machine, input }: Load, store: Store) {
  const engine = createEngine({ machines: [machine], store });
  for (const id of ids) await engine.create({ machine: machine.name, id, input });
  return engine;
}

interface Rows {
  created: readonly Element[];
  /** What each send writes, by instance. */
  sent: ReadonlyMap<string, readonly Element[]>;
}

/** Taken from a run of the engine, before anything is measured. */
async function rowsToWrite(load: Load): Promise<Rows> {
  const elements = new Map<string, Element[]>();
  const engine = await begun(load, recording(memoryStore(), elements));
  const created = [...elements.values()].flat();
  elements.clear();
  for (const id of ids) for (let turn = 0; turn < each; turn += 1) await engine.send(id, load.eventOf(turn));
  return { created, sent: elements };
}

/** Keeps what is committed, by instance. */
function recording(store: Store, elements: Map<string, Element[]>): Store {
  return {
    ...store,
    async commit(batch) {
      for (const element of batch) {
        const id = element.journal[0]?.instance ?? "";
        const known = elements.get(id);
        if (known === undefined) elements.set(id, [element]);
        else known.push(element);
      }
      return store.commit(batch);
    },
  };
}

async function byHand(path: string, { created, sent }: Rows) {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000");
  migrate(database, path);
  const write = createHandWriter(database);
  database.exec("BEGIN");
  for (const element of created) write(element);
  database.exec("COMMIT");

  let waiting: { element: Element; resolve: () => void }[] = [];
  function flush(): void {
    const batch = waiting;
    waiting = [];
    database.exec("BEGIN IMMEDIATE");
    for (const { element } of batch) write(element);
    database.exec("COMMIT");
    for (const { resolve } of batch) resolve();
  }
  const ask = (caller: number, turn: number) =>
    new Promise<void>((resolve) => {
      const element = sent.get(ids[caller] as string)?.[turn] as Element;
      if (waiting.push({ element, resolve }) === 1) setImmediate(flush);
    });
  const measured = await withCallers({ callers, each, ask });
  database.close();
  return measured;
}

const unhashed = "5a".repeat(32); // as many bytes as a hash

/** Writes the rows as they end up with us; checks nothing and hashes nothing. */
function createHandWriter(database: DatabaseSync): (element: Element) => void {
  const insertInstance = database.prepare(`INSERT INTO instances VALUES (${"?, ".repeat(18)}?)`);
  const updateInstance = database.prepare(
    "UPDATE instances SET version = ?, state = ?, tags = ?, snapshot = ?, at = ?, since = ?, regions_since = ?, updated_at = ?, transition_seq = coalesce(?, transition_seq) WHERE id = ?",
  );
  const insertJournal = database.prepare(
    `INSERT INTO journal (${journalColumns}) VALUES (${placeholders(journalColumns)})`,
  );
  const insertPending = database.prepare(
    `INSERT INTO pending (${pendingColumns}) VALUES (${placeholders(pendingColumns)})`,
  );
  const withdraw = database.prepare("DELETE FROM pending WHERE instance = ? AND id = ?");
  let seq = 0;
  return ({ writes, journal, changes }) => {
    for (const { row, expected } of writes) {
      if (expected === 0)
        insertInstance.run(...instanceValues({ ...row, createdSeq: seq + 1, transitionSeq: seq + 1 }));
      else {
        const { version, state, tags, snapshot, at, since, regionsSince, updatedAt, id } = row;
        const isElsewhere = journal.some(({ from, to }) => from !== to);
        updateInstance.run(
          version,
          state,
          JSON.stringify(tags),
          snapshot,
          at,
          since,
          JSON.stringify(regionsSince),
          updatedAt,
          isElsewhere ? seq + 1 : null,
          id,
        );
      }
    }
    for (const row of journal) {
      const chainRow = { seq: ++seq, instance: row.instance, content: contentOf(row), compactedBy: null };
      insertJournal.run(...journalValues({ ...chainRow, contentHash: unhashed, hash: unhashed }));
    }
    for (const change of changes) {
      if (change.kind === "withdraw") withdraw.run(change.instance, change.id);
      if (change.kind !== "arm") continue;
      withdraw.run(change.row.instance, change.row.id); // what it replaces
      insertPending.run(...pendingValues(change.row));
    }
  };
}
