import { describe, expect, it } from "vitest";
import { quiet } from "../support/gated-store.ts";
import { counter, door } from "../support/test-machines.ts";
import { createWorld } from "../support/world.ts";

async function oldDoor() {
  const old = createWorld({ machines: [door(1), counter] });
  await old.engine.create({ machine: "door", id: "d", input: {} });
  await old.engine.send("d", { type: "open" });
  await old.engine.send("d", { type: "close" });
  await old.engine.create({ machine: "counter", id: "n", input: {} });
  return old;
}

describe("an instance of an older chart", () => {
  it("is migrated step by step when it is next used, with a checkpoint, and verifies", async () => {
    const { engine } = (await oldDoor()).restarted({ machines: [door(3), counter] });
    expect(await engine.verify()).toMatchObject({ checked: 1, unverifiable: [{ instance: "d" }] });

    expect(await engine.send("d", { type: "open" })).toMatchObject({
      outcome: "changed",
      version: 5,
      instance: { machineVersion: 3 },
    });

    expect((await engine.read("d")).context).toEqual({ opened: 1 });
    expect((await engine.journal({ instance: "d", after: 4 })).entries).toMatchObject([
      { kind: "migrated", version: 4, event: null, from: "Shut", to: "Closed" },
      { kind: "event", version: 5, from: "Closed", to: "Open" },
    ]);
    expect(await engine.verify()).toMatchObject({ checked: 2, differences: [], unverifiable: [] });
  });

  it("is shown in its new form before it is used, and nothing is written for that", async () => {
    const { engine, store } = (await oldDoor()).restarted({ machines: [door(2), counter] });
    const position = await store.position();

    expect(await engine.read("d")).toMatchObject({ state: "Closed", machineVersion: 2 });
    expect(await engine.dryRun("d", { type: "open" })).toMatchObject({ outcome: "changed" });
    expect(await store.position()).toBe(position);
  });

  it("is migrated once, however many ask for it at the same time", async () => {
    const { engine } = (await oldDoor()).restarted({ machines: [door(3), counter] });

    const sents = await Promise.all(["open", "close", "open"].map((type) => engine.send("d", { type })));

    expect(sents.map(({ version }) => version)).toEqual([5, 6, 7]);
    const kinds = (await engine.journal({ instance: "d" })).entries.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "migrated")).toHaveLength(1);
  });

  it.each([
    ["lacks a migration", { 2: (stored: unknown) => stored }, "there is no migration from 1"],
    [
      "has one that throws",
      {
        1: () => {
          throw new Error("what is this?");
        },
        2: (stored: unknown) => stored,
      },
      "what is this?",
    ],
    ["has one that leads nowhere", { 1: (stored: unknown) => stored, 2: (stored: unknown) => stored }, "Shut"],
  ])("whose machine %s is refused and listed, and the others run", async (_what, migrations, why) => {
    const { engine, store } = (await oldDoor()).restarted({ machines: [door(3, migrations), counter] });
    const position = await store.position();

    await expect(engine.send("d", { type: "open" })).rejects.toMatchObject({ code: "needs-migration", status: 409 });
    await expect(engine.dryRun("d", { type: "open" })).rejects.toMatchObject({ code: "needs-migration" });
    const [listed] = (await engine.list({ machine: "door" })).items;
    expect(listed).toMatchObject({ id: "d", state: "Shut", machineVersion: 1, tags: ["needs-migration"], hears: [] });
    expect(listed?.waitingFor[0]?.what).toContain(why);
    expect(await engine.verify()).toMatchObject({ checked: 1, unverifiable: [{ instance: "d" }] });
    expect(await store.position()).toBe(position);
    expect(await engine.send("n", { type: "inc" })).toMatchObject({ outcome: "changed" });
  });

  it("is left alone by a chart that is older still, and one whose machine is gone is listed", async () => {
    const newer = (await oldDoor()).restarted({ machines: [door(3), counter] });
    await newer.engine.send("d", { type: "open" });

    const older = newer.restarted({ machines: [door(2), counter] }).engine;
    await expect(older.send("d", { type: "close" })).rejects.toMatchObject({ code: "needs-migration" });
    const without = newer.restarted({ machines: [counter] }).engine;
    await expect(without.send("d", { type: "close" })).rejects.toMatchObject({ code: "not-found" });
    expect((await without.list()).items).toMatchObject([{ id: "d", state: "Open", tags: ["not-found"] }, { id: "n" }]);
    expect(await newer.engine.send("d", { type: "close" })).toMatchObject({ outcome: "changed" });
  });

  it("tells whoever follows the journal", async () => {
    const { engine } = (await oldDoor()).restarted({ machines: [door(3), counter] });
    const abort = new AbortController();
    const feed = engine.feed({ signal: abort.signal })[Symbol.asyncIterator]();
    const next = feed.next();
    await quiet();
    await engine.send("d", { type: "open" });

    expect((await next).value).toMatchObject({ kind: "migrated" });
    expect((await feed.next()).value).toMatchObject({ kind: "event" });
    abort.abort();
  });
});
