import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Call } from "../../src/core/provider.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Element, Store } from "../../src/store/store.ts";
import { composedEngine } from "../support/composed-engine.ts";
import { gatedStore, isOpen, quiet } from "../support/gated-store.ts";
import { createWorld, recordingProvider, type World, type WorldOptions } from "../support/world.ts";
import { programs, verdictOn } from "./programs.ts";

/** What a bug spoils: the store that an engine is given, or a part of the engine. */
interface Parts {
  store?: (healthy: Store) => Store;
  makeEngine?: WorldOptions["makeEngine"];
}

const healthy: Parts = {};

/** Small scenarios that throw when a promise is broken, by the name of the promise. */
const checks = {
  async "random programs hold every promise"({ store: spoil = same }: Parts) {
    const property = fc.asyncProperty(programs, (program) => verdictOn(program, spoil(memoryStore())));
    await fc.assert(property, { numRuns: 60, seed: 7, endOnFailure: true });
  },

  async "what is not committed is not acknowledged"(parts: Parts) {
    const { engine, gate } = await counterWorld(parts);
    gate.hold();
    expect(await isOpen(engine.send("c", { type: "inc" }))).toBe(true);
  },

  async "a refusal waits for the commit of the head that it was judged on"(parts: Parts) {
    const { engine, gate } = await counterWorld(parts);
    gate.hold();
    void engine.send("c", { type: "finish" });
    await quiet();
    expect(await isOpen(engine.send("c", { type: "inc" }))).toBe(true);
  },

  async "a retry under the same command id does nothing again"(parts: Parts) {
    const { engine } = await counterWorld(parts);
    for (let n = 0; n < 2; n += 1) await engine.send("c", { type: "inc" }, { commandId: "k" });
    expect((await engine.read("c")).context).toMatchObject({ count: 1 });
  },

  async "an instance that somebody else has moved is stepped again"(parts: Parts) {
    const { engine, restarted } = await counterWorld(parts);
    await engine.send("c", { type: "inc" });
    await restarted().engine.send("c", { type: "inc" });
    await engine.send("c", { type: "inc" });
    expect((await engine.read("c")).context).toMatchObject({ count: 3 });
  },

  async "a late outcome of a withdrawn call settles nothing"(parts: Parts) {
    const ends: ((output: string) => void)[] = [];
    const work = (_call: Call) => new Promise((end) => ends.push(end));
    const { engine, restarted } = await callerWorld(parts, work);
    await engine.send("c", { type: "go" });
    void restarted().engine.runOnce(); // it will not hear of the withdrawal
    await quiet();
    await engine.send("c", { type: "again" });

    ends[0]?.("the old one");
    await quiet();
    expect((await engine.read("c")).state).toBe("Working");
  },

  async "a call that is withdrawn in the batch that made it is not performed"(parts: Parts) {
    const calls: Call[] = [];
    const { engine, settle } = await callerWorld(parts, (call) => calls.push(call));
    await Promise.all([engine.send("c", { type: "go" }), engine.send("c", { type: "cancel" })]);
    await settle();
    expect(calls).toEqual([]);
  },

  async "a call of a runner that died is performed by another one"(parts: Parts) {
    const dying = await callerWorld(parts, () => new Promise(() => undefined));
    await dying.engine.send("c", { type: "go" });
    void dying.engine.runOnce();
    await quiet();
    const provider = recordingProvider({ work: () => "done" });
    await dying.restarted({ providers: [provider] }).advance(60_000);
    expect((await dying.engine.read("c")).state).toBe("Done");
  },

  async "messages of a pair arrive in order"(parts: Parts) {
    const world = worldOf(parts);
    const create = (id: string) => ({ create: { machine: "messenger", id, input: {} } });
    await world.engine.transact([create("a"), create("b")]);
    await world.engine.send("a", { type: "say", to: "b", words: ["one", "two", "three"] });
    await world.settle();
    expect((await world.engine.read("b")).context).toEqual({ heard: ["one", "two", "three"] });
  },

  async "a timer is not early"(parts: Parts) {
    const world = worldOf(parts);
    await world.engine.transact([{ create: { machine: "egg", id: "e", input: { softMs: 1_000 } } }]);
    await world.engine.send("e", { type: "start", ms: 1_000 });
    await world.advance(999);
    expect((await world.engine.read("e")).context).toMatchObject({ fired: [] });
  },

  async "the journal leads to the stored snapshots"(parts: Parts) {
    const { engine } = await counterWorld(parts);
    for (let n = 0; n < 5; n += 1) await engine.send("c", { type: "inc" });
    expect(await engine.verify()).toMatchObject({ differences: [] });
  },

  async "an instance goes on from what is written when a commit has failed"(parts: Parts) {
    const { engine, gate } = await counterWorld(parts);
    gate.hold();
    const failed = engine.send("c", { type: "inc" }).catch((error: unknown) => error);
    await quiet();
    gate.fail("before");
    expect(await failed).toMatchObject({ code: "store-unavailable" });
    expect(await engine.send("c", { type: "inc" })).toMatchObject({ version: 2 });
  },

  async "a file is synchronised at every commit"() {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-bug-"));
    try {
      await sqliteStore(join(folder, "x.db")).close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
} satisfies Record<string, (parts: Parts) => Promise<void>>;

type Check = keyof typeof checks;

/** Mistakes that an engine or a store might have, and the checks that see them. */
const bugs: Readonly<Record<string, { parts: Parts; seenBy: readonly Check[] }>> = {
  "it acknowledges before the commit": {
    parts: {
      store: spoilCommit((commit) => async (batch) => {
        setImmediate(() => void commit(batch).catch(() => undefined));
        return batch.map(() => "committed");
      }),
    },
    seenBy: ["what is not committed is not acknowledged", "random programs hold every promise"],
  },
  "it takes a commit that failed for one that did not": {
    parts: {
      store: spoilCommit((commit) => (batch) => commit(batch).catch(() => batch.map(() => "committed" as const))),
    },
    seenBy: ["an instance goes on from what is written when a commit has failed"],
  },
  "it forgets its commands": {
    parts: {
      store: (store) => ({
        ...spoilElements(({ command: _forgotten, ...element }) => element)(store),
        command: () => Promise.resolve(undefined),
      }),
    },
    seenBy: ["a retry under the same command id does nothing again", "random programs hold every promise"],
  },
  "it has no fence": {
    parts: {
      store: spoilElements(({ fences, changes, ...element }) => ({
        ...element,
        fences: [],
        changes: [
          ...fences.filter(({ settle }) => settle).map(({ key }) => ({ kind: "discard" as const, key })),
          ...changes,
        ],
      })),
    },
    seenBy: ["a late outcome of a withdrawn call settles nothing"],
  },
  "it does not check versions": {
    parts: {
      store: (store) => ({
        ...store,
        async commit(batch) {
          const results: Awaited<ReturnType<Store["commit"]>>[number][] = [];
          for (const element of batch) {
            const writes: Element["writes"][number][] = [];
            for (const { row } of element.writes) {
              writes.push({ row, expected: (await store.load(row.id))?.row.version ?? 0 });
            }
            results.push(...(await store.commit([{ ...element, writes, expects: [] }])));
          }
          return results;
        },
      }),
    },
    seenBy: ["an instance that somebody else has moved is stepped again"],
  },
  "it writes what a batch withdraws before what it arms": {
    parts: {
      store: spoilCommit((commit) => (batch) => {
        const isArmed = ({ kind }: Element["changes"][number]) => kind === "arm";
        const withdrawn = batch.flatMap(({ changes }) => changes.filter((change) => !isArmed(change)));
        return commit(
          batch.map((element, index) => ({
            ...element,
            changes: [...(index === 0 ? withdrawn : []), ...element.changes.filter(isArmed)],
          })),
        );
      }),
    },
    seenBy: [
      "a call that is withdrawn in the batch that made it is not performed",
      "random programs hold every promise",
    ],
  },
  "it never takes a lease back": {
    parts: {
      store: (store) => ({
        ...store,
        claim: (claim) => store.claim({ ...claim, leaseUntil: Number.MAX_SAFE_INTEGER }),
        takeBack: () => Promise.resolve(0),
      }),
    },
    seenBy: ["a call of a runner that died is performed by another one"],
  },
  "it takes every event for one within a state": {
    parts: {
      store: spoilElements((element) => ({
        ...element,
        writes: element.writes.map((write) => ({ ...write, isWithinState: true })),
      })),
    },
    seenBy: ["random programs hold every promise"],
  },
  "it delivers the newest message first": {
    parts: { store: (store) => ({ ...store, claim: async (claim) => (await store.claim(claim)).toReversed() }) },
    seenBy: ["messages of a pair arrive in order", "random programs hold every promise"],
  },
  "it fires timers early": {
    parts: { store: (store) => ({ ...store, claim: (claim) => store.claim({ ...claim, now: claim.now + 100 }) }) },
    seenBy: ["a timer is not early", "random programs hold every promise"],
  },
  "it loses a row of the journal now and then": {
    parts: {
      store: (store) => {
        let elements = 0;
        return spoilElements((element) => (++elements % 4 === 0 ? { ...element, journal: [] } : element))(store);
      },
    },
    seenBy: ["the journal leads to the stored snapshots", "random programs hold every promise"],
  },
  "it keeps a head whose commit has failed": {
    parts: {
      makeEngine: composedEngine({
        committer: (committer) => ({ ...committer, commit: (element) => committer.commit(element, []) }),
      }),
    },
    seenBy: ["an instance goes on from what is written when a commit has failed"],
  },
  "it does not let a refusal wait": {
    parts: {
      makeEngine: composedEngine({
        committer: (committer) => ({
          ...committer,
          commit(element, hots) {
            const committed = committer.commit(element, hots);
            return element.writes.length > 0 ? committed : Promise.resolve("committed");
          },
        }),
      }),
    },
    seenBy: ["a refusal waits for the commit of the head that it was judged on"],
  },
};

describe.each(Object.keys(checks) as Check[])("%s", (name) => {
  it("where nothing is spoilt", async () => {
    await checks[name](healthy);
  });

  it("where the engine is put together by hand", async () => {
    await checks[name]({ makeEngine: composedEngine({}) });
  });
});

describe.each(Object.entries(bugs))("the bug that %s", (_bug, { parts, seenBy }) => {
  it.each(seenBy)("is seen by: %s", async (name) => {
    await expect(checks[name](parts)).rejects.toThrow();
  });
});

describe.each(["OFF", "NORMAL"])("the bug that a database is opened with synchronous = %s", (found) => {
  afterEach(() => vi.restoreAllMocks());

  it("is seen by: a file is synchronised at every commit", async () => {
    const exec = Object.getOwnPropertyDescriptor(DatabaseSync.prototype, "exec")?.value as DatabaseSync["exec"];
    vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(function on(this: DatabaseSync, sql) {
      exec.call(this, sql.replace("synchronous = FULL", `synchronous = ${found}`));
    });

    await expect(checks["a file is synchronised at every commit"]()).rejects.toThrow("synchronous");
  });
});

const same = (store: Store) => store;

function worldOf({ store: spoil = same, makeEngine }: Parts, options: WorldOptions = {}) {
  const gate = gatedStore(memoryStore());
  const world = createWorld({ ...options, store: spoil(gate), ...(makeEngine && { makeEngine }) });
  return { ...world, gate };
}

async function counterWorld(parts: Parts) {
  const world = worldOf(parts);
  await world.engine.transact([{ create: { machine: "counter", id: "c", input: {} } }]);
  await quiet();
  return world;
}

async function callerWorld(parts: Parts, work: (call: Call) => unknown): Promise<World> {
  const world = worldOf(parts, { providers: [recordingProvider({ work })] });
  await world.engine.transact([{ create: { machine: "caller", id: "c", input: {} } }]);
  return world;
}

function spoilCommit(spoilt: (commit: Store["commit"]) => Store["commit"]): (store: Store) => Store {
  return (store) => ({ ...store, commit: spoilt(store.commit) });
}

function spoilElements(spoilt: (element: Element) => Element): (store: Store) => Store {
  return spoilCommit((commit) => (batch) => commit(batch.map(spoilt)));
}
