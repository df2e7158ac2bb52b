import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { SignalboxError } from "../../core/errors.ts";
import type { InstanceQuery, JournalQuery, PendingCount, PendingQuery, PendingState, Store } from "../store.ts";
import { createChainReader, createPosition } from "./chain.ts";
import { createBatchWriter } from "./commit.ts";
import { storeError, told } from "./errors.ts";
import { placeOf, takeOwnership } from "./owner.ts";
import { probeRoom } from "./room.ts";
import { commandOf, instanceOf, journalOf, pendingOf, type Columns } from "./rows.ts";
import { migrate, schemaVersion } from "./schema.ts";

const busyTimeoutMs = 5_000; // a reader from outside (a backup, a shell) may hold the file for a moment
const checkpointPages = 4_000; // 16 MB of log between two checkpoints: fewer of them under load, still short to recover

/**
 * The embedded default: one file in WAL mode, synchronised at every commit, owned by one process. `:memory:` forgets.
 * Throws `database-in-use` or `database-too-new`.
 */
export function sqliteStore(path: string): Store {
  const isFile = path !== ":memory:";
  const ownership = isFile ? takeOwnership(path) : undefined;
  let database: DatabaseSync;
  try {
    database = open(path, isFile);
  } catch (error) {
    ownership?.release();
    throw error;
  }
  const writeBatch = createBatchWriter(database);
  const readChain = createChainReader(database);
  const position = createPosition(database);

  /** Statements of the queries, by their text: there are as many as there are combinations of filters. */
  const prepared = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  function statement(sql: string) {
    const known = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, known);
    return known;
  }
  const all = (sql: string, ...values: SQLInputValue[]) => told(() => statement(sql).all(...values)) as Columns[];
  const one = (sql: string, ...values: SQLInputValue[]) =>
    told(() => statement(sql).get(...values)) as Columns | undefined;
  const run = (sql: string, ...values: SQLInputValue[]) => told(() => Number(statement(sql).run(...values).changes));

  /** node:sqlite is synchronous: a promise keeps the interface open for stores that are not. */
  async function inTransaction<T>(work: () => T): Promise<T> {
    try {
      database.exec("BEGIN IMMEDIATE");
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isOpen && database.isTransaction) database.exec("ROLLBACK");
      throw storeError(error);
    }
  }

  return {
    async load(id) {
      const row = one("SELECT * FROM instances WHERE id = ?", id);
      if (row === undefined) return undefined;
      const pending = all("SELECT * FROM pending WHERE instance = ? AND kind <> 'message' ORDER BY ord", id);
      return { row: instanceOf(row), pending: pending.map(pendingOf) };
    },

    commit: (batch) => inTransaction(() => writeBatch(batch)),

    async command(principal, id) {
      const row = one("SELECT * FROM commands WHERE principal = ? AND id = ?", principal, id);
      return row === undefined ? undefined : commandOf(row);
    },

    claim: ({ now, owner, leaseUntil, calls, deliveries }) =>
      inTransaction(() => {
        const due = "dead = 0 AND due_at IS NOT NULL AND due_at <= ?1 AND (lease_until IS NULL OR lease_until <= ?1)";
        const ofPair = (row: string) => `${row}.kind = 'message' AND ${row}.dead = 0
          AND ${row}.instance = pending.instance AND ${row}.receiver = pending.receiver AND ${row}.ord < pending.ord`;
        const isBehind = `EXISTS (SELECT 1 FROM pending l WHERE ${ofPair("l")} AND l.ord > e.ord AND l.due_at < e.due_at)`;
        const blocked = `kind = 'message' AND EXISTS (SELECT 1 FROM pending e WHERE ${ofPair("e")}
          AND (e.lease_until > ?1 OR e.due_at IS NULL OR e.due_at > pending.due_at OR ${isBehind}))`;
        const order = "ORDER BY due_at, ord LIMIT ?2";
        const rows = [
          ...all(
            `SELECT * FROM pending WHERE ${due} AND kind <> 'call' AND NOT (${blocked}) ${order}`,
            now,
            deliveries,
          ),
          ...all(`SELECT * FROM pending WHERE ${due} AND kind = 'call' ${order}`, now, calls),
        ].map(pendingOf);
        for (const { key } of rows) {
          run("UPDATE pending SET lease_owner = ?, lease_until = ? WHERE key = ?", owner, leaseUntil, key);
        }
        return rows.map((row) => ({ ...row, leaseOwner: owner, leaseUntil }));
      }),

    renew: ({ keys, owner, leaseUntil }) =>
      inTransaction(() => {
        const sql = "UPDATE pending SET lease_until = ? WHERE key = ? AND lease_owner = ?";
        return keys.filter((key) => run(sql, leaseUntil, key, owner) === 1);
      }),

    putBack: (rows) =>
      inTransaction(() => {
        const sql = `UPDATE pending SET due_at = ?, attempts = ?, error = ?, dead = ?, lease_owner = NULL, lease_until = NULL
          WHERE key = ? AND lease_owner = ?`;
        for (const { key, owner, dueAt, attempts, error, dead } of rows) {
          run(sql, dueAt, attempts, error, dead ? 1 : 0, key, owner);
        }
      }),

    takeBack: () =>
      inTransaction(() =>
        run("UPDATE pending SET lease_owner = NULL, lease_until = NULL WHERE lease_owner IS NOT NULL"),
      ),

    reschedule: (rows) =>
      inTransaction(() => {
        const sql = `UPDATE pending SET due_at = ?, dead = 0, attempts = 0, error = NULL, lease_owner = NULL, lease_until = NULL
          WHERE key = ?`;
        for (const { key, dueAt } of rows) run(sql, dueAt, key);
      }),

    async nextDueAt() {
      const live = "dead = 0 AND due_at IS NOT NULL";
      const free = one(
        `SELECT due_at AS at FROM pending WHERE ${live} AND lease_until IS NULL ORDER BY due_at LIMIT 1`,
      );
      const leased = one(
        `SELECT min(max(due_at, lease_until)) AS at FROM pending WHERE ${live} AND lease_until IS NOT NULL`,
      );
      const times = [free?.["at"], leased?.["at"]].filter((at) => typeof at === "number");
      return times.length === 0 ? null : Math.min(...times);
    },

    async instances(query: InstanceQuery) {
      const where = conditions([
        ["machine = ?", query.machine],
        ["state = ?", query.state],
        ["instr(id, ?) > 0", query.text],
        ["EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", query.tag],
        ["EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ? AND value = ?)", query.label?.name, query.label?.value],
        ["status = ?", query.status],
        ["status <> 'active' AND updated_at < ?", query.endedBefore],
        ["machine_version <> ?", query.notOfVersion],
        ["id > ?", query.after],
      ]);
      const rows = all(`SELECT * FROM instances ${where.sql} ORDER BY id LIMIT ?`, ...where.values, query.limit);
      return rows.map(instanceOf);
    },

    async journal({ instance, after = 0, before, sinceCheckpoint, stream, under, upTo, limit }: JournalQuery) {
      const checkpoint = sinceCheckpoint === true ? instance : undefined;
      const where = conditions([
        ["seq > ?", after],
        ["seq < ?", before],
        ["instance = ?", instance],
        ["seq <= ?", upTo],
        // "+" keeps it from the index by instance: it would have to sort all that it finds
        ["+instance = ? OR (+instance >= ? || '/' AND +instance < ? || '0')", under, under, under],
        ["stream = ? AND stream_seq = ?", stream?.name, stream?.seq],
        [
          "seq >= coalesce((SELECT max(seq) FROM journal WHERE instance = ? AND checkpoint IS NOT NULL), 0)",
          checkpoint,
        ],
      ]);
      const order = before === undefined ? "ASC" : "DESC";
      const rows = all(`SELECT * FROM journal ${where.sql} ORDER BY seq ${order} LIMIT ?`, ...where.values, limit);
      return (before === undefined ? rows : rows.toReversed()).map(journalOf);
    },

    chain: async (query) => told(() => readChain(query)),

    async pending({ instances, kind, state, key, now, after, limit }: PendingQuery) {
      const where = conditions([
        [
          "instance IN (SELECT value FROM json_each(?))",
          instances === undefined ? undefined : JSON.stringify(instances),
        ],
        ["kind = ?", kind],
        ["key = ?", key],
        ["key > ?", after],
        ...(state === undefined ? [] : [stateCondition(state, now)]),
      ]);
      const rows = all(`SELECT * FROM pending ${where.sql} ORDER BY key LIMIT ?`, ...where.values, limit);
      return rows.map(pendingOf);
    },

    async countPending(now) {
      const counts = new Map<string, PendingCount>();
      for (let after = 0; ; ) {
        const rows = all(countSql, now, after, countedAtOnce);
        for (const row of rows) {
          const { kind, state, count, last } = row as unknown as PendingCount & { last: number };
          const key = `${kind} ${state}`;
          counts.set(key, { kind, state, count: (counts.get(key)?.count ?? 0) + count });
          after = Math.max(after, last);
        }
        if (rows.length === 0) return [...counts.values()];
        await new Promise((resolve) => setImmediate(resolve));
      }
    },

    position: async () => told(position),

    forgetCommands: (before, limit) =>
      inTransaction(() =>
        run(
          "DELETE FROM commands WHERE (principal, id) IN (SELECT principal, id FROM commands WHERE at < ? ORDER BY at LIMIT ?)",
          before,
          limit,
        ),
      ),

    async probe() {
      if (isFile) await probeRoom(placeOf(path));
      await inTransaction(() => database.exec(rewriteVersion));
    },

    async close() {
      if (!database.isOpen) return;
      prepared.clear();
      database.close();
      ownership?.release();
    },
  };
}

/** Sets what is set already: a page is written and synchronised all the same. */
const rewriteVersion = `PRAGMA user_version = ${schemaVersion}`;

const countedAtOnce = 5_000; // about 3 ms, then others have their turn

/** Rows behind one, so many, by kind and `pendingStateOf`. */
const countSql = `SELECT kind, state, count(*) AS count, max(ord) AS last FROM (
  SELECT ord, kind, CASE WHEN dead = 1 THEN 'dead' WHEN lease_until > ?1 THEN 'leased' WHEN due_at IS NULL THEN 'manual'
    WHEN attempts > 0 THEN 'retrying' WHEN due_at <= ?1 THEN 'due' ELSE 'waiting' END AS state
  FROM pending WHERE ord > ?2 ORDER BY ord LIMIT ?3) GROUP BY kind, state`;

function stateCondition(state: PendingState, now: number): Condition {
  const sql = stateConditions[state];
  return [sql, ...Array.from({ length: sql.split("?").length - 1 }, () => now)] as unknown as Condition; // one value per mark
}

/** The same as `pendingStateOf`, in SQL; each value is the time. */
const stateConditions: Readonly<Record<PendingState, string>> = {
  dead: "dead = 1 AND ? > 0",
  leased: "dead = 0 AND lease_until > ?",
  manual: "dead = 0 AND due_at IS NULL AND coalesce(lease_until, 0) <= ?",
  retrying: "dead = 0 AND due_at IS NOT NULL AND attempts > 0 AND coalesce(lease_until, 0) <= ?",
  due: "dead = 0 AND attempts = 0 AND max(due_at, coalesce(lease_until, 0)) <= ?",
  waiting: "dead = 0 AND attempts = 0 AND coalesce(lease_until, 0) <= ? AND due_at > ?",
};

type Condition = readonly [sql: string, ...values: (SQLInputValue | undefined)[]];

/** A WHERE clause of the conditions that have a value. */
function conditions(given: readonly Condition[]): { sql: string; values: SQLInputValue[] } {
  const kept = given.filter(([, first]) => first !== undefined);
  const sql = kept.length === 0 ? "" : `WHERE ${kept.map(([text]) => `(${text})`).join(" AND ")}`;
  return { sql, values: kept.flatMap(([, ...values]) => values as SQLInputValue[]) };
}

/** Opens the file, sets what durability rests on, and reads it back: a PRAGMA that is not understood is ignored silently. */
function open(path: string, isFile: boolean): DatabaseSync {
  const database = told(() => new DatabaseSync(path));
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    const { journal_mode: mode } = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
    const { synchronous } = database.prepare("PRAGMA synchronous").get() as { synchronous: number };
    if (isFile && (mode !== "wal" || synchronous !== 2)) {
      const detail = `${path} cannot be used durably: journal_mode is ${mode}, synchronous is ${synchronous}. Use a local file system.`;
      throw new SignalboxError("store-unavailable", detail);
    }
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw storeError(error);
  }
}
