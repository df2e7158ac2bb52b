import { describe, expect, it } from "vitest";
import { SignalboxError } from "../../src/core/errors.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { gatedStore, isOpen, quiet } from "../support/gated-store.ts";
import { createWorld, type WorldOptions } from "../support/world.ts";

async function gatedWorld(options: WorldOptions = {}) {
  const store = gatedStore(memoryStore());
  const world = createWorld({ ...options, store });
  await world.engine.create({ machine: "counter", id: "c", input: {} });
  return { ...world, store };
}

describe("commits", () => {
  it("are shared by sends that are ready together, to one instance or many", async () => {
    const { engine, store } = await gatedWorld();
    for (let n = 0; n < 10; n += 1) await engine.create({ machine: "counter", id: `c${n}`, input: {} });
    store.batches.length = 0;

    const sends = Array.from({ length: 200 }, (_, n) => engine.send(n % 2 === 0 ? "c" : `c${n % 10}`, { type: "inc" }));
    await Promise.all(sends);

    expect(store.batches.length).toBeLessThan(10);
    expect(store.batches.flat()).toHaveLength(200);
    expect((await engine.read("c")).context).toMatchObject({ count: 100 });
    expect(await engine.verify()).toMatchObject({ checked: 11, differences: [] });
  });

  it("take at most as many elements as the limit says", async () => {
    const { engine, store } = await gatedWorld({ limits: { batchMax: 3 } });

    await Promise.all(Array.from({ length: 10 }, () => engine.send("c", { type: "inc" })));

    expect(Math.max(...store.batches.map((batch) => batch.length))).toBe(3);
    expect((await engine.read("c")).version).toBe(11);
  });

  it("are made in order of arrival, on a cold instance and on a hot one", async () => {
    const { restarted } = await gatedWorld();
    const { engine } = restarted(); // knows the instance by name only

    for (const round of [1, 2]) {
      const sents = await Promise.all(Array.from({ length: 20 }, (_, by) => engine.send("c", { type: "inc", by })));

      const first = (round - 1) * 20 + 2;
      expect(sents.map(({ version }) => version)).toEqual(Array.from({ length: 20 }, (_, n) => first + n));
    }
    const bys = (await engine.journal({ instance: "c", after: 1 })).entries.map(({ event }) => event?.["by"]);
    expect(bys.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it("let the next send be stepped on what is not committed yet", async () => {
    const { engine, store } = await gatedWorld();
    store.hold();
    const first = engine.send("c", { type: "inc" });
    await quiet();
    const second = engine.send("c", { type: "dec" }); // refused, if it were judged on what is committed

    expect(await isOpen(second)).toBe(true);
    store.release();
    expect(await first).toMatchObject({ outcome: "changed", version: 2 });
    expect(await second).toMatchObject({ outcome: "changed", version: 3 });
  });
});

describe("what is not committed", () => {
  it("is seen by nobody who reads, asks, follows or looks at the actor", async () => {
    const { engine, store } = await gatedWorld();
    await engine.create({ machine: "egg", id: "e", input: { softMs: 5 } });
    const actor = await engine.actor("c");
    const heard: unknown[] = [];
    actor.subscribe((snapshot) => heard.push(snapshot.context));
    const abort = new AbortController();
    const feed = engine.feed({ signal: abort.signal })[Symbol.asyncIterator]();
    const next = feed.next();
    await quiet();
    store.hold();

    const sends = [engine.send("c", { type: "inc" }), engine.send("e", { type: "start", ms: 9 })];
    const creation = engine.create({ machine: "counter", id: "new", input: {} });
    await quiet();

    expect(await engine.read("c")).toMatchObject({ version: 1, context: { count: 0 } });
    expect(await engine.explain("e")).toMatchObject({ instance: { state: "Cold" }, pending: [] });
    expect(await engine.dryRun("c", { type: "dec" })).toMatchObject({ outcome: "refused" });
    expect((await engine.list()).items.map(({ id, version }) => [id, version])).toEqual([
      ["c", 1],
      ["e", 1],
    ]);
    expect((await engine.journal()).entries).toHaveLength(2);
    expect((await engine.pending()).items).toEqual([]);
    await expect(engine.read("new")).rejects.toMatchObject({ code: "not-found" });
    expect(actor.getSnapshot().context).toMatchObject({ count: 0 });
    expect([heard, await isOpen(next)]).toEqual([[], true]);

    store.release();
    await Promise.all([...sends, creation]);
    await quiet();
    expect(heard).toMatchObject([{ count: 1 }]);
    expect((await next).value).toMatchObject({ instance: "c", version: 2 });
    abort.abort();
    actor.stop();
  });

  it("holds back a refusal and an unchanged answer that were judged on it", async () => {
    const { engine, store } = await gatedWorld();
    store.hold();
    void engine.send("c", { type: "finish" });
    await quiet();

    const refused = engine.send("c", { type: "inc" });
    const unchanged = engine.create({ machine: "counter", id: "c", input: {} });
    expect(await isOpen(refused)).toBe(true);
    expect(await isOpen(unchanged)).toBe(true);

    store.release();
    expect(await refused).toMatchObject({ outcome: "refused", version: 2, reasons: [{ code: "ended" }] });
    expect(await unchanged).toMatchObject({ version: 2, state: "Finished" });
  });

  it("takes back a refusal that was judged on it when it fails", async () => {
    const { engine, store } = await gatedWorld();
    store.hold();
    const finish = engine.send("c", { type: "finish" });
    await quiet();
    const inc = engine.send("c", { type: "inc" });
    await quiet();

    store.fail("before");

    await expect(finish).rejects.toMatchObject({ code: "store-unavailable" });
    expect(await inc).toMatchObject({ outcome: "changed", version: 2 });
    expect((await engine.journal({ instance: "c" })).entries.map(({ outcome }) => outcome)).toEqual([
      "changed",
      "changed",
    ]);
  });

  it.each([
    ["a version that it does not expect", { type: "inc" }, { expectedVersion: 1 }, "version-mismatch"],
    ["a gap in a stream", { type: "inc" }, { stream: { name: "s", seq: 3 } }, "sequence-gap"],
  ])("holds back %s, and lets it pass when the commit fails", async (_what, event, options, code) => {
    for (const end of ["go", "before"] as const) {
      const { engine, store } = await gatedWorld();
      if ("stream" in options) await engine.send("c", { type: "touch" }, { stream: { name: "s", seq: 1 } });
      store.hold();
      const first = engine.send("c", { type: "inc" }).catch((error: unknown) => error);
      await quiet();
      const second = engine.send("c", event, options).catch((error: unknown) => error);
      expect(await isOpen(second)).toBe(true);

      if (end === "go") store.release();
      else store.fail(end);

      await first;
      const isFault = end === "go" || code === "sequence-gap";
      expect(await second).toMatchObject(isFault ? { code } : { outcome: "changed", version: 2 });
    }
  });

  it("holds back that an id is taken", async () => {
    const { engine, store } = await gatedWorld();
    store.hold();
    const first = engine.create({ machine: "counter", id: "n", input: {} }).catch((error: unknown) => error);
    await quiet();
    const second = engine.create({ machine: "counter", id: "n", input: { count: 5 } });
    expect(await isOpen(second)).toBe(true);

    store.fail("before");

    expect(await first).toMatchObject({ code: "store-unavailable" });
    expect(await second).toMatchObject({ context: { count: 5 } });
  });
});

describe("a commit that fails", () => {
  it("is told as an outcome that is not known, and everything goes on from what is written", async () => {
    for (const when of ["before", "after"] as const) {
      const { engine, store } = await gatedWorld();
      store.hold();
      const sends = [1, 2, 3].map(() => engine.send("c", { type: "inc" }).catch((error: unknown) => error));
      await quiet();

      store.fail(when);

      for (const answer of await Promise.all(sends)) expect(answer).toMatchObject({ code: "store-unavailable" });
      const count = when === "before" ? 0 : 3;
      expect((await engine.read("c")).context).toMatchObject({ count });
      expect(await engine.send("c", { type: "inc" })).toMatchObject({ version: count + 2 });
      expect(await engine.verify()).toMatchObject({ differences: [] });
    }
  });

  it("is looked up by its command id: the answer is known when it was written", async () => {
    const { engine, store } = await gatedWorld();
    store.hold();
    const sent = engine.send("c", { type: "inc" }, { commandId: "k" });
    await quiet();

    store.fail("after");

    expect(await sent).toMatchObject({ outcome: "changed", version: 2 });
  });

  it("takes with it what was stepped on it, which is stepped again in order", async () => {
    const { engine, store } = await gatedWorld({ limits: { batchMax: 1 } });
    store.hold();
    const first = engine.send("c", { type: "inc", by: 10 }).catch((error: unknown) => error);
    await quiet();
    const others = [1, 2, 3].map((by) => engine.send("c", { type: "inc", by }));
    await quiet();

    store.fail("before");

    expect(await first).toMatchObject({ code: "store-unavailable" });
    expect((await Promise.all(others)).map(({ version }) => version)).toEqual([2, 3, 4]);
    expect((await engine.read("c")).context).toMatchObject({ count: 6 });
  });

  it("leaves other instances of later batches alone", async () => {
    const { engine, store } = await gatedWorld({ limits: { batchMax: 1 } });
    await engine.create({ machine: "counter", id: "d", input: {} });
    store.hold();
    const first = engine.send("c", { type: "inc" }).catch((error: unknown) => error);
    await quiet();
    const other = engine.send("d", { type: "inc" });
    await quiet();

    store.fail("before");

    expect(await first).toMatchObject({ code: "store-unavailable" });
    expect(await other).toMatchObject({ outcome: "changed", version: 2 });
  });

  it("wakes whoever follows the journal when it was written all the same", async () => {
    const { engine, store } = await gatedWorld();
    const abort = new AbortController();
    const next = engine.feed({ signal: abort.signal })[Symbol.asyncIterator]().next();
    await quiet();
    store.hold();
    const sent = engine.send("c", { type: "inc" }).catch((error: unknown) => error);
    await quiet();

    store.fail("after");

    expect(await sent).toMatchObject({ code: "store-unavailable" });
    expect((await next).value).toMatchObject({ instance: "c", version: 2 });
    abort.abort();
  });
});

describe("an instance that another engine has moved", () => {
  it("is loaded again and stepped again", async () => {
    const { engine, restarted } = await gatedWorld();
    await engine.send("c", { type: "inc" });
    const other = restarted().engine;
    await other.send("c", { type: "inc" });

    expect(await engine.send("c", { type: "inc" })).toMatchObject({ outcome: "changed", version: 4 });
    expect(await other.send("c", { type: "dec" })).toMatchObject({ outcome: "changed", version: 5 });
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("is not looked at for ever", async () => {
    const { engine, store } = await gatedWorld({ limits: { staleRetriesMax: 2 } });
    const commit = store.commit;
    let commits = 0;
    store.commit = async (batch) => {
      commits += 1;
      return batch.map(() => "stale");
    };
    const { restarted } = createWorld({ store, limits: { staleRetriesMax: 2 } });

    await expect(restarted().engine.send("c", { type: "inc" })).rejects.toMatchObject({ code: "store-unavailable" });
    expect(commits).toBe(3);
    store.commit = commit;
    expect(await engine.send("c", { type: "inc" })).toMatchObject({ version: 2 });
  });
});

describe("heads", () => {
  it("that do not fit into memory are loaded again", async () => {
    const { engine } = await gatedWorld({ limits: { hotInstancesMax: 2 } });
    const ids = Array.from({ length: 10 }, (_, n) => `c${n}`);
    for (const id of ids) await engine.create({ machine: "counter", id, input: {} });

    for (let round = 0; round < 3; round += 1) {
      await Promise.all(ids.flatMap((id) => [engine.send(id, { type: "inc" }), engine.send(id, { type: "dec" })]));
      await Promise.all(ids.map((id) => engine.send(id, { type: "touch" }, { stream: { name: "s", seq: round + 1 } })));
    }

    for (const id of ids) expect(await engine.read(id)).toMatchObject({ version: 7, context: { count: 0 } });
    expect(await engine.verify()).toMatchObject({ checked: 11, differences: [] });
  });

  it("are made one by one when one of them cannot be written, and only that one fails", async () => {
    const healthy = memoryStore();
    const store: Store = {
      ...healthy,
      async commit(batch) {
        if (batch.some(({ journal }) => journal.some(({ event }) => event?.includes("poison"))))
          throw new SignalboxError("internal-fault", "This cannot be written: poison.");
        return healthy.commit(batch);
      },
    };
    const { engine } = createWorld({ store });
    for (const id of ["a", "b", "c"]) await engine.create({ machine: "counter", id, input: {} });

    const [first, spoilt, onTop, other] = await Promise.allSettled([
      engine.send("a", { type: "inc" }),
      engine.send("b", { type: "inc" }, { principal: "poison" }),
      engine.send("b", { type: "inc", by: 5 }),
      engine.send("c", { type: "inc" }),
    ]);

    expect(spoilt).toMatchObject({ status: "rejected", reason: { code: "internal-fault" } });
    expect([first, onTop, other]).toMatchObject(
      Array.from({ length: 3 }, () => ({ status: "fulfilled", value: { version: 2 } })),
    );
    expect((await engine.read("b")).context).toMatchObject({ count: 5 }); // stepped anew, without the one that failed
    expect(await engine.verify()).toMatchObject({ checked: 3, differences: [] });
  });
});
