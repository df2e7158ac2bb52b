import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { createWorld, startsAt } from "../support/world.ts";

interface EggContext {
  fired: { what: string; at: number }[];
}

async function eggWorld(softMs = 10) {
  let offset = 0;
  const clock = virtualClock(startsAt);
  const engineClock: Clock = {
    now: () => clock.now() + offset,
    wakeAt: (at, signal) => clock.wakeAt(at - offset, signal),
  };
  const world = createWorld({ engineClock, store: sqliteStore(":memory:") }, clock);
  await world.engine.create({ machine: "egg", id: "e", input: { softMs } });
  const firedOf = async (id = "e") =>
    ((await world.engine.read(id)).context as EggContext).fired.map(({ what, at }) => [
      what.split(".")[0],
      at - startsAt,
    ]);
  return { ...world, firedOf, setClock: (ms: number) => void (offset = ms) };
}

describe("a timer", () => {
  it("fires when it is due and not before", async () => {
    const { engine, advance, firedOf } = await eggWorld();
    await engine.send("e", { type: "start", ms: 50 });

    await advance(9);
    expect(await firedOf()).toEqual([]);
    await advance(1);
    expect(await firedOf()).toEqual([["xstate", 10]]);
    await advance(39);
    expect((await engine.read("e")).state).toBe("Boiling");
    await advance(1);
    expect(await firedOf()).toEqual([
      ["xstate", 10],
      ["deadline", 50],
    ]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("moves when it is armed again, and its wait that nothing moves stays", async () => {
    const { engine, advance, firedOf } = await eggWorld();
    await engine.send("e", { type: "start", ms: 20 });
    await advance(15);
    expect((await engine.send("e", { type: "extend", ms: 20 })).instance.deadline).toBe(startsAt + 35);

    await advance(19);
    expect(await firedOf()).toEqual([["xstate", 10]]);
    await advance(1);
    expect(await firedOf()).toEqual([
      ["xstate", 10],
      ["deadline", 35],
    ]);
  });

  it("is gone when its state is left, and is no deadline any more when it has fired", async () => {
    const { engine, advance, firedOf } = await eggWorld();
    expect((await engine.send("e", { type: "start", ms: 20 })).instance.deadline).toBe(startsAt + 10);
    await advance(12);
    expect((await engine.send("e", { type: "extend", ms: 20 })).instance.deadline).toBe(startsAt + 32);

    const stopped = await engine.send("e", { type: "stop" });

    expect(stopped.instance.deadline).toBeNull();
    expect((await engine.pending()).items).toEqual([]);
    await advance(1_000);
    expect(await firedOf()).toEqual([["xstate", 10]]);
  });

  it.each([10.4, 0.1, 1e300])("of %d ms is kept as a whole number, never early", async (softMs) => {
    const { engine } = await eggWorld(softMs);
    await engine.send("e", { type: "start", ms: 1e15 });

    const dueAt = (await engine.pending()).items.map((item) => item.dueAt as number);

    expect(dueAt.every(Number.isSafeInteger)).toBe(true);
    expect(Math.max(...dueAt)).toBeGreaterThanOrEqual(Math.min(startsAt + softMs, Number.MAX_SAFE_INTEGER));
  });

  it("fires after a restart, late and in the order of its time when nobody was there", async () => {
    const { engine, clock, restarted } = await eggWorld();
    for (const [id, ms] of [
      ["e1", 30],
      ["e2", 20],
      ["e3", 40],
    ] as const) {
      await engine.create({ machine: "egg", id, input: { softMs: 1_000 } });
      await engine.send(id, { type: "start", ms });
    }
    await clock.advance(500);

    const after = restarted();
    await after.settle();

    const { entries } = await after.engine.journal();
    const fired = entries.filter(({ event }) => event?.type === "deadline.passed");
    expect(fired.map(({ instance, at }) => [instance, at - startsAt])).toEqual([
      ["e2", 500],
      ["e1", 500],
      ["e3", 500],
    ]);
  });

  it("of one instance comes in the order of its time, however late", async () => {
    const { engine, clock, settle, firedOf } = await eggWorld(30);
    await engine.send("e", { type: "start", ms: 40 });
    await clock.advance(500);
    await settle();

    expect(await firedOf()).toEqual([
      ["xstate", 500],
      ["deadline", 500],
    ]);
  });

  it("waits when the clock is set back, and comes at once when it is set forward", async () => {
    const { engine, settle, firedOf, setClock } = await eggWorld();
    await engine.send("e", { type: "start", ms: 50 });

    setClock(-3_600_000);
    await settle();
    expect(await firedOf()).toEqual([]);
    setClock(20);
    await settle();
    expect(await firedOf()).toEqual([["xstate", 20]]);
    setClock(-3_600_000);
    await settle();
    expect((await engine.send("e", { type: "extend", ms: 10 })).instance.deadline).toBe(startsAt + 30); // from the last time, not from the clock
    setClock(3_600_000);
    await settle();
    expect(await firedOf()).toEqual([
      ["xstate", 20],
      ["deadline", 3_600_000],
    ]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("that is not due yet does not come sooner because somebody retries it", async () => {
    const { engine, settle, firedOf } = await eggWorld();
    await engine.send("e", { type: "start", ms: 50 });
    const [timer] = (await engine.pending()).items;

    const item = await engine.retryPending(timer?.key ?? "");
    await settle();

    expect(item).toEqual(timer);
    expect(await firedOf()).toEqual([]);
  });

  it("that somebody discards is gone, and the journal says so", async () => {
    const { engine, advance, firedOf } = await eggWorld();
    await engine.send("e", { type: "start", ms: 50 });
    const soft = (await engine.pending()).items.find(({ id }) => id.startsWith("xstate"));

    await engine.discardPending(soft?.key ?? "", { principal: "anna" });

    expect((await engine.send("e", { type: "extend", ms: 70 })).instance.deadline).toBe(startsAt + 70);
    expect((await engine.journal({ instance: "e" })).entries).toContainEqual(
      expect.objectContaining({
        event: { type: "signalbox.discarded", key: soft?.key, principal: "anna", at: startsAt },
        outcome: "unchanged",
      }),
    );
    await advance(1_000);
    expect(await firedOf()).toEqual([["deadline", 70]]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
    await expect(engine.discardPending(soft?.key ?? "")).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("the runner that was started", () => {
  it("fires timers when their time comes, and hears of new ones while it sleeps", async () => {
    const { engine, clock, firedOf } = await eggWorld();
    await engine.start();
    await clock.advance(100);
    await engine.send("e", { type: "start", ms: 50 });

    await clock.advance(9);
    expect(await firedOf()).toEqual([]);
    await clock.advance(41);
    expect(await firedOf()).toEqual([
      ["xstate", 110],
      ["deadline", 150],
    ]);
    await engine.stop();
  });

  it("can be started and stopped twice, and started again", async () => {
    const { engine, clock, firedOf } = await eggWorld();
    await Promise.all([engine.start(), engine.start()]);
    await engine.send("e", { type: "start", ms: 50 });
    await Promise.all([engine.stop(), engine.stop()]);
    await engine.stop();
    await clock.advance(100);
    expect(await firedOf()).toEqual([]);

    await engine.start();
    await clock.advance(0);
    expect(await firedOf()).toEqual([
      ["xstate", 100],
      ["deadline", 100],
    ]);
    await engine.stop();
  });
});
