import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/engine.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { element } from "../store/rows.ts";
import { createWorld, type WorldOptions } from "../support/world.ts";

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

describe("an instance that ended long ago", () => {
  const limits = { endedRetentionMs: dayMs };
  const sweepMs = 600_000;

  /** One that lives, and one that ended. */
  async function createWorldWithEnded(options: WorldOptions = { limits }) {
    const world = createWorld(options);
    for (const id of ["lives", "ended"]) await world.engine.create({ machine: "counter", id, input: {} });
    await world.engine.send("ended", { type: "finish" });
    return world;
  }

  it("is kept for ever where nobody says otherwise", async () => {
    const { engine, clock, settle } = await createWorldWithEnded({});

    await clock.advance(3_650 * dayMs);
    await settle();

    expect(await engine.read("ended")).toMatchObject({ state: "Finished" });
  });

  it("is forgotten when its time is over, and not before, with all but one entry of its journal", async () => {
    const { engine, clock, settle } = await createWorldWithEnded();
    await clock.advance(dayMs);
    await settle();
    expect(await engine.read("ended")).toMatchObject({ state: "Finished" });

    await clock.advance(sweepMs);
    await settle();

    await expect(engine.read("ended")).rejects.toThrow("not-found");
    await expect(engine.send("ended", { type: "inc" })).rejects.toThrow("not-found");
    expect((await engine.list({})).items.map(({ id }) => id)).toEqual(["lives"]);
    expect(await engine.read("lives")).toMatchObject({ state: "Counting" });
    const { rows } = await engine.audit.rows({ limit: 10 });
    expect(rows.filter(({ instance }) => instance === "ended").map(({ content }) => content?.kind ?? null)).toEqual([
      null,
      null,
      "forgotten",
    ]);
    expect(await engine.verify()).toMatchObject({ checked: 1, differences: [] });
    expect(await engine.audit.verify()).toMatchObject({ faults: [], isComplete: true });
  });

  it("that was compacted before is forgotten too", async () => {
    const { engine, clock, settle } = await createWorldWithEnded({
      limits: { journalRetentionMs: dayMs, endedRetentionMs: 2 * dayMs },
    });
    await clock.advance(dayMs + sweepMs);
    await settle();
    expect((await engine.journal({ instance: "ended" })).entries).toMatchObject([{ kind: "compacted" }]);

    await clock.advance(dayMs);
    await settle();

    await expect(engine.read("ended")).rejects.toThrow("not-found");
    expect(await engine.audit.verify()).toMatchObject({ faults: [], isComplete: true });
  });

  it("begins anew when it is created again, also with another input", async () => {
    const { engine, clock, settle } = await createWorldWithEnded();
    await clock.advance(dayMs + sweepMs);
    await settle();

    await engine.create({ machine: "egg", id: "ended", input: { softMs: 5 } });

    expect(await engine.read("ended")).toMatchObject({ machine: "egg", version: 1 });
    expect((await engine.journal({ instance: "ended" })).entries.map(({ kind }) => kind)).toEqual([
      "forgotten",
      "created",
    ]);
    expect(await engine.verify()).toMatchObject({ checked: 2, differences: [] });
    expect(await engine.audit.verify()).toMatchObject({ faults: [], isComplete: true });
  });

  it("that is created again is what an actor of its id goes on with, and is not replayed further back", async () => {
    const { engine, clock, settle } = await createWorldWithEnded();
    const actor = await engine.actor("ended");
    const news = Promise.withResolvers<unknown>();
    actor.subscribe(({ value }) => news.resolve(value));
    await clock.advance(dayMs + sweepMs);
    await settle();

    await engine.create({ machine: "counter", id: "ended", input: {} });
    const [forgotten, created] = (await engine.journal({ instance: "ended" })).entries;
    const before = engine.momentOf("ended", forgotten?.seq ?? 0);
    await expect(before).rejects.toMatchObject({
      code: "not-found",
      detail: expect.stringContaining(`begins with entry ${created?.seq}`) as unknown,
    });

    expect([await news.promise, actor.getSnapshot().value]).toEqual(["Counting", "Counting"]);
    actor.stop();
  });

  it("is told by nobody what it does not wait for, also when it was created again", async () => {
    const { engine, clock, settle } = createWorld({ limits });
    for (const child of ["first", "second"]) {
      await engine.create({ machine: "parent", id: "p", input: {} });
      await engine.send("p", { type: "hire", child, machine: "counter" }); // that one does not hear when it is to stop
      await engine.send("p", { type: "retire" });
      await settle();
      await clock.advance(dayMs + sweepMs);
      await settle();
    }
    await engine.send("first", { type: "finish" });
    await settle();
    const ofForgotten = (await engine.pending()).items;
    await engine.create({ machine: "parent", id: "p", input: {} });
    await engine.send("p", { type: "hire", child: "third" });

    await engine.send("second", { type: "finish" });
    await settle();

    expect(ofForgotten).toEqual([]);
    expect(await engine.read("p")).toMatchObject({ state: "Waiting", context: { child: "third" } });
    expect((await engine.pending()).items).toMatchObject([{ key: "p#2:child" }]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("leaves nothing of what it refused at the last moment, and whoever follows it hears that it is gone", async () => {
    const inner = memoryStore();
    let refuse = async () => {};
    const store: Store = {
      ...inner,
      async commit(batch) {
        if (batch.some(({ forget }) => forget !== undefined)) await refuse();
        return inner.commit(batch);
      },
    };
    const { engine, clock, settle } = await createWorldWithEnded({ limits, store });
    refuse = async () => void (await engine.send("ended", { type: "inc" }));
    const stopped = new AbortController();
    const heard: string[] = [];
    const listening = (async () => {
      for await (const { kind } of engine.feed({ instance: "ended", signal: stopped.signal })) {
        heard.push(kind);
        if (kind === "forgotten") stopped.abort();
      }
    })();

    await clock.advance(dayMs + sweepMs);
    await settle();

    await listening;
    expect(heard.at(-1)).toBe("forgotten");
    const { entries } = await engine.journal({});
    expect(entries.flatMap(({ instance, kind }) => (instance === "ended" ? [kind] : []))).toEqual(["forgotten"]);
    expect(await engine.audit.verify()).toMatchObject({ faults: [], isComplete: true });
  });

  it("is kept as long as somebody says that it is needed", async () => {
    const needed = new Set(["ended"]);
    const makeEngine: typeof createEngine = (options) =>
      createEngine({ ...options, mayForget: (id) => !needed.has(id) });
    const { engine, clock, settle } = await createWorldWithEnded({ limits, makeEngine });
    await clock.advance(dayMs + sweepMs);
    await settle();
    expect(await engine.read("ended")).toMatchObject({ state: "Finished" });

    needed.clear();
    await clock.advance(sweepMs);
    await settle();

    await expect(engine.read("ended")).rejects.toThrow("not-found");
  });

  it("is kept as long as its end is not told, and as long as its parent waits for it", async () => {
    const { engine, clock, settle, store } = createWorld({ limits });
    await engine.create({ machine: "parent", id: "p", input: {} });
    await engine.send("p", { type: "hire", child: "kid" });
    await engine.send("kid", { type: "finish", result: "homework" });
    const now = clock.now();
    const [message] = await store.pending({ instances: ["kid"], now, limit: 1 });
    const key = message?.key ?? "";
    await store.reschedule([{ key, dueAt: null }]);
    const isThere = async () => {
      await clock.advance(dayMs + sweepMs);
      await settle();
      return (await store.load("kid")) !== undefined;
    };

    const untold = await isThere();
    await store.commit([element({ changes: [{ kind: "discard", key }] })]);
    const awaited = await isThere();
    await engine.discardPending("p#2:child");
    const unneeded = await isThere();

    expect([untold, awaited, unneeded]).toEqual([true, true, false]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });
});
