import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chainBeginning, chained, type ChainContent, type ChainHead } from "../../src/store/chain.ts";
import { checkChain, type ChainReport, type ChainSource } from "../../src/store/check-chain.ts";
import { checkExport, type ChainExportRow } from "../../src/store/check-export.ts";
import { createChainReader, createPosition } from "../../src/store/sqlite/chain.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { createWorld } from "../support/world.ts";

const dayMs = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "signalbox-audit-"));
const original = join(folder, "original.db");
let copies = 0;
const copy = () => {
  const path = join(folder, `${copies++}.db`);
  copyFileSync(original, path);
  return path;
};
afterAll(() => rmSync(folder, { recursive: true }));

/** A journal with every column in use: a refusal, a stream, emitted events, checkpoints, and rows that were cut off. */
beforeAll(async () => {
  const store = sqliteStore(original);
  const { engine, clock, settle } = createWorld({ store });
  await engine.create({ machine: "counter", id: "old", input: {} });
  await engine.send("old", { type: "inc" });
  await engine.send("old", { type: "finish" });
  await clock.advance(91 * dayMs);
  await settle();
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await engine.create({ machine: "counter", id: "c", input: {}, principal: "ann", commandId: "k1" });
  await engine.send("c", { type: "dec" });
  await engine.send("c", { type: "inc", by: 2 }, { principal: "ann", commandId: "k2", trace });
  await engine.send("c", { type: "dec" }, { stream: { name: "s", seq: 1 } });
  await engine.send("c", { type: "ring" });
  await engine.send("c", { type: "finish" });
  await store.close();
});

/** The report on what is left after somebody has worked on the file with a tool of their own. */
async function reportAfter(...statements: string[]): Promise<ChainReport> {
  const edited = copy();
  const database = new DatabaseSync(edited);
  for (const sql of statements) expect(Number(database.prepare(sql).run().changes)).toBeGreaterThan(0);
  database.close();
  const store = sqliteStore(edited);
  try {
    return await createWorld({ store }).engine.audit.verify();
  } finally {
    await store.close();
  }
}

describe("the chain of the journal", () => {
  it("is whole, also where content was cut off, and ends at the last row", async () => {
    const { checked, head, faults, isComplete } = await reportAfter();

    expect([checked, faults, isComplete]).toEqual([10, [], true]);
    expect(head).toEqual({ seq: 10, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    const database = new DatabaseSync(original, { readOnly: true });
    expect(database.prepare("SELECT seq FROM journal_cut").all()).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
    const isUsed = (name: string) => database.prepare(`SELECT 1 FROM journal WHERE ${name} IS NOT NULL`).get();
    expect(columnsOf(database, "journal").filter((name) => isUsed(name) === undefined)).toEqual([]);
    database.close();
  });

  it("shows every change of every byte of every column of every row", async () => {
    const database = new DatabaseSync(copy());
    const chain = createChainReader(database);
    const position = createPosition(database);
    const check = () => checkChain({ chain: async (query) => chain(query), position: async () => position() });
    database.exec("BEGIN");
    let made = 0;
    const missed: string[] = [];
    const impossible: string[] = [];
    for (const { what, sql, values } of changesOf(database)) {
      database.exec("SAVEPOINT before");
      try {
        database.prepare(sql).run(...values);
        made += 1;
        if ((await check()).faults.length === 0) missed.push(what);
      } catch (error) {
        expect((error as { errstr?: string }).errstr).toMatch(/^(constraint failed|datatype mismatch)$/);
        impossible.push(what);
      }
      database.exec("ROLLBACK TO before");
    }

    expect((await check()).faults).toEqual([]);
    expect(missed).toEqual([]);
    expect(made).toBeGreaterThan(2_000);
    // SQLite itself refuses a value of another type, and two rows of a table under one number: those are swapped below
    expect(impossible.filter((what) => !/ to (null|text|nothing)$|^\w+ \d+ seq /.test(what))).toEqual([]);
    database.close();
  });

  it.each([
    [
      "two rows that have changed places",
      [
        "UPDATE journal SET seq = 99 WHERE seq = 5",
        "UPDATE journal SET seq = 5 WHERE seq = 6",
        "UPDATE journal SET seq = 6 WHERE seq = 99",
      ],
      [5, 6],
    ],
    [
      "two rows without content that have changed places",
      [
        "UPDATE journal_cut SET seq = 99 WHERE seq = 1",
        "UPDATE journal_cut SET seq = 1 WHERE seq = 2",
        "UPDATE journal_cut SET seq = 2 WHERE seq = 99",
      ],
      [1, 2],
    ],
    ["a row missing at the front", ["DELETE FROM journal_cut WHERE seq = 1"], [2]],
    ["a row missing in the middle", ["DELETE FROM journal WHERE seq = 6"], [7]],
    ["a row missing at the end", ["DELETE FROM journal WHERE seq = 10"], [10]],
    ["several rows missing at the end", ["DELETE FROM journal WHERE seq >= 8"], [10]],
    ["everything missing", ["DELETE FROM journal", "DELETE FROM journal_cut"], [10]],
    ["a row too many at the end", [inserted(11)], [11]],
    ["a row too many far behind the end", [inserted(2 ** 62)], [Number.MAX_SAFE_INTEGER]],
    ["a row too many before the first", [inserted(0)], [0]],
    ["a row too many far before the first", [inserted(-(2 ** 62))], [Number.MIN_SAFE_INTEGER]],
    [
      "a row too many in the middle",
      [
        "UPDATE journal SET seq = seq + 100 WHERE seq >= 6",
        "UPDATE journal SET seq = seq - 99 WHERE seq > 99",
        inserted(6),
      ],
      [6, 7],
    ],
    [
      "a row that is there twice, with and without content",
      ["INSERT INTO journal_cut SELECT seq, instance, content_hash, hash FROM journal WHERE seq = 6"],
      [6],
    ],
    [
      "a content that was taken away though nothing stands for it",
      [
        "INSERT INTO journal_cut SELECT seq, instance, content_hash, hash FROM journal WHERE seq = 6",
        "DELETE FROM journal WHERE seq = 6",
      ],
      [6],
    ],
    [
      "a content that was taken away behind the checkpoint",
      [
        "INSERT INTO journal_cut SELECT seq, instance, content_hash, hash FROM journal WHERE seq = 4",
        "DELETE FROM journal WHERE seq = 4",
      ],
      [1],
    ],
    [
      "a content put back that was cut off",
      [
        "INSERT INTO journal SELECT 2, j.kind, j.at, c.instance, j.machine, j.version, j.event, j.from_state, j.to_state, j.via, j.outcome, j.reasons, j.emitted, j.principal, j.command_id, j.trace, j.stream, j.stream_seq, j.checkpoint, j.checkpoint_version, c.content_hash, c.hash FROM journal j, journal_cut c WHERE j.seq = 7 AND c.seq = 2",
        "DELETE FROM journal_cut WHERE seq = 2",
      ],
      [2],
    ],
    ["a last number that was lowered", ["UPDATE sqlite_sequence SET seq = 3 WHERE name = 'journal'"], [10]],
    [
      "a last number that is none",
      ["UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'journal'"],
      [Number.MAX_SAFE_INTEGER],
    ],
  ])("shows %s", async (_what, statements, seqs) => {
    const found = await reportAfter(...statements);

    expect(found.faults.map(({ seq }) => seq)).toEqual(expect.arrayContaining(seqs));
  });

  it("shows by a head that was noted that the whole chain was made anew", async () => {
    const path = copy();
    const noted = (await reportAfter()).head;
    const database = new DatabaseSync(path);
    forge(database, "UPDATE journal SET principal = 'bob' WHERE principal = 'ann'");
    database.close();

    const store = sqliteStore(path);
    const { audit } = createWorld({ store }).engine;
    expect((await audit.verify()).faults).toEqual([]); // nobody can tell from the file alone
    expect((await audit.verify({ expect: noted })).faults).toMatchObject([{ seq: noted.seq }]);
    await store.close();
  });

  it("shows by a head that was noted that the end was taken away together with its number", async () => {
    const path = copy();
    const noted = (await reportAfter()).head;
    const database = new DatabaseSync(path);
    database.exec("DELETE FROM journal WHERE seq > 8; UPDATE sqlite_sequence SET seq = 8 WHERE name = 'journal'");
    database.close();

    const store = sqliteStore(path);
    const { audit } = createWorld({ store }).engine;
    expect((await audit.verify()).faults).toEqual([]);
    expect((await audit.verify({ expect: noted })).faults).toEqual([
      { seq: 10, detail: "the row was noted, and the last one there is 8" },
    ]);
    await store.close();
  });

  it("goes on after a row was taken away at the end, and shows the gap for ever", async () => {
    const path = copy();
    const database = new DatabaseSync(path);
    database.exec("DELETE FROM journal WHERE seq = 10");
    database.close();
    const store = sqliteStore(path);
    const { engine } = createWorld({ store });
    await engine.create({ machine: "counter", id: "new", input: {} });

    const { checked, faults } = await engine.audit.verify();
    expect([checked, faults]).toEqual([10, [{ seq: 11, detail: "row 10 is missing" }]]);
    await store.close();
  });
});

describe("a verification", () => {
  it("is done in parts that go on from each other's heads, with the same outcome", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    for (let n = 0; n < 1_200; n += 1) await engine.send("c", { type: "inc" });
    const whole = await engine.audit.verify();

    const parts: ChainReport[] = [];
    for (let from: ChainReport["head"] | undefined; parts.at(-1)?.isComplete !== true; from = parts.at(-1)?.head)
      parts.push(await engine.audit.verify({ limit: 501, expect: whole.head, ...(from && { from }) }));

    expect(whole).toMatchObject({ checked: 1_201, faults: [], isComplete: true });
    expect(parts.map(({ checked }) => checked)).toEqual([501, 501, 199]);
    expect(parts.flatMap(({ faults }) => faults)).toEqual([]);
    expect(parts.at(-1)?.head).toEqual(whole.head);
  });

  it("says of a part that the row it goes on from is not what it was", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "inc" });

    const from = { seq: 1, hash: "0".repeat(64) };
    expect((await engine.audit.verify({ from })).faults).toEqual([
      { seq: 1, detail: "the row to go on from was changed or taken away meanwhile" },
      { seq: 2, detail: "the row does not fit the row before it" },
    ]);
  });

  it("lets others write, and checks what they have written", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    for (let n = 0; n < 1_000; n += 1) await engine.send("c", { type: "inc" });
    let verified = false;

    const verifying = engine.audit.verify().finally(() => (verified = true));
    let sent = 0;
    for (; !verified && sent < 100; sent += 1) await engine.send("c", { type: "inc" });

    expect(await verifying).toMatchObject({ faults: [], isComplete: true });
    expect(sent).toBeGreaterThan(1); // it came between the pages
  });

  it("of an empty journal finds nothing to check", async () => {
    const { engine } = createWorld();

    expect(await engine.audit.verify()).toEqual({
      checked: 0,
      head: { seq: 0, hash: "0".repeat(64) },
      faults: [],
      isComplete: true,
    });
  });

  it.each([
    { seq: 1.5, hash: "0".repeat(64) },
    { seq: 1, hash: "0".repeat(63) },
    { seq: 1, hash: "G".repeat(64) },
  ])("does not take %o for a head", async (head) => {
    const { engine } = createWorld();

    await expect(engine.audit.verify({ expect: head })).rejects.toMatchObject({ code: "invalid-request" });
    await expect(engine.audit.verify({ expect: { ...head, seq: 0 } })).rejects.toMatchObject({
      code: "invalid-request",
    });
    await expect(engine.audit.verify({ from: head })).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("lists a bounded number of faults and ends there", async () => {
    const { engine, store } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    for (let n = 0; n < 2_000; n += 1) await engine.send("c", { type: "inc" });
    const spoilt: ChainSource = {
      position: store.position,
      async chain(query) {
        const page = await store.chain(query);
        return { ...page, rows: page.rows.map((row) => ({ ...row, contentHash: "0".repeat(64) })) };
      },
    };

    const { checked, faults } = await checkChain(spoilt);

    expect(faults).toHaveLength(1_001);
    expect(faults.at(-1)?.detail).toContain("the check ends here");
    expect(checked).toBeLessThan(2_000);
  });
});

describe("an export", () => {
  const linesOf = async function* (rows: readonly object[]) {
    for (const row of rows) yield JSON.stringify(row);
  };

  async function exported(after = 0): Promise<ChainExportRow[]> {
    const store = sqliteStore(copy());
    const { audit } = createWorld({ store }).engine;
    const rows: ChainExportRow[] = [];
    for (
      let page = await audit.rows({ after, limit: 3 });
      page.rows.length > 0;
      page = await audit.rows({ after: page.nextAfter, limit: 3 })
    )
      rows.push(...page.rows);
    await store.close();
    return rows;
  }

  it("carries all that is needed to compute the chain again, from any row on", async () => {
    const rows = await exported();
    const later = await exported(5);

    expect(rows.map(({ seq, content }) => [seq, content === null])).toEqual(
      Array.from({ length: 10 }, (_, index) => [index + 1, index < 3]),
    );
    expect(later).toEqual(rows.slice(5));
    const { head } = await reportAfter();
    expect(await checkExport(linesOf(rows), { expect: head })).toEqual({
      checked: 10,
      head,
      faults: [],
      isComplete: true,
    });
    expect(await checkExport(linesOf(later))).toEqual({ checked: 5, head, faults: [], isComplete: true });
  });

  it("is described with an example that anybody can compute again", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/audit.md"), "utf8");
    const [rows = "", first = "", second = ""] = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text]) => text);
    const lines = rows.trimEnd().split("\n");
    const sha256 = (text: string) => createHash("sha256").update(text.trimEnd()).digest("hex");

    const [one, two] = lines.map((line) => JSON.parse(line) as ChainExportRow);
    expect(lines.map((line) => sha256(line.slice(line.indexOf('"content":') + 10, -1)))).toEqual([
      one?.contentHash,
      two?.contentHash,
    ]);
    expect([sha256(first), sha256(second)]).toEqual([one?.hash, two?.hash]);
    expect([one?.previous, two?.previous]).toEqual(["0".repeat(64), one?.hash]);
    expect((await checkExport(linesOf([one ?? {}, two ?? {}]))).faults).toEqual([]);
    const described = [...page.matchAll(/^\| `(\w+)`(?:, `(\w+)`)? \| [A-Z`]/gm)].flatMap(([, ...names]) => names);
    const named = new Set(described.filter((name) => name !== undefined));
    expect(Object.keys({ ...one, ...one?.content }).filter((name) => !named.has(name) && name !== "content")).toEqual(
      [],
    );
  });

  it("that begins behind the row that was noted says at most what its hash was", async () => {
    const rows = await exported(5);
    const [first] = rows as [ChainExportRow];

    const noted = (seq: number, hash: string) => checkExport(linesOf(rows), { expect: { seq, hash } });
    expect((await noted(5, first.previous)).faults).toEqual([]);
    expect((await noted(5, "0".repeat(64))).faults).toMatchObject([{ seq: 5 }]);
    await expect(noted(4, first.previous)).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("may be written anew with its keys in another order", async () => {
    const turned = (await exported()).map(({ content, ...row }) => ({
      content: content && Object.fromEntries(Object.entries(content).toReversed()),
      ...row,
    }));

    expect((await checkExport(linesOf(turned))).faults).toEqual([]);
  });

  it("shows every change of every field of every row, and every row that is missing, doubled or displaced", async () => {
    const rows = await exported();
    const changed = rows.flatMap((row, at) => editsOf(row).map((edited) => rows.with(at, edited)));
    const moved = rows.flatMap((row, at) => [
      ...(at > 0 && at < rows.length - 1 ? [rows.toSpliced(at, 1)] : []), // a file may begin and end anywhere
      rows.toSpliced(at, 0, row),
      ...(at > 0 ? [rows.with(at, rows[at - 1] as ChainExportRow).with(at - 1, row)] : []),
    ]);
    expect(changed.length).toBeGreaterThan(150);

    for (const edited of [...changed, ...moved]) {
      const { faults } = await checkExport(linesOf(edited));
      expect([edited, faults.length]).not.toEqual([edited, 0]);
    }
    const { head } = await reportAfter();
    expect((await checkExport(linesOf(rows.slice(0, -1)), { expect: head })).faults).toMatchObject([{ seq: 10 }]);
  });

  it.each(["no json", "[]", "{}", '{"seq":"1"}', "null"])("is not %s", async (line) => {
    const lines = (async function* () {
      yield "";
      yield line;
    })();

    await expect(checkExport(lines)).rejects.toMatchObject({
      code: "invalid-request",
      detail: expect.stringMatching(/^Line 2 is no row of an audit export/) as string,
    });
  });

  it.each([0, -1, 1.5, 501])("is read in pages, none of them of %d rows", async (limit) => {
    const { engine } = createWorld();

    await expect(engine.audit.rows({ limit })).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("is not an empty file", async () => {
    await expect(checkExport(linesOf([]))).rejects.toMatchObject({ code: "invalid-request" });
  });
});

/** The row with one of its fields otherwise, for each of them. */
function editsOf(row: ChainExportRow): ChainExportRow[] {
  const other = (value: unknown) =>
    typeof value === "number" ? value + 1 : value === null ? "x" : `${value as string}x`;
  const { content, ...outer } = row;
  const ofRow = Object.entries(outer).map(([name, value]) => ({ ...row, [name]: other(value) }));
  if (content === null) return [...ofRow, { ...row, content: {} as ChainContent }];
  const ofContent = Object.entries(content).map(([name, value]) => ({ ...content, [name]: other(value) }));
  return [...ofRow, ...[...ofContent, { ...content, more: 1 }].map((edited) => ({ ...row, content: edited }))];
}

/** Edits the file and makes every hash fit again, as somebody could who has read how it is done. */
function forge(database: DatabaseSync, edit: string): void {
  database.exec(edit);
  const read = createChainReader(database);
  let before: ChainHead = chainBeginning;
  for (const { content, contentHash, instance, seq } of read({ limit: 100 }).rows) {
    const row = content === null ? { ...remnant({ contentHash, instance, before }), seq } : chained(before, content);
    const table = content === null ? "journal_cut" : "journal";
    database
      .prepare(`UPDATE ${table} SET content_hash = ?, hash = ? WHERE seq = ?`)
      .run(Buffer.from(row.contentHash, "hex"), Buffer.from(row.hash, "hex"), seq);
    before = row;
  }
}

function remnant({ contentHash, instance, before }: { contentHash: string; instance: string; before: ChainHead }) {
  const link = JSON.stringify({ contentHash, instance, previous: before.hash, seq: before.seq + 1 });
  return { contentHash, hash: createHash("sha256").update(link).digest("hex") };
}

function inserted(seq: number): string {
  const columns =
    "kind, at, instance, machine, version, event, from_state, to_state, via, outcome, reasons, emitted, principal, command_id, trace, 's2', 1, checkpoint, checkpoint_version, content_hash, hash";
  return `INSERT INTO journal SELECT ${BigInt(seq)}, ${columns} FROM journal WHERE seq = 8`;
}

function columnsOf(database: DatabaseSync, table: string): string[] {
  return database
    .prepare(`SELECT name FROM pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => name as string);
}

interface Change {
  what: string;
  sql: string;
  values: SQLInputValue[];
}

/** Every value of the chain's tables in every near form: each byte another one, one more, one less, null and not null. */
function changesOf(database: DatabaseSync): Change[] {
  return ["journal", "journal_cut"].flatMap((table) =>
    columnsOf(database, table).flatMap((column) => {
      const read = database.prepare(
        `SELECT seq, typeof(${column}) AS type, CAST(${column} AS BLOB) AS bytes, ${column} AS value FROM ${table}`,
      );
      read.setReadBigInts(true);
      return read.all().flatMap(({ seq, type, bytes, value }) =>
        formsOf(type as string, value as bigint | null, bytes as Uint8Array | null).map(({ to, form, expression }) => ({
          what: `${table} ${seq as bigint} ${column} to ${form}`,
          sql: `UPDATE ${table} SET ${column} = ${expression} WHERE seq = ${seq as bigint}`,
          values: to,
        })),
      );
    }),
  );
}

function formsOf(type: string, value: unknown, bytes: Uint8Array | null) {
  const none = { form: "null", expression: "NULL", to: [] as SQLInputValue[] };
  if (bytes === null)
    return [
      { form: "text", expression: "'x'", to: [] },
      { form: "nothing", expression: "''", to: [] },
      { form: "number", expression: "0", to: [] },
    ];
  if (type === "integer") {
    const flipped = Array.from({ length: 8 }, (_, byte) =>
      BigInt.asIntN(64, (value as bigint) ^ (1n << BigInt(8 * byte))),
    );
    return [none, ...flipped.map((to) => ({ form: String(to), expression: "?", to: [to] as SQLInputValue[] }))];
  }
  const flipped = Array.from(bytes, (byte, at) => bytes.with(at, byte ^ 1));
  const longer = [32, 0].map((byte) => Uint8Array.from([...bytes, byte]));
  const expression = type === "text" ? "CAST(? AS TEXT)" : "?";
  return [
    none,
    ...[...flipped, ...longer, bytes.slice(0, -1)].map((to) => ({
      form: Buffer.from(to).toString("latin1"),
      expression,
      to: [to] as SQLInputValue[],
    })),
  ];
}
