import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import type { Instance } from "../../src/core/outcome.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { runs } from "../support/runs.ts";
import { counter, door, testMachines } from "../support/test-machines.ts";
import { createWorld, recordingProvider, type World } from "../support/world.ts";
import { fuse } from "./inspected-machines.ts";

const act = fc.oneof(
  fc.record({ id: fc.constant("c"), type: fc.constantFrom("inc", "dec", "dec", "touch", "ring") }),
  fc.record({ id: fc.constant("a"), type: fc.constantFrom("go", "once", "watch", "cancel", "again") }),
  fc.record({ id: fc.constant("e"), type: fc.constantFrom("start", "extend"), ms: fc.constantFrom(5, 50, 500) }),
  fc.record({ id: fc.constant("e"), type: fc.constant("stop") }),
  fc.record({ id: fc.constant("p"), type: fc.constantFrom("hire", "dismiss") }),
  fc.record({ id: fc.constant("f"), type: fc.constant("touch") }),
  fc.record({ id: fc.constant("n"), type: fc.constant("maintenance.enter"), expectedUntil: fc.constant(1_000_400) }),
  fc.record({ id: fc.constant("n"), type: fc.constantFrom("maintenance.exit", "maintenance.abort", "node.cordon") }),
  fc.record({
    id: fc.constant("n"),
    type: fc.constant("drain.progressed"),
    replicas: fc.constantFrom([], ["web-1"]),
    daemons: fc.constant([]),
  }),
  fc.record({ discard: fc.nat() }),
  fc.record({ passMs: fc.constantFrom(1, 30, 600) }),
);

type Act = typeof act extends fc.Arbitrary<infer Value> ? Value : never;

async function created(): Promise<World> {
  const failing = () => {
    throw Object.assign(new Error("not today"), { retryable: false });
  };
  const providers = [recordingProvider({ work: () => "worked", once: failing })]; // nobody watches
  const world = createWorld({ providers, machines: [...testMachines, nodeMaintenance, fuse] });
  await world.engine.transact([
    { create: { machine: "counter", id: "c", input: { count: 1 }, labels: { rack: "r1" } } },
    { create: { machine: "caller", id: "a", input: {} } },
    { create: { machine: "egg", id: "e", input: { softMs: 30 } } },
    { create: { machine: "parent", id: "p", input: {} } },
    { create: { machine: "fuse", id: "f", input: {} } },
    { create: { machine: "nodeMaintenance", id: "n", input: { node: "n", policy: { drainForMs: 500 } } } },
  ]);
  return world;
}

/** What a reader saw of each instance, by the journal entry that was its last one then. */
async function readings(world: World, program: readonly Act[]): Promise<Map<number, Instance>> {
  const seen = new Map<number, Instance>();
  const read = async () => {
    const { entries } = await world.engine.journal({ limit: 500 });
    const last = new Map(entries.map(({ instance, seq }) => [instance, seq]));
    for (const [id, seq] of last) if (!seen.has(seq)) seen.set(seq, await world.engine.read(id));
  };
  await read();
  for (const each of program) {
    if ("passMs" in each) {
      await world.advance(each.passMs);
    } else if ("discard" in each) {
      const { items } = await world.engine.pending();
      const row = items[each.discard % Math.max(1, items.length)];
      if (row !== undefined) await world.engine.discardPending(row.key);
    } else {
      const { id, ...event } = each;
      const child = each.type === "hire" ? { child: `kid${seen.size}` } : {};
      await world.engine.send(id, { ...event, ...child });
    }
    await read();
  }
  return seen;
}

/** Whether a wait is overdue depends on when one looks. */
function timeless(instance: Instance) {
  return { ...instance, waitingFor: instance.waitingFor.map(({ overdue: _overdue, ...each }) => each) };
}

describe("a moment of an instance's history", () => {
  it("is what a reader saw then, whatever happened before and after", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25, size: "max" }), async (program) => {
        const world = await created();
        const seen = await readings(world, program);

        for (const [seq, instance] of seen) {
          const moment = await world.engine.momentOf(instance.id, seq);
          expect(timeless(moment.instance)).toEqual(timeless(instance));
          expect(moment.entry.seq).toBe(seq);
        }
        expect(await world.engine.verify()).toMatchObject({ differences: [] });
      }),
      { numRuns: runs(40) },
    );
  });

  it("comes with the moment before it, and the first has none", async () => {
    const { engine } = await created();
    await engine.send("c", { type: "inc" });
    await engine.send("c", { type: "inc" });
    const [first, second, third] = (await engine.journal({ instance: "c" })).entries.map(({ seq }) => seq);

    expect((await engine.momentOf("c", first as number)).before).toBeNull();
    expect(await engine.momentOf("c", third as number)).toMatchObject({
      before: (await engine.momentOf("c", second as number)).instance,
      instance: { context: { count: 3 } },
    });
  });

  it("of a refusal is the state that it met", async () => {
    const { engine } = await created();
    await engine.send("c", { type: "dec" });
    await engine.send("c", { type: "dec" });
    const refused = (await engine.journal({ instance: "c" })).entries.at(-1);

    expect(refused).toMatchObject({ outcome: "refused" });
    const { before, instance } = await engine.momentOf("c", refused?.seq ?? 0);
    expect(instance).toEqual(before);
  });

  it("overlooks a refusal that was judged on moves which were given up", async () => {
    const { engine } = await created();
    const moves = ["dec", "dec"].map((type) => ({ id: "c", event: { type } }));
    expect((await engine.transact(moves))[0]?.reasons?.map(({ code }) => code)).toContain("after-earlier-moves");
    const { entries } = await engine.journal({ instance: "c" });

    expect((await engine.momentOf("c", entries.at(-1)?.seq ?? 0)).instance).toMatchObject({ context: { count: 1 } });
  });

  it("says what was waited for then, not what is waited for now", async () => {
    const { engine, advance } = await created();
    await engine.send("e", { type: "start", ms: 500 });
    const started = (await engine.journal({ instance: "e" })).entries.at(-1);
    await advance(1_000);

    expect((await engine.read("e")).deadline).toBeNull();
    expect((await engine.momentOf("e", started?.seq ?? 0)).instance).toMatchObject({
      state: "Boiling",
      deadline: 1_000_000 + 30,
    });
  });

  it.each([0, 1, 7, 999])("that never was (%i) is not found", async (seq) => {
    const { engine } = await created();
    await engine.send("a", { type: "go" });

    await expect(engine.momentOf("c", seq === 1 ? 2 : seq)).rejects.toMatchObject({ code: "not-found" });
    await expect(engine.momentOf("nobody", 1)).rejects.toMatchObject({ code: "not-found" });
  });

  it("before a compaction is not found, and says why; the compaction itself is", async () => {
    const store = memoryStore();
    const { engine, advance } = createWorld({ store, limits: { journalRetentionMs: 1_000 } });
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "inc" });
    await engine.send("c", { type: "finish" });
    const finished = await engine.read("c");
    await advance(1_300_000);

    const { entries } = await engine.journal({ instance: "c" });
    expect(entries.map(({ kind }) => kind)).toEqual(["compacted"]);
    await expect(engine.momentOf("c", 2)).rejects.toMatchObject({
      code: "not-found",
      detail: expect.stringContaining("compacted") as string,
    });
    expect((await engine.momentOf("c", entries[0]?.seq ?? 0)).instance).toEqual(finished);
  });

  it("of another machine version needs a migration; those after it are shown", async () => {
    const old = createWorld({ machines: [door(1), counter] });
    await old.engine.create({ machine: "door", id: "d", input: {} });
    await old.engine.send("d", { type: "open" });
    const { engine } = old.restarted({ machines: [door(3), counter] });

    await expect(engine.momentOf("d", 2)).rejects.toMatchObject({ code: "needs-migration" });
    await engine.send("d", { type: "close" });
    await expect(engine.momentOf("d", 2)).rejects.toMatchObject({ code: "needs-migration" });
    const { entries } = await engine.journal({ instance: "d", after: 2 });
    expect(entries.map(({ kind }) => kind)).toEqual(["migrated", "event"]);
    expect((await engine.momentOf("d", 4)).instance).toEqual(await engine.read("d"));
    expect((await engine.momentOf("d", 3)).before).toBeNull();
  });

  it("is refused beyond the limit of a replay, and when too many ask at once", async () => {
    const { engine } = createWorld({ limits: { replayEntriesMax: 2, replayQueueMax: 1 } });
    await engine.create({ machine: "counter", id: "c", input: {} });
    for (const type of ["inc", "inc"]) await engine.send("c", { type });

    await expect(engine.momentOf("c", 3)).rejects.toMatchObject({ code: "invalid-request" });
    const [first, second] = await Promise.allSettled([engine.momentOf("c", 1), engine.momentOf("c", 1)]);
    expect([first.status, second.status]).toEqual(["fulfilled", "rejected"]);
    expect(second).toMatchObject({ reason: { code: "too-many-requests" } });
    expect((await engine.momentOf("c", 2)).instance.context).toMatchObject({ count: 1 });
  });

  it("is not shown when the chart takes another way than the journal", async () => {
    const store = memoryStore();
    const { engine } = createWorld({ store });
    await engine.create({ machine: "counter", id: "c", input: {} });
    const [entry] = await store.journal({ limit: 1 });
    const edited = { ...entry, kind: "event" as const, checkpoint: null, outcome: "changed" as const, version: 2 };
    const event = JSON.stringify({ type: "dec", at: 1_000_000 });
    const element = { writes: [], expects: [], journal: [{ ...edited, event }], fences: [], changes: [] };
    await store.commit([element as unknown as Parameters<typeof store.commit>[0][number]]);

    await expect(engine.momentOf("c", 2)).rejects.toMatchObject({ code: "machine-fault" });
  });
});
