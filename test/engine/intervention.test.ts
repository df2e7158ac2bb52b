import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { createWorld, recordingProvider, untilAborted, type World } from "../support/world.ts";

interface Stuck extends World {
  /** A dead message of `a`, which nobody has. */
  message: string;
  /** A timer that is not due. */
  timer: string;
  /** A call that goes on. */
  call: string;
  attempts(): number;
}

/** One row of each kind that somebody may do something about. */
async function stuckWorld(store: Store = memoryStore()): Promise<Stuck> {
  const provider = recordingProvider({ watch: untilAborted });
  const world = createWorld({ store, providers: [provider], limits: { deliveryAttemptsMax: 2 } });
  const { engine, advance } = world;
  await engine.create({ machine: "messenger", id: "a", input: {} });
  await engine.create({ machine: "egg", id: "e", input: { softMs: 10_000_000 } });
  await engine.create({ machine: "caller", id: "c", input: {} });
  await engine.send("a", { type: "say", to: "b", words: ["one"] });
  await engine.send("e", { type: "start", ms: 20_000_000 });
  await engine.send("c", { type: "watch" });
  await advance(60_000);
  const { items } = await engine.pending();
  const keyOf = (kind: string) => items.find((each) => each.kind === kind)?.key ?? "";
  return {
    ...world,
    message: keyOf("message"),
    timer: keyOf("timer"),
    call: keyOf("call"),
    attempts: () => provider.calls.length,
  };
}

const asked = { principal: "anna", commandId: "k" };

describe("a row that is given up under a key", () => {
  it("is answered so again, also after a restart, and the journal has it once", async () => {
    for (const kind of ["message", "timer", "call"] as const) {
      const world = await stuckWorld(sqliteStore(":memory:"));
      const key = world[kind];

      const first = await world.engine.discardPending(key, asked);
      const again = await world.restarted().engine.discardPending(key, asked);

      expect([kind, first, again]).toEqual([kind, {}, { replayed: true }]);
      const { entries } = await world.engine.journal();
      expect(entries.filter(({ commandId }) => commandId === "k")).toMatchObject([{ principal: "anna" }]);
      await expect(world.engine.discardPending(key, { principal: "bob", commandId: "k" })).rejects.toMatchObject({
        code: "not-found",
      });
    }
  });

  it("is given up once by two who ask at the same time under one key", async () => {
    for (const kind of ["message", "timer", "call"] as const) {
      const world = await stuckWorld();
      const key = world[kind];

      const answers = await Promise.all([1, 2].map(() => world.engine.discardPending(key, asked)));

      expect([kind, answers]).toEqual([kind, [{}, { replayed: true }]]);
    }
  });

  it("is not confused with another request under that key", async () => {
    const { engine, message, timer, call } = await stuckWorld();
    const reused = { code: "idempotency-key-reused" };
    await engine.discardPending(message, asked);

    await expect(engine.discardPending(timer, asked)).rejects.toMatchObject(reused);
    await expect(engine.discardPending(call, asked)).rejects.toMatchObject(reused);
    await expect(engine.retryPending(message, asked)).rejects.toMatchObject(reused);
    await expect(engine.send("a", { type: "hush" }, asked)).rejects.toMatchObject(reused);
    expect((await engine.pending()).items.map(({ key }) => key)).toEqual(expect.arrayContaining([timer, call]));
  });
});

describe("a row that is given up", () => {
  it("is not said to be when it has ended meanwhile", async () => {
    const { store, afterNext } = interrupted("pending");
    const { engine, call } = await stuckWorld(store);
    afterNext(() => engine.send("c", { type: "cancel" }));

    await expect(engine.discardPending(call)).rejects.toMatchObject({ code: "not-found" });
  });

  it("stands in the journal at the version of its commit, whatever is sent meanwhile", async () => {
    const { store, afterNext } = interrupted("load");
    const { engine, message } = await stuckWorld(store);
    afterNext(() => engine.send("a", { type: "hush" }));

    await engine.discardPending(message);

    expect((await engine.read("a")).version).toBe(3);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });
});

describe("a row that is tried again under a key", () => {
  it("is tried once, and the first answer comes again when it is long gone", async () => {
    const world = await stuckWorld(sqliteStore(":memory:"));
    const { engine, message, settle } = world;
    await engine.create({ machine: "messenger", id: "b", input: {} });

    const first = await engine.retryPending(message, asked);
    await settle();
    const again = await world.restarted().engine.retryPending(message, asked);

    expect(first).toMatchObject({ key: message, state: "due", attempts: 0 });
    expect(again).toEqual({ ...first, replayed: true });
    expect((await engine.read("b")).context).toMatchObject({ heard: ["one"] });
  });

  it("that fails once more is not tried again by a retry of the command", async () => {
    const { engine, message, advance } = await stuckWorld();
    await engine.retryPending(message, asked);
    await advance(60_000);

    const again = await engine.retryPending(message, asked);

    expect(again).toMatchObject({ state: "due", replayed: true });
    expect((await engine.pending({ state: "dead" })).items).toMatchObject([{ key: message, attempts: 2 }]);
  });

  it("is tried by a retry of the command when the server ended before it was", async () => {
    const { store, ...world } = await stuckWorld();
    const broken = createWorld({
      store: { ...store, reschedule: () => Promise.reject(new Error("the process died")) },
    });
    await expect(broken.engine.retryPending(world.message, asked)).rejects.toThrow("the process died");

    const again = await world.restarted().engine.retryPending(world.message, asked);

    expect(again).toMatchObject({ state: "due", replayed: true });
    expect((await world.engine.pending({ state: "due" })).items).toMatchObject([{ key: world.message, attempts: 0 }]);
  });

  it("is found among more rows than a page has", async () => {
    const { engine, message } = await stuckWorld();
    for (let n = 0; n < 6; n += 1)
      await engine.send("a", {
        type: "say",
        to: "b",
        words: Array.from({ length: 100 }, (_, each) => `w${n}.${each}`),
      });
    const last = (await engine.pending({ instance: "a", limit: 500 })).nextCursor;
    const [beyond] = (await engine.pending({ instance: "a", cursor: last ?? "" })).items;

    expect(await engine.retryPending(beyond?.key ?? "")).toMatchObject({ key: beyond?.key });
    expect(await engine.retryPending(message)).toMatchObject({ key: message, state: "due" });
  });
});

/** A store in which something happens once, right after it was asked by this name. */
function interrupted(name: "pending" | "load") {
  const store = memoryStore();
  let next: (() => Promise<unknown>) | undefined;
  const ask = async (...given: unknown[]) => {
    const answer = await (store[name] as (...given: unknown[]) => Promise<unknown>)(...given);
    const happen = next;
    next = undefined;
    await happen?.();
    return answer;
  };
  return {
    store: { ...store, [name]: ask },
    afterNext: (happen: () => Promise<unknown>) => void (next = happen),
  };
}
