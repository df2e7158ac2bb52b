import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { assign, createActor, setup } from "xstate";
import { z } from "zod";
import { activity } from "../../src/core/activity.ts";
import type { Log } from "../../src/core/log.ts";
import type { Machine } from "../../src/core/machine.ts";
import { statelyConfig } from "../../src/diagram/stately.ts";
import type { FeedQuery } from "../../src/engine/feed.ts";
import { createEngine, type SendOptions } from "../../src/engine/engine.ts";
import { createInspector, type Inspector } from "../../src/stately/inspector.ts";
import type { InspectionMessage } from "../../src/stately/messages.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { until } from "../providers/until.ts";
import { counter } from "../support/test-machines.ts";
import { frame, opcodes, startReceiver, type Receiver } from "../support/websocket-receiver.ts";
import { createWorld, recordingProvider, type World, type WorldOptions } from "../support/world.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

interface Inspection {
  world: World;
  receiver: Receiver<InspectionMessage>;
  inspector: Inspector;
  log: { level: string; text: string; fields: object }[];
  /** "actor", "event" or "snapshot" with the actor and what distinguishes it. */
  told(): string[];
}

/** An engine, a receiver, and the inspector between them. */
async function inspected(
  options: WorldOptions & { before?: (world: World) => Promise<void>; meets?: "with a refusal" | "with silence" } = {},
): Promise<Inspection> {
  const world = createWorld(options);
  await options.before?.(world);
  const receiver = await startReceiver<InspectionMessage>();
  ends.push(receiver.stop);
  if (options.meets) receiver.meet(options.meets);
  const log: Inspection["log"] = [];
  const writing = (level: string) => (fields: object, text: string) => void log.push({ level, text, fields });
  const logger: Log = {
    debug: writing("debug"),
    info: writing("info"),
    warn: writing("warn"),
    error: writing("error"),
  };
  const inspector = createInspector(world.engine, { url: `${receiver.url}?token=planted`, log: logger });
  ends.push(inspector.stop);
  if (options.meets === undefined) await until("it is connected", () => receiver.connections() === 1);
  return { world, receiver, inspector, log, told: () => receiver.received.map(inShort) };
}

function inShort(message: InspectionMessage): string {
  const kind = message.type.slice("@xstate.".length);
  return [kind, message.sessionId, ...("event" in message ? [message.event.type] : [])].join(" ");
}

async function received(receiver: Receiver<InspectionMessage>, count: number): Promise<void> {
  await until(`${count} messages have come`, () => receiver.received.length >= count);
}

/** Lets the wait between two attempts pass, once it has begun: the outage has been logged by then. */
async function afterOutage({ world, log }: Inspection): Promise<void> {
  await until("the outage is noticed", () => log.some(({ level }) => level === "warn"));
  await world.clock.advance(1_000);
}

/** Numbers of the journal whose event came twice or not at all. */
function missedOrDoubled(messages: readonly InspectionMessage[], from: number, to: number): number[] {
  const seqs = messages.filter(({ type }) => type === "@xstate.event").map(({ id }) => Number(id.split(":")[1]));
  const expected = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return expected.filter((seq) => seqs.filter((each) => each === seq).length !== 1);
}

describe("what the inspector tells", () => {
  it("is each instance as an actor with its chart, then each event and where it led, in order", async () => {
    const { world, receiver, told } = await inspected();

    await world.engine.create({ machine: "counter", id: "c", input: {} });
    await world.engine.send("c", { type: "inc", by: 2 }, { principal: "ada" });
    await world.engine.send("c", { type: "touch" });
    await world.engine.send("c", { type: "finish" });
    await received(receiver, 9);

    expect(told()).toEqual([
      "actor c",
      "event c xstate.init",
      "snapshot c xstate.init",
      "event c inc",
      "snapshot c inc",
      "event c touch",
      "snapshot c touch",
      "event c finish",
      "snapshot c finish",
    ]);
    const [actor, , begun, inc, counted, , , , finished] = receiver.received;
    expect(actor).toEqual({
      type: "@xstate.actor",
      id: "actor:c@1",
      _version: "0.7.2",
      createdAt: "1000000",
      sessionId: "c",
      rootId: "c",
      name: "c",
      definition: JSON.stringify(statelyConfig(counter)),
      snapshot: { status: "active", value: "Counting", context: { count: 0, times: [], by: [] }, tags: [] },
    });
    expect(begun).toMatchObject({ id: "snapshot:1", snapshot: { value: "Counting", context: { count: 0 } } });
    expect(inc).toMatchObject({ id: "event:2", event: { type: "inc", by: 2, at: 1_000_000, principal: "ada" } });
    expect(counted).toMatchObject({ id: "snapshot:2", snapshot: { context: { count: 2, by: ["ada"] } } });
    expect(finished).toMatchObject({ snapshot: { status: "done", value: "Finished", output: 2 } });
  });

  it("is what XState itself reports of the same events", async () => {
    const { world, receiver } = await inspected();
    await world.engine.create({ machine: "counter", id: "c", input: {} });
    for (const type of ["dec", "inc", "dec", "touch", "inc", "finish"]) await world.engine.send("c", { type });
    await received(receiver, 15);
    const { entries } = await world.engine.journal({ instance: "c" });

    const own: object[] = [];
    const actor = createActor(counter.chart, {
      input: { count: undefined },
      inspect(seen) {
        if (seen.type === "@xstate.actor") own.push({ type: seen.type });
        if (seen.type === "@xstate.event") own.push({ type: seen.type, event: seen.event.type });
        if (seen.type !== "@xstate.snapshot") return;
        const { status, value, context, tags, output } = JSON.parse(JSON.stringify(seen.snapshot)) as Record<
          string,
          unknown
        >;
        own.push({ type: seen.type, event: seen.event.type, snapshot: { status, value, context, tags, output } });
      },
    }).start();
    for (const { event } of entries) if (event !== null) actor.send(event);

    const ours = receiver.received.map((message) => {
      if (message.type === "@xstate.actor") return { type: message.type };
      const event = message.event.type;
      if (message.type === "@xstate.event") return { type: message.type, event };
      return { type: message.type, event, snapshot: { output: undefined, ...message.snapshot } };
    });
    expect(ours).toEqual(own);
  });

  it("is a child under its parent, with who began it and whose end it is", async () => {
    const { world, receiver } = await inspected();
    await world.engine.create({ machine: "parent", id: "p", input: {} });

    await world.engine.send("p", { type: "hire", child: "k" });
    await world.settle();
    await world.engine.send("k", { type: "finish", result: "well" });
    await world.settle();
    await received(receiver, 3 + 2 + 3 + 2 + 2);

    const kin = receiver.received.filter(({ type }) => type === "@xstate.actor");
    expect(
      kin.map(({ sessionId, rootId, ...rest }) => [sessionId, rootId, "parentId" in rest && rest.parentId]),
    ).toEqual([
      ["p", "p", false],
      ["k", "p", "p"],
    ]);
    const sources = receiver.received.flatMap((message) =>
      message.type === "@xstate.event" && message.sourceId !== undefined
        ? [`${message.sourceId} -> ${inShort(message)}`]
        : [],
    );
    expect(sources).toEqual(["p -> event k xstate.init", expect.stringMatching(/^k -> event p xstate\.done\.actor\./)]);
  });

  it("begins with what is active, parents first, and not with what has ended", async () => {
    const { receiver, told } = await inspected({
      async before({ engine, settle }) {
        await engine.create({ machine: "counter", id: "active", input: { count: 3 } });
        await engine.create({ machine: "counter", id: "ended", input: {} });
        await engine.send("ended", { type: "finish" });
        await engine.create({ machine: "parent", id: "z-parent", input: {} });
        await engine.send("z-parent", { type: "hire", child: "a-child" });
        await settle();
      },
    });

    await received(receiver, 3);

    expect(told()).toHaveLength(3);
    expect(told()).not.toContain("actor ended");
    expect(told().indexOf("actor z-parent")).toBeLessThan(told().indexOf("actor a-child"));
    expect(receiver.received.find(({ sessionId }) => sessionId === "active")).toMatchObject({
      snapshot: { context: { count: 3 } },
    });
  });

  it("is at most 200 actors at a time; one that was left out comes with its next event", async () => {
    const { world, receiver, told } = await inspected({
      async before({ engine }) {
        const ids = Array.from({ length: 205 }, (_, index) => `c${String(index).padStart(3, "0")}`);
        await engine.transact(ids.map((id) => ({ create: { machine: "counter", id, input: {} } })));
      },
    });
    await received(receiver, 200);

    await world.engine.send("c204", { type: "inc" });
    await received(receiver, 203);

    expect(told().slice(198)).toEqual([
      "actor c198",
      "actor c199",
      "actor c204",
      "event c204 inc",
      "snapshot c204 inc",
    ]);
    expect(receiver.received.at(-1)).toMatchObject({ snapshot: { context: { count: 1 } } });
  });

  it("introduces a parent that it has forgotten before the child that moves", async () => {
    const { world, receiver, told } = await inspected();
    await world.engine.create({ machine: "parent", id: "p", input: {} });
    await world.engine.send("p", { type: "hire", child: "k" });
    const others = Array.from({ length: 200 }, (_, index) => `c${index}`);
    await world.engine.transact(others.map((id) => ({ create: { machine: "counter", id, input: {} } })));

    await world.engine.send("k", { type: "finish", result: "well" });
    await received(receiver, 3 + 2 + 3 + 200 * 3 + 4);

    expect(told().slice(-4)).toEqual(["actor p", "actor k", "event k finish", "snapshot k finish"]);
  });

  it("forgets one that has ended before one that only is quiet", async () => {
    const { world, receiver, told } = await inspected();
    for (const id of ["quiet", "ended"]) await world.engine.create({ machine: "counter", id, input: {} });
    await world.engine.send("ended", { type: "finish" });
    const others = Array.from({ length: 199 }, (_, index) => `c${index}`);
    await world.engine.transact(others.map((id) => ({ create: { machine: "counter", id, input: {} } })));

    await world.engine.send("quiet", { type: "inc" });
    await received(receiver, 3 + 3 + 2 + 199 * 3 + 2);

    expect(told().slice(-2)).toEqual(["event quiet inc", "snapshot quiet inc"]);
    expect(told().filter((each) => each === "actor quiet")).toHaveLength(1);
  });

  it("is nothing of a secret that a call was given", async () => {
    const planted = "correct-horse-battery-staple";
    const provider = recordingProvider({ logIn: (_call, input) => ({ saw: input }) });
    const { receiver, world } = await inspected({
      machines: [login],
      providers: [provider],
      makeEngine: (options) => createEngine({ ...options, resolveSecret: async () => planted }),
    });

    await world.engine.create({ machine: "login", id: "l", input: {} });
    await world.settle();
    await received(receiver, 5);

    expect(provider.calls[0]?.input).toEqual({ password: planted });
    const { entries } = await world.engine.journal({ instance: "l" });
    expect(receiver.received[3]).toMatchObject({ event: entries[1]?.event });
    expect(JSON.stringify(receiver.received)).toContain("[env:PASSWORD]");
    expect(JSON.stringify(receiver.received)).not.toContain(planted);
  });
});

/** Is given a password, and keeps what it is told about it. */
const login: Machine = {
  name: "login",
  input: z.strictObject({}),
  events: {},
  laws: {},
  examples: () => [],
  abstract: () => null,
  chart: setup({
    types: { context: {} as { answer: unknown } },
    actors: { logIn: activity<{ password: { secret: string } }, unknown>() },
  }).createMachine({
    id: "login",
    options: { maxIterations: 10 },
    context: { answer: null },
    initial: "LoggingIn",
    states: {
      LoggingIn: {
        invoke: {
          id: "logIn",
          src: "logIn",
          input: { password: { secret: "env:PASSWORD" } },
          onDone: { target: "In", actions: assign({ answer: ({ event }) => event.output }) },
          onError: "Out",
        },
      },
      In: {},
      Out: {},
    },
  }),
};

describe("an outage", () => {
  it("loses nothing and doubles nothing: the actors are announced again, then it goes on where it was", async () => {
    const inspection = await inspected();
    const { world, receiver, told } = inspection;
    await world.engine.create({ machine: "counter", id: "c", input: {} });
    await world.engine.send("c", { type: "inc" });
    await received(receiver, 5);

    receiver.cut();
    await world.engine.send("c", { type: "inc", by: 10 });
    await world.engine.create({ machine: "counter", id: "new", input: {} });
    await afterOutage(inspection);
    await world.engine.send("c", { type: "inc", by: 100 });
    await received(receiver, 13);

    expect(told().slice(5)).toEqual([
      "actor c",
      "event c inc",
      "snapshot c inc",
      "actor new",
      "event new xstate.init",
      "snapshot new xstate.init",
      "event c inc",
      "snapshot c inc",
    ]);
    const counts = receiver.received.slice(5).map((each) => ("snapshot" in each ? each.snapshot.context : null));
    expect(counts.map((context) => (context as { count: number } | null)?.count)).toEqual([
      1,
      undefined,
      11,
      0,
      undefined,
      0,
      undefined,
      111,
    ]);
    expect(missedOrDoubled(receiver.received, 1, 5)).toEqual([]);
    expect(missedOrDoubled([...receiver.received, ...receiver.received.slice(3, 4)], 1, 6)).toEqual([2, 6]);
  });

  it("that comes again and again loses and doubles nothing either", async () => {
    const inspection = await inspected();
    const { world, receiver, log } = inspection;
    await world.engine.create({ machine: "counter", id: "c", input: {} });

    for (let round = 1; round <= 5; round += 1) {
      for (let sent = 0; sent < 20; sent += 1) await world.engine.send("c", { type: "touch" });
      await until("all have come", () => missedOrDoubled(receiver.received, 1, 1 + 20 * round).length === 0);
      receiver.cut();
      await until("the outage is noticed", () => log.filter(({ level }) => level === "warn").length === round);
      await world.clock.advance(1_000 * 2 ** round);
      await until("it is back", () => receiver.connections() === round + 1);
    }

    expect(missedOrDoubled(receiver.received, 1, 101)).toEqual([]);
  });

  it("is logged once, without the URL's query, and told when it is over; no send hears of it", async () => {
    const inspection = await inspected({ meets: "with a refusal" });
    const { world, receiver, log, told } = inspection;

    const { outcome } = await (await inspectedCounter(world)).send({ type: "inc" });
    await until("it has been tried five times", async () => {
      await world.clock.advance(1_000);
      return receiver.asked() >= 5;
    });
    receiver.meet("well");
    await until("it is connected", async () => {
      await world.clock.advance(1_000);
      return log.length === 2;
    });
    await received(receiver, 5);

    expect(outcome).toBe("changed");
    expect(log.map(({ level, text }) => [level, text])).toEqual([
      ["warn", expect.stringContaining("keeps trying")],
      ["info", expect.stringContaining("connected again")],
    ]);
    expect(JSON.stringify(log)).not.toContain("token");
    expect(told()).toHaveLength(5);
  });

  it("is also a receiver that takes the connection and says nothing", async () => {
    const { world, receiver, log } = await inspected({ meets: "with silence" });
    await until("it is asked", () => receiver.asked() === 1);

    await world.clock.advance(9_999);
    const before = log.length;
    await world.clock.advance(1);
    await until("the outage is noticed", () => log.length === 1);

    expect(before).toBe(0);
    expect(log[0]?.fields).toMatchObject({ error: "it did not answer" });
  });

  it("of more than 10,000 entries is not told: it goes on with what is active then", async () => {
    const inspection = await inspected();
    const { world, receiver, log, told } = inspection;
    await world.engine.create({ machine: "counter", id: "gone", input: {} });
    await world.engine.create({ machine: "counter", id: "c", input: {} });
    await received(receiver, 6);
    receiver.cut();

    await world.engine.send("gone", { type: "finish" });
    for (let sent = 0; sent < 10; sent += 1) {
      await world.engine.transact(Array.from({ length: 1_000 }, () => ({ id: "c", event: { type: "touch" } })));
    }
    await afterOutage(inspection);
    await until("it is connected", () => receiver.connections() === 2);
    await world.engine.send("c", { type: "inc" });
    await received(receiver, 9);

    expect(told().slice(6)).toEqual(["actor c", "event c inc", "snapshot c inc"]);
    expect(log.find(({ text }) => text.includes("out for too long"))?.fields).toMatchObject({ entries: 10_001 });
  });

  it("of the store is one too, and ends with it", async () => {
    const faulty = faultyStore();
    const inspection = await inspected({ store: faulty.store });
    const { world, receiver, log } = inspection;
    const counted = await inspectedCounter(world);
    await received(receiver, 3);

    faulty.fails = true;
    await counted.send({ type: "inc" });
    await until("the outage is noticed", () => log.length === 1);
    faulty.fails = false;
    await world.clock.advance(1_000);
    await received(receiver, 6);

    expect(missedOrDoubled(receiver.received, 1, 2)).toEqual([]);
  });
});

async function inspectedCounter({ engine }: World) {
  await engine.create({ machine: "counter", id: "c", input: {} });
  return { send: (event: { type: string }, options?: SendOptions) => engine.send("c", event, options) };
}

/** A store whose journal cannot be read for a while. */
function faultyStore(): { store: Store; fails: boolean } {
  const healthy = memoryStore();
  const faulty = { fails: false, store: healthy };
  faulty.store = {
    ...healthy,
    journal: (query) => (faulty.fails ? Promise.reject(new Error("the disk is away")) : healthy.journal(query)),
  };
  return faulty;
}

describe("a receiver", () => {
  it("that reads slowly is waited for: the engine goes on, and the journal is not read ahead", async () => {
    let pulled = 0;
    const { world, receiver } = await inspected({
      makeEngine(options) {
        const engine = createEngine(options);
        async function* feed(query?: FeedQuery) {
          for await (const entry of engine.feed(query)) {
            pulled += 1;
            yield entry;
          }
        }
        return { ...engine, feed };
      },
    });
    receiver.pause();
    await world.engine.create({ machine: "counter", id: "c", input: {} });

    const principal = "a".repeat(500); // kept in the context once more with each event, which makes the messages large
    for (let sent = 0; sent < 400; sent += 1) await world.engine.send("c", { type: "inc" }, { principal });
    const { version } = await world.engine.read("c");
    for (let turn = 0; turn < 5_000; turn += 1) await setImmediate(); // time enough to read on, if it did not wait
    const pulledMeanwhile = pulled;
    receiver.read();
    await until("all have come", () => receiver.received.length === 3 + 400 * 2);

    expect(version).toBe(401);
    expect(pulledMeanwhile).toBeLessThan(390);
    expect(missedOrDoubled(receiver.received, 1, 401)).toEqual([]);
    expect(receiver.received.at(-1)).toMatchObject({ snapshot: { context: { count: 400 } } });
  });

  it.each([
    ["text, as one does that passes on what others say", frame(opcodes.text, '{"type":"@statelyai.connected"}')],
    ["a megabyte", frame(opcodes.text, "x".repeat(1_000_000))],
    ["binary", frame(opcodes.binary, Buffer.alloc(1_000, 0xff))],
    ["ten thousand pings", Buffer.concat(Array.from({ length: 10_000 }, () => frame(opcodes.ping, "?")))],
  ])("may send %s: it changes nothing", async (_what, bytes) => {
    const { world, receiver } = await inspected();

    receiver.write(bytes);
    const counted = await inspectedCounter(world);
    await counted.send({ type: "inc" });
    await received(receiver, 5);

    expect(receiver.connections()).toBe(1);
    expect(missedOrDoubled(receiver.received, 1, 2)).toEqual([]);
  });

  it.each([
    ["text that is no UTF-8", frame(opcodes.text, Buffer.from([0xc3, 0x28]))],
    ["an unknown opcode", frame(0xb)],
    ["a continuation of nothing", frame(opcodes.continuation, "x")],
    ["a ping that is too long", frame(opcodes.ping, "x".repeat(200))],
    ["a masked frame", Buffer.from([0x81, 0x81, 1, 2, 3, 4, 0x60])],
    ["a length that no number holds", Buffer.from([0x82, 127, ...Array.from({ length: 8 }, () => 0xff)])],
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["its goodbye", frame(opcodes.close, Buffer.from([0x03, 0xe8]))],
  ])("that sends %s is left, and tried again", async (_what, bytes) => {
    const inspection = await inspected();
    const { world, receiver } = inspection;
    const counted = await inspectedCounter(world);
    await received(receiver, 3);

    receiver.write(bytes);
    await afterOutage(inspection);
    await counted.send({ type: "inc" });
    await until("it is connected", () => receiver.connections() === 2);
    await received(receiver, 6);

    expect(missedOrDoubled(receiver.received, 1, 2)).toEqual([]);
  });
});

describe("the inspector", () => {
  it.each([
    ["http://localhost:8080", "ws:// or wss://"],
    ["localhost:8080", "ws:// or wss://"],
    ["", "cannot be read"],
    ["ws://localhost:99999", "cannot be read"],
    ["ws://ada:secret@localhost", "no name and password"],
    ["ws://localhost/#here", "no fragment"],
  ])("refuses %j before it does anything", (url, why) => {
    const { engine } = createWorld();

    let refused: unknown;
    try {
      createInspector(engine, { url });
    } catch (error) {
      refused = error;
    }

    expect(refused).toMatchObject({ code: "invalid-request", detail: expect.stringContaining(why) });
    expect(String(refused)).not.toContain("secret");
  });

  it("stops although its receiver has not read what it was told", async () => {
    const { world, receiver, inspector } = await inspected();
    receiver.pause();
    const counted = await inspectedCounter(world);
    const principal = "a".repeat(500);
    for (let sent = 0; sent < 400; sent += 1) await counted.send({ type: "inc" }, { principal });
    for (let turn = 0; turn < 2_000; turn += 1) await setImmediate(); // it waits by then

    await inspector.stop();

    expect(receiver.received.length).toBeLessThan(3 + 400 * 2);
  });

  it("stops for good, twice, also while it waits to try again", async () => {
    const open = await inspected();
    const waiting = await inspected({ meets: "with a refusal" });
    await until("the outage is noticed", () => waiting.log.length === 1);

    await Promise.all([open.inspector.stop(), open.inspector.stop(), waiting.inspector.stop()]);
    await open.world.engine.create({ machine: "counter", id: "c", input: {} });
    await waiting.world.clock.advance(60_000);

    expect(open.receiver.received).toEqual([]);
    expect(waiting.receiver.asked()).toBe(1);
  });
});
