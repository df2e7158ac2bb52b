import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { gatedStore, isOpen, quiet } from "../support/gated-store.ts";
import { createWorld } from "../support/world.ts";

async function counterWorld(limits = {}) {
  const store = gatedStore(memoryStore());
  const world = createWorld({ store, limits });
  await world.engine.create({ machine: "counter", id: "c", input: {} });
  return { ...world, store };
}

describe("a command id", () => {
  it("makes a retry get the first outcome, version and reasons with today's instance", async () => {
    const { engine, store } = await counterWorld();
    const commands = [
      { event: { type: "inc" }, outcome: "changed", version: 2 },
      { event: { type: "touch" }, outcome: "unchanged", version: 2 },
    ] as const;
    for (const [n, { event }] of commands.entries()) await engine.send("c", event, { commandId: `k${n}` });
    await engine.send("c", { type: "inc", by: -1 });
    const refusal = await engine.send("c", { type: "dec" }, { commandId: "refused" });
    await engine.send("c", { type: "inc", by: 5 });
    const position = await store.position();

    for (const [n, { event, outcome, version }] of commands.entries()) {
      expect(await engine.send("c", event, { commandId: `k${n}` })).toMatchObject({
        outcome,
        version,
        replayed: true,
        instance: { version: 4, context: { count: 5 } },
      });
    }
    expect(await engine.send("c", { type: "dec" }, { commandId: "refused" })).toEqual({
      outcome: "refused",
      version: 3,
      reasons: refusal.reasons,
      replayed: true,
      instance: await engine.read("c"),
    });
    expect(await store.position()).toBe(position);
  });

  it("is remembered across a restart", async () => {
    const { engine, restarted } = await counterWorld();
    await engine.send("c", { type: "inc" }, { commandId: "k" });

    const sent = await restarted().engine.send("c", { type: "inc" }, { commandId: "k" });

    expect(sent).toMatchObject({ outcome: "changed", version: 2, replayed: true, instance: { context: { count: 1 } } });
  });

  it("comes before the expected version, which the first one has made old", async () => {
    const { engine } = await counterWorld();
    const options = { commandId: "k", expectedVersion: 1 };
    await engine.send("c", { type: "inc" }, options);

    expect(await engine.send("c", { type: "inc" }, options)).toMatchObject({ version: 2, replayed: true });
  });

  it("lets a second one wait for the first while it is in flight", async () => {
    const { engine, store } = await counterWorld();
    store.hold();
    const first = engine.send("c", { type: "inc" }, { commandId: "k" });
    const others = [1, 2].map(() => engine.send("c", { type: "inc" }, { commandId: "k" }));
    expect(await isOpen(Promise.race(others))).toBe(true);

    store.release();

    expect(await first).not.toHaveProperty("replayed");
    for (const other of others) expect(await other).toMatchObject({ version: 2, replayed: true });
    expect((await engine.read("c")).context).toMatchObject({ count: 1 });
  });

  it("with another request is refused, also while the first is in flight", async () => {
    const { engine, store } = await counterWorld();
    store.hold();
    const first = engine.send("c", { type: "inc" }, { commandId: "k" });
    const others = [
      engine.send("c", { type: "inc", by: 2 }, { commandId: "k" }),
      engine.send("c", { type: "inc" }, { commandId: "k", expectedVersion: 1 }),
      engine.create({ machine: "counter", id: "d", input: {}, commandId: "k" }),
    ].map((other) => other.catch((error: unknown) => error));
    store.release();

    expect(await first).toMatchObject({ outcome: "changed" });
    for (const other of others) expect(await other).toMatchObject({ code: "idempotency-key-reused" });
  });

  it("belongs to its principal", async () => {
    const { engine } = await counterWorld();
    await engine.send("c", { type: "inc" }, { commandId: "k", principal: "anna" });

    expect(await engine.send("c", { type: "inc" }, { commandId: "k", principal: "ben" })).toMatchObject({ version: 3 });
    expect(await engine.send("c", { type: "inc" }, { commandId: "k" })).toMatchObject({ version: 4 });
  });

  it("of a request does not depend on the order of its fields", async () => {
    const { engine } = await counterWorld();
    await engine.send("c", { type: "inc", by: 1 }, { commandId: "k" });

    expect(await engine.send("c", { by: 1, type: "inc" }, { commandId: "k" })).toMatchObject({ replayed: true });
  });

  it("of a transaction replays the answer to each move", async () => {
    const { engine } = await counterWorld();
    const moves = [{ id: "c", event: { type: "inc" } }, { create: { machine: "counter", id: "d", input: {} } }];
    await engine.transact(moves, { commandId: "k" });
    await engine.send("c", { type: "inc" });

    expect(await engine.transact(moves, { commandId: "k" })).toMatchObject([
      { outcome: "changed", version: 2, replayed: true, instance: { id: "c", version: 3 } },
      { outcome: "changed", version: 1, replayed: true, instance: { id: "d", version: 1 } },
    ]);
  });

  it("of a creation gives the same instance again, also when the engine chose its id", async () => {
    const { engine, restarted } = await counterWorld();
    const request = { machine: "counter", input: { count: 7 }, commandId: "k" };
    const { id } = await engine.create(request);

    expect(await engine.create(request)).toMatchObject({ id });
    expect(await restarted().engine.create(request)).toMatchObject({ id });
    await expect(engine.create({ ...request, input: {} })).rejects.toMatchObject({ code: "idempotency-key-reused" });
    expect((await engine.list()).items).toHaveLength(2);
  });

  it("does not remember faults of the request or of the store", async () => {
    const { engine, store } = await counterWorld();
    await expect(engine.send("c", { type: "jump" }, { commandId: "k1" })).rejects.toMatchObject({ status: 400 });
    await expect(engine.send("c", { type: "boom" }, { commandId: "k2" })).rejects.toMatchObject({ status: 500 });
    await expect(engine.send("c", { type: "inc" }, { commandId: "k3", expectedVersion: 9 })).rejects.toMatchObject({
      status: 412,
    });
    store.hold();
    const failed = engine.send("c", { type: "inc" }, { commandId: "k4" }).catch((error: unknown) => error);
    await quiet();
    store.fail("before");
    expect(await failed).toMatchObject({ status: 503 });

    for (const commandId of ["k1", "k2", "k3", "k4"]) {
      expect(await engine.send("c", { type: "inc" }, { commandId })).not.toHaveProperty("replayed");
    }
    expect((await engine.read("c")).context).toMatchObject({ count: 4 });
  });

  it("is told by the retry when the first attempt's outcome was not known", async () => {
    const { engine, store, restarted } = await counterWorld();
    store.hold();
    const command = store.command;
    const failed = engine.send("c", { type: "inc" }, { commandId: "k" }).catch((error: unknown) => error);
    await quiet();
    store.command = () => Promise.reject(new Error("nobody answers"));
    const blind = createWorld({ store });
    await expect(blind.engine.send("c", { type: "inc" }, { commandId: "x" })).rejects.toThrow();
    store.command = command;
    store.fail("after");
    await failed;

    expect(await restarted().engine.send("c", { type: "inc" }, { commandId: "k" })).toMatchObject({
      outcome: "changed",
      version: 2,
      replayed: true,
    });
    expect((await engine.read("c")).context).toMatchObject({ count: 1 });
  });

  it.each([
    ["half a character", { commandId: "\ud800" }],
    ["nothing", { commandId: "" }],
    ["too much text", { commandId: "x".repeat(501) }],
    ["a principal that is no text", { principal: 7 as unknown as string }],
    ["a principal with a line break", { principal: "a\nb" }],
  ])("of %s is a fault of the request", async (_what, options) => {
    const { engine } = await counterWorld();

    await expect(engine.send("c", { type: "inc" }, options)).rejects.toMatchObject({ code: "invalid-request" });
  });
});

describe("a numbered stream", () => {
  const seq = (n: number, name = "agent") => ({ stream: { name, seq: n } });

  it("takes its numbers in turn, and gives the first answer to one that it has had", async () => {
    const { engine } = await counterWorld();
    expect(await engine.send("c", { type: "inc" }, seq(1))).toMatchObject({ outcome: "changed", version: 2 });
    expect(await engine.send("c", { type: "touch" }, seq(2))).toMatchObject({ outcome: "unchanged", version: 2 });
    await engine.send("c", { type: "inc", by: 9 });

    expect(await engine.send("c", { type: "inc" }, seq(1))).toMatchObject({
      outcome: "changed",
      version: 2,
      replayed: true,
      instance: { version: 3 },
    });
    expect(await engine.send("c", { type: "touch" }, seq(2))).toMatchObject({ outcome: "unchanged", replayed: true });
    expect((await engine.read("c")).context).toMatchObject({ count: 10 });
  });

  it("refuses a gap and says which number it expects", async () => {
    const { engine } = await counterWorld();
    await engine.send("c", { type: "inc" }, seq(1));

    await expect(engine.send("c", { type: "inc" }, seq(3))).rejects.toMatchObject({
      code: "sequence-gap",
      details: { extra: { expected: 2 } },
    });
    await expect(engine.send("c", { type: "inc" }, seq(2, "other"))).rejects.toMatchObject({
      details: { extra: { expected: 1 } },
    });
  });

  it("goes on after an event that the chart refuses, also across a restart", async () => {
    const { engine, restarted } = await counterWorld();
    const refused = await engine.send("c", { type: "dec" }, seq(1));
    expect(refused.outcome).toBe("refused");

    const again = restarted().engine;
    expect(await again.send("c", { type: "dec" }, seq(1))).toMatchObject({
      outcome: "refused",
      version: 1,
      reasons: refused.reasons,
      replayed: true,
    });
    expect(await again.send("c", { type: "inc" }, seq(2))).toMatchObject({ outcome: "changed", version: 2 });
    expect(await again.verify()).toMatchObject({ differences: [] });
  });

  it("goes on in a final state", async () => {
    const { engine } = await counterWorld();
    await engine.send("c", { type: "finish" }, seq(1));

    expect(await engine.send("c", { type: "inc" }, seq(2))).toMatchObject({ outcome: "refused", version: 2 });
    expect(await engine.send("c", { type: "inc" }, seq(2))).toMatchObject({ outcome: "refused", replayed: true });
    expect(await engine.send("c", { type: "finish" }, seq(1))).toMatchObject({ outcome: "changed", replayed: true });
    await expect(engine.send("c", { type: "inc" }, seq(4))).rejects.toMatchObject({ code: "sequence-gap" });
  });

  it("that arrives all at once, doubled, is taken in order and once", async () => {
    const { engine, restarted } = await counterWorld();
    for (const each of [engine, restarted().engine]) {
      const name = each === engine ? "hot" : "cold";
      const numbers = [1, 1, 2, 2, 3, 1, 4, 4, 3];
      const sents = await Promise.all(numbers.map((n) => each.send("c", { type: "inc" }, seq(n, name))));

      expect(sents.map(({ replayed }) => replayed === true)).toEqual([
        false,
        true,
        false,
        true,
        false,
        true,
        false,
        true,
        true,
      ]);
    }
    expect((await restarted().engine.read("c")).context).toMatchObject({ count: 8 });
  });

  it("does not go on past a number whose commit has failed, though the version fits", async () => {
    const { engine, store } = await counterWorld({ batchMax: 1 });
    store.hold();
    const sends = [1, 2].map((n) => engine.send("c", { type: "dec" }, seq(n)).catch((error: unknown) => error));
    await quiet();

    store.fail("before");

    expect(await sends[0]).toMatchObject({ code: "store-unavailable" });
    expect(await sends[1]).toMatchObject({ code: "sequence-gap", details: { extra: { expected: 1 } } });
  });

  it("does not acknowledge a number whose first commit has failed", async () => {
    const { engine, store } = await counterWorld();
    store.hold();
    const first = engine.send("c", { type: "inc" }, seq(1)).catch((error: unknown) => error);
    await quiet();
    const second = engine.send("c", { type: "inc" }, seq(1));
    await quiet();

    store.fail("before");

    expect(await first).toMatchObject({ code: "store-unavailable" });
    expect(await second).toMatchObject({ outcome: "changed", version: 2 });
    expect((await engine.read("c")).context).toMatchObject({ count: 1 });
  });

  it.each([
    ["no whole number", [{ id: "c", event: { type: "inc" } }], { name: "s", seq: 1.5 }],
    ["the number 0", [{ id: "c", event: { type: "inc" } }], { name: "s", seq: 0 }],
    ["no name", [{ id: "c", event: { type: "inc" } }], { name: "", seq: 1 }],
    ["half a character as its name", [{ id: "c", event: { type: "inc" } }], { name: "\ud800", seq: 1 }],
    ["two events", [1, 2].map(() => ({ id: "c", event: { type: "inc" } })), { name: "s", seq: 1 }],
    ["a creation", [{ create: { machine: "counter", id: "d", input: {} } }], { name: "s", seq: 1 }],
  ])("with %s is a fault of the request", async (_what, moves, stream) => {
    const { engine } = await counterWorld();

    await expect(engine.transact(moves, { stream })).rejects.toMatchObject({ code: "invalid-request" });
  });
});
