import fc from "fast-check";
import { expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Element, PendingChange, PendingRow, Store } from "../../src/store/store.ts";
import { runs } from "../support/runs.ts";
import { createModel } from "./model.ts";
import { element, instanceRow, journalRow, pendingRow } from "./rows.ts";

const names = fc.constantFrom("a", "b", "c");
const ids = fc.constantFrom("t", "u");
const time = fc.integer({ min: 0, max: 12 });
const place = fc.nat({ max: 30 }); // of a key among those that were armed before

/** What happens, in words of small numbers: keys and versions are worked out while it is played. */
const change = fc.oneof(
  fc.record({
    kind: fc.constant("arm" as const),
    of: fc.constantFrom("call", "timer", "message", "message" as const),
    instance: fc.constantFrom("a", "b"),
    id: ids,
    to: fc.constant("b"),
    dueAt: fc.option(time, { freq: 8 }),
    dead: fc.constantFrom(false, false, false, true),
  }),
  fc.record({ kind: fc.constant("withdraw" as const), instance: names, id: ids }),
  fc.record({ kind: fc.constant("end" as const), instance: names }),
  fc.record({ kind: fc.constant("discard" as const), place }),
);
const changes = fc.array(change, { maxLength: 4, size: "max" });
const empty = fc.constant([]);
const arming = fc.record({
  writes: empty,
  expects: empty,
  fences: empty,
  changes,
  journal: empty,
  cut: fc.constant(null),
  forget: fc.constant(null),
  command: fc.constant(null),
});
const mixed = fc.record({
  writes: fc.array(fc.record({ id: names, off: fc.constantFrom(0, 0, 0, 1, -1) }), { maxLength: 2 }),
  expects: fc.array(fc.record({ id: names, off: fc.constantFrom(0, 0, 0, 1) }), { maxLength: 1 }),
  fences: fc.array(fc.record({ place, settle: fc.boolean() }), { maxLength: 1 }),
  changes,
  journal: fc.array(fc.record({ instance: names, checkpoint: fc.boolean(), isTransition: fc.boolean() }), {
    maxLength: 3,
  }),
  cut: fc.option(fc.record({ instance: names, before: fc.nat({ max: 20 }) }), { freq: 8 }),
  forget: fc.option(names, { freq: 8 }),
  command: fc.option(fc.record({ id: fc.nat({ max: 9 }), at: time })),
});
const part = fc.oneof(arming, mixed);
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("commit" as const), batch: fc.array(part, { maxLength: 4, size: "max" }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      now: fc.constantFrom(6, 8, 12),
      owner: fc.constantFrom("a", "b"),
      lease: fc.nat({ max: 5 }),
      calls: fc.nat({ max: 3 }),
      deliveries: fc.nat({ max: 3 }),
    }),
  },
  fc.record({ do: fc.constant("renew" as const), place, owner: fc.constantFrom("a", "b"), leaseUntil: time }),
  fc.record({
    do: fc.constant("putBack" as const),
    place,
    owner: fc.constantFrom("a", "b"),
    dueAt: time,
    dead: fc.boolean(),
  }),
  fc.record({ do: fc.constant("reschedule" as const), place, dueAt: fc.option(time) }),
  fc.record({ do: fc.constant("takeBack" as const) }),
  fc.record({ do: fc.constant("forget" as const), before: time, limit: fc.nat({ max: 3 }) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

it.each([
  ["memory", memoryStore],
  ["sqlite", () => sqliteStore(":memory:")],
])("%s answers like the model to whatever is done to it", async (_name, make) => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25, size: "max" }), async (operations) => {
      const store = make();
      await play(operations, store);
      await store.close();
    }),
    { numRuns: runs(250) },
  );
});

async function play(operations: readonly Operation[], store: Store): Promise<void> {
  const model = createModel();
  const armed: string[] = []; // keys, also of rows that are gone
  const versions = new Map<string, number>();
  const keyAt = (place: number) => armed[place % Math.max(1, armed.length)] ?? "nothing";

  for (const operation of operations) {
    switch (operation.do) {
      case "commit": {
        const batch = operation.batch.map((each) => elementOf(each));
        expect(await store.commit(batch)).toEqual(model.commit(batch));
        versions.clear();
        for (const row of model.instances()) versions.set(row.id, row.version);
        break;
      }
      case "claim": {
        const claim = { ...operation, leaseUntil: operation.now + operation.lease };
        expect(await store.claim(claim)).toEqual(model.claim(claim));
        break;
      }
      case "renew": {
        const renewal = { ...operation, keys: [keyAt(operation.place), keyAt(operation.place + 1)] };
        expect(await store.renew(renewal)).toEqual(model.renew(renewal));
        break;
      }
      case "putBack": {
        const { owner, dueAt, dead } = operation;
        const rows = [{ key: keyAt(operation.place), owner, dueAt, dead, attempts: 1, error: "no" }];
        await store.putBack(rows);
        model.putBack(rows);
        break;
      }
      case "reschedule": {
        const rows = [{ key: keyAt(operation.place), dueAt: operation.dueAt }];
        await store.reschedule(rows);
        model.reschedule(rows);
        break;
      }
      case "takeBack":
        expect(await store.takeBack("somebody")).toEqual(model.takeBack());
        break;
      case "forget":
        expect(await store.forgetCommands(operation.before, operation.limit)).toEqual(
          model.forgetCommands(operation.before, operation.limit),
        );
        break;
      default:
        operation satisfies never;
    }
    await compare(store, model);
  }

  function elementOf(part: Extract<Operation, { do: "commit" }>["batch"][number]): Element {
    const writes = distinct(part.writes).map(({ id, off }) => {
      const expected = Math.max(0, (versions.get(id) ?? 0) + off);
      return { row: instanceRow({ id, version: expected + 1 }), expected };
    });
    for (const { row } of writes) versions.set(row.id, row.version); // perhaps: a guess that makes most of a batch fit
    return element({
      writes,
      expects: part.expects.map(({ id, off }) => ({ id, version: (versions.get(id) ?? 0) + off })),
      fences: part.fences.map(({ place, settle }) => ({ key: keyAt(place), settle })),
      changes: part.changes.map(changeOf),
      journal: part.journal.map(({ instance, checkpoint, isTransition }) =>
        journalRow({
          instance,
          from: isTransition ? null : "Counting",
          checkpoint: checkpoint ? { snapshot: "{}", machineVersion: 1 } : null,
        }),
      ),
      ...(part.cut !== null && { cut: part.cut }),
      ...(part.forget !== null && { forget: part.forget }),
      ...(part.command !== null && {
        // one time for each id: which of two that are equally old is forgotten first is nobody's promise
        command: { principal: "p", id: `c${part.command.id}`, fingerprint: "f", at: part.command.id, answer: "[]" },
      }),
    });
  }

  function changeOf(each: Change): PendingChange {
    if (each.kind === "discard") return { kind: "discard", key: keyAt(each.place) };
    if (each.kind !== "arm") return each;
    const key = `k${String(armed.length).padStart(4, "0")}`;
    armed.push(key);
    const row: PendingRow = pendingRow({ key, instance: each.instance, dueAt: each.dueAt, dead: each.dead });
    if (each.of === "message") return { kind: "arm", row: { ...row, kind: "message", to: each.to } };
    return { kind: "arm", row: { ...row, kind: each.of === "call" ? "call" : "timer", id: each.id } };
  }
}

async function compare(store: Store, model: ReturnType<typeof createModel>): Promise<void> {
  const all = { now: 6, limit: 1_000 };
  expect(await store.pending(all)).toEqual(model.pending(all));
  expect(await store.instances(all)).toEqual(model.instances());
  expect(await store.journal(all)).toEqual(model.journal(all));
  expect(await store.nextDueAt()).toEqual(model.nextDueAt());
  expect(await store.position()).toEqual(model.position());
  for (const instance of ["a", "b", "c"]) {
    expect(await store.load(instance)).toEqual(model.load(instance));
    const since = { instance, sinceCheckpoint: true, limit: 3 } as const;
    expect(await store.journal(since)).toEqual(model.journal(since));
  }
  for (let id = 0; id < 10; id += 1) {
    expect(await store.command("p", `c${id}`)).toEqual(model.command("p", `c${id}`));
  }
  for (const state of ["due", "waiting", "leased", "retrying", "dead", "manual"] as const) {
    expect(await store.pending({ ...all, state })).toEqual(model.pending({ ...all, state }));
  }
}

function distinct<Row extends { id: string }>(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
