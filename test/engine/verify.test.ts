import { DatabaseSync } from "node:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { createWorld } from "../support/world.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Writes some history, lets somebody edit the file behind our back, and verifies. */
async function verifiedAfter(...edits: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-verify-"));
  folders.push(folder);
  const path = join(folder, "x.db");
  const store = sqliteStore(path);
  const { engine } = createWorld({ store });
  await engine.create({ machine: "counter", id: "c", input: {} });
  await engine.create({ machine: "counter", id: "other", input: { count: 1 } });
  await engine.send("c", { type: "inc", by: 2 });
  await engine.send("c", { type: "dec" });
  await engine.send("c", { type: "touch" });
  await engine.send("other", { type: "finish" });
  await engine.send("other", { type: "inc" });
  await store.close();

  const database = new DatabaseSync(path);
  for (const edit of edits) expect(Number(database.prepare(edit).run().changes)).toBeGreaterThan(0);
  database.close();

  const reopened = sqliteStore(path);
  const verification = await createWorld({ store: reopened }).engine.verify();
  await reopened.close();
  return verification;
}

describe("verify", () => {
  it("finds nothing where nothing is wrong", async () => {
    expect(await verifiedAfter()).toEqual({ checked: 2, differences: [], unverifiable: [] });
  });

  it.each([
    [
      "an edited snapshot",
      `UPDATE instances SET snapshot = replace(snapshot, '"count":1', '"count":7') WHERE id = 'c'`,
      null,
    ],
    ["an edited state", "UPDATE instances SET state = 'Done' WHERE id = 'c'", null],
    ["edited tags", `UPDATE instances SET tags = '["steady"]' WHERE id = 'c'`, null],
    ["an edited status", "UPDATE instances SET status = 'done' WHERE id = 'c'", null],
    ["an edited version", "UPDATE instances SET version = 9 WHERE id = 'c'", null],
    ["an edited event", `UPDATE journal SET event = replace(event, '"by":2', '"by":3') WHERE instance = 'c'`, null],
    ["an event made into another", `UPDATE journal SET event = replace(event, '"inc"', '"touch"') WHERE seq = 3`, 3],
    ["an edited outcome", "UPDATE journal SET outcome = 'refused' WHERE seq = 4", 4],
    [
      "an edited checkpoint",
      `UPDATE journal SET checkpoint = replace(checkpoint, '"count":0', '"count":1') WHERE seq = 1`,
      null,
    ],
    ["a missing row in between", "DELETE FROM journal WHERE seq = 3", 4],
    ["a missing row at the end", "DELETE FROM journal WHERE seq >= 4 AND instance = 'c'", null],
    ["a missing beginning", "DELETE FROM journal WHERE seq = 1", 3],
    ["no journal at all", "DELETE FROM journal WHERE instance = 'c'", null],
    [
      "a row too many",
      "INSERT INTO journal SELECT 99, kind, at, instance, machine, version, event, from_state, to_state, via, outcome, reasons, emitted, principal, command_id, trace, stream, stream_seq, checkpoint, checkpoint_version, content_hash, hash FROM journal WHERE seq = 3",
      99,
    ],
  ])("finds %s", async (_what, edit, seq) => {
    const { checked, differences } = await verifiedAfter(edit);

    expect(checked).toBe(2);
    expect(differences).toMatchObject([{ instance: "c", seq }]);
  });

  it("of one instance looks at that one alone", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "a", input: {} });
    await engine.create({ machine: "counter", id: "b", input: {} });

    expect(await engine.verify("b")).toEqual({ checked: 1, differences: [], unverifiable: [] });
  });
});
