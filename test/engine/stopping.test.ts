import { describe, expect, it } from "vitest";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { createWorld } from "../support/world.ts";

const refused = { code: "shutting-down", status: 503 };

describe("an engine that was stopped", () => {
  it("refuses whatever would change something, and goes on reading", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.create({ machine: "egg", id: "e", input: { softMs: 10 } });
    const { instance } = await engine.send("e", { type: "start", ms: 20 });
    const [timer] = (await engine.pending()).items;
    const actor = await engine.actor("c");

    await engine.stop();

    await expect(engine.send("c", { type: "inc" })).rejects.toMatchObject(refused);
    await expect(engine.create({ machine: "counter", id: "d", input: {} })).rejects.toMatchObject(refused);
    await expect(engine.transact([{ id: "c", event: { type: "inc" } }])).rejects.toMatchObject(refused);
    await expect(engine.transactAsEngine([{ id: "c", event: { type: "inc" } }])).rejects.toMatchObject(refused);
    await expect(engine.retryPending(timer?.key ?? "")).rejects.toMatchObject(refused);
    await expect(engine.discardPending(timer?.key ?? "")).rejects.toMatchObject(refused);
    await expect(actor.send({ type: "inc" })).rejects.toMatchObject(refused);
    expect(await engine.read("e")).toEqual(instance);
    expect(await engine.dryRun("c", { type: "inc" })).toMatchObject({ outcome: "changed" });
    expect(await engine.verify()).toMatchObject({ checked: 2, differences: [] });
    actor.stop();
  });

  it("takes what is sent when it is started again", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.stop();
    await engine.stop();

    await engine.start();

    expect(await engine.send("c", { type: "inc" })).toMatchObject({ outcome: "changed" });
    await engine.stop();
    await expect(engine.send("c", { type: "inc" })).rejects.toMatchObject(refused);
  });

  it("has answered all that was sent before, so that its store can be closed", async () => {
    const store = sqliteStore(":memory:");
    const { engine } = createWorld({ store });
    await engine.create({ machine: "counter", id: "c", input: {} });
    const sent = [1, 2, 3].map(() => engine.send("c", { type: "inc" }));

    await Promise.all([engine.stop(), engine.stop()]);
    await store.close();

    expect((await Promise.all(sent)).map(({ version }) => version)).toEqual([2, 3, 4]);
  });
});
