import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { backUp, databaseIn, restore } from "../../src/store/sqlite/backup.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { instanceRow, journalRow, pendingRow, storedRow, writing } from "./rows.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-backup-"));
afterAll(() => rmSync(folder, { recursive: true }));
const opened: Store[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

let places = 0;
const newPlace = () => join(folder, String(places++));

/** A data directory with a store that is open, as a server has it. */
function served(): { data: string; store: Store } {
  const data = newPlace();
  mkdirSync(data);
  return { data, store: open(data) };
}

function open(data: string): Store {
  const store = sqliteStore(databaseIn(data));
  opened.push(store);
  return store;
}

/** Creates an instance whose snapshot takes so many characters. */
function create(store: Store, id: string, characters = 10) {
  const row = instanceRow({ id, snapshot: JSON.stringify("x".repeat(characters)) });
  return store.commit([writing(row, { journal: [journalRow({ instance: id, kind: "created" })] })]);
}

async function backupOf(store: Store, data: string): Promise<string> {
  const to = newPlace();
  await backUp({ data, to });
  await store.close();
  return to;
}

describe("a backup", () => {
  it("is the database as it was at one moment, however much is written meanwhile", async () => {
    const { data, store } = served();
    for (let n = 0; n < 20; n += 1) await create(store, `before${n}`, 1_000_000);
    const to = newPlace();
    const shares: number[] = [];
    let written = 0;

    const report = await backUp({
      data,
      to,
      onProgress(share) {
        shares.push(share);
        void create(store, `meanwhile${written++}`); // synchronous, up to the promise
      },
    });

    expect(shares.length).toBeGreaterThan(4);
    expect(shares.length).toBeLessThan(10); // it never began anew
    expect([shares, shares.at(-1)]).toEqual([shares.toSorted((a, b) => a - b), 1]);
    expect(report).toMatchObject({ checked: 20, faults: [], head: { seq: 20 } });
    expect(await store.position()).toBe(20 + written);
    const copy = new DatabaseSync(to, { readOnly: true });
    expect(copy.prepare("SELECT count(*) AS count FROM instances").get()).toMatchObject({ count: 20 });
    expect(copy.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "delete" }); // one file is all of it
    copy.close();
  });

  it("of a directory that no server runs on can be taken too, and is one file", async () => {
    const { data, store } = served();
    await create(store, "a");
    await store.close();
    const to = newPlace();

    expect(await backUp({ data, to })).toMatchObject({ checked: 1 });
    expect(readdirSync(folder).filter((name) => name.startsWith(`${to.slice(folder.length + 1)}.`))).toEqual([]);
  });

  it("goes on in another directory: instances, pending rows, commands and the chain", async () => {
    const { data, store } = served();
    const row = instanceRow({ id: "a" });
    const command = { principal: "p", id: "k", fingerprint: "f", at: 1, answer: "[]" };
    const timer = pendingRow({ key: "t", instance: "a" });
    await store.commit([
      writing(row, { command, changes: [{ kind: "arm", row: timer }], journal: [journalRow({ instance: "a" })] }),
    ]);
    const from = await backupOf(store, data);
    const elsewhere = join(newPlace(), "new");

    await restore({ from, data: elsewhere });

    const restored = open(elsewhere);
    expect(await restored.load("a")).toEqual({ row: storedRow(row), pending: [timer] });
    expect(await restored.command("p", "k")).toEqual(command);
    await create(restored, "b");
    expect((await restored.chain({ limit: 10 })).rows.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("overwrites nothing, neither as a backup nor in a data directory, not even a log that was left behind", async () => {
    const { data, store } = served();
    await create(store, "a");
    const from = await backupOf(store, data);
    const left = newPlace();
    mkdirSync(left);
    writeFileSync(join(left, "signalbox.db-wal"), "");
    const content = readFileSync(from);

    for (const refused of [backUp({ data, to: from }), restore({ from, data }), restore({ from, data: left })])
      await expect(refused).rejects.toMatchObject({ code: "already-exists" });
    expect(readFileSync(from)).toEqual(content);
    expect(existsSync(databaseIn(left))).toBe(false);
  });

  it("is not restored under a server that runs", async () => {
    const { data, store } = served();
    await create(store, "a");
    const to = newPlace();
    await backUp({ data, to });

    await expect(restore({ from: to, data })).rejects.toMatchObject({
      code: "database-in-use",
      detail: expect.stringContaining(`process ${process.pid} `) as string,
    });
  });

  it.each([
    [
      "with a page that was spoilt",
      (path: string) => writeFileSync(path, readFileSync(path).fill(0x5a, 8_192, 12_288)),
      "database-damaged",
    ],
    [
      "that ends too soon",
      (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 20_000)),
      "database-damaged",
    ],
    ["whose journal somebody has edited", edited("UPDATE journal SET principal = 'nobody'"), "database-damaged"],
    [
      "whose index somebody has cut off from its table",
      edited("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'journal_by_instance'"),
      "database-damaged",
    ],
    ["of a newer version", edited("PRAGMA user_version = 99"), "database-too-new"],
    ["that is a database of something else", edited("PRAGMA user_version = 0"), "database-damaged"],
    ["that is no database", (path: string) => writeFileSync(path, "no database ".repeat(1_000)), "database-damaged"],
    ["that is empty", (path: string) => writeFileSync(path, ""), "database-damaged"],
    ["that is missing", (path: string) => rmSync(path), "not-found"],
  ])("%s is not restored, and nothing is left in the directory", async (_what, spoil, code) => {
    const { data, store } = served();
    for (let n = 0; n < 100; n += 1) await create(store, `a${n}`, 100);
    const from = await backupOf(store, data);
    spoil(from);
    const elsewhere = newPlace();

    await expect(restore({ from, data: elsewhere })).rejects.toMatchObject({ code });
    const left = existsSync(elsewhere) ? readdirSync(elsewhere) : [];
    expect(left.filter((name) => !name.startsWith("signalbox.db-owner"))).toEqual([]);
  });

  it("of a journal with faults is made all the same, and says so: nobody is left without one", async () => {
    const { data, store } = served();
    await create(store, "a");
    await store.close();
    edited("UPDATE journal SET principal = 'nobody'")(databaseIn(data));
    const to = newPlace();

    expect(await backUp({ data, to })).toMatchObject({ faults: [{ seq: 1 }] });
    expect(existsSync(to)).toBe(true);
  });

  it("says what is missing: the database, or the directory that it is to lie in", async () => {
    const { data } = served();
    const empty = newPlace();
    mkdirSync(empty);

    await expect(backUp({ data: empty, to: newPlace() })).rejects.toMatchObject({ code: "not-found" });
    await expect(backUp({ data, to: join(newPlace(), "x") })).rejects.toMatchObject({ code: "not-found" });
  });
});

function edited(sql: string) {
  return (path: string): void => {
    const database = new DatabaseSync(path);
    database.enableDefensive(false);
    database.exec(sql);
    database.close();
  };
}
