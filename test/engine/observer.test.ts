import { describe, expect, it } from "vitest";
import type { Log } from "../../src/core/log.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { Observer } from "../../src/engine/observer.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { gatedStore } from "../support/gated-store.ts";
import { createWorld, recordingProvider, untilAborted, type World } from "../support/world.ts";

/** Writes down what it is told, each begin and end as one line. */
function notebook(engine: World["engine"]): string[] {
  const notes: string[] = [];
  const watched = (what: string) => ({
    ended: ({ outcome, ...more }: { outcome: string }) => {
      const extra = Object.values(more).join(" ");
      notes.push(`${what} -> ${outcome}${extra === "" ? "" : ` ${extra}`}`);
    },
  });
  engine.observe({
    sending: ({ principal, instance, event, moves }) =>
      watched(`${principal} sends ${event} to ${instance} (${moves})`),
    committing: ({ elements }) => watched(`commit of ${elements}`),
    performing: ({ machine, activity, attempt }) => watched(`${machine} calls ${activity}, ${attempt}`),
    committed: (entries) => void notes.push(...entries.map(({ from, to, outcome }) => `${from} to ${to}: ${outcome}`)),
    deadLettered: ({ kind }) => void notes.push(`dead ${kind}`),
  });
  return notes;
}

describe("an observer", () => {
  it("is told of each send, its commit and what was written, in this order of ends", async () => {
    const { engine } = createWorld();
    const notes = notebook(engine);

    await engine.create({ machine: "counter", id: "c", input: {}, principal: "ann" });
    await engine.send("c", { type: "dec" }, { principal: "ben" });
    await engine.send("c", { type: "touch" });

    expect(notes).toEqual([
      "commit of 1 -> committed",
      "null to Counting: changed",
      "ann sends null to c (1) -> changed",
      "commit of 1 -> committed",
      "Counting to Counting: refused",
      "ben sends dec to c (1) -> refused",
      "commit of 1 -> committed",
      "Counting to Counting: unchanged",
      "local sends touch to c (1) -> unchanged",
    ]);
  });

  it("is told when a send is answered again, when it fails, and how many moves it has", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "inc" }, { commandId: "k" });
    const notes = notebook(engine);

    await engine.send("c", { type: "inc" }, { commandId: "k" });
    await engine.send("nobody", { type: "inc" }).catch(() => undefined);
    await engine.send("c", { type: "boom" }).catch(() => undefined);
    await engine.send("c", undefined as never).catch(() => undefined);
    await engine.transact([
      { id: "c", event: { type: "touch" } },
      { id: "c", event: { type: "inc" } },
    ]);

    expect(notes.filter((note) => note.includes("sends"))).toEqual([
      "local sends inc to c (1) -> replayed",
      "local sends inc to nobody (1) -> failed not-found",
      "local sends boom to c (1) -> failed machine-fault",
      "local sends  to c (1) -> failed invalid-request",
      "local sends touch to c (2) -> changed",
    ]);
  });

  it("is told when the store fails", async () => {
    const store = gatedStore(memoryStore());
    const { engine } = createWorld({ store });
    await engine.create({ machine: "counter", id: "c", input: {} });
    const notes = notebook(engine);

    store.hold();
    const sent = engine.send("c", { type: "inc" }).catch(() => undefined);
    await expect.poll(() => store.batches.length).toBe(2);
    store.fail("before");
    await sent;

    expect(notes).toEqual(["commit of 1 -> failed", "local sends inc to c (1) -> failed store-unavailable"]);
  });

  it("is told of each attempt of a call: retried, failed, ended, withdrawn", async () => {
    const script = {
      work: () => Promise.reject(new Error("not today")),
      once: () => "done",
      watch: untilAborted,
    };
    const { engine, advance, settle } = createWorld({ providers: [recordingProvider(script)] });
    for (const id of ["a", "b", "c"]) await engine.create({ machine: "caller", id, input: {} });
    const notes = notebook(engine);

    await engine.send("a", { type: "go" });
    await engine.send("b", { type: "once" });
    await engine.send("c", { type: "watch" });
    await advance(10_000);
    await engine.send("c", { type: "cancel" });
    await settle();

    await expect.poll(() => notes.filter((note) => note.includes("calls"))).toHaveLength(5);
    expect(notes.filter((note) => note.includes("calls"))).toEqual([
      "caller calls once, 1 -> ended",
      "caller calls work, 1 -> retried not today",
      "caller calls work, 2 -> retried not today",
      "caller calls work, 3 -> failed not today",
      expect.stringMatching(/^caller calls watch, 1 -> withdrawn/),
    ]);
  });

  it("is told of a dead letter", async () => {
    const { engine, advance } = createWorld({ limits: { deliveryAttemptsMax: 2 } });
    await engine.create({ machine: "messenger", id: "a", input: {} });
    const notes = notebook(engine);

    await engine.send("a", { type: "say", to: "nobody", words: ["hello"] });
    await advance(600_000);

    expect(notes).toContain("dead message");
  });

  it("is told nothing any more once it was taken off", async () => {
    const { engine } = createWorld();
    const notes: string[] = [];
    const leave = engine.observe({ committed: () => void notes.push("committed") });
    await engine.create({ machine: "counter", id: "c", input: {} });

    leave();
    leave();
    await engine.send("c", { type: "inc" });

    expect(notes).toEqual(["committed"]);
  });

  it("that throws everywhere changes nothing, leaves others alone, and is told of in the log once", async () => {
    const logged: string[] = [];
    const log: Log = {
      debug() {},
      info() {},
      warn() {},
      error: (fields, message) => void logged.push(`${message}: ${JSON.stringify(fields)}`),
    };
    const provider = recordingProvider({ once: () => "done" });
    const makeEngine: typeof createEngine = (options) => createEngine({ ...options, log });
    const { engine, settle } = createWorld({ providers: [provider], makeEngine });
    const broken = (): never => {
      throw new Error("the notebook is full");
    };
    const breaksAtTheEnd = () => ({ ended: broken });
    const early: Observer = { sending: broken, committing: broken, performing: broken, committed: broken };
    engine.observe(early);
    engine.observe({ sending: breaksAtTheEnd, committing: breaksAtTheEnd, performing: breaksAtTheEnd });
    const notes = notebook(engine);

    await engine.create({ machine: "caller", id: "c", input: {} });
    const { outcome } = await engine.send("c", { type: "once" });
    await settle();

    expect(outcome).toBe("changed");
    expect((await engine.read("c")).state).toBe("Done");
    expect(notes.filter((note) => note.includes("->"))).toHaveLength(7);
    expect(logged).toEqual(
      Array.from({ length: 2 }, () => 'an observer of the engine fails: {"error":"the notebook is full"}'),
    );
  });
});

describe("a traceparent", () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const other = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
  const tracesOf = async ({ engine }: World, instance: string) =>
    (await engine.journal({ instance })).entries.map(({ event, traceparent }) => [
      event?.type ?? "created",
      traceparent,
    ]);

  it("of a send is kept in the journal and handed on to the call, its reports and its outcome, also by another engine", async () => {
    const seen: (string | undefined)[] = [];
    const provider = recordingProvider({
      work: async (call) => {
        seen.push(call.traceparent);
        await call.report({ type: "progress", percent: 50 });
      },
    });
    const world = createWorld({ providers: [provider] });
    await world.engine.create({ machine: "caller", id: "c", input: {} });
    await world.engine.send("c", { type: "go" }, { trace });

    await world.restarted().settle();

    expect(seen).toEqual([trace]);
    expect(await tracesOf(world, "c")).toEqual([
      ["created", undefined],
      ["go", trace],
      ["progress", trace],
      ["xstate.done.actor.work", trace],
    ]);
  });

  it("goes with timers, messages and children, there and back", async () => {
    const world = createWorld();
    const { engine, advance, settle } = world;
    const last = async (id: string) => (await tracesOf(world, id)).at(-1);
    await engine.create({ machine: "egg", id: "egg", input: { softMs: 500 } });
    for (const id of ["a", "b"]) await engine.create({ machine: "messenger", id, input: {} });
    for (const id of ["boss", "unlucky"]) await engine.create({ machine: "parent", id, input: {} });

    await engine.send("egg", { type: "start", ms: 1_000 }, { trace });
    await engine.send("a", { type: "say", to: "b", words: ["hello"] }, { trace });
    await engine.send("boss", { type: "hire", child: "kid" }, { trace });
    await engine.send("unlucky", { type: "hire", child: "a" }, { trace });
    await advance(10_000);
    const hired = await last("kid");
    await engine.send("kid", { type: "finish", result: "fine" }, { trace: other });
    await settle();

    expect(await last("egg")).toEqual([expect.stringMatching(/^deadline|^xstate\.after/), trace]);
    expect(await last("b")).toEqual(["hear", trace]);
    expect(hired).toEqual(["created", trace]);
    expect(await last("unlucky")).toEqual(["xstate.error.actor.child", trace]);
    expect(await last("boss")).toEqual(["xstate.done.actor.child", other]);
  });

  it("goes with what a discarded call leaves behind: the one of who discarded it", async () => {
    const world = createWorld();
    const { engine, settle } = world;
    await engine.create({ machine: "parent", id: "boss", input: {} });
    await engine.send("boss", { type: "hire", child: "kid" }, { trace });
    const [call] = (await engine.pending({ instance: "boss" })).items;

    await engine.discardPending(call?.key ?? "", { trace: other });
    await settle();

    expect((await tracesOf(world, "boss")).at(-1)).toEqual(["xstate.error.actor.child", other]);
    expect((await tracesOf(world, "kid")).at(-1)?.[0]).toBe("stop");
  });

  it("of an observer takes the place of the one that came", async () => {
    const world = createWorld();
    const came: (string | null)[] = [];
    world.engine.observe({
      sending({ trace: given }) {
        came.push(given);
        return { trace: other, ended: () => undefined };
      },
    });

    await world.engine.create({ machine: "counter", id: "c", input: {}, trace });

    expect(came).toEqual([trace]);
    expect(await tracesOf(world, "c")).toEqual([["created", other]]);
  });

  it("that is malformed is ignored", async () => {
    const world = createWorld();

    await world.engine.create({ machine: "counter", id: "c", input: {}, trace: "00-garbage\ud800" });

    expect(await tracesOf(world, "c")).toEqual([["created", undefined]]);
  });
});
