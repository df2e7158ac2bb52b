import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { gatedStore, quiet } from "../support/gated-store.ts";
import { createWorld } from "../support/world.ts";

async function limited(limits: object, store = gatedStore(memoryStore())) {
  const world = createWorld({ limits, store });
  await world.engine.create({ machine: "counter", id: "c", input: {} });
  await world.engine.create({ machine: "messenger", id: "m", input: {} });
  return { ...world, store };
}

describe("a limit", () => {
  it("of the payload refuses what is larger, and writes nothing", async () => {
    const { engine, store } = await limited({ payloadBytesMax: 200 });
    const words = ["x".repeat(200)];

    await expect(engine.send("m", { type: "say", to: "m", words })).rejects.toMatchObject({
      code: "payload-too-large",
      status: 413,
    });
    expect(await store.position()).toBe(2);
    expect(await engine.send("m", { type: "say", to: "m", words: ["x"] })).toMatchObject({ outcome: "changed" });
  });

  it("of the commit queue refuses before the step, and the next one goes through", async () => {
    const { engine, store } = await limited({ commitQueueMax: 3, batchMax: 1 });
    store.hold();
    const first = engine.send("c", { type: "inc" });
    await quiet(); // on its way
    const waiting = [1, 2, 3].map(() => engine.send("c", { type: "inc" }));
    await quiet(); // fill the queue

    await expect(engine.send("c", { type: "inc" })).rejects.toMatchObject({ code: "too-many-requests", status: 429 });
    store.release();
    await Promise.all([first, ...waiting]);

    expect(await engine.send("c", { type: "inc" })).toMatchObject({ version: 6 });
  });

  it("of refusals answers 429 before the step, to that principal, for the rest of the minute", async () => {
    const { engine, store, clock } = await limited({ refusalsPerMinuteMax: 3 });
    for (let n = 0; n < 3; n += 1) await engine.send("c", { type: "dec" }, { principal: "anna" });
    const position = await store.position();

    await expect(engine.send("c", { type: "inc" }, { principal: "anna" })).rejects.toMatchObject({
      code: "too-many-requests",
      details: { extra: { retryAfterMs: 60_000 } },
    });
    expect(await store.position()).toBe(position);
    expect(await engine.send("c", { type: "inc" }, { principal: "ben" })).toMatchObject({ outcome: "changed" });

    await clock.advance(60_000);
    expect(await engine.send("c", { type: "inc" }, { principal: "anna" })).toMatchObject({ outcome: "changed" });
  });

  it("of refusals does not keep a replay from its answer, and begins anew when the clock is set back", async () => {
    let now = 10_000_000;
    const world = createWorld({
      limits: { refusalsPerMinuteMax: 1 },
      engineClock: { now: () => now, wakeAt: () => Promise.resolve() },
    });
    await world.engine.create({ machine: "counter", id: "c", input: {} });
    await world.engine.send("c", { type: "dec" }, { commandId: "k" });

    expect(await world.engine.send("c", { type: "dec" }, { commandId: "k" })).toMatchObject({ replayed: true });
    await expect(world.engine.send("c", { type: "inc" })).rejects.toMatchObject({ code: "too-many-requests" });
    now -= 3_600_000;
    expect(await world.engine.send("c", { type: "inc" })).toMatchObject({ outcome: "changed" });
  });

  it("of a page is the most that can be asked for", async () => {
    const { engine } = await limited({ pageMax: 2 });

    expect((await engine.list({ limit: 2 })).items).toHaveLength(2);
    await expect(engine.list({ limit: 3 })).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("of deliveries and of memory changes no answer", async () => {
    const { engine, settle } = await limited({ deliveriesMax: 1, hotInstancesMax: 1 });
    await engine.send("m", { type: "say", to: "m", words: ["one", "two", "three"] });
    await settle();

    expect((await engine.read("m")).context).toEqual({ heard: ["one", "two", "three"] });
  });
});
