import { describe, expect, it } from "vitest";
import type { JournalEntry } from "../../src/engine/reading.ts";
import { quiet } from "../support/gated-store.ts";
import { createWorld } from "../support/world.ts";

async function counterWorld() {
  const world = createWorld();
  await world.engine.create({ machine: "counter", id: "c", input: {} });
  return world;
}

/** Reads a feed into a list, for as long as the test wants. */
function follow(feed: AsyncIterable<JournalEntry>): { seen: JournalEntry[]; ended: Promise<void> } {
  const seen: JournalEntry[] = [];
  const ended = (async () => {
    for await (const entry of feed) seen.push(entry);
  })();
  return { seen, ended };
}

describe("the feed", () => {
  it("gives what was and what comes, in order, without gap or double", async () => {
    const { engine } = await counterWorld();
    for (let n = 0; n < 300; n += 1) await engine.send("c", { type: "inc" });
    const abort = new AbortController();
    const { seen, ended } = follow(engine.feed({ after: 0, signal: abort.signal }));
    const sends = Array.from({ length: 300 }, () => engine.send("c", { type: "inc" }));
    await Promise.all(sends);
    await quiet();

    expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 601 }, (_, n) => n + 1));
    abort.abort();
    await ended;
  });

  it("begins with what comes when it is not told where, and may be about one instance", async () => {
    const { engine } = await counterWorld();
    const abort = new AbortController();
    const all = follow(engine.feed({ signal: abort.signal }));
    const one = follow(engine.feed({ signal: abort.signal, instance: "d", after: 0 }));
    await quiet();
    await engine.create({ machine: "counter", id: "d", input: {} });
    await engine.send("c", { type: "dec" });
    await quiet();

    expect(all.seen.map(({ instance, outcome }) => [instance, outcome])).toEqual([
      ["d", "changed"],
      ["c", "refused"],
    ]);
    expect(one.seen.map(({ instance }) => instance)).toEqual(["d"]);
    abort.abort();
    await Promise.all([all.ended, one.ended]);
  });

  it("ends at once when its signal is aborted already", async () => {
    const { engine } = await counterWorld();
    const { seen, ended } = follow(engine.feed({ after: 0, signal: AbortSignal.abort() }));
    await ended;

    expect(seen).toEqual([]);
  });

  it("leaves nothing behind at a signal that outlives it", async () => {
    const { engine } = await counterWorld();
    const abort = new AbortController();
    const listeners = new Set<unknown>();
    const { addEventListener: add, removeEventListener: remove } = abort.signal;
    abort.signal.addEventListener = (type: string, listener: never, options?: never) => {
      listeners.add(listener);
      add.call(abort.signal, type, listener, options);
    };
    abort.signal.removeEventListener = (type: string, listener: never) => {
      listeners.delete(listener);
      remove.call(abort.signal, type, listener);
    };
    const { ended } = follow(engine.feed({ signal: abort.signal }));
    for (let n = 0; n < 50; n += 1) {
      await engine.send("c", { type: "inc" });
      await quiet();
    }

    expect(listeners.size).toBeLessThanOrEqual(1);
    abort.abort();
    await ended;
    expect(listeners.size).toBe(0);
  });
});

describe("an actor", () => {
  it("shows the last committed snapshot and tells its subscribers", async () => {
    const { engine } = await counterWorld();
    const actor = await engine.actor("c");
    const counts: unknown[] = [];
    const states: unknown[] = [];
    const subscription = actor.subscribe((snapshot) => counts.push((snapshot.context as { count: number }).count));
    actor.subscribe({ next: (snapshot) => states.push(snapshot.value) });
    actor.subscribe({});

    expect(await actor.send({ type: "inc" })).toMatchObject({ outcome: "changed", version: 2 });
    await engine.send("c", { type: "inc" });
    await engine.send("c", { type: "touch" });
    await quiet();
    subscription.unsubscribe();
    await actor.send({ type: "finish" });

    expect(counts).toEqual([1, 2]);
    expect(states).toEqual(["Counting", "Counting", "Finished"]);
    expect(actor.getSnapshot()).toMatchObject({ value: "Finished", status: "done" });
    expect(actor.getSnapshot().matches("Finished")).toBe(true);
    actor.stop();
  });

  it("hears nothing any more when it was stopped, and the instance goes on", async () => {
    const { engine } = await counterWorld();
    const actor = await engine.actor("c");
    const heard: unknown[] = [];
    actor.subscribe(() => heard.push(1));
    actor.stop();
    actor.stop();
    await engine.send("c", { type: "inc" });
    await quiet();

    expect(heard).toEqual([]);
    expect((await engine.read("c")).version).toBe(2);
  });

  it("whose subscriber fails still answers, and tells the others", async () => {
    const { engine } = await counterWorld();
    const actor = await engine.actor("c");
    const heard: unknown[] = [];
    actor.subscribe(() => {
      throw new Error("a fault of the listener");
    });
    actor.subscribe(() => heard.push(1));

    expect(await actor.send({ type: "inc" })).toMatchObject({ outcome: "changed" });
    await engine.send("c", { type: "inc" });
    await quiet();
    expect(heard).toEqual([1, 1]);
    actor.stop();
  });

  it("whose store fails for a moment hears of it with the next commit", async () => {
    const { engine, store } = await counterWorld();
    const actor = await engine.actor("c");
    const heard: unknown[] = [];
    actor.subscribe((snapshot) => heard.push((snapshot.context as { count: number }).count));
    await quiet();
    const { journal, load } = store;
    store.journal = () => Promise.reject(new Error("the disk went away"));
    store.load = () => Promise.reject(new Error("the disk went away"));
    expect(await actor.send({ type: "inc" })).toMatchObject({ outcome: "changed" });
    await quiet();
    Object.assign(store, { journal, load });
    await engine.send("c", { type: "inc" });
    await quiet();

    expect(heard).toEqual([2]);
    actor.stop();
  });
});
