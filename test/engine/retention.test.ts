import { describe, expect, it } from "vitest";
import { createWorld } from "../support/world.ts";

const dayMs = 86_400_000;

describe("retention", () => {
  it("forgets a command after a day, and not before", async () => {
    const { engine, clock, settle, store } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "inc" }, { commandId: "k" });

    await clock.advance(dayMs);
    await settle();
    expect(await store.command("local", "k")).toBeDefined();
    await clock.advance(600_000);
    await settle();
    expect(await store.command("local", "k")).toBeUndefined();
  });

  it("keeps up with more than it forgets at once", async () => {
    const { engine, clock, settle, store } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    for (let n = 0; n < 10_001; n += 1) {
      const command = { principal: "p", id: `k${n}`, fingerprint: "f", at: 0, answer: "[]" };
      await store.commit([{ writes: [], expects: [], journal: [], fences: [], changes: [], command }]);
    }
    await clock.advance(dayMs + 600_000);
    await settle();
    await clock.advance(1_000);
    await settle();

    expect(await store.forgetCommands(clock.now(), 10)).toBe(0);
  });

  it("shrinks the journal of instances that ended long ago to one checkpoint, and they still verify", async () => {
    const { engine, clock, settle, store } = createWorld();
    for (let n = 0; n < 150; n += 1) {
      await engine.create({ machine: "counter", id: `c${n}`, input: {} });
      await engine.send(`c${n}`, { type: "inc" });
      if (n > 0) await engine.send(`c${n}`, { type: "finish" });
    }
    const before = await engine.read("c7");
    await clock.advance(90 * dayMs + 600_000);
    for (let n = 0; n < 3; n += 1) {
      await clock.advance(1_000);
      await settle();
    }

    expect((await engine.journal({ instance: "c0" })).entries).toHaveLength(2); // it lives
    for (const id of ["c1", "c7", "c149"]) {
      expect((await engine.journal({ instance: id })).entries).toMatchObject([
        { kind: "compacted", version: 3, to: "Finished" },
      ]);
    }
    expect(await engine.read("c7")).toEqual(before);
    expect(await engine.verify()).toMatchObject({ checked: 150, differences: [] });
    expect(await engine.audit.verify()).toMatchObject({ faults: [], isComplete: true });
    const position = await store.position();
    await clock.advance(600_000);
    await settle();
    expect(await store.position()).toBe(position); // once
  });

  it("leaves a compacted instance what it was: it refuses, and takes the numbers of its streams", async () => {
    const { engine, clock, settle } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "finish" }, { stream: { name: "s", seq: 1 } });
    await clock.advance(91 * dayMs);
    await settle();

    expect(await engine.send("c", { type: "finish" }, { stream: { name: "s", seq: 1 } })).toMatchObject({
      replayed: true,
      version: 2,
    });
    expect(await engine.send("c", { type: "inc" }, { stream: { name: "s", seq: 2 } })).toMatchObject({
      outcome: "refused",
    });
    expect(await engine.verify()).toMatchObject({ checked: 1, differences: [] });
  });
});
