import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFeed, type Feed, type FeedPage } from "../../src/engine/feed.ts";
import { defaultLimits } from "../../src/engine/limits.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { NewJournalRow, Store } from "../../src/store/store.ts";
import { quiet } from "../support/gated-store.ts";

const small = {
  ...defaultLimits,
  tailPageMax: 3,
  tailKeptMax: 4,
  tailKeptCharactersMax: 2_500,
  tailPageCharactersMax: 1_300,
};
const instances = ["a", "b"] as const;

function rowOf(instance: string, size = 0): NewJournalRow {
  return {
    kind: "event",
    at: 1,
    instance,
    machine: "counter",
    version: 1,
    event: JSON.stringify({ type: "inc", text: "x".repeat(size) }),
    from: "Counting",
    to: "Counting",
    via: [],
    outcome: "unchanged",
    reasons: null,
    emitted: null,
    principal: "local",
    commandId: null,
    trace: null,
    stream: null,
    checkpoint: null,
  };
}

/** A feed over a store whose reads the test counts, and may hold back. */
function createWorld(delay: <T>(read: Promise<T>) => Promise<T> = (read) => read, limits = small) {
  const inner = memoryStore();
  let reads = 0;
  const store: Store = {
    ...inner,
    position: () => delay(inner.position()),
    journal(query) {
      reads += 1;
      return delay(inner.journal(query));
    },
  };
  const feed = createFeed({ store, limits });
  return {
    feed,
    store,
    reads: () => reads,
    async commit(...rows: NewJournalRow[]) {
      await inner.commit([{ writes: [], expects: [], fences: [], changes: [], journal: rows }]);
      feed.notify();
    },
    all: () => inner.journal({ limit: 10_000 }),
  };
}

/** Reads until it is told to stop. */
async function follow(feed: Feed, query: { after?: number; instance?: string } = {}) {
  const stop = new AbortController();
  const opened = await feed.open(query);
  const seen: number[] = [];
  const pages: FeedPage[] = [];
  const ended = (async () => {
    for await (const page of opened.pages(stop.signal)) {
      pages.push(page);
      seen.push(...page.entries.map(({ seq }) => seq));
    }
  })();
  return {
    position: opened.position,
    seen,
    pages,
    instance: query.instance,
    stop: () => stop.abort(),
    isStopped: () => stop.signal.aborted,
    ended,
  };
}

describe("the feed of many readers", () => {
  it("gives each of them every entry after its position once and in order, however their reads and the commits interleave", async () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("commit"),
          of: fc.array(fc.constantFrom(...instances), { minLength: 1, maxLength: 5 }),
          size: fc.constantFrom(0, 0, 900),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("open"),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
          instance: fc.constantFrom(undefined, ...instances),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("stop"), reader: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("let"), reads: fc.integer({ min: 1, max: 6 }) }) },
    );
    let joined = 0; // readers that came from the store to what is shared

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 5, maxLength: 30 }), async (scheduler, steps) => {
        const world = createWorld((read) => scheduler.schedule(read));
        const opening: Promise<Awaited<ReturnType<typeof follow>>>[] = [];
        const readers: Awaited<ReturnType<typeof follow>>[] = [];
        for (const each of steps) {
          if (each.kind === "commit" && "of" in each) await world.commit(...each.of.map((id) => rowOf(id, each.size)));
          if (each.kind === "open" && "share" in each) {
            const after = Math.floor((await world.all()).length * each.share);
            opening.push(follow(world.feed, { after, ...(each.instance && { instance: each.instance }) }));
          }
          if (each.kind === "stop" && "reader" in each) readers[each.reader % (readers.length || 1)]?.stop();
          if (each.kind === "let" && "reads" in each) {
            for (let n = 0; n < each.reads && scheduler.count() > 0; n += 1) await scheduler.waitOne();
            await quiet();
          }
          readers.push(...(await settledOf(opening)));
        }
        do {
          while (scheduler.count() > 0) await scheduler.waitOne();
          await quiet();
        } while (scheduler.count() > 0);
        readers.push(...(await settledOf(opening)));

        const all = await world.all();
        for (const { position, seen, pages, instance, isStopped } of readers) {
          const expected = all
            .filter((row) => row.seq > position && (instance === undefined || row.instance === instance))
            .map(({ seq }) => seq);
          expect(seen).toEqual(isStopped() ? expected.slice(0, seen.length) : expected);
          if (pages.some(({ isLive }) => isLive) && pages.some(({ isLive }) => !isLive)) joined += 1;
        }
        for (const { stop } of readers) stop();
        await quiet();
        while (scheduler.count() > 0) await scheduler.waitOne();
        await Promise.all(readers.map(({ ended }) => ended));
      }),
      { numRuns: 400 },
    );
    expect(joined).toBeGreaterThan(10);
  });

  it("reads a commit once for all that wait, and shows all of them the same entry", async () => {
    const { feed, commit, reads } = createWorld(undefined, defaultLimits);
    await commit(rowOf("a"));
    const readers = await Promise.all(Array.from({ length: 100 }, () => follow(feed, { after: 1 })));
    await quiet();
    const before = reads();

    await commit(rowOf("a"), rowOf("b"));
    await quiet();

    expect(readers.map(({ seen }) => seen)).toEqual(readers.map(() => [2, 3]));
    expect(reads() - before).toBe(1);
    expect(new Set(readers.map(({ pages }) => pages[0]?.entries[0]))).toHaveProperty("size", 1);
    for (const { stop } of readers) stop();
  });

  it("gives a reader that is further behind than what is kept the rest from the store, as not new", async () => {
    const { feed, commit } = createWorld();
    const slow = await feed.open();
    const pages = slow.pages()[Symbol.asyncIterator]();
    const quick = await follow(feed);
    const first = pages.next();
    await quiet();
    await commit(rowOf("a"));
    expect(await first).toMatchObject({ value: { isLive: true } });

    for (let n = 0; n < 12; n += 1) {
      await commit(rowOf("a"));
      await quiet();
    }
    const late: number[] = [];
    while (late.at(-1) !== 13) late.push(...((await pages.next()).value as FeedPage).entries.map(({ seq }) => seq));

    expect(late).toEqual(Array.from({ length: 12 }, (_, n) => n + 2));
    expect(quick.seen).toEqual(Array.from({ length: 13 }, (_, n) => n + 1));
    quick.stop();
    await pages.return?.();
  });

  it("holds few entries for a reader that catches up when they are large, and misses none of them", async () => {
    const limits = { ...defaultLimits, tailPageMax: 30, tailPageCharactersMax: 10_000 };
    const { feed, commit, reads } = createWorld((read) => read, limits);
    for (let n = 0; n < 20; n += 1) await commit(rowOf("a", n === 10 ? 20_000 : 4_000));
    for (let n = 0; n < 20; n += 1) await commit(rowOf("a"));

    const pages: number[][] = [];
    for await (const { entries } of (await feed.open({ after: 0 })).pages()) {
      pages.push(entries.map(({ seq }) => seq));
      if (entries.at(-1)?.seq === 40) break;
    }

    expect(pages.flat()).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(Math.max(...pages.slice(0, 10).map(({ length }) => length))).toBe(2);
    expect(pages).toContainEqual([11]);
    expect(reads()).toBeLessThan(20);
  });

  it("refuses a position that the journal has not reached", async () => {
    const { feed, commit } = createWorld();
    await commit(rowOf("a"));

    await expect(feed.open({ after: 2 })).rejects.toMatchObject({
      code: "invalid-request",
      detail: expect.stringContaining("The journal ends at 1"),
      details: { errors: [{ pointer: "/after" }] },
    });
    await expect(feed.open({ after: 1 })).resolves.toMatchObject({ position: 1 });
  });

  it("tells every reader of a fault of the store, and goes on for who comes back", async () => {
    const { feed, commit, store } = createWorld();
    const readers = [await follow(feed), await follow(feed)];
    const { journal } = store;
    await quiet();
    store.journal = () => Promise.reject(new Error("the disk went away"));
    await commit(rowOf("a"));
    for (const { ended } of readers) await expect(ended).rejects.toThrow("the disk went away");

    store.journal = journal;
    const back = await follow(feed, { after: 0 });
    await quiet();
    expect(back.seen).toEqual([1]);
    back.stop();
  });

  it("gives an embedder entries of its own", async () => {
    const { feed, commit } = createWorld();
    await commit(rowOf("a"));
    const stop = new AbortController();
    for await (const entry of feed.read({ after: 0, signal: stop.signal })) {
      (entry.event as { type: string }).type = "changed by the reader";
      stop.abort();
    }
    const other = await follow(feed, { after: 0 });
    await quiet();

    expect(other.pages[0]?.entries[0]?.event?.type).toBe("inc");
    other.stop();
  });
});

/** Those that are open by now; the others stay in the list. */
async function settledOf<T>(promises: Promise<T>[]): Promise<T[]> {
  const open = Symbol("open");
  const settled: T[] = [];
  for (const promise of promises.splice(0)) {
    const value = await Promise.race([promise, quiet().then(() => open)]);
    if (value === open) promises.push(promise);
    else settled.push(value as T);
  }
  return settled;
}
