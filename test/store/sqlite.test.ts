import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { isSignalboxError } from "../../src/core/errors.ts";
import { checkChain } from "../../src/store/check-chain.ts";
import { storeError } from "../../src/store/sqlite/errors.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { storeConformance } from "./conformance.ts";
import { arming, element, instanceRow, journalRow, messageRow, pendingRow, storedRow, writing } from "./rows.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${files++}.db`);

storeConformance("sqlite in memory", () => sqliteStore(":memory:"));
storeConformance("sqlite in a file", () => sqliteStore(newFile()));

describe("a database file", () => {
  const opened: Store[] = [];
  const children: ChildProcess[] = [];
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const store of opened.splice(0)) await store.close();
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  function open(path: string): Store {
    const store = sqliteStore(path);
    opened.push(store);
    return store;
  }

  /** The code with which opening fails, and what it says. */
  function refusalOf(path: string): { code: string; detail: string } {
    try {
      open(path);
    } catch (error) {
      if (isSignalboxError(error)) return { code: error.code, detail: error.detail };
      throw error;
    }
    return { code: "opened", detail: "" };
  }

  async function holder(path: string): Promise<ChildProcess> {
    const script = join(import.meta.dirname, "..", "support", "store-process.ts");
    const child = spawn(process.execPath, ["--expose-gc", script, path, "stay"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on("data", (text: Buffer) => text.toString().includes("committed") && resolve());
      child.once("exit", () => reject(new Error("the holder ended before it owned the file")));
    });
    return child;
  }

  /** Lets a test change what the store's own connection is told. */
  function connections(rewrite: (sql: string) => string = (sql) => sql): DatabaseSync[] {
    const seen: DatabaseSync[] = [];
    const exec = Object.getOwnPropertyDescriptor(DatabaseSync.prototype, "exec")?.value as DatabaseSync["exec"];
    vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(function on(this: DatabaseSync, sql) {
      seen.push(this);
      exec.call(this, rewrite(sql));
    });
    return seen;
  }

  it("numbers new entries past a place that somebody has written in by hand", async () => {
    const path = newFile();
    const before = open(path);
    await before.commit([element({ journal: [journalRow({ instance: "a" }), journalRow({ instance: "a" })] })]);
    await before.close();
    const shell = new DatabaseSync(path);
    shell.exec("INSERT INTO journal_cut VALUES (4, 'a', zeroblob(32), zeroblob(32))");
    shell.close();

    const store = open(path);
    const entry = element({ journal: [journalRow({ instance: "a" })] });
    await store.commit([entry, entry]);

    expect((await store.journal({ limit: 10 })).map(({ seq }) => seq)).toEqual([1, 2, 5, 6]);
  });

  it("holds everything after it was closed and opened again", async () => {
    const path = newFile();
    const row = instanceRow({ id: "a", labels: { rack: "r1" }, parent: { instance: "p", id: "c", key: "p#1:c" } });
    const entry = journalRow({
      instance: "a",
      stream: { name: "s", seq: 1 },
      checkpoint: { snapshot: "{}", machineVersion: 2 },
    });
    const known = { principal: "p", id: "c", fingerprint: "f", at: 1, answer: "[]" };
    const pending = [pendingRow({ key: "t" }), messageRow({ key: "m" })];
    const before = open(path);
    await before.commit([writing(row, { journal: [entry], command: known }), arming(...pending)]);
    await before.close();

    const after = open(path);

    expect(await after.load("a")).toEqual({ row: storedRow(row), pending: [pendingRow({ key: "t" })] });
    expect(await after.journal({ limit: 10 })).toEqual([{ ...entry, seq: 1 }]);
    expect(await after.pending({ now: 0, limit: 10 })).toEqual(pending.toReversed());
    expect(await after.command("p", "c")).toEqual(known);
    expect(await after.position()).toBe(1);
  });

  it("chains on from what is written when a batch has failed half-way", async () => {
    const store = open(newFile());
    const entry = element({ journal: [journalRow({ instance: "a" })] });
    await store.commit([entry]);
    const twice = arming(pendingRow({ key: "k" }), pendingRow({ key: "k", id: "other" }));
    await expect(store.commit([entry, twice])).rejects.toThrow();
    await store.commit([entry]);

    expect(await checkChain(store)).toMatchObject({ checked: 2, faults: [], head: { seq: 2 } });
  });

  it("goes on with its numbers after it was opened again, also when the last entries were cut off", async () => {
    const path = newFile();
    const before = open(path);
    await before.commit([element({ journal: [journalRow({ instance: "a" }), journalRow({ instance: "a" })] })]);
    await before.commit([element({ cut: { instance: "a", before: 100 } })]);
    await before.close();

    const after = open(path);
    await after.commit([element({ journal: [journalRow({ instance: "b" })] })]);

    expect((await after.journal({ limit: 10 })).map(({ seq }) => seq)).toEqual([3]);
  });

  it("carries the number of its newest migration", async () => {
    const path = newFile();
    await open(path).close();

    const database = new DatabaseSync(path);
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    database.close();
  });

  it("of an older program is brought to the newest migration when it is opened, with all that is in it", async () => {
    const path = newFile();
    const before = open(path);
    await before.commit([writing(instanceRow({ id: "a" }), { journal: [journalRow({ instance: "a" })] })]);
    await before.close();
    const older = new DatabaseSync(path);
    older.exec("DROP INDEX instances_of_machine; PRAGMA user_version = 1");
    older.close();

    const after = open(path);

    expect((await after.instances({ machine: "counter", limit: 1 })).map(({ id }) => id)).toEqual(["a"]);
    expect(await checkChain(after)).toMatchObject({ checked: 1, faults: [] });
    const database = new DatabaseSync(path);
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    const sql = "EXPLAIN QUERY PLAN SELECT * FROM instances WHERE machine = 'counter' ORDER BY id LIMIT 1";
    expect(
      database
        .prepare(sql)
        .all()
        .map(({ detail }) => detail),
    ).toEqual([
      "SEARCH instances USING INDEX instances_of_machine (machine=?)", // in order: nothing is sorted
    ]);
    database.close();
  });

  it("is refused when a newer program has written it, and left as it is", async () => {
    const path = newFile();
    await open(path).close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");

    const { code, detail } = refusalOf(path);

    expect(code).toBe("database-too-new");
    expect(detail).toContain("99");
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    database.exec("PRAGMA user_version = 2");
    database.close();
    expect(refusalOf(path).code).toBe("opened"); // the refusal did not keep the lock
  });

  it("has one owner in a process, until that one closes it", async () => {
    const path = newFile();
    const first = open(path);

    expect(refusalOf(path)).toMatchObject({ code: "database-in-use" });
    await first.close();
    expect(refusalOf(path).code).toBe("opened");
  });

  it("has one owner among processes, who is named, and is free again when that one is killed", async () => {
    const path = newFile();
    const child = await holder(path);

    const { code, detail } = refusalOf(path);
    expect(code).toBe("database-in-use");
    expect(detail).toContain(`process ${child.pid} on`);

    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    const store = open(path);
    expect((await store.load("a"))?.row.version).toBe(1); // what it had committed is there
    await store.commit([writing(instanceRow({ id: "b" }))]);
  });

  it.each([
    ["synchronous = FULL", "synchronous = OFF"],
    ["synchronous = FULL", "synchronous = NORMAL"],
    ["journal_mode = WAL", "journal_mode = MEMORY"],
  ])("is not used when %s comes out as %s", (asked, found) => {
    connections((sql) => sql.replace(asked, found));

    expect(refusalOf(newFile())).toMatchObject({ code: "store-unavailable" });
  });

  it("is synchronised before a commit is acknowledged", (context) => {
    const script = join(import.meta.dirname, "..", "support", "store-process.ts");
    const trace = join(folder, "trace");
    const args = ["-f", "-o", trace, "-y", "-e", "trace=fdatasync,fsync,write", process.execPath, script, newFile()];
    const run = spawnSync("strace", args, { encoding: "utf8" });
    if (run.error !== undefined || run.stdout !== "owns\ncommitted\n") context.skip("strace does not run here");

    const lines = readFileSync(trace, "utf8").split("\n");
    const said = (text: string) => lines.findIndex((line) => line.includes(`"${text}\\n"`));
    const synced = lines.slice(said("owns"), said("committed")).filter((line) => /f(?:data)?sync\(.*-wal>/.test(line));
    expect(synced.length).toBeGreaterThan(0);
  });

  it("that is full says so, keeps what was committed, and goes on when there is space again", async () => {
    const seen = connections();
    const store = open(newFile());
    await store.commit([writing(instanceRow({ id: "a" }))]);
    const own = seen.at(-1) as DatabaseSync;
    own.exec("PRAGMA max_page_count = 1"); // as many as there are
    const large = writing(instanceRow({ id: "b", snapshot: "x".repeat(200_000) }));

    await expect(store.commit([writing(instanceRow({ id: "a", version: 2 })), large])).rejects.toMatchObject({
      code: "insufficient-storage",
    });
    expect((await store.load("a"))?.row.version).toBe(1);

    own.exec("PRAGMA max_page_count = 100000");
    expect(await store.commit([large])).toEqual(["committed"]);
  });

  it("says that the disk takes no more in every form in which SQLite and the system tell it", () => {
    const codes = { FULL: 13, IOERR_WRITE: 778, IOERR_SHMSIZE: 4874, IOERR_SHMMAP: 5386 };
    const told = [
      ...Object.values(codes).map((errcode) => Object.assign(new Error("disk I/O error"), { errcode })),
      ...["ENOSPC", "EDQUOT"].map((code) => Object.assign(new Error("no space left on device"), { code })),
    ].map((error) => storeError(error).code);
    const others = [10, 266, 1034, 14, 11, 5].map(
      (errcode) => storeError(Object.assign(new Error("other"), { errcode })).code,
    );

    expect(new Set(told)).toEqual(new Set(["insufficient-storage"]));
    expect(new Set(others)).toEqual(new Set(["store-unavailable"])); // a failed fsync among them: what it wrote is not known
  });

  it("is asked for room on its disk by a probe, which leaves nothing behind", async () => {
    const path = newFile();
    const store = open(path);
    await store.probe();

    expect(existsSync(`${path}-probe`)).toBe(false);
    mkdirSync(`${path}-probe`); // in the way
    await expect(store.probe()).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("takes nothing of a batch with an element that cannot be written, and says that nothing was", async () => {
    const store = open(newFile());
    await store.commit([arming(messageRow({ key: "m" }))]);
    const twice = arming(messageRow({ key: "m" }));
    const halfPair = element({ journal: [journalRow({ instance: "\ud800" })] });

    await expect(store.commit([writing(instanceRow({ id: "a" })), twice])).rejects.toMatchObject({
      code: "internal-fault",
    });
    await expect(store.commit([writing(instanceRow({ id: "a" })), halfPair])).rejects.toMatchObject({
      code: "invalid-request",
    });
    expect(await store.load("a")).toBeUndefined();
    expect(await store.position()).toBe(0);
    expect(await store.commit([writing(instanceRow({ id: "a" }))])).toEqual(["committed"]);
  });

  it("has one owner, whatever links lead to it", async () => {
    const real = join(folder, "real");
    mkdirSync(real);
    symlinkSync(real, join(folder, "by-directory"));
    const first = open(join(real, "x.db"));
    symlinkSync(join(real, "x.db"), join(folder, "by-file.db"));

    expect(refusalOf(join(folder, "by-directory", "x.db"))).toMatchObject({ code: "database-in-use" });
    expect(refusalOf(join(folder, "by-file.db"))).toMatchObject({ code: "database-in-use" });
    await first.close();
    expect(refusalOf(join(folder, "by-file.db")).code).toBe("opened");
  });

  it("that cannot be opened says so, whatever the reason", () => {
    const asFolder = newFile();
    mkdirSync(asFolder);
    const noDatabase = newFile();
    writeFileSync(noDatabase, "this is no database, and long enough to be looked at ".repeat(100));

    for (const path of [asFolder, noDatabase, join(folder, "missing", "x.db")]) {
      expect(refusalOf(path)).toMatchObject({ code: "store-unavailable" });
    }
    rmSync(noDatabase);
    expect(refusalOf(noDatabase).code).toBe("opened"); // the fault did not keep the lock
  });

  it("that is closed answers store-unavailable to everything", async () => {
    const store = open(newFile());
    await store.close();

    const asked = [
      () => store.load("a"),
      () => store.commit([]),
      () => store.command("p", "c"),
      () => store.claim({ now: 0, owner: "o", leaseUntil: 1, calls: 1, deliveries: 1 }),
      () => store.instances({ limit: 1 }),
      () => store.journal({ limit: 1 }),
      () => store.pending({ now: 0, limit: 1 }),
      () => store.nextDueAt(),
      () => store.position(),
      () => store.probe(),
    ];
    for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: "store-unavailable" });
  });
});
