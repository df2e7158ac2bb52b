import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { SignalboxError } from "../../src/core/errors.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { startServer, temporaryDirectory, type Server } from "../cli/processes.ts";
import { until } from "../providers/until.ts";
import { quiet } from "../support/gated-store.ts";
import { createWorld, recordingProvider, startsAt } from "../support/world.ts";

/** A store on a disk that is full when the test says so. */
function smallStore() {
  const store = memoryStore();
  const disk = { isFull: false, commits: 0, probes: 0 };
  const write = <Given extends unknown[], Answer>(act: (...given: Given) => Promise<Answer>) =>
    async function writing(...given: Given): Promise<Answer> {
      if (disk.isFull) throw new SignalboxError("insufficient-storage", "The disk is full.");
      return act(...given);
    };
  const small: Store = {
    ...store,
    commit: write((batch) => ((disk.commits += 1), store.commit(batch))),
    claim: write(store.claim),
    renew: write(store.renew),
    putBack: write(store.putBack),
    takeBack: write(store.takeBack),
    reschedule: write(store.reschedule),
    forgetCommands: write(store.forgetCommands),
    async probe() {
      disk.probes += 1;
      await write(store.probe)();
    },
  };
  return { store: small, disk };
}

const full = { code: "insufficient-storage", status: 507 };

describe("an engine whose store is full", () => {
  it("only reads from then on, asks the store at intervals, and goes on by itself when there is space", async () => {
    const { store, disk } = smallStore();
    const { engine, clock } = createWorld({ store });
    await engine.create({ machine: "counter", id: "c", input: {} });
    disk.isFull = true;

    const first = engine.send("c", { type: "inc" }, { commandId: "k1" });
    const second = engine.send("c", { type: "inc" }, { commandId: "k2" });
    await expect(first).rejects.toMatchObject(full);
    await expect(second).rejects.toMatchObject(full);
    const written = disk.commits;
    await expect(engine.send("c", { type: "boom" })).rejects.toMatchObject(full); // stepped, it would throw something else
    await expect(engine.create({ machine: "counter", input: {} })).rejects.toMatchObject(full);
    await expect(engine.probe()).rejects.toMatchObject(full);
    expect((await engine.read("c")).context).toMatchObject({ count: 0 });
    expect(await engine.explain("c", { type: "inc" })).toMatchObject({ verdict: { outcome: "changed" } });
    expect((await engine.journal({ instance: "c" })).entries).toHaveLength(1);

    disk.isFull = false;
    await expect(engine.send("c", { type: "inc" }, { commandId: "k1" })).rejects.toMatchObject(full); // not looked yet
    expect([disk.commits, disk.probes]).toEqual([written, 0]);
    await clock.advance(1_000);
    expect(await engine.send("c", { type: "inc" }, { commandId: "k1" })).toMatchObject({
      outcome: "changed",
      version: 2,
    });
    expect(await engine.send("c", { type: "inc" }, { commandId: "k2" })).toMatchObject({
      outcome: "changed",
      version: 3,
    });
    expect(await engine.send("c", { type: "inc" }, { commandId: "k2" })).toMatchObject({ replayed: true, version: 3 });
    expect(disk.probes).toBe(1);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("still gives the first answer to a command that it took before", async () => {
    const { store, disk } = smallStore();
    const { engine } = createWorld({ store });
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("c", { type: "inc" }, { commandId: "k" });
    disk.isFull = true;
    await expect(engine.send("c", { type: "inc" })).rejects.toMatchObject(full);

    expect(await engine.send("c", { type: "inc" }, { commandId: "k" })).toMatchObject({ replayed: true, version: 2 });
  });

  it("asks a store that stays full once in each interval, however many send, also when the clock goes back", async () => {
    const { store, disk } = smallStore();
    const clock = virtualClock(startsAt);
    let backMs = 0;
    const engineClock = { ...clock, now: () => clock.now() - backMs };
    const { engine } = createWorld({ store, engineClock }, clock);
    await engine.create({ machine: "counter", id: "c", input: {} });
    disk.isFull = true;
    const sends = () => Promise.allSettled(Array.from({ length: 20 }, () => engine.send("c", { type: "inc" })));
    await sends();

    for (let second = 1; second <= 3; second += 1) {
      await clock.advance(1_000);
      await sends();
      expect(disk.probes).toBe(second);
    }
    disk.isFull = false;
    backMs = 3_600_000;
    expect(await engine.send("c", { type: "inc" })).toMatchObject({ outcome: "changed" });
  });

  it("keeps what its calls and timers have come to until there is space, and performs nothing twice", async () => {
    const { store, disk } = smallStore();
    const call = Promise.withResolvers<string>();
    const provider = recordingProvider({ work: () => call.promise });
    const { engine, clock } = createWorld({ store, providers: [provider] });
    await engine.create({ machine: "caller", id: "a", input: {} });
    await engine.create({ machine: "egg", id: "e", input: { softMs: 500 } });
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.send("e", { type: "start", ms: 2_000 });
    await engine.send("a", { type: "go" });
    await engine.start();
    await until("the call has begun", () => provider.calls.length === 1);

    disk.isFull = true;
    await expect(engine.send("c", { type: "inc" })).rejects.toMatchObject(full);
    call.resolve("worked");
    for (let second = 0; second < 120; second += 1) {
      await clock.advance(1_000); // leases and deadlines pass
      await quiet();
    }
    expect((await engine.read("a")).context).not.toMatchObject({ result: "worked" });
    disk.isFull = false;
    await until("what was held back is told", async () => {
      await clock.advance(1_000);
      const { context } = await engine.read("a");
      const { fired } = (await engine.read("e")).context as { fired: unknown[] };
      return (context as { result?: string }).result === "worked" && fired.length === 2;
    });
    await engine.stop();

    expect(provider.calls).toHaveLength(1);
    const { entries } = await engine.journal({ instance: "a" });
    expect(entries.filter(({ event }) => event?.type.startsWith("xstate.done.actor"))).toHaveLength(1);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("can be stopped", async () => {
    const { store, disk } = smallStore();
    const { engine } = createWorld({ store });
    await engine.create({ machine: "counter", id: "c", input: {} });
    await engine.start();
    disk.isFull = true;
    await expect(engine.send("c", { type: "inc" })).rejects.toMatchObject(full);

    await engine.stop();
    await engine.stop();
  });
});

describe("a server on a disk that is full", () => {
  const directory = temporaryDirectory();
  const mount = join(directory.path, "mount");
  const filler = join(mount, "filler");
  const isMounted = mounted(mount);
  let server: Server | undefined;
  afterEach(() => server?.end());
  afterAll(() => {
    if (isMounted) execFileSync("umount", ["--lazy", mount]);
    directory.remove();
  });

  it("answers 507, goes on reading, and goes on writing when there is space again", async (context) => {
    if (!isMounted) context.skip("no tmpfs can be mounted here: this needs root");
    server = await startServer(join(mount, "data"));
    const { ask, send } = client(server.url);
    for (const node of ["a", "b"])
      await ask("POST", "/v1/instances", { machine: "nodeMaintenance", id: `node/${node}`, input: { node } });
    const acknowledged: string[] = [];
    for (let n = 0; n < 20; n += 1) if ((await send(`before-${n}`)).status === 200) acknowledged.push(`before-${n}`);
    const deadline = {
      type: "maintenance.observed",
      epoch: 1,
      state: { name: "EnteringMaintenance", deadline: Date.now() + 500 },
    };
    expect((await ask("POST", "/v1/instances/node%2Fb/events", deadline)).status).toBe(200);

    fill(filler);
    let refused = "";
    for (let n = 0; refused === ""; n += 1) {
      const { status, body } = await send(`full-${n}`);
      if (status === 200) acknowledged.push(`full-${n}`);
      else [refused] = [`full-${n}`, expect([status, body["code"]]).toEqual([507, "insufficient-storage"])];
    }

    expect((await ask("POST", "/v1/instances", { machine: "nodeMaintenance", input: { node: "c" } })).status).toBe(507);
    const seen = await Promise.all(
      [
        "/v1/instances/node%2Fa",
        "/v1/instances/node%2Fa/explain",
        "/v1/instances/node%2Fa/journal",
        "/v1/machines/nodeMaintenance/diagram.svg",
        "/v1/audit",
        "/livez",
      ].map((path) => ask("GET", path)),
    );
    expect(seen.map(({ status }) => status)).toEqual(seen.map(() => 200));
    const { status, body: readiness } = await ask("GET", "/readyz");
    expect([status, readiness["detail"]]).toEqual([
      503,
      expect.stringContaining("The disk of the database takes no more"),
    ]);
    expect((await send(acknowledged[0] ?? "")).status).toBe(200); // its first answer

    rmSync(filler);
    await until("it is ready", async () => (await ask("GET", "/readyz")).status === 200);
    expect((await send(refused)).status).toBe(200);
    acknowledged.push(refused);
    await until(
      "the timer has fired",
      async () => (await ask("GET", "/v1/instances/node%2Fb")).body["state"] === "DrainFailed",
    );

    const commands = await commandsIn(ask);
    expect(commands.filter((id) => id.startsWith("before") || id.startsWith("full"))).toEqual(acknowledged);
    expect((await ask("POST", "/v1/verify", {})).body).toMatchObject({ checked: 2, differences: [] });
    expect((await ask("POST", "/v1/audit/verify", {})).body).toMatchObject({ complete: true, faults: [] });
  });
});

function mounted(path: string): boolean {
  mkdirSync(path);
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", path]).status === 0;
}

function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const chunk of [Buffer.alloc(65_536), Buffer.alloc(512)]) while (writeSync(file, chunk) > 0);
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(file);
  }
}

function client(url: string) {
  async function ask(method: string, path: string, body?: object, key?: string) {
    const headers = { "Content-Type": "application/json", ...(key !== undefined && { "Idempotency-Key": key }) };
    const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: (text.startsWith("{") ? JSON.parse(text) : {}) as Record<string, unknown> };
  }
  const send = (key: string) => ask("POST", "/v1/instances/node%2Fa/events", { type: "node.cordon", reason: key }, key);
  return { ask, send };
}

async function commandsIn(ask: ReturnType<typeof client>["ask"]): Promise<string[]> {
  const commands: string[] = [];
  for (let after = 0; ; ) {
    const { body } = await ask("GET", `/v1/instances/node%2Fa/journal?limit=500&after=${after}`);
    const entries = body["entries"] as { commandId: string | null; seq: number }[];
    commands.push(...entries.flatMap(({ commandId }) => commandId ?? []));
    after = entries.at(-1)?.seq ?? after;
    if (entries.length < 500) return commands;
  }
}
