import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chainBeginning, type ChainRow } from "../../src/store/chain.ts";
import { checkChain } from "../../src/store/check-chain.ts";
import type { Claim, CommandRow, Element, PendingQuery, PendingRow, Store } from "../../src/store/store.ts";
import {
  arming,
  callRow,
  element,
  instanceRow,
  journalRow,
  messageRow,
  pendingRow,
  storedRow,
  writing,
} from "./rows.ts";

/** Every promise that is written on `Store`, to be run by every store. `make` gives an empty one. */
export function storeConformance(name: string, make: () => Store): void {
  describe(name, () => {
    let store: Store;
    beforeEach(() => {
      store = make();
    });
    afterEach(() => store.close());

    const keys = async (query: Partial<PendingQuery> = {}) =>
      (await store.pending({ now: 0, limit: 1_000, ...query })).map(({ key }) => key);
    const seqs = async () => (await store.journal({ limit: 1_000 })).map(({ seq, instance }) => [seq, instance]);
    const versionOf = async (id: string) => (await store.load(id))?.row.version;
    const claim = async (given: Partial<Claim> = {}): Promise<PendingRow[]> =>
      await store.claim({ now: 100, owner: "one", leaseUntil: 200, calls: 10, deliveries: 10, ...given });
    const claimed = async (given: Partial<Claim> = {}) => (await claim(given)).map(({ key }) => key);
    const command = (row: Partial<CommandRow> = {}): CommandRow => ({
      principal: "local",
      id: "c1",
      fingerprint: "f",
      at: 1,
      answer: "[]",
      ...row,
    });

    describe("commit", () => {
      it("writes an instance, its journal, its pending rows and its command together", async () => {
        const row = instanceRow({ id: "a" });
        const timer = pendingRow({ key: "a#1:t", id: "t" });
        const journal = [journalRow({ instance: "a", kind: "created" })];

        const results = await store.commit([
          writing(row, { journal, changes: [{ kind: "arm", row: timer }], command: command() }),
        ]);

        expect(results).toEqual(["committed"]);
        expect(await store.load("a")).toEqual({ row: storedRow(row), pending: [timer] });
        expect(await store.journal({ limit: 10 })).toEqual([{ ...journal[0], seq: 1 }]);
        expect(await store.command("local", "c1")).toEqual(command());
      });

      it("says stale of an instance that is at another version, that is missing, or that is there already", async () => {
        await store.commit([writing(instanceRow({ id: "a" }))]);

        const results = await store.commit([
          writing(instanceRow({ id: "a", version: 1 })),
          writing(instanceRow({ id: "a", version: 3 })),
          writing(instanceRow({ id: "b", version: 2 })),
          element({ expects: [{ id: "a", version: 2 }] }),
          element({ expects: [{ id: "b", version: 1 }] }),
          element({ expects: [{ id: "a", version: 0 }] }),
        ]);

        expect(results).toEqual(Array.from({ length: 6 }, () => "stale"));
        expect(await versionOf("a")).toBe(1);
        expect(await store.load("b")).toBeUndefined();
      });

      it("takes an expectation that holds, also that an instance is not there", async () => {
        await store.commit([writing(instanceRow({ id: "a" }))]);

        const expects = [
          { id: "a", version: 1 },
          { id: "b", version: 0 },
        ];
        expect(await store.commit([element({ expects })])).toEqual(["committed"]);
      });

      it("says settled when a row that it fences on is gone, and takes away the ones it settles", async () => {
        await store.commit([arming(pendingRow({ key: "k1" }), pendingRow({ key: "k2" }))]);

        expect(await store.commit([element({ fences: [{ key: "k1", settle: false }] })])).toEqual(["committed"]);
        expect(await keys()).toEqual(["k1", "k2"]);
        expect(await store.commit([element({ fences: [{ key: "k1", settle: true }] })])).toEqual(["committed"]);
        expect(await keys()).toEqual(["k2"]);
        const both = element({
          fences: [
            { key: "k2", settle: true },
            { key: "k1", settle: true },
          ],
        });
        expect(await store.commit([both])).toEqual(["settled"]);
        expect(await keys()).toEqual(["k2"]);
      });

      it("says duplicate of a command that is recorded, per principal", async () => {
        await store.commit([element({ command: command() })]);

        const results = await store.commit([
          element({ command: command({ answer: "other" }) }),
          element({ command: command({ principal: "somebody" }) }),
          element({ command: command({ id: "c2" }) }),
        ]);

        expect(results).toEqual(["duplicate", "committed", "committed"]);
        expect(await store.command("local", "c1")).toEqual(command());
        expect(await store.command("somebody", "c2")).toBeUndefined();
      });

      it("says duplicate before settled, and settled before stale", async () => {
        await store.commit([element({ command: command() })]);
        const fences = [{ key: "gone", settle: true }];
        const expects = [{ id: "missing", version: 7 }];

        const results = await store.commit([
          element({ command: command(), fences, expects }),
          element({ command: command({ id: "c2" }), fences, expects }),
          element({ command: command({ id: "c3" }), expects }),
        ]);

        expect(results).toEqual(["duplicate", "settled", "stale"]);
        expect(await store.command("local", "c2")).toBeUndefined();
        expect(await store.command("local", "c3")).toBeUndefined();
      });

      it("writes nothing of a refused element and takes no other with it", async () => {
        await store.commit([writing(instanceRow({ id: "a" })), arming(pendingRow({ key: "k1" }))]);
        const refused = element({
          writes: [
            { row: instanceRow({ id: "b" }), expected: 0 },
            { row: instanceRow({ id: "a", version: 9 }), expected: 8 },
          ],
          journal: [journalRow({ instance: "a" }), journalRow({ instance: "b" })],
          fences: [{ key: "k1", settle: true }],
          changes: [
            { kind: "arm", row: pendingRow({ key: "k2" }) },
            { kind: "end", instance: "a" },
          ],
          cut: { instance: "a", before: 100 },
          command: command(),
        });

        const results = await store.commit([
          writing(instanceRow({ id: "a", version: 2 }), { journal: [journalRow({ instance: "a" })] }),
          refused,
          writing(instanceRow({ id: "a", version: 3 }), { journal: [journalRow({ instance: "a" })] }),
        ]);

        expect(results).toEqual(["committed", "stale", "committed"]);
        expect(await versionOf("a")).toBe(3);
        expect(await store.load("b")).toBeUndefined();
        expect(await keys()).toEqual(["k1"]);
        expect(await seqs()).toEqual([
          [1, "a"],
          [2, "a"],
        ]);
        expect(await store.command("local", "c1")).toBeUndefined();
      });

      it("judges an element by what the ones before it in the batch have done", async () => {
        const results = await store.commit([
          writing(instanceRow({ id: "a" }), { command: command() }),
          writing(instanceRow({ id: "a", version: 2 })),
          writing(instanceRow({ id: "a", version: 2 })),
          element({ command: command() }),
          arming(pendingRow({ key: "k1" })),
          element({ fences: [{ key: "k1", settle: true }] }),
          element({ fences: [{ key: "k1", settle: true }] }),
        ]);

        expect(results).toEqual(["committed", "committed", "stale", "duplicate", "committed", "committed", "settled"]);
      });

      it("numbers and arms what updates in a row write in their order, without those that are refused", async () => {
        await store.commit(["a", "b"].map((id) => writing(instanceRow({ id }))));
        const update = (id: string, version: number, to: string, more: Partial<Element> = {}) =>
          writing(instanceRow({ id, version, state: to }), {
            journal: [journalRow({ instance: id, version, from: "x", to })],
            changes: [{ kind: "arm", row: pendingRow({ key: `${id}#${version}`, instance: id, version, id: "t" }) }],
            ...more,
          });

        const results = await store.commit([
          update("a", 2, "y", { command: command() }), // 1
          update("a", 2, "z"),
          update("b", 2, "y", { command: command() }),
          update("b", 2, "z"), // 2
          update("a", 3, "x"), // 3
          update("a", 4, "y"), // 4
        ]);

        expect(results).toEqual(["committed", "stale", "duplicate", "committed", "committed", "committed"]);
        const entries = await store.journal({ limit: 10 });
        expect(entries.map(({ instance, version, to }) => `${instance} ${version} ${to}`)).toEqual([
          "a 2 y",
          "b 2 z",
          "a 3 x",
          "a 4 y",
        ]);
        expect((await store.load("a"))?.row).toMatchObject({ version: 4, state: "y", transitionSeq: 4 });
        expect((await store.load("b"))?.row).toMatchObject({ version: 2, state: "z", transitionSeq: 2 });
        expect(await keys()).toEqual(["a#4", "b#2"]);
      });

      it("numbers the creation and the last transition of each instance, and neither can be written", async () => {
        const created = (id: string, version = 1) => writing(instanceRow({ id, version }), { journal: [creation(id)] });
        const creation = (instance: string) => journalRow({ instance, kind: "created", from: null });
        const entry = (instance: string, from: string, to: string) => journalRow({ instance, from, to });
        const forged = { ...instanceRow({ id: "a", version: 3 }), createdSeq: 70, transitionSeq: 80 };
        const seqsOf = async (id: string) => {
          const row = (await store.load(id))?.row;
          const [listed] = await store.instances({ text: id, limit: 1 });
          expect([listed?.createdSeq, listed?.transitionSeq]).toEqual([row?.createdSeq, row?.transitionSeq]);
          return [row?.createdSeq, row?.transitionSeq];
        };

        await store.commit([
          created("a"), // 1
          writing(instanceRow({ id: "a", version: 2 }), {
            journal: [entry("b", "x", "y"), entry("a", "x", "y"), entry("a", "y", "y")], // 2, 3, 4
          }),
        ]);
        expect(await seqsOf("a")).toEqual([1, 3]);
        await store.commit([
          writing(instanceRow({ id: "b" }), { journal: [creation("b"), entry("b", "x", "y"), entry("a", "y", "x")] }), // 5, 6, 7
          writing(forged, { journal: [entry("a", "x", "x")] }), // 8
          writing(instanceRow({ id: "c" })),
          writing(instanceRow({ id: "c", version: 2 })),
        ]);

        expect(await seqsOf("a")).toEqual([1, 3]); // entry 7 came without a write of it
        expect(await seqsOf("b")).toEqual([5, 6]);
        expect(await seqsOf("c")).toEqual([8, 8]);
      });

      it("writes an instance that stays within its state, also where the entry says that it went through another", async () => {
        await store.commit([writing(instanceRow({ id: "a", tags: ["busy"], regionsSince: { left: 1 } }))]);
        const within = { version: 2, snapshot: '{"n":2}', at: 7, updatedAt: 7 };
        const row = instanceRow({ id: "a", tags: ["busy"], regionsSince: { left: 1 }, ...within });
        const writes = [{ row, expected: 1, isWithinState: true }];

        expect(
          await store.commit([
            element({ writes, journal: [journalRow({ instance: "a", version: 2, from: "Counting" })] }),
          ]),
        ).toEqual(["committed"]);
        expect((await store.load("a"))?.row).toEqual({ ...row, createdSeq: 0, transitionSeq: 0 });

        const again = [{ row: { ...row, version: 3 }, expected: 2, isWithinState: true }];
        const through = [journalRow({ instance: "a", version: 3, from: "Resting", to: "Counting" })];
        await store.commit([element({ writes: again, journal: through })]);
        expect((await store.load("a"))?.row).toMatchObject({ version: 3, transitionSeq: 2 });
        expect(await store.commit([element({ writes: again })])).toEqual(["stale"]);
      });

      it("takes an empty batch", async () => {
        expect(await store.commit([])).toEqual([]);
      });
    });

    describe("changes", () => {
      const armed = (key: string, id = "t") => ({ kind: "arm", row: pendingRow({ key, id }) }) as const;
      const withdrawal = { kind: "withdraw", instance: "a", id: "t" } as const;

      it("are applied in order within an element", async () => {
        await store.commit([element({ changes: [armed("t1"), withdrawal] })]);
        expect(await keys()).toEqual([]);

        await store.commit([element({ changes: [armed("t2"), withdrawal, armed("t3")] })]);
        expect(await keys()).toEqual(["t3"]);
      });

      it("are applied in order across a batch: what one element arms a later one may withdraw", async () => {
        await store.commit([element({ changes: [armed("t1")] }), element({ changes: [withdrawal] })]);
        expect(await keys()).toEqual([]);

        await store.commit([
          element({ changes: [armed("t2")] }),
          element({ changes: [withdrawal] }),
          element({ changes: [armed("t3")] }),
        ]);
        expect(await keys()).toEqual(["t3"]);
      });

      it("put a call or timer in the place of an older one of that instance and id", async () => {
        await store.commit([
          arming(pendingRow({ key: "t1", id: "t" }), pendingRow({ key: "other", instance: "b", id: "t" })),
        ]);
        await store.commit([element({ changes: [armed("t2")] })]);

        expect(await keys()).toEqual(["other", "t2"]);
      });

      it("leave messages alone when a call or timer of their id goes, or the instance ends", async () => {
        await store.commit([
          arming(
            messageRow({ key: "m1", id: "t" }),
            messageRow({ key: "m2", id: "t" }),
            pendingRow({ key: "t1", id: "t" }),
          ),
          element({ changes: [withdrawal] }),
          element({ changes: [armed("t2"), { kind: "arm", row: callRow({ key: "c1", id: "c" }) }] }),
        ]);
        expect(await keys()).toEqual(["c1", "m1", "m2", "t2"]);

        await store.commit([element({ changes: [{ kind: "end", instance: "a" }] })]);
        expect(await keys()).toEqual(["m1", "m2"]);
      });

      it("discard one row by its key, of any kind, and pass over one that is gone", async () => {
        await store.commit([arming(messageRow({ key: "m1" }), pendingRow({ key: "t1" }))]);

        const changes = ["m1", "gone"].map((key) => ({ kind: "discard", key }) as const);
        expect(await store.commit([element({ changes })])).toEqual(["committed"]);
        expect(await keys()).toEqual(["t1"]);
      });

      it("come after the settling of fences: an outcome may arm its own id again", async () => {
        await store.commit([element({ changes: [armed("t1")] })]);
        await store.commit([element({ fences: [{ key: "t1", settle: true }], changes: [armed("t2")] })]);

        expect(await keys()).toEqual(["t2"]);
      });
    });

    describe("load", () => {
      it("answers undefined for an instance that is not there", async () => {
        expect(await store.load("nobody")).toBeUndefined();
      });

      it("gives calls and timers in the order of arming, and no messages", async () => {
        await store.commit([
          writing(instanceRow({ id: "a" })),
          arming(
            pendingRow({ key: "z" }),
            messageRow({ key: "m" }),
            callRow({ key: "y" }),
            pendingRow({ key: "x", instance: "b" }),
          ),
        ]);

        expect((await store.load("a"))?.pending.map(({ key }) => key)).toEqual(["z", "y"]);
      });
    });

    describe("claim", () => {
      it("leases what is due, earliest first and then in the order of arming, deliveries before calls", async () => {
        await store.commit([
          arming(
            callRow({ key: "c", dueAt: 1 }),
            pendingRow({ key: "t3", dueAt: 30 }),
            pendingRow({ key: "t1b", dueAt: 10 }),
            pendingRow({ key: "t1a", dueAt: 10 }),
            messageRow({ key: "m2", dueAt: 20 }),
            pendingRow({ key: "later", dueAt: 101 }),
            pendingRow({ key: "never", dueAt: null }),
            pendingRow({ key: "dead", dead: true }),
            pendingRow({ key: "now", dueAt: 100 }),
          ),
        ]);

        const rows = await claim();

        expect(rows.map(({ key }) => key)).toEqual(["t1b", "t1a", "m2", "t3", "now", "c"]);
        expect(rows.every(({ leaseOwner, leaseUntil }) => leaseOwner === "one" && leaseUntil === 200)).toBe(true);
        expect(await keys({ state: "leased", now: 100 })).toEqual(["c", "m2", "now", "t1a", "t1b", "t3"]);
      });

      it("takes at most so many calls and so many deliveries", async () => {
        await store.commit([
          arming(
            ...[1, 2, 3].map((n) => callRow({ key: `c${n}`, dueAt: n })),
            ...[1, 2, 3].map((n) => pendingRow({ key: `t${n}`, dueAt: n })),
          ),
        ]);

        expect(await claimed({ calls: 2, deliveries: 1 })).toEqual(["t1", "c1", "c2"]);
        expect(await claimed({ calls: 0, deliveries: 0 })).toEqual([]);
        expect(await claimed()).toEqual(["t2", "t3", "c3"]);
      });

      it("gives a row to one owner until its lease has ended", async () => {
        await store.commit([arming(pendingRow({ key: "t" }))]);
        await claim({ owner: "one", leaseUntil: 200 });

        expect(await claimed({ owner: "two", now: 199 })).toEqual([]);
        expect(await claimed({ owner: "two", now: 200, leaseUntil: 300 })).toEqual(["t"]);
        expect((await store.pending({ key: "t", now: 200, limit: 1 }))[0]?.leaseOwner).toBe("two");
      });

      it("gives messages of a pair in order, and different pairs side by side", async () => {
        await store.commit([
          arming(
            messageRow({ key: "ab1" }),
            messageRow({ key: "ab2" }),
            messageRow({ key: "ac1", to: "c" }),
            messageRow({ key: "bb1", instance: "b" }),
          ),
        ]);

        expect(await claimed({ deliveries: 1 })).toEqual(["ab1"]);
        expect(await claimed()).toEqual(["ac1", "bb1"]); // ab2 waits for ab1
        await store.commit([element({ fences: [{ key: "ab1", settle: true }] })]);
        expect(await claimed()).toEqual(["ab2"]);
      });

      it("never overtakes a message that was put back, not even when both are due again", async () => {
        await store.commit([arming(messageRow({ key: "m1", dueAt: 10 }), messageRow({ key: "m2", dueAt: 20 }))]);
        await claim({ deliveries: 1 });
        await store.putBack([{ key: "m1", owner: "one", dueAt: 150, attempts: 1, error: "no", dead: false }]);

        expect(await claimed({ now: 149 })).toEqual([]);
        expect((await claimed({ now: 300, leaseUntil: 400 }))[0]).toBe("m1");
      });

      it("lets no message pass that is behind one which waits", async () => {
        await store.commit([
          arming(
            messageRow({ key: "m1", dueAt: 4 }),
            messageRow({ key: "m2", dueAt: 5 }),
            messageRow({ key: "m3", dueAt: 8 }),
          ),
        ]);
        await claim({ deliveries: 1 });
        await store.putBack([{ key: "m1", owner: "one", dueAt: 7, attempts: 1, error: "no", dead: false }]);

        expect(await claimed()).toEqual(["m1"]);
        await store.commit([element({ fences: [{ key: "m1", settle: true }] })]);
        expect(await claimed()).toEqual(["m2", "m3"]);
      });

      it("passes over a dead message, and waits for one that is retried without a time", async () => {
        await store.commit([arming(messageRow({ key: "m1" }), messageRow({ key: "m2" }), messageRow({ key: "m3" }))]);
        await claim({ deliveries: 1 });
        await store.putBack([{ key: "m1", owner: "one", dueAt: 0, attempts: 9, error: "no", dead: true }]);
        await store.reschedule([{ key: "m2", dueAt: null }]);

        expect(await claimed()).toEqual([]);
        await store.reschedule([{ key: "m2", dueAt: 0 }]);
        expect(await claimed()).toEqual(["m2", "m3"]);
      });
    });

    describe("leases", () => {
      const lease = (leaseUntil: number) => ({ keys: ["t", "gone"], owner: "one", leaseUntil });

      it("are renewed for the owner alone, who is told what it still holds", async () => {
        await store.commit([arming(pendingRow({ key: "t" }))]);
        expect(await store.renew(lease(500))).toEqual([]);
        await claim();

        expect(await store.renew({ ...lease(400), owner: "two" })).toEqual([]);
        expect(await store.renew(lease(500))).toEqual(["t"]);
        expect(await claimed({ now: 499, owner: "two" })).toEqual([]);
        expect(await claimed({ now: 500, owner: "two", leaseUntil: 600 })).toEqual(["t"]);
      });

      it("are put back by the owner alone, with how it went", async () => {
        await store.commit([arming(callRow({ key: "t" }), callRow({ key: "u" }))]);
        await claim();
        const outcome = { dueAt: 150, attempts: 2, error: "it broke", dead: false };

        await store.putBack([{ key: "t", owner: "two", ...outcome }]);
        expect(await keys({ state: "leased", now: 100 })).toEqual(["t", "u"]);
        await store.putBack([
          { key: "gone", owner: "one", ...outcome },
          { key: "t", owner: "one", ...outcome },
          { key: "u", owner: "one", ...outcome, dead: true },
        ]);

        const [row, dead] = await store.pending({ now: 100, limit: 10 });
        expect(row).toEqual(callRow({ key: "t", ...outcome }));
        expect(dead).toEqual(callRow({ key: "u", ...outcome, dead: true }));
        expect(await claimed({ now: 149 })).toEqual([]);
        expect(await claimed({ now: 150 })).toEqual(["t"]);
      });

      it("are taken back from owners that are gone", async () => {
        await store.commit([
          arming(pendingRow({ key: "t" }), pendingRow({ key: "u" }), pendingRow({ key: "v", dueAt: 300 })),
        ]);
        await claim({ leaseUntil: 1_000_000 });

        expect(await store.takeBack("two")).toBe(2);
        expect(await store.takeBack("two")).toBe(0);
        expect(await claimed({ owner: "two" })).toEqual(["t", "u"]);
      });

      it("are gone when a row is rescheduled, with its attempts and its death", async () => {
        await store.commit([
          arming(pendingRow({ key: "t" }), pendingRow({ key: "u", attempts: 9, error: "x", dead: true })),
        ]);
        await claim();

        await store.reschedule([
          { key: "t", dueAt: null },
          { key: "u", dueAt: 50 },
          { key: "gone", dueAt: 50 },
        ]);

        expect(await store.pending({ now: 100, limit: 10 })).toEqual([
          pendingRow({ key: "t", dueAt: null }),
          pendingRow({ key: "u", dueAt: 50 }),
        ]);
      });
    });

    describe("nextDueAt", () => {
      it("is null when nothing will be due", async () => {
        expect(await store.nextDueAt()).toBeNull();
        await store.commit([arming(pendingRow({ key: "t", dueAt: null }), pendingRow({ key: "u", dead: true }))]);
        expect(await store.nextDueAt()).toBeNull();
      });

      it("is the earliest time at which a row may be claimed; a lease that ends counts", async () => {
        await store.commit([arming(pendingRow({ key: "t", dueAt: 50 }), pendingRow({ key: "u", dueAt: 170 }))]);
        expect(await store.nextDueAt()).toBe(50);

        await claim({ leaseUntil: 160 });
        expect(await store.nextDueAt()).toBe(160);
        await store.renew({ keys: ["t"], owner: "one", leaseUntil: 180 });
        expect(await store.nextDueAt()).toBe(170);
      });
    });

    describe("instances", () => {
      const rows = [
        instanceRow({ id: "a", machine: "egg", tags: ["steady"], labels: { rack: "r1" } }),
        instanceRow({ id: "b", state: "Finished", status: "done", updatedAt: 50, labels: { rack: "r2" } }),
        instanceRow({ id: "c", tags: ["steady", "busy"], labels: { rack: "r1", "odd key'\"": "✓" } }),
        instanceRow({ id: "d", status: "error", updatedAt: 90, machineVersion: 2 }),
      ];
      beforeEach(() => store.commit(rows.map((row) => writing(row))));

      it.each([
        [{}, ["a", "b", "c", "d"]],
        [{ machine: "egg" }, ["a"]],
        [{ state: "Finished" }, ["b"]],
        [{ tag: "steady" }, ["a", "c"]],
        [{ tag: "stead" }, []],
        [{ text: "b" }, ["b"]],
        [{ text: "B" }, []],
        [{ text: "%" }, []],
        [{ label: { name: "rack", value: "r1" } }, ["a", "c"]],
        [{ label: { name: "odd key'\"", value: "✓" } }, ["c"]],
        [{ label: { name: "constructor", value: "r1" } }, []],
        [{ status: "done" as const }, ["b"]],
        [{ endedBefore: 90 }, ["b"]],
        [{ endedBefore: 91 }, ["b", "d"]],
        [{ notOfVersion: 1 }, ["d"]],
        [{ after: "b" }, ["c", "d"]],
        [{ tag: "steady", label: { name: "rack", value: "r1" }, machine: "counter" }, ["c"]],
      ])("%j gives %j", async (query, ids) => {
        expect((await store.instances({ ...query, limit: 10 })).map(({ id }) => id)).toEqual(ids);
      });

      it("come in pages, in the order of their ids by code point", async () => {
        await store.commit(["\u{1F600}", "\uFF5E", "é"].map((id) => writing(instanceRow({ id }))));
        const pages: string[][] = [];
        for (let after = ""; ; after = pages.at(-1)?.at(-1) ?? "") {
          const page = await store.instances({ after, limit: 2 });
          if (page.length === 0) break;
          pages.push(page.map(({ id }) => id));
        }

        expect(pages).toEqual([["a", "b"], ["c", "d"], ["é", "\uFF5E"], ["\u{1F600}"]]);
      });
    });

    describe("journal", () => {
      const entry = (instance: string, more: Parameters<typeof journalRow>[0] | object = {}) =>
        element({ journal: [journalRow({ instance, ...more })] });
      const checkpoint = { snapshot: '{"a":1}', machineVersion: 1 };

      it("numbers its entries in the order of the batch, without gaps", async () => {
        await store.commit([entry("a"), entry("b")]);
        await store.commit([element({ journal: [journalRow({ instance: "c" }), journalRow({ instance: "a" })] })]);

        expect(await seqs()).toEqual([
          [1, "a"],
          [2, "b"],
          [3, "c"],
          [4, "a"],
        ]);
        expect(await store.position()).toBe(4);
      });

      it("is read by instance, after a number, and in pages", async () => {
        await store.commit(["a", "b", "a", "b", "a"].map((instance) => entry(instance)));
        const read = async (query: object) => (await store.journal({ limit: 10, ...query })).map(({ seq }) => seq);

        expect(await read({ instance: "a" })).toEqual([1, 3, 5]);
        expect(await read({ after: 2 })).toEqual([3, 4, 5]);
        expect(await read({ instance: "b", after: 2 })).toEqual([4]);
        expect(await read({ instance: "a", limit: 2 })).toEqual([1, 3]);
        expect(await read({ instance: "nobody" })).toEqual([]);
        expect(await read({ after: 5 })).toEqual([]);
      });

      it("is read backwards from a number, in pages whose entries are in order", async () => {
        await store.commit(["a", "b", "a", "b", "a"].map((instance) => entry(instance)));
        const read = async (query: object) => (await store.journal({ limit: 2, ...query })).map(({ seq }) => seq);

        expect(await read({ before: 6 })).toEqual([4, 5]);
        expect(await read({ before: 4 })).toEqual([2, 3]);
        expect(await read({ before: 2 })).toEqual([1]);
        expect(await read({ before: 1 })).toEqual([]);
        expect(await read({ before: 5, instance: "a" })).toEqual([1, 3]);
        expect(await read({ before: 5, after: 3 })).toEqual([4]);
        expect(await read({ before: Number.MAX_SAFE_INTEGER, instance: "b" })).toEqual([2, 4]);
      });

      it("is read of an instance and what lies under it, up to a number", async () => {
        const ids = ["a", "a/x", "a/", "a0", "a/x/y", "b", "ab", "A/x", "a.", "a/\u{10ffff}"];
        await store.commit(ids.map((instance) => entry(instance)));
        const read = async (query: object) =>
          (await store.journal({ limit: 10, ...query })).map(({ instance }) => instance);

        expect(await read({ under: "a" })).toEqual(["a", "a/x", "a/", "a/x/y", "a/\u{10ffff}"]);
        expect(await read({ under: "a", after: 1, upTo: 5 })).toEqual(["a/x", "a/", "a/x/y"]);
        expect(await read({ under: "a", after: 5, upTo: 9 })).toEqual([]);
        expect(await read({ under: "a", limit: 2 })).toEqual(["a", "a/x"]);
        expect(await read({ under: "a/x" })).toEqual(["a/x", "a/x/y"]);
        expect(await read({ under: "nobody" })).toEqual([]);
        expect(await read({ upTo: 2 })).toEqual(["a", "a/x"]);
        expect(await read({ instance: "a/x", upTo: 1 })).toEqual([]);
      });

      it("is read since the last checkpoint of an instance", async () => {
        await store.commit([
          entry("a", { checkpoint }),
          entry("b", { checkpoint }),
          entry("a"),
          entry("a", { checkpoint }),
        ]);
        await store.commit([entry("b"), entry("a"), entry("b", { checkpoint }), entry("a"), entry("c")]);
        const read = async (instance: string) =>
          (await store.journal({ instance, sinceCheckpoint: true, limit: 10 })).map(({ seq }) => seq);

        expect(await read("a")).toEqual([4, 6, 8]);
        expect(await read("b")).toEqual([7]);
        expect(await read("c")).toEqual([9]);
        expect((await store.journal({ instance: "a", sinceCheckpoint: true, limit: 1 }))[0]?.checkpoint).toEqual(
          checkpoint,
        );
      });

      it("finds an event by the number of its stream", async () => {
        await store.commit([
          entry("a", { stream: { name: "agent", seq: 1 } }),
          entry("a", { stream: { name: "agent", seq: 2 } }),
          entry("a", { stream: { name: "other", seq: 2 } }),
          entry("b", { stream: { name: "agent", seq: 2 } }),
        ]);
        const read = async (name: string, seq: number) =>
          (await store.journal({ instance: "a", stream: { name, seq }, limit: 1 })).map((row) => row.seq);

        expect(await read("agent", 2)).toEqual([2]);
        expect(await read("other", 2)).toEqual([3]);
        expect(await read("other", 1)).toEqual([]);
      });

      it("is cut off for one instance, and never uses a number again", async () => {
        await store.commit([entry("a"), entry("b"), entry("a")]);
        const cut = { instance: "a", before: 4 };
        await store.commit([element({ journal: [journalRow({ instance: "a", kind: "compacted", checkpoint })], cut })]);
        expect(await seqs()).toEqual([
          [2, "b"],
          [4, "a"],
        ]);

        await store.commit([element({ cut: { instance: "a", before: 100 } })]);
        expect(await store.position()).toBe(4);
        await store.commit([entry("c")]);
        expect(await seqs()).toEqual([
          [2, "b"],
          [5, "c"],
        ]);
      });

      it("is at 0 before the first entry", async () => {
        expect(await store.position()).toBe(0);
      });

      it("is a chain of hashes over all that was ever written, whole where content was cut off", async () => {
        const first = { ...entry("a"), journal: [journalRow({ instance: "a", event: "{}", principal: "Zoë" })] };
        await store.commit([
          first,
          element({ expects: [{ id: "a", version: 9 }], journal: [journalRow({ instance: "a" })] }),
        ]);
        await store.commit([entry("b"), entry("a")]);
        const before = (await store.chain({ limit: 10 })).rows;
        const compacted = journalRow({ instance: "a", kind: "compacted", checkpoint });
        await store.commit([element({ journal: [compacted], cut: { instance: "a", before: 4 } })]);
        await store.commit([entry("c")]);
        const { rows } = await store.chain({ limit: 10 });

        const placesOf = (chain: readonly ChainRow[]) =>
          chain.map(({ seq, instance, contentHash, hash }) => ({ seq, instance, contentHash, hash }));
        expect(placesOf(rows).slice(0, 3)).toEqual(placesOf(before));
        expect(rows.map(({ seq, content, compactedBy }) => [seq, content?.instance, compactedBy])).toEqual([
          [1, undefined, 4],
          [2, "b", null],
          [3, undefined, 4],
          [4, "a", null],
          [5, "c", null],
        ]);
        expect(before[0]?.content).toMatchObject({
          event: "{}",
          principal: "Zoë",
          from: null,
          to: "Counting",
          via: "[]",
        });
        expect(await checkChain(store)).toMatchObject({
          checked: 5,
          faults: [],
          head: { seq: 5, hash: rows[4]?.hash },
        });
      });

      it("gives the chain in pages, with the row that each goes on from", async () => {
        await store.commit([entry("a"), entry("b"), entry("c")]);

        const { before, rows } = await store.chain({ limit: 2 });
        const next = await store.chain({ after: 2, limit: 2 });
        expect([before, rows.map(({ seq }) => seq)]).toEqual([chainBeginning, [1, 2]]);
        expect([next.before, next.rows.map(({ seq }) => seq)]).toEqual([{ seq: 2, hash: rows[1]?.hash }, [3]]);
        expect(await store.chain({ after: 3, limit: 2 })).toMatchObject({ before: { seq: 3 }, rows: [] });
      });

      it("keeps the place of each row once, also of the first one that stays", async () => {
        await store.commit([entry("a"), entry("a")]);
        const compacted = journalRow({ instance: "a", kind: "compacted", checkpoint });
        await store.commit([element({ journal: [compacted], cut: { instance: "a", before: 2 } })]);

        expect((await store.chain({ limit: 10 })).rows.map(({ seq }) => seq)).toEqual([1, 2, 3]);
        expect(await checkChain(store)).toMatchObject({ checked: 3, faults: [] });
      });

      it("keeps one entry of an instance that is forgotten, and the id is free again", async () => {
        const stream = { name: "agent", seq: 1 };
        await store.commit([
          writing(instanceRow({ id: "a" }), { journal: [journalRow({ instance: "a", kind: "created", stream })] }),
          writing(instanceRow({ id: "b" })),
        ]);
        const forgotten = journalRow({ instance: "a", kind: "forgotten", from: "Counting" });
        const forgetting = (version: number) =>
          element({
            expects: [{ id: "a", version }],
            journal: [forgotten],
            cut: { instance: "a", before: 2 },
            forget: "a",
          });

        expect(await store.commit([forgetting(2), forgetting(1), forgetting(1)])).toEqual([
          "stale",
          "committed",
          "stale",
        ]);
        expect(await store.load("a")).toBeUndefined();
        expect((await store.instances({ limit: 10 })).map(({ id }) => id)).toEqual(["b"]);
        expect(await store.journal({ limit: 10 })).toEqual([{ ...forgotten, seq: 2 }]);
        expect((await store.chain({ limit: 10 })).rows).toMatchObject([{ content: null, compactedBy: 2 }, { seq: 2 }]);

        const anew = instanceRow({ id: "a" });
        const created = journalRow({ instance: "a", kind: "created", stream });
        expect(await store.commit([writing(anew, { journal: [created] })])).toEqual(["committed"]);
        expect(await store.load("a")).toMatchObject({ row: { ...anew, createdSeq: 3, transitionSeq: 3 } });
        expect((await store.instances({ limit: 10 })).map(({ id }) => id)).toEqual(["a", "b"]);
        expect(await checkChain(store)).toMatchObject({ checked: 3, faults: [] });
      });

      it("says of content that was cut off when no checkpoint stands for it", async () => {
        await store.commit([entry("a"), entry("b")]);
        await store.commit([element({ cut: { instance: "a", before: 100 } })]);
        await store.commit([element({ journal: [journalRow({ instance: "b", kind: "compacted", checkpoint })] })]);

        expect(await checkChain(store)).toMatchObject({ faults: [{ seq: 1 }] });
      });
    });

    describe("pending", () => {
      const now = 100;
      beforeEach(() =>
        store.commit([
          arming(
            pendingRow({ key: "due", dueAt: 100 }),
            pendingRow({ key: "waiting", dueAt: 101 }),
            pendingRow({ key: "retrying", dueAt: 500, attempts: 1 }),
            callRow({ key: "manual", dueAt: null, instance: "b" }),
            messageRow({ key: "dead", dead: true, attempts: 10, instance: "c" }),
            callRow({ key: "leased", dueAt: 0, leaseOwner: "one", leaseUntil: 101 }),
            callRow({ key: "lease-over", dueAt: 0, leaseOwner: "one", leaseUntil: 100 }),
          ),
        ]),
      );

      it.each([
        [{ state: "due" as const }, ["due", "lease-over"]],
        [{ state: "waiting" as const }, ["waiting"]],
        [{ state: "retrying" as const }, ["retrying"]],
        [{ state: "manual" as const }, ["manual"]],
        [{ state: "dead" as const }, ["dead"]],
        [{ state: "leased" as const }, ["leased"]],
        [{ kind: "call" as const }, ["lease-over", "leased", "manual"]],
        [{ kind: "message" as const }, ["dead"]],
        [{ instances: ["b", "c", "nobody"] }, ["dead", "manual"]],
        [{ instances: [] }, []],
        [{ key: "due" }, ["due"]],
        [{ key: "gone" }, []],
        [{ after: "leased", limit: 2 }, ["manual", "retrying"]],
        [{ kind: "call" as const, state: "due" as const, instances: ["a"] }, ["lease-over"]],
      ])("%j gives %j", async (query, expected) => {
        expect(await keys({ now, ...query })).toEqual(expected);
      });
    });

    it("counts what is pending by kind and state, however much it is", async () => {
      const now = 100;
      const rows = Array.from({ length: 5_001 }, (_, n) => pendingRow({ key: `w${n}`, instance: `i${n}`, dueAt: 101 }));
      await store.commit([
        arming(
          ...rows,
          pendingRow({ key: "due", dueAt: 100 }),
          callRow({ key: "manual", dueAt: null }),
          callRow({ key: "retrying", dueAt: 200, attempts: 2 }),
          callRow({ key: "leased", dueAt: 0, leaseOwner: "one", leaseUntil: 101 }),
          callRow({ key: "lease-over", dueAt: 0, leaseOwner: "one", leaseUntil: 100 }),
          messageRow({ key: "dead", dead: true }),
        ),
      ]);

      const counts = await store.countPending(now);
      expect(counts.toSorted((a, b) => `${a.kind} ${a.state}`.localeCompare(`${b.kind} ${b.state}`))).toEqual([
        { kind: "call", state: "due", count: 1 },
        { kind: "call", state: "leased", count: 1 },
        { kind: "call", state: "manual", count: 1 },
        { kind: "call", state: "retrying", count: 1 },
        { kind: "message", state: "dead", count: 1 },
        { kind: "timer", state: "due", count: 1 },
        { kind: "timer", state: "waiting", count: 5_001 },
      ]);
    });

    it("counts nothing when nothing is pending", async () => {
      expect(await store.countPending(0)).toEqual([]);
    });

    describe("commands", () => {
      it("are forgotten when they are old, at most so many at once", async () => {
        const at = (id: string, time: number) => element({ command: command({ id, at: time }) });
        await store.commit([at("new", 50), at("old", 10), at("older", 9), at("oldest", 8)]);

        expect(await store.forgetCommands(50, 2)).toBe(2);
        expect(await store.forgetCommands(50, 2)).toBe(1);
        expect(await store.forgetCommands(50, 2)).toBe(0);
        expect(await store.command("local", "new")).toBeDefined();
        expect(await store.commit([at("old", 60)])).toEqual(["committed"]);
      });
    });

    describe("text", () => {
      const odd = [
        "",
        'it\'s "quoted" -- ; DROP TABLE instances',
        "äöü ✓ 🚂 \u{10FFFF}",
        "tab\tline\nbreak",
        "nul\u0000inside",
        "x".repeat(200_000),
      ];

      it.each(odd.map((text) => [JSON.stringify(text).slice(0, 40), text]))(
        "keeps %s as it is",
        async (_name, text) => {
          const row = instanceRow({
            id: `id ${text}`,
            state: text,
            tags: [text],
            labels: { [text]: text },
            snapshot: text,
            input: text,
            streams: { [text]: 7 },
            parent: { instance: text, id: text, key: text },
          });
          const entry = journalRow({
            instance: row.id,
            event: text,
            to: text,
            via: [text],
            reasons: text,
            emitted: text,
            principal: text,
          });
          const pending = messageRow({
            key: `key ${text}`,
            instance: row.id,
            payload: text,
            to: text,
            error: text,
            settles: text,
          });
          const known = command({ id: `id ${text}`, principal: `who ${text}`, answer: text });

          await store.commit([
            writing(row, { journal: [entry], changes: [{ kind: "arm", row: pending }], command: known }),
          ]);

          expect((await store.load(row.id))?.row).toEqual(storedRow(row));
          expect(await store.journal({ instance: row.id, limit: 1 })).toEqual([{ ...entry, seq: 1 }]);
          expect(await store.pending({ instances: [row.id], now: 0, limit: 1 })).toEqual([pending]);
          expect(await store.command(known.principal, known.id)).toEqual(known);
          expect(await store.instances({ label: { name: text, value: text }, tag: text, limit: 1 })).toEqual([
            storedRow(row),
          ]);
        },
      );

      it("keeps half a surrogate pair or refuses it, but never makes two keys one", async () => {
        const half = [command({ id: "\ud800" }), command({ id: "\ud801" })];
        const verdicts: string[] = [];
        for (const each of half) {
          const result = await store.commit([element({ command: each })]).catch(() => ["refused"]);
          verdicts.push(...result);
        }

        expect(verdicts).not.toContain("duplicate");
        expect(new Set(verdicts).size).toBe(1);
      });

      it("keeps the largest numbers that are safe", async () => {
        const row = pendingRow({ key: "t", dueAt: Number.MAX_SAFE_INTEGER, createdAt: -1 });
        await store.commit([arming(row)]);

        expect(await store.pending({ now: 0, limit: 1 })).toEqual([row]);
        expect(await store.nextDueAt()).toBe(Number.MAX_SAFE_INTEGER);
      });
    });

    it("shows readers only what is committed", async () => {
      const commit = store.commit([writing(instanceRow({ id: "a" })), arming(pendingRow({ key: "t" }))]);
      const [loaded, rows] = await Promise.all([store.load("a"), store.pending({ now: 0, limit: 10 })]);
      await commit;

      expect([undefined, 1]).toContain(loaded?.row.version);
      expect(rows.length).toBe(loaded === undefined ? 0 : 1);
      expect(await versionOf("a")).toBe(1);
    });

    it("says that it can be written to", async () => {
      await expect(store.probe()).resolves.toBeUndefined();
    });

    it("can be closed twice", async () => {
      await store.close();
      await store.close();
    });
  });
}
