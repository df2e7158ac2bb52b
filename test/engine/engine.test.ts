import { describe, expect, it } from "vitest";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import { isSignalboxError } from "../../src/core/errors.ts";
import { counter } from "../support/test-machines.ts";
import { startsAt, createWorld } from "../support/world.ts";

describe("create", () => {
  it("answers with the instance at version 1 and writes it down as created", async () => {
    const { engine } = createWorld();

    const instance = await engine.create({ machine: "counter", id: "c", input: { count: 3 }, labels: { rack: "r1" } });

    expect(instance).toMatchObject({
      id: "c",
      machine: "counter",
      machineVersion: 1,
      version: 1,
      state: "Counting",
      value: "Counting",
      status: "active",
      context: { count: 3, times: [], by: [] },
      labels: { rack: "r1" },
      since: startsAt,
      deadline: null,
      createdAt: startsAt,
      updatedAt: startsAt,
    });
    expect(instance.hears).toContainEqual({ type: "dec", needs: ["isPositive"] });
    expect(instance.hears.map(({ type }) => type)).not.toContain("reset"); // only the engine sends it
    expect((await engine.journal({ instance: "c" })).entries).toMatchObject([
      { seq: 1, kind: "created", version: 1, event: null, from: null, to: "Counting", outcome: "changed" },
    ]);
    expect(await engine.read("c")).toEqual(instance);
  });

  it("chooses an id that begins with the machine's name when none is given", async () => {
    const { engine } = createWorld();
    const { id } = await engine.create({ machine: "counter", input: {} });

    expect(id).toMatch(/^counter\/[0-9a-f-]{36}$/);
    expect((await engine.read(id)).id).toBe(id);
  });

  it("answers a second time with what is there, as it is now", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: { count: 1 } });
    await engine.send("c", { type: "inc" });

    const again = await engine.create({ machine: "counter", id: "c", input: { count: 1 } });

    expect(again).toMatchObject({ version: 2, context: { count: 2 } });
    expect((await engine.journal({ instance: "c" })).entries).toHaveLength(2);
  });

  it.each([
    ["another input", { machine: "counter", id: "c", input: { count: 2 } }, "already-exists"],
    ["another machine", { machine: "messenger", id: "c", input: {} }, "already-exists"],
    ["a machine that is not here", { machine: "nobody", id: "d", input: {} }, "not-found"],
    ["a field that the input does not have", { machine: "counter", id: "d", input: { c: 1 } }, "invalid-request"],
    ["a stamp in the input", { machine: "counter", id: "d", input: { at: 1 } }, "invalid-request"],
    ["an input that JSON cannot carry", { machine: "counter", id: "d", input: { count: 1n } }, "invalid-request"],
    ["an empty id", { machine: "counter", id: "", input: {} }, "invalid-request"],
    ["an id with a line break", { machine: "counter", id: "a\nb", input: {} }, "invalid-request"],
    ["an id of blanks alone", { machine: "counter", id: " \u00a0\u2003", input: {} }, "invalid-request"],
    ["an id that nobody can see", { machine: "counter", id: "\u200b\u3164\u2800", input: {} }, "invalid-request"],
    ["half a character in an id", { machine: "counter", id: "a\ud800", input: {} }, "invalid-request"],
    ["a very long id", { machine: "counter", id: "x".repeat(501), input: {} }, "invalid-request"],
  ])("refuses %s", async (_what, request, code) => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: { count: 1 } });

    await expect(engine.create(request)).rejects.toMatchObject({ code });
    expect((await engine.list()).items).toHaveLength(1);
  });

  it("says what has an id already", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });

    await expect(engine.create({ machine: "messenger", id: "c", input: {} })).rejects.toMatchObject({
      detail: "c exists already, as an instance of counter. Choose another id.",
    });
    await expect(engine.create({ machine: "counter", id: "c", input: { count: 1 } })).rejects.toMatchObject({
      detail: "c exists already, with another input. Choose another id.",
    });
  });

  it("takes an id with blanks in it, and one of a single mark", async () => {
    const { engine } = createWorld();

    for (const id of [" a ", "\u{1f468}\u200d\u{1f469}", "."])
      expect(await engine.create({ machine: "counter", id, input: {} })).toMatchObject({ id });
  });

  it("knows its machines by name once", () => {
    const { engine } = createWorld();
    const [counter] = engine.catalogue.machines;

    expect(() => createWorld({ machines: counter ? [counter, counter] : [] })).toThrow("two machines named counter");
  });
});

describe("send", () => {
  it("answers changed with the new version, and unchanged and refused with the one that it met", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });

    expect(await engine.send("c", { type: "inc", by: 2 })).toMatchObject({
      outcome: "changed",
      version: 2,
      instance: { version: 2, context: { count: 2, times: [startsAt], by: ["local"] } },
    });
    expect(await engine.send("c", { type: "touch" })).toMatchObject({ outcome: "unchanged", version: 2 });
    await engine.send("c", { type: "inc", by: -2 });
    const refused = await engine.send("c", { type: "dec" }, { principal: "anna" });
    expect(refused).toMatchObject({ outcome: "refused", version: 3, instance: { version: 3, context: { count: 0 } } });
    expect(refused.reasons).toEqual([
      { code: "at-zero", detail: "There is nothing left to take away.", data: { count: 0 } },
    ]);
    expect(refused).not.toHaveProperty("replayed");
  });

  it("journals every answer with who asked, and what was emitted", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "dec" }, { principal: "anna", commandId: "k" });
    await engine.send("c", { type: "ring" });
    await engine.send("c", { type: "finish" });

    const { entries } = await engine.journal({ instance: "c", after: 1 });

    expect(entries).toMatchObject([
      {
        event: { type: "dec", at: startsAt, principal: "anna" },
        outcome: "refused",
        principal: "anna",
        commandId: "k",
      },
      { event: { type: "ring" }, outcome: "changed", version: 2, emitted: [{ type: "rung", count: 0 }] },
      { event: { type: "finish" }, outcome: "changed", from: "Counting", to: "Finished", version: 3, via: [] },
    ]);
    expect(entries[0]?.reasons?.[0]?.code).toBe("at-zero");
  });

  it("refuses everything in a final state and says that it has ended", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "finish" });

    const sent = await engine.send("c", { type: "inc" });

    expect(sent).toMatchObject({
      outcome: "refused",
      reasons: [{ code: "ended" }],
      instance: { status: "done", hears: [] },
    });
    expect(await engine.verify("c")).toMatchObject({ differences: [] });
  });

  it.each([
    ["an instance that is not there", "nobody", { type: "inc" }, "not-found"],
    ["a type that is no text", "c", { type: 7 as unknown as string }, "invalid-request"],
    ["an event that the machine does not have", "c", { type: "jump" }, "invalid-request"],
    ["the name of something that every object has", "c", { type: "constructor" }, "invalid-request"],
    ["the name of every object's prototype", "c", { type: "__proto__" }, "invalid-request"],
    ["a field too many", "c", { type: "inc", byy: 1 }, "invalid-request"],
    ["a field of another type", "c", { type: "inc", by: "1" }, "invalid-request"],
    ["a time of its own", "c", { type: "inc", at: 5 }, "invalid-request"],
    ["a principal of its own", "c", { type: "inc", principal: "root" }, "invalid-request"],
    ["an end of a call", "c", { type: "xstate.done.actor.work" }, "internal-event"],
    ["an order to stop", "c", { type: "xstate.stop" }, "internal-event"],
    ["an event that only the engine sends", "c", { type: "reset" }, "internal-event"],
  ])("refuses %s as a fault of the request, and writes nothing", async (_what, id, event, code) => {
    const { engine, store } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });

    await expect(engine.send(id, event)).rejects.toSatisfy((error) => isSignalboxError(error) && error.code === code);
    await expect(engine.dryRun(id, event)).rejects.toMatchObject({ code });
    expect(await store.position()).toBe(1);
  });

  it("says what an event leaves out, in the right number", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });

    await expect(engine.send("c", { type: "inc", at: 5 })).rejects.toMatchObject({
      detail: "at is set by the engine; leave it out.",
    });
    await expect(engine.send("c", { type: "inc", at: 5, principal: "root" })).rejects.toMatchObject({
      detail: "at and principal are set by the engine; leave them out.",
    });
  });

  it("takes from nobody outside a field that only an operation fills in", async () => {
    const { engine } = createWorld({ machines: [nodeMaintenance] });
    await engine.create({ machine: "nodeMaintenance", id: "n", input: { node: "n", groups: ["racks"] } });
    const event = { type: "maintenance.enter", slots: ["racks"], onBehalfOf: "ada" };
    const fault = {
      code: "invalid-request",
      detail: "slots and onBehalfOf are set by an operation of the server only; leave them out.",
      details: { errors: [{ pointer: "/slots" }, { pointer: "/onBehalfOf" }] },
    };

    await expect(engine.send("n", event)).rejects.toMatchObject(fault);
    await expect(engine.transact([{ id: "n", event }])).rejects.toMatchObject(fault);
    await expect(engine.dryRun("n", event)).rejects.toMatchObject(fault);
    await expect(engine.explain("n", event)).rejects.toMatchObject(fault);
    await expect((await engine.actor("n")).send(event)).rejects.toMatchObject(fault);
    const [entered] = await engine.transactAsEngine([{ id: "n", event, sender: "engine" }]);

    expect(entered).toMatchObject({ outcome: "changed", instance: { state: "EnteringMaintenance" } });
  });

  it("changes nothing when the machine fails", async () => {
    const { engine, store } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    const before = await engine.read("c");

    await expect(engine.send("c", { type: "boom" })).rejects.toMatchObject({ code: "machine-fault" });

    expect(await engine.read("c")).toEqual(before);
    expect(await store.position()).toBe(1);
    expect(await engine.send("c", { type: "inc" })).toMatchObject({ outcome: "changed", version: 2 });
  });

  it.each([
    {
      what: "throw",
      notes: () => {
        throw new Error("no notes today");
      },
    },
    { what: "are no list", notes: () => 5 as unknown as string[] },
  ])("answers also where the notes of the machine $what, and says so where they would stand", async ({ notes }) => {
    const { engine, store } = createWorld({ machines: [{ ...counter, notes }] });
    await engine.create({ machine: "counter", id: "c", input: {} });

    const { outcome, instance } = await engine.send("c", { type: "inc" });

    expect(outcome).toBe("changed");
    expect(instance.waitingFor[0]?.what).toMatch(/; the notes of counter fail: (?:no notes today|.*not iterable.*)$/);
    expect(await store.position()).toBe(2);
  });

  it("refuses another version than the expected one, with the one it is at", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "inc" });

    await expect(engine.send("c", { type: "inc" }, { expectedVersion: 1 })).rejects.toMatchObject({
      code: "version-mismatch",
      details: { extra: { version: 2 } },
    });
    expect(await engine.send("c", { type: "inc" }, { expectedVersion: 2 })).toMatchObject({ version: 3 });
  });

  it("stamps times that never go back, also when the clock does", async () => {
    let now = 5_000;
    const { engine } = createWorld({ engineClock: { now: () => now, wakeAt: () => Promise.resolve() } });
    for (const id of ["c", "d"]) await engine.create({ machine: "counter", id, input: {} });
    for (const time of [6_000, 1_000, 5_500, 7_000]) {
      now = time;
      for (const type of ["inc", "touch"]) await engine.send("c", { type });
      await engine.send("d", { type: "dec" }); // refused
    }

    expect((await engine.read("c")).context).toMatchObject({ times: [6_000, 6_000, 6_000, 7_000] });
    for (const instance of ["c", "d"]) {
      const times = (await engine.journal({ instance })).entries.map(({ at }) => at);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });
});

describe("transact", () => {
  const withCounters = async (...counts: number[]) => {
    const world = createWorld();
    for (const [index, count] of counts.entries()) {
      await world.engine.create({ machine: "counter", id: `c${index + 1}`, input: { count } });
    }
    return world;
  };

  it("commits several moves on several instances, creations among them, as one", async () => {
    const { engine, store } = await withCounters(1, 1);

    const sents = await engine.transact([
      { id: "c1", event: { type: "dec" } },
      { create: { machine: "counter", id: "c3", input: {} } },
      { id: "c3", event: { type: "inc" } },
      { id: "c2", event: { type: "inc" } },
      { id: "c1", event: { type: "touch" } },
    ]);

    expect(sents.map(({ outcome, version }) => [outcome, version])).toEqual([
      ["changed", 2],
      ["changed", 1],
      ["changed", 2],
      ["changed", 2],
      ["unchanged", 2],
    ]);
    expect(await store.position()).toBe(7);
    expect(await engine.verify()).toMatchObject({ checked: 3, differences: [] });
  });

  it("does nothing when one is refused, and answers with that one alone", async () => {
    const { engine } = await withCounters(1, 0);

    const sents = await engine.transact([
      { id: "c1", event: { type: "dec" } },
      { create: { machine: "counter", id: "c3", input: {} } },
      { id: "c2", event: { type: "dec" } },
      { id: "c1", event: { type: "inc" } },
    ]);

    expect(sents).toMatchObject([
      { outcome: "refused", version: 1, reasons: [{ code: "at-zero" }], instance: { id: "c2" } },
    ]);
    expect(await engine.read("c1")).toMatchObject({ version: 1 });
    await expect(engine.read("c3")).rejects.toMatchObject({ code: "not-found" });
    const { entries } = await engine.journal();
    expect(entries.filter(({ kind }) => kind === "event")).toMatchObject([{ instance: "c2", outcome: "refused" }]);
  });

  it("does nothing when one is a fault", async () => {
    const { engine, store } = await withCounters(1, 1);
    for (const event of [{ type: "boom" }, { type: "inc", x: 1 }]) {
      const moves = [
        { id: "c1", event: { type: "inc" } },
        { id: "c2", event },
      ];
      await expect(engine.transact(moves)).rejects.toThrow();
    }

    expect(await store.position()).toBe(2);
    expect(await engine.send("c1", { type: "inc" })).toMatchObject({ version: 2 });
  });

  it("says of a refusal that rests on its own earlier moves that it does, and the journal still replays", async () => {
    const { engine } = await withCounters(1);

    const [refused] = await engine.transact([
      { id: "c1", event: { type: "dec" } },
      { id: "c1", event: { type: "dec" } },
    ]);

    expect(refused).toMatchObject({ outcome: "refused", version: 1, instance: { version: 1, context: { count: 1 } } });
    expect(refused?.reasons?.map(({ code }) => code)).toEqual(["at-zero", "after-earlier-moves"]);
    await engine.send("c1", { type: "dec" });
    expect((await engine.journal({ instance: "c1" })).entries.map(({ version }) => version)).toEqual([1, 1, 2]);
    expect(await engine.verify()).toMatchObject({ checked: 1, differences: [] });
  });

  it("keeps no journal of an instance that was only to be created", async () => {
    const { engine, store } = await withCounters();

    const [refused] = await engine.transact([
      { create: { machine: "counter", id: "c1", input: {} } },
      { id: "c1", event: { type: "dec" } },
    ]);

    expect(refused).toMatchObject({ outcome: "refused", version: 0 });
    expect(await store.position()).toBe(0);
    expect(await engine.create({ machine: "counter", id: "c1", input: {} })).toMatchObject({ version: 1 });
  });

  it("checks the expected version of each move", async () => {
    const { engine } = await withCounters(1, 1);
    const moves = (expectedVersion: number) => [
      { id: "c1", event: { type: "inc" } },
      { id: "c2", event: { type: "inc" }, expectedVersion },
    ];

    await expect(engine.transact(moves(2))).rejects.toMatchObject({ code: "version-mismatch" });
    expect(await engine.transact(moves(1))).toHaveLength(2);
  });

  it.each([
    ["no move", []],
    ["more moves than the limit", Array.from({ length: 1_001 }, () => ({ id: "c1", event: { type: "inc" } }))],
  ])("refuses %s", async (_what, moves) => {
    const { engine } = await withCounters(1);

    await expect(engine.transact(moves)).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("lets nobody pass for the engine, whatever the object carries", async () => {
    const { engine } = await withCounters(1);
    const move = { id: "c1", event: { type: "reset" }, sender: "engine", isInner: true };

    await expect(engine.transact([move])).rejects.toMatchObject({ code: "internal-event" });
    expect(await engine.transactAsEngine([{ ...move, sender: "engine", isInner: true }])).toHaveLength(1);
  });

  it("of transactions on the same instances in turn keeps the sum", async () => {
    const { engine } = await withCounters(50, 0);
    const transfers = Array.from({ length: 60 }, () =>
      engine.transact([
        { id: "c1", event: { type: "dec" } },
        { id: "c2", event: { type: "inc" } },
      ]),
    );

    const outcomes = (await Promise.all(transfers)).map((sents) => sents[0]?.outcome);

    expect(outcomes.filter((outcome) => outcome === "changed")).toHaveLength(50);
    expect((await engine.read("c2")).context).toMatchObject({ count: 50 });
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });
});

describe("dryRun and explain", () => {
  it("tell what an event would do, and change nothing", async () => {
    const { engine, store } = createWorld();
    await engine.create({ machine: "egg", id: "e", input: { softMs: 10 } });
    const before = await engine.read("e");

    const run = await engine.dryRun("e", { type: "start", ms: 50 }, { principal: "anna" });

    expect(run).toMatchObject({
      outcome: "changed",
      via: [],
      instance: { version: 2, state: "Boiling", deadline: startsAt + 10 },
    });
    expect(run.effects.map(({ kind }) => kind)).toEqual(["timer", "timer"]);
    expect(await engine.read("e")).toEqual(before);
    expect(await store.position()).toBe(1);
    expect((await engine.pending()).items).toEqual([]);
  });

  it("say why an event would be refused", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });

    expect(await engine.dryRun("c", { type: "dec" })).toMatchObject({
      outcome: "refused",
      reasons: [{ code: "at-zero" }],
    });
    expect(await engine.explain("c", { type: "dec" })).toMatchObject({
      verdict: { type: "dec", outcome: "refused", reasons: [{ code: "at-zero" }], via: [] },
    });
  });

  it("say what an instance waits for, until when, and what is pending", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "egg", id: "e", input: { softMs: 10 } });
    await engine.send("e", { type: "start", ms: 50 });

    const explained = await engine.explain("e");

    expect(explained.pending.map(({ kind, id, dueAt, state }) => [kind, id, dueAt, state])).toEqual([
      ["timer", "deadline", startsAt + 50, "waiting"],
      ["timer", "xstate.after.soft.egg.Boiling.Raw", startsAt + 10, "waiting"],
    ]);
    expect(explained.waitingFor).toMatchObject([{ region: "egg", since: startsAt, overdue: false }]);
    expect(explained.hears.map(({ type }) => type)).toEqual(["extend", "stop"]);
    expect(explained).not.toHaveProperty("verdict");
  });
});

describe("list, journal and pending", () => {
  it("page through everything once, in order", async () => {
    const { engine } = createWorld();
    const ids = ["a", "b", "c", "d", "e"];
    for (const id of ids)
      await engine.create({ machine: "counter", id, input: {}, labels: { even: String(id === "b") } });

    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await engine.list({ limit: 2, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    const first = await engine.journal({ limit: 3 });
    const rest = await engine.journal({ after: first.nextAfter, limit: 3 });

    expect(seen).toEqual(ids);
    expect([...first.entries, ...rest.entries].map(({ instance }) => instance)).toEqual(ids);
    expect(rest.nextAfter).toBe(5);
    expect((await engine.journal({ after: 5 })).nextAfter).toBe(5);
    expect((await engine.list({ label: { name: "even", value: "true" } })).items).toMatchObject([{ id: "b" }]);
    expect((await engine.list({ machine: "egg" })).items).toEqual([]);
  });

  it("show each instance as reading it does", async () => {
    const { engine } = createWorld();
    for (const id of ["e1", "e2"]) {
      await engine.create({ machine: "egg", id, input: { softMs: 10 } });
      await engine.send(id, { type: "start", ms: 20 });
    }

    expect((await engine.list()).items).toEqual([await engine.read("e1"), await engine.read("e2")]);
  });

  it.each([0, 501, 1.5, Number.NaN])("refuse a page of %d", async (limit) => {
    const { engine } = createWorld();

    await expect(engine.list({ limit })).rejects.toMatchObject({ code: "invalid-request" });
    await expect(engine.journal({ limit })).rejects.toMatchObject({ code: "invalid-request" });
    await expect(engine.pending({ limit })).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("refuse a cursor that they did not give, and an instance that is not there", async () => {
    const { engine } = createWorld();

    await expect(engine.list({ cursor: "!!" })).rejects.toMatchObject({ code: "invalid-request" });
    await expect(engine.journal({ instance: "nobody" })).rejects.toMatchObject({ code: "not-found" });
    await expect(engine.pending({ instance: "nobody" })).rejects.toMatchObject({ code: "not-found" });
    await expect(engine.explain("nobody")).rejects.toMatchObject({ code: "not-found" });
    await expect(engine.verify("nobody")).rejects.toMatchObject({ code: "not-found" });
    await expect(engine.actor("nobody")).rejects.toMatchObject({ code: "not-found" });
  });
});
