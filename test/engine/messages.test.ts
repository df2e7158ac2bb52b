import { describe, expect, it } from "vitest";
import type { World } from "../support/world.ts";
import { createWorld } from "../support/world.ts";

async function messengers(...ids: string[]): Promise<World> {
  const world = createWorld({ limits: { deliveryAttemptsMax: 4 } });
  for (const id of ids) await world.engine.create({ machine: "messenger", id, input: {} });
  return world;
}

async function heardBy({ engine }: Pick<World, "engine">, id: string): Promise<string[]> {
  return ((await engine.read(id)).context as { heard: string[] }).heard;
}

describe("messages", () => {
  it("arrive once, in order of sending for each pair", async () => {
    const world = await messengers("a", "b", "c");
    const { engine, settle } = world;
    for (let n = 0; n < 5; n += 1) {
      await engine.send("a", { type: "say", to: "c", words: [`a${n}.0`, `a${n}.1`] });
      await engine.send("b", { type: "say", to: "c", words: [`b${n}`] });
    }
    await engine.send("a", { type: "say", to: "a", words: ["myself"] });

    await settle();
    await settle();

    const heard = await heardBy(world, "c");
    expect(heard.filter((word) => word.startsWith("a"))).toEqual(
      [0, 1, 2, 3, 4].flatMap((n) => [`a${n}.0`, `a${n}.1`]),
    );
    expect(heard.filter((word) => word.startsWith("b"))).toEqual([0, 1, 2, 3, 4].map((n) => `b${n}`));
    expect(await heardBy(world, "a")).toEqual(["myself"]);
    expect((await engine.pending()).items).toEqual([]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("that the receiver refuses are settled, journalled, and never silent", async () => {
    const world = await messengers("a", "b");
    const { engine, settle } = world;
    await engine.send("b", { type: "hush" });
    await engine.send("a", { type: "say", to: "b", words: ["psst"] });

    await settle();

    expect((await engine.pending()).items).toEqual([]);
    expect((await engine.journal({ instance: "b", after: 3 })).entries).toMatchObject([
      { event: { type: "hear", word: "psst" }, outcome: "refused", principal: "engine" },
    ]);
    expect(await heardBy(world, "b")).toEqual([]);
  });

  it("to an instance that is not there yet are tried again in order, and arrive when it is created", async () => {
    const world = await messengers("a");
    const { engine, settle, advance } = world;
    await engine.send("a", { type: "say", to: "b", words: ["one", "two"] });
    await engine.send("a", { type: "say", to: "b", words: ["three"] });
    await settle();
    expect((await engine.pending({ state: "retrying" })).items.map(({ attempts }) => attempts)).toEqual([1]);

    await advance(500);
    await engine.create({ machine: "messenger", id: "b", input: {} });
    await engine.send("a", { type: "say", to: "b", words: ["four"] }); // due before the first is due again
    await advance(2_000);

    expect(await heardBy(world, "b")).toEqual(["one", "two", "three", "four"]);
  });

  it("that cannot be delivered become dead letters, are passed over, listed, and delivered when somebody retries", async () => {
    const world = await messengers("a");
    const { engine, advance } = world;
    await engine.send("a", { type: "say", to: "b", words: ["one"] });
    await advance(60_000);

    const [dead] = (await engine.pending({ state: "dead" })).items;
    expect(dead).toMatchObject({ kind: "message", to: "b", attempts: 4, error: "not-found: There is no instance b." });
    await engine.create({ machine: "messenger", id: "b", input: {} });
    await engine.send("a", { type: "say", to: "b", words: ["two"] });
    await advance(0);
    expect(await heardBy(world, "b")).toEqual(["two"]);

    expect(await engine.retryPending(dead?.key ?? "")).toMatchObject({ state: "due", attempts: 0 });
    await advance(0);
    expect(await heardBy(world, "b")).toEqual(["two", "one"]);
    expect((await engine.pending()).items).toEqual([]);
  });

  it("that are dead can be discarded, and the sender's journal says so", async () => {
    const { engine, advance } = await messengers("a");
    await engine.send("a", { type: "say", to: "b", words: ["one"] });
    await advance(60_000);
    const [dead] = (await engine.pending({ state: "dead" })).items;

    await engine.discardPending(dead?.key ?? "");

    expect((await engine.pending()).items).toEqual([]);
    expect((await engine.journal({ instance: "a", after: 2 })).entries).toMatchObject([
      { event: { type: "signalbox.discarded", key: dead?.key } },
    ]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("that make the receiver fail are tried again and given up; those of others go on", async () => {
    const world = await messengers("a", "b", "c");
    const { engine, advance } = world;
    await engine.send("a", { type: "say", to: "b", words: ["poison", "after"] });
    await engine.send("c", { type: "say", to: "b", words: ["hello"] });
    await advance(1);
    expect(await heardBy(world, "b")).toEqual(["hello"]);

    await advance(60_000);

    expect((await engine.pending({ state: "dead" })).items).toMatchObject([{ event: { word: "poison" }, attempts: 4 }]);
    expect(await heardBy(world, "b")).toEqual(["hello", "after"]);
    expect(await engine.read("b")).toMatchObject({ version: 3 });
  });

  it("that do not fit the receiver's schema are given up at once", async () => {
    const { engine, settle } = await messengers("a");
    await engine.create({ machine: "counter", id: "n", input: {} });
    await engine.send("a", { type: "say", to: "n", words: ["what"] });

    await settle();

    expect((await engine.pending({ state: "dead" })).items).toMatchObject([{ attempts: 1 }]);
  });

  it("to nobody are a fault of the machine, and change nothing", async () => {
    const { engine, store } = await messengers("a");

    await expect(engine.send("a", { type: "mumble" })).rejects.toMatchObject({ code: "machine-fault" });
    expect(await store.position()).toBe(1);
  });

  it("are delivered by a new engine when the one that had claimed them has died", async () => {
    const world = await messengers("a", "b");
    const { engine, store, restarted, clock } = world;
    await engine.send("a", { type: "say", to: "b", words: ["one", "two"] });
    await store.claim({
      now: clock.now(),
      owner: "the dead",
      leaseUntil: clock.now() + 30_000,
      calls: 9,
      deliveries: 9,
    });

    const after = restarted();
    await after.settle();
    expect(await heardBy(world, "b")).toEqual([]);
    await after.engine.start();
    await after.clock.advance(0);

    expect(await heardBy(after, "b")).toEqual(["one", "two"]);
    await after.engine.stop();
  });
});
