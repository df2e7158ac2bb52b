import { describe, expect, it, onTestFinished, vi } from "vitest";
import { until } from "../providers/until.ts";
import { caller, counter } from "../support/test-machines.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { openStream, type EventStream } from "./event-stream.ts";
import { addCounter, createSite, type Site, type SiteOptions } from "./site.ts";

async function counterSite(options: SiteOptions = {}): Promise<Site> {
  const site = await createSite(options);
  await addCounter(site, "c");
  return site;
}

const inc = (site: Site, id = "c") => site.engine.send(id, { type: "inc" });
const has = (stream: EventStream, count: number) => until(`${count} events came`, () => stream.events.length >= count);

describe("GET /v1/journal/stream", () => {
  it("gives the entries as a page shows them, each under its number, and goes on with what comes", async () => {
    const site = await counterSite();
    await site.engine.send("c", { type: "dec" }); // refused: it is told too

    const stream = await openStream(`${site.url}/v1/journal/stream?after=0`);
    await has(stream, 2);
    await inc(site);
    await has(stream, 3);

    const { entries } = (await site.get("/v1/journal?after=0")).body as { entries: object[] };
    expect(stream.events).toEqual(
      entries.map((entry, index) => ({ id: String(index + 1), event: "entry", data: JSON.stringify(entry) })),
    );
    expect(stream.retryMs()).toBe(1_000);
    expect(stream.response.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
    expect((await site.get("/v1/journal?limit=1")).body).toMatchObject({ entries: [{ seq: 1 }], nextAfter: 1 });
  });

  it("begins with what comes when it is not told where, and says at once where that is", async () => {
    const site = await counterSite();
    await inc(site);

    const stream = await openStream(`${site.url}/v1/journal/stream`);
    await until("the position came", () => stream.lastId() !== undefined);
    expect([stream.lastId(), stream.events]).toEqual(["2", []]); // whoever is cut off now resumes here
    await inc(site);
    await has(stream, 1);

    expect(stream.seqs()).toEqual([3]);
  });

  it("is resumed by Last-Event-ID, which wins over `after`", async () => {
    const site = await counterSite();
    for (let n = 0; n < 4; n += 1) await inc(site);

    const stream = await openStream(`${site.url}/v1/journal/stream?after=1`, { "Last-Event-ID": "3" });
    await has(stream, 2);

    expect(stream.seqs()).toEqual([4, 5]);
  });

  it("refuses a position beyond the end, and what is no position", async () => {
    const { get } = await counterSite();

    const beyond = await get("/v1/journal/stream?after=2");
    const others = await Promise.all([
      get("/v1/journal/stream", { "Last-Event-ID": "2" }),
      get("/v1/journal/stream", { "Last-Event-ID": "last" }),
      get("/v1/journal/stream?after=-1"),
      get("/v1/journal/stream?from=1"),
    ]);

    expect(beyond.body).toMatchObject({
      status: 400,
      code: "invalid-request",
      detail: expect.stringContaining("The journal ends at 1: there is no position 2"),
      errors: [{ pointer: "/after", detail: "expected at most 1" }],
    });
    expect(others.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
  });

  it("answers HEAD with the head alone, and holds nothing for it", async () => {
    const site = await counterSite({ streams: { perPrincipalMax: 1 } });

    const heads = [await site.ask("HEAD", "/v1/journal/stream"), await site.ask("HEAD", "/v1/journal/stream")];
    const stream = await openStream(`${site.url}/v1/journal/stream`);

    expect(heads.map(({ status, text }) => [status, text])).toEqual([
      [200, ""],
      [200, ""],
    ]);
    expect(stream.response.statusCode).toBe(200);
  });
});

describe("GET /v1/instances/{id}/stream", () => {
  it("tells of that instance only", async () => {
    const site = await counterSite();
    await addCounter(site, "other");
    const stream = await openStream(`${site.url}/v1/instances/c/stream?after=0`);
    await has(stream, 1);

    await inc(site, "other");
    await inc(site);
    await has(stream, 2);

    expect(stream.seqs()).toEqual([1, 4]);
    expect((await site.get("/v1/instances/none/stream")).body).toMatchObject({ status: 404, code: "not-found" });
  });
});

describe("a server with streams", () => {
  it("tells its readers by a comment that it is there", async () => {
    const site = await counterSite({ streams: { heartbeatMs: 5 } });
    const streams = [
      await openStream(`${site.url}/v1/journal/stream`),
      await openStream(`${site.url}/v1/journal/stream`),
    ];

    for (const { comments } of streams) await until("two heartbeats came", () => comments.length >= 2);

    expect(streams[0]?.comments[0]).toBe("heartbeat");
    expect(streams[0]?.events).toEqual([]);
  });

  it("lets a principal have as many as are allowed, and the next one when one of them is closed", async () => {
    const site = await counterSite({ streams: { perPrincipalMax: 2, heartbeatMs: 3_000 } });
    const streams = [
      await openStream(`${site.url}/v1/journal/stream`),
      await openStream(`${site.url}/v1/instances/c/stream`),
    ];

    const refused = await site.get("/v1/journal/stream");
    streams[0]?.leave();
    await until("there is room", async () => (await site.get("/v1/journal/stream")).status === 200);

    expect(refused.body).toMatchObject({ status: 429, code: "too-many-requests" });
    expect(refused.headers["retry-after"]).toBe("3");
  });

  it("reads and writes out an entry once, however many follow", async () => {
    const inner = memoryStore();
    const store = { ...inner, journal: vi.fn(inner.journal) };
    const site = await counterSite({ store, streams: { perPrincipalMax: 50 } });
    const streams = await Promise.all(Array.from({ length: 50 }, () => openStream(`${site.url}/v1/journal/stream`)));
    store.journal.mockClear();
    const writes = vi.spyOn(JSON, "stringify");
    onTestFinished(() => void vi.restoreAllMocks());
    const entriesWritten = () =>
      writes.mock.calls.filter(
        ([value]) =>
          (value as { seq?: unknown; outcome?: unknown } | null)?.seq === 2 && "outcome" in (value as object),
      ).length;

    await inc(site);
    for (const stream of streams) await has(stream, 1);

    expect([store.journal.mock.calls.length, entriesWritten()]).toEqual([1, 1]);
  });

  it("cuts off a reader that lets too much gather, without a gap for the others or for itself when it comes back", async () => {
    const warned: string[] = [];
    const log = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (_: object, message: string) => void warned.push(message),
    };
    const site = await createSite({ machines: [caller, counter], log, streams: { waitingBytesMax: 65_536 } });
    await site.engine.create({ machine: "caller", id: "c", input: {} });
    const slow = await openStream(`${site.url}/v1/journal/stream`);
    const quick = await openStream(`${site.url}/v1/journal/stream`);
    slow.response.pause();

    const what = "x".repeat(200_000);
    let sent = 1;
    for (; warned.length === 0 && sent < 400; sent += 1) {
      await site.engine.send("c", { type: "go", what });
      await until("the other one has it", () => quick.seqs().at(-1) === sent + 1);
    }
    slow.response.resume();
    await slow.ended;
    const back = await openStream(`${site.url}/v1/journal/stream`, { "Last-Event-ID": slow.lastId() ?? "" });
    await until("it has caught up", () => back.seqs().at(-1) === sent);

    expect(warned).toEqual(["a stream was cut off: its reader is too slow"]);
    expect(slow.seqs().length).toBeLessThan(sent - 1);
    expect([...slow.seqs(), ...back.seqs()]).toEqual(Array.from({ length: sent - 1 }, (_, n) => n + 2));
    expect(quick.seqs()).toEqual(Array.from({ length: sent - 1 }, (_, n) => n + 2));
  });

  it("waits for a reader that catches up, and cuts it off when it takes nothing from one heartbeat to the next", async () => {
    const warned: string[] = [];
    const log = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (_: object, message: string) => void warned.push(message),
    };
    const site = await createSite({
      machines: [caller, counter],
      log,
      streams: { waitingBytesMax: 65_536, heartbeatMs: 500 }, // who takes nothing in so long is stuck, on a loaded machine too
    });
    await site.engine.create({ machine: "caller", id: "c", input: {} });
    for (let n = 0; n < 80; n += 1) await site.engine.send("c", { type: "go", what: "x".repeat(200_000) });

    const steady = await openStream(`${site.url}/v1/journal/stream?after=0`);
    await has(steady, 81);
    const stuck = await openStream(`${site.url}/v1/journal/stream?after=0`);
    stuck.response.pause();
    await until("it is cut off", () => warned.length > 0);

    expect(warned).toEqual(["a stream was cut off: its reader has taken nothing since the last heartbeat"]);
    expect(steady.seqs()).toHaveLength(81);
  });

  it("ends them when it stops, as they should end", async () => {
    const stopping = new AbortController();
    const site = await counterSite({ stopping: stopping.signal });
    const streams = [
      await openStream(`${site.url}/v1/journal/stream?after=0`),
      await openStream(`${site.url}/v1/instances/c/stream`),
    ];
    await has(streams[0] as EventStream, 1);

    stopping.abort();
    await site.listening.close();

    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual([{ isWhole: true }, { isWhole: true }]);
  });

  it("ends the stream of a caller whose token is no longer good", async () => {
    let isGood = true;
    const authenticate = () => ({ principal: "alice", role: "viewer" as const, isStillValid: () => isGood });
    const site = await counterSite({ authenticate, streams: { heartbeatMs: 5 } });
    const stream = await openStream(`${site.url}/v1/journal/stream`);
    await until("it lives", () => stream.comments.length > 0);

    isGood = false;

    expect(await stream.ended).toEqual({ isWhole: true });
  });

  it("cuts a stream whose store fails, and says so in its log", async () => {
    const errors: object[] = [];
    const log = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields: object) => void errors.push(fields),
    };
    const inner = memoryStore();
    let isGone = false;
    const store: Store = {
      ...inner,
      journal: (query) => (isGone ? Promise.reject(new Error("the disk went away")) : inner.journal(query)),
    };
    const site = await counterSite({ store, log });
    const stream = await openStream(`${site.url}/v1/journal/stream`);
    isGone = true;
    await inc(site);

    expect(await stream.ended).toEqual({ isWhole: false });
    expect(errors).toMatchObject([{ error: "the disk went away" }]);
    isGone = false;
    const back = await openStream(`${site.url}/v1/journal/stream`, { "Last-Event-ID": stream.lastId() ?? "" });
    await has(back, 1);
    expect(back.seqs()).toEqual([2]);
  });
});
