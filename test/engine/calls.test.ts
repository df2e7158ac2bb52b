import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import type { Call, Provider } from "../../src/core/provider.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { quiet } from "../support/gated-store.ts";
import { createWorld, recordingProvider, startsAt, untilAborted, type World } from "../support/world.ts";

type Script = Parameters<typeof recordingProvider>[0];

async function callerWorld(script: Script, limits = {}) {
  const provider = recordingProvider(script);
  const world = createWorld({ providers: [provider], limits });
  await world.engine.create({ machine: "caller", id: "c", input: {} });
  return { ...world, provider, calls: provider.calls };
}

const stateOf = async ({ engine }: Pick<World, "engine">) => (await engine.read("c")).state;
const resultOf = async ({ engine }: Pick<World, "engine">) =>
  ((await engine.read("c")).context as { result: unknown }).result;

/** Calls that end when the test says so. */
function byHand() {
  const open: { call: Call; end(output: unknown): void; fail(error: unknown): void }[] = [];
  const perform = (call: Call) =>
    new Promise((end, fail) => {
      open.push({ call, end, fail });
    });
  return { open, perform };
}

const rejections: unknown[] = [];
const keep = (reason: unknown) => void rejections.push(reason);
beforeEach(() => void process.on("unhandledRejection", keep));
afterEach(async () => {
  await quiet();
  process.off("unhandledRejection", keep);
  expect(rejections.splice(0)).toEqual([]);
});

describe("a call", () => {
  it("is performed with its input and a key, and its output is an event", async () => {
    const world = await callerWorld({ work: (_call, input) => ({ did: input }) });
    await world.engine.send("c", { type: "go", what: "dishes" });
    await world.settle();

    expect(world.calls).toMatchObject([
      { activity: "work", key: "c#2:work", instance: "c", attempt: 1, input: { what: "dishes" } },
    ]);
    expect(world.calls[0]?.signal.aborted).toBe(false);
    expect(await resultOf(world)).toEqual({ did: { what: "dishes" } });
    expect((await world.engine.pending()).items).toEqual([]);
    expect((await world.engine.journal({ instance: "c", after: 2 })).entries).toMatchObject([
      { event: { type: "xstate.done.actor.work", actorId: "work" }, principal: "engine", outcome: "changed" },
    ]);
    expect(await world.engine.verify()).toMatchObject({ differences: [] });
  });

  it("that fails is tried again with a growing wait under the same key, and then its error is an event", async () => {
    const at: number[] = [];
    const world = await callerWorld({
      work: () => {
        at.push(world.clock.now() - startsAt);
        throw new Error(`no ${at.length}`);
      },
    });
    await world.engine.send("c", { type: "go" });
    await world.settle();
    expect((await world.engine.explain("c")).waitingFor[0]?.what).toContain("work has failed 1 times: no 1");

    await world.advance(60_000);

    expect(at).toEqual([0, 1_000, 3_000]);
    expect(world.calls.map(({ key, attempt }) => [key, attempt])).toEqual([
      ["c#2:work", 1],
      ["c#2:work", 2],
      ["c#2:work", 3],
    ]);
    expect(await resultOf(world)).toEqual({ message: "no 3" });
    expect(await stateOf(world)).toBe("Failed");
  });

  it("that succeeds the second time is like one that succeeded at once", async () => {
    const world = await callerWorld({
      work: ({ attempt }) => {
        if (attempt === 1) throw new Error("not yet");
        return attempt;
      },
    });
    await world.engine.send("c", { type: "go" });
    await world.advance(1_000);

    expect(await resultOf(world)).toBe(2);
  });

  it("that says it is not to be retried is not", async () => {
    const world = await callerWorld({
      work: () => Promise.reject(Object.assign(new Error("wrong card"), { retryable: false, code: "declined" })),
    });
    await world.engine.send("c", { type: "go" });
    await world.settle();

    expect(world.calls).toHaveLength(1);
    expect(await resultOf(world)).toEqual({ message: "wrong card", code: "declined" });
  });

  it.each([
    ["undefined", undefined],
    ["text", "just text"],
    ["half a character", "\ud800"],
    ["a frozen object", Object.freeze({ code: 7 })],
    ["an object without text", Object.create(null)],
    ["a symbol", Symbol("s")],
    [
      "an object that throws when it is looked at",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("no");
          },
        },
      ),
    ],
    ["very much text", new Error("x".repeat(1_000_000))],
  ])("that throws %s has failed, and nothing else has", async (_what, thrown) => {
    for (const throws of [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown as Error),
    ]) {
      const world = await callerWorld({ once: throws });
      await world.engine.send("c", { type: "once" });
      await world.settle();

      expect(await stateOf(world)).toBe("Failed");
      expect(JSON.stringify(await resultOf(world)).length).toBeLessThan(3_000);
      expect(await world.engine.verify()).toMatchObject({ differences: [] });
    }
  });

  it.each([
    ["nothing", undefined, null],
    ["a function", () => 1, null],
    ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["a number that JSON lacks", { n: Number.NaN }, { n: null }],
  ])("that returns %s gives its machine what the journal will have", async (_what, output, kept) => {
    const world = await callerWorld({ once: () => output });
    await world.engine.send("c", { type: "once" });
    await world.settle();

    expect(await resultOf(world)).toEqual(kept);
    expect(await world.engine.verify()).toMatchObject({ differences: [] });
  });

  it.each([
    ["what JSON cannot carry", 10n],
    ["more than the limit", "x".repeat(2_000)],
  ])("that returns %s has failed, and is not performed for ever", async (_what, output) => {
    const world = await callerWorld({ once: () => output }, { payloadBytesMax: 1_000 });
    await world.engine.send("c", { type: "once" });
    await world.advance(600_000);

    expect(world.calls).toHaveLength(1);
    expect(await stateOf(world)).toBe("Failed");
  });

  it("is aborted when its state is left, and what it says afterwards settles nothing", async () => {
    const { open, perform } = byHand();
    const world = await callerWorld({ work: perform });
    await world.engine.start();
    await world.engine.send("c", { type: "go" });
    await world.clock.advance(0);

    await world.engine.send("c", { type: "cancel" });

    expect(open[0]?.call.signal.aborted).toBe(true);
    expect(open[0]?.call.signal.reason).toMatchObject({ name: "AbortError" });
    open[0]?.end("too late");
    await quiet();
    expect(await world.engine.read("c")).toMatchObject({ state: "Idle", version: 3, context: { result: null } });
    await expect(open[0]?.call.report({ type: "progress", percent: 1 })).rejects.toThrow("not wanted any more");
    await world.engine.stop();
    expect(await world.engine.verify()).toMatchObject({ differences: [] });
  });

  it("that is made again under the same id is another one: the outcome of the old one is refused", async () => {
    const { open, perform } = byHand();
    const ignoring = (call: Call) => perform({ ...call, signal: new AbortController().signal });
    const world = await callerWorld({ work: ignoring });
    const other = world.restarted(); // knows nothing of the withdrawal: its runner goes on with the old call
    void other.engine.runOnce();
    await world.engine.send("c", { type: "go", what: "old" });
    void other.engine.runOnce();
    await quiet();
    await world.engine.send("c", { type: "again" });

    open[0]?.end("the old one");
    await quiet();

    expect(open[0]?.call.key).toBe("c#2:work");
    expect(await world.engine.read("c")).toMatchObject({ state: "Working", version: 3 });
    expect((await world.engine.pending()).items.map(({ key }) => key)).toEqual(["c#3:work"]);
    void world.engine.runOnce();
    await quiet();
    open[1]?.end("the new one");
    await quiet();
    expect(await resultOf(world)).toBe("the new one");
  });

  it("whose outcome the chart refuses is over all the same", async () => {
    const { open, perform } = byHand();
    const world = await callerWorld({ work: perform });
    await world.engine.send("c", { type: "go" });
    const round = world.engine.runOnce();
    await quiet();
    await world.engine.send("c", { type: "spoil" });

    open[0]?.end("unwanted");
    await round;

    expect((await world.engine.pending()).items).toEqual([]);
    expect((await world.engine.journal({ instance: "c" })).entries.at(-1)).toMatchObject({
      outcome: "refused",
      reasons: [{ code: "spoilt" }],
    });
    expect((await world.engine.explain("c")).waitingFor[0]?.what).toContain(
      "work has ended and is not running any more",
    );
    const sent = await world.engine.send("c", { type: "spoil" });
    expect(sent.instance.waitingFor[0]?.what).toContain("work has ended and is not running any more");
    await world.advance(60_000);
    expect(open).toHaveLength(1);
    expect(await world.engine.verify()).toMatchObject({ differences: [] });
  });

  it("may report events and commit moves under its key, as long as it is pending", async () => {
    const { open, perform } = byHand();
    const world = await callerWorld({ work: perform });
    await world.engine.create({ machine: "counter", id: "n", input: {} });
    await world.engine.send("c", { type: "go" });
    const round = world.engine.runOnce();
    await quiet();
    const { call, end } = open[0] ?? { end: () => undefined };

    expect(await call?.report({ type: "progress", percent: 40 })).toMatchObject({ outcome: "changed", version: 3 });
    expect(await call?.transact([{ id: "n", event: { type: "inc" } }])).toMatchObject([{ version: 2 }]);
    await expect(call?.report({ type: "go" })).resolves.toMatchObject({ outcome: "refused" });
    await expect(call?.transact([{ id: "n", event: { type: "reset" } }])).rejects.toMatchObject({
      code: "internal-event",
    });
    expect((await world.engine.journal({ instance: "n", after: 2 })).entries).toMatchObject([
      { principal: "provider:work" },
    ]);
    expect((await world.engine.pending()).items).toMatchObject([{ key: "c#2:work", state: "leased" }]);

    end("done");
    await round;
    await expect(call?.report({ type: "progress", percent: 90 })).rejects.toMatchObject({ code: "event-refused" });
    await expect(call?.transact([{ id: "n", event: { type: "inc" } }])).rejects.toMatchObject({
      code: "event-refused",
    });
    expect((await world.engine.read("n")).version).toBe(2);
  });

  it("that runs until it is withdrawn does not hold up the others", async () => {
    const world = await callerWorld({ watch: untilAborted });
    await world.engine.send("c", { type: "watch" });

    await world.settle();

    expect(world.calls).toHaveLength(1);
    expect((await world.engine.pending({ state: "leased" })).items).toHaveLength(1);
    await world.engine.send("c", { type: "cancel" });
    expect(world.calls[0]?.signal.aborted).toBe(true);
    await world.advance(120_000);
    expect(world.calls).toHaveLength(1);
    expect(await stateOf(world)).toBe("Idle");
  });

  it("keeps its lease while it is performed, however long that takes", async () => {
    const { open, perform } = byHand();
    const world = await callerWorld({ work: perform });
    await world.engine.start();
    await world.engine.send("c", { type: "go" });
    await world.clock.advance(0);

    for (let n = 0; n < 12; n += 1) {
      await world.clock.advance(20_000);
      const claim = { now: world.clock.now(), owner: "thief", leaseUntil: Infinity, calls: 9, deliveries: 9 };
      expect(await world.store.claim(claim)).toEqual([]);
    }

    expect(open).toHaveLength(1);
    open[0]?.end("at last");
    await quiet();
    expect(await resultOf(world)).toBe("at last");
    await world.engine.stop();
  });

  it("that was taken by a runner that died is performed by another one, under the same key", async () => {
    const dying = await callerWorld({ work: () => new Promise(() => undefined) });
    await dying.engine.send("c", { type: "go" });
    void dying.engine.runOnce();
    await quiet();
    const provider = recordingProvider({ work: () => "done" });
    const heir = dying.restarted({ providers: [provider] });

    await heir.settle();
    expect(provider.calls).toEqual([]); // the lease holds
    await heir.advance(30_000);

    expect(provider.calls).toMatchObject([{ key: dying.calls[0]?.key, attempt: 1 }]);
    expect(await resultOf(heir)).toBe("done");
  });

  it("that was taken by an engine that died is taken back when a new one starts", async () => {
    const dying = await callerWorld({ work: () => new Promise(() => undefined) });
    await dying.engine.send("c", { type: "go" });
    void dying.engine.runOnce();
    await quiet();
    const provider = recordingProvider({ work: () => "done" });
    const heir = dying.restarted({ providers: [provider] });

    await heir.engine.start();
    await heir.clock.advance(0);

    expect(provider.calls.map(({ key }) => key)).toEqual([dying.calls[0]?.key]);
    expect(await resultOf(heir)).toBe("done");
    await heir.engine.stop();
  });

  it("keeps counting its attempts over a restart", async () => {
    const failing = await callerWorld({ work: () => Promise.reject(new Error("no")) });
    await failing.engine.send("c", { type: "go" });
    await failing.advance(1_000);
    const provider = recordingProvider({ work: () => Promise.reject(new Error("still no")) });

    await failing.restarted({ providers: [provider] }).advance(10_000);

    expect(provider.calls).toMatchObject([{ key: "c#2:work", attempt: 3 }]);
    expect(await resultOf(failing)).toEqual({ message: "still no" });
  });

  it("that nobody performs is listed as manual, is never claimed, and is performed when a provider has come", async () => {
    const manual = createWorld();
    await manual.engine.create({ machine: "caller", id: "c", input: {} });
    await manual.engine.send("c", { type: "go" });
    await manual.advance(600_000);

    expect((await manual.engine.pending({ state: "manual" })).items).toMatchObject([{ key: "c#2:work", dueAt: null }]);
    expect((await manual.engine.read("c")).waitingFor[0]?.what).toContain("nobody here performs work");
    const provider = recordingProvider({ work: () => "done" });
    const after = manual.restarted({ providers: [provider] });
    await after.engine.start();
    await after.clock.advance(0);
    await after.engine.stop();
    expect(await resultOf(after)).toBe("done");
  });

  it("becomes manual when its provider has gone", async () => {
    const failing = await callerWorld({ work: () => Promise.reject(new Error("no")) });
    await failing.engine.send("c", { type: "go" });
    await failing.settle();

    const after = failing.restarted({ providers: [] });
    await after.engine.start();
    await after.clock.advance(60_000);
    await after.engine.stop();

    expect((await after.engine.pending()).items).toMatchObject([{ state: "manual", key: "c#2:work" }]);
  });

  it("is performed by the first provider that says it does", async () => {
    const picky: Provider = {
      ...recordingProvider({ work: () => "picky" }),
      performs: (_name, input) => (input as { what: string }).what === "art",
    };
    const world = createWorld({ providers: [picky, recordingProvider({ work: () => "anybody" })] });
    await world.engine.create({ machine: "caller", id: "c", input: {} });

    const results: unknown[] = [];
    for (const what of ["art", "dishes"]) {
      await world.engine.send("c", { type: "go", what });
      await world.settle();
      results.push(await resultOf(world));
    }
    expect(results).toEqual(["picky", "anybody"]);
  });

  it("can be given up: its machine hears an error, and the activity is aborted", async () => {
    const world = await callerWorld({ watch: untilAborted });
    await world.engine.send("c", { type: "watch" });
    await world.settle();

    await world.engine.discardPending("c#2:watch", { principal: "anna" });

    expect(world.calls[0]?.signal.aborted).toBe(true);
    expect(await resultOf(world)).toEqual({ code: "discarded", message: "discarded by anna" });
    expect((await world.engine.pending()).items).toEqual([]);
  });

  it("that is being performed is not performed a second time because somebody retries it", async () => {
    const world = await callerWorld({ watch: untilAborted });
    await world.engine.send("c", { type: "watch" });
    await world.settle();

    expect(await world.engine.retryPending("c#2:watch")).toMatchObject({ state: "leased" });
    await world.settle();
    expect(world.calls).toHaveLength(1);
  });

  it("whose wait is long is tried at once when somebody retries it", async () => {
    const world = await callerWorld({
      work: ({ attempt }) => (world.calls.length === 1 ? Promise.reject(new Error("no")) : attempt),
    });
    await world.engine.send("c", { type: "go" });
    await world.settle();

    expect(await world.engine.retryPending("c#2:work")).toMatchObject({ state: "due", attempts: 0 });
    await world.settle();
    expect(await resultOf(world)).toBe(1);
  });

  it("is begun only when there is a place for it", async () => {
    const world = await callerWorld({ watch: untilAborted }, { callsInFlightMax: 2 });
    for (const id of ["c1", "c2", "c3"]) {
      await world.engine.create({ machine: "caller", id, input: {} });
      await world.engine.send(id, { type: "watch" });
    }
    await world.engine.start();
    await world.clock.advance(5_000);
    expect(world.calls.map(({ instance }) => instance)).toEqual(["c1", "c2"]);

    await world.engine.send("c1", { type: "cancel" });
    await world.clock.advance(0);
    expect(world.calls.map(({ instance }) => instance)).toEqual(["c1", "c2", "c3"]);
    await world.engine.stop();
  });
});

describe("stopping", () => {
  it("aborts what runs, gives it back, and waits for it", async () => {
    const world = await callerWorld({ watch: untilAborted });
    await world.engine.send("c", { type: "watch" });
    await world.engine.start();
    await world.clock.advance(0);

    await world.engine.stop();

    expect(world.calls[0]?.signal.aborted).toBe(true);
    expect((await world.engine.pending()).items).toMatchObject([{ key: "c#2:watch", state: "due", attempts: 0 }]);
    await world.engine.start();
    await world.clock.advance(0);
    expect(world.calls.map(({ key }) => key)).toEqual(["c#2:watch", "c#2:watch"]);
    await world.engine.stop();
  });

  it("does not wait for ever for one that does not listen", async () => {
    const world = await callerWorld({ watch: () => new Promise(() => undefined) }, { stopGraceMs: 5_000 });
    await world.engine.send("c", { type: "watch" });
    await world.engine.start();
    await world.clock.advance(0);

    let stopped = false;
    const stop = world.engine.stop().then(() => (stopped = true));
    await world.clock.advance(4_999);
    expect(stopped).toBe(false);
    await world.clock.advance(1);
    await stop;
  });
});

describe("the runner", () => {
  it("leaves no wait behind when it has stopped: one would keep the process alive", async () => {
    const clock = virtualClock(startsAt);
    let waits = 0;
    const engineClock: Clock = {
      now: clock.now,
      async wakeAt(at, signal) {
        waits += 1;
        await clock.wakeAt(at, signal);
        waits -= 1;
      },
    };
    const { engine } = createWorld({ engineClock }, clock);
    await engine.start();
    await quiet();
    expect(waits).toBe(1);

    await engine.stop();
    await quiet();
    expect(waits).toBe(0);
  });

  it("is not held up by an instance that it cannot load", async () => {
    const world = await callerWorld({ work: () => "done" });
    await world.engine.create({ machine: "messenger", id: "m", input: {} });
    await world.engine.create({ machine: "caller", id: "d", input: {} });
    for (const id of ["c", "d"]) await world.engine.send(id, { type: "go" });
    await world.engine.send("m", { type: "say", to: "m", words: ["hello"] });
    const stored = (await world.store.load("d"))?.row;
    if (stored === undefined) throw new Error("d is not there");
    const row = { ...stored, version: stored.version + 1, machineVersion: 7 };
    await world.store.commit([
      { writes: [{ row, expected: stored.version }], expects: [], journal: [], fences: [], changes: [] },
    ]);

    const after = world.restarted();
    await after.advance(600_000);

    expect(await resultOf(after)).toBe("done");
    expect((await after.engine.read("m")).context).toEqual({ heard: ["hello"] });
    expect((await after.engine.pending()).items).toMatchObject([{ instance: "d", state: "retrying" }]); // never given up: a migration heals it
  });
});
