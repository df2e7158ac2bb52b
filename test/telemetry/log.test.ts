import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import { activity } from "../../src/core/activity.ts";
import type { Machine } from "../../src/core/machine.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { post, startServer, temporaryDirectory } from "../cli/processes.ts";
import { bearer, createGuardedSite } from "../http/guarded-site.ts";
import { createSite, type Json } from "../http/site.ts";
import { until } from "../providers/until.ts";
import { testMachines } from "../support/test-machines.ts";
import { createWorld, recordingProvider } from "../support/world.ts";

/** The real log, on a file. */
function createLogFile(level = "debug") {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-log-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "log");
  const log = createLog({ level, fd: openSync(path, "a") });
  const lines = (): Json[] => linesIn(readFileSync(path, "utf8"));
  return { log, lines, text: () => readFileSync(path, "utf8") };
}

function linesIn(text: string): Json[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Logs in with a password that it only has a reference to. */
const login: Machine = {
  name: "login",
  input: z.strictObject({}),
  events: {},
  laws: {},
  examples: () => [],
  abstract: () => ({}),
  chart: setup({ actors: { logIn: activity<{ password: { secret: string } }, unknown>() } }).createMachine({
    id: "login",
    options: { maxIterations: 10 },
    initial: "LoggingIn",
    states: {
      LoggingIn: {
        invoke: {
          id: "logIn",
          src: "logIn",
          input: () => ({ password: { secret: "env:PASSWORD" } }),
          onDone: "LoggedIn",
          onError: "Failed",
        },
      },
      LoggedIn: {},
      Failed: {},
    },
  }),
};

const levels = { debug: 20, info: 30, warn: 40, error: 50 };

describe("the log of requests", () => {
  it("has one line per change with who, what, where and how it ended, under the id of the answer", async () => {
    const { log, lines } = createLogFile("info");
    const { post: ask } = await createSite({ log });

    await ask("/v1/instances", { machine: "counter", id: "c", input: {} });
    const refused = await ask("/v1/instances/c/events", { type: "dec" }, { "X-Request-Id": "mine-1" });

    expect(refused.headers["x-request-id"]).toBe("mine-1");
    await expect.poll(() => lines().length).toBe(2);
    expect(lines()).toMatchObject([
      { level: levels.info, route: "/v1/instances", method: "POST", instance: "c", principal: "local", status: 201 },
      { level: levels.info, requestId: "mine-1", route: "/v1/instances/:id/events", instance: "c", status: 409 },
    ]);
    expect(lines().every(({ durationMs }) => Number.isInteger(durationMs))).toBe(true);
  });

  it("names the instance that a change was about, also a node's, and a request that never got there", async () => {
    const { log, lines } = createLogFile("info");
    const site = await createSite({ log });
    await site.engine.create({ machine: "nodeMaintenance", id: "node/alpha", input: { node: "alpha" } });

    await site.post("/v1/nodes/alpha/cordon", {});
    await site.post("/v1/instances/node%2Fbeta/events", { type: "inc" });
    await site.post("/v1/instances/node%2Falpha/events", { type: "inc", at: 1 });

    await expect
      .poll(() => lines().map(({ instance, status }) => [instance, status]))
      .toEqual([
        ["node/alpha", 200],
        ["node/beta", 404],
        ["node/alpha", 400],
      ]);
  });

  it("has reads at debug, and never those of health and metrics", async () => {
    const { log, lines } = createLogFile();
    const { get } = await createSite({ log });

    for (const path of ["/livez", "/readyz", "/readyz?verbose", "/metrics", "/v1/instances", "/nowhere"])
      await get(path);

    await expect
      .poll(() => lines().map(({ level, route }) => [level, route]))
      .toEqual([
        [levels.debug, "/v1/instances"],
        [levels.debug, undefined],
      ]);
  });

  it("has answers of 5xx at error with the stack, in one line", async () => {
    const { log, lines } = createLogFile();
    const { post: ask } = await createSite({ log, machines: testMachines });
    await ask("/v1/instances", { machine: "counter", id: "c", input: {} });

    const { headers } = await ask("/v1/instances/c/events", { type: "boom" });

    await expect.poll(() => lines().length).toBe(2);
    expect(lines()[1]).toMatchObject({
      level: levels.error,
      requestId: headers["x-request-id"],
      status: 500,
      error: expect.stringContaining("the law exploded"),
      stack: expect.stringContaining(".ts:"),
    });
  });

  it("names the principal behind a token, also one who may not do that, and never the token", async () => {
    const { log, lines, text } = createLogFile();
    const { ask, admit } = await createGuardedSite({ log, machines: testMachines });
    const { operator, viewer } = await admit("operator", "viewer");
    const creation = { machine: "counter", id: "c", input: {} };

    await ask("POST", "/v1/instances", { body: creation, headers: bearer(operator) });
    await ask("POST", "/v1/instances", { body: creation, headers: bearer(viewer) });
    await ask("GET", `/v1/instances?token=${operator}`, { headers: bearer(`${operator}x`) });
    await ask("GET", `/${operator}`);

    await expect
      .poll(() => lines().filter(({ route }) => route === "/v1/instances"))
      .toMatchObject([{ principal: "operator", status: 201 }, { principal: "viewer", status: 403 }, { status: 401 }]);
    expect(text()).not.toContain(operator);
    expect(text()).not.toContain(viewer);
  });
});

describe("the log", () => {
  it("writes no secret that a call was given, however its provider shouts it", async () => {
    const { log, lines, text } = createLogFile();
    const shouting = recordingProvider({
      logIn: (_call, input) => Promise.reject(new Error(`no way in with ${JSON.stringify(input)}`)),
    });
    const makeEngine: typeof createEngine = (options) =>
      createEngine({ ...options, log, resolveSecret: () => Promise.resolve("hunter2-is-the-secret") });
    const { engine, advance } = createWorld({ providers: [shouting], makeEngine, machines: [login] });

    await engine.create({ machine: "login", id: "c", input: {} });
    await advance(60_000);

    await expect.poll(() => lines().length).toBeGreaterThan(1);
    expect(shouting.calls[0]?.input).toEqual({ password: "hunter2-is-the-secret" });
    expect(text()).toContain("[env:PASSWORD]");
    expect(text()).not.toContain("hunter2");
  });

  it("blots out what stands under the name of a secret, however deep, and leaves all else", async () => {
    const { log, lines, text } = createLogFile();
    const itself: Record<string, unknown> = {};
    itself["itself"] = itself;

    log.info({ token: "hunter2", kept: "plain", tokens: 3, nothing: null }, "flat");
    log.warn({ headers: { Authorization: "Bearer hunter2", "Set-Cookie": ["hunter2"], host: "here" } }, "headers");
    log.error({ a: [{ b: { c: { password: "hunter2", api_key: { nested: "hunter2" } } } }] }, "deep");
    log.error({ accessToken: "hunter2", at: new Date(0), err: new Error("kept") }, "odd");
    log.error(itself, "endless");

    await expect.poll(() => lines().length).toBe(5);
    expect(text()).not.toContain("hunter2");
    expect(lines()).toMatchObject([
      { token: "[redacted]", kept: "plain", tokens: 3, nothing: null },
      { headers: { Authorization: "[redacted]", "Set-Cookie": "[redacted]", host: "here" } },
      { a: [{ b: { c: { password: "[redacted]", api_key: "[redacted]" } } }] },
      { accessToken: "[redacted]", at: "1970-01-01T00:00:00.000Z", err: { message: "kept" } },
      { msg: "endless" },
    ]);
  });

  it("loses no line of a server that is told to stop in the midst of work", async () => {
    const directory = temporaryDirectory();
    onTestFinished(directory.remove);
    const server = await startServer(directory.path);
    await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: "node/a", input: { node: "a" } });
    const answered: (number | undefined)[] = [];
    const asking = Array.from({ length: 300 }, async (_, n) => {
      const body = { type: n % 2 === 0 ? "node.cordon" : "node.uncordon" };
      answered.push(await post(server.url, "/v1/instances/node%2Fa/events", body).catch(() => undefined));
    });

    await until("a hundred are answered", () => answered.length > 100);
    const { code, stderr } = await server.end("SIGTERM");
    await Promise.all(asking);

    const logged = linesIn(stderr).filter(({ route }) => route === "/v1/instances/:id/events");
    expect(code).toBe(0);
    expect(logged.filter(({ status }) => status < 500)).toHaveLength(
      answered.filter((status) => status !== undefined && status < 500).length,
    );
    expect(linesIn(stderr).filter(({ msg }) => msg.startsWith("stopping"))).toHaveLength(1);
  });

  it("keeps nobody waiting for a reader that hangs, keeps so much for it, and says how many lines it lost", async () => {
    const lines = 40_000;
    const program = join(import.meta.dirname, "chatty-process.ts");
    const child = spawn(process.execPath, [program, String(lines)], { stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(child, "close");

    await once(createInterface({ input: child.stdout }), "line"); // it is done, and nothing of it was read
    let kept = 0;
    let dropped = 0;
    for await (const line of createInterface({ input: child.stderr })) {
      const { msg, dropped: lost = 0 } = JSON.parse(line) as { msg: string; dropped?: number };
      if (msg === "line") kept += 1;
      dropped += lost;
    }

    expect(await ended).toEqual([0, null]);
    expect(dropped).toBeGreaterThan(10_000);
    expect(kept + dropped).toBe(lines);
  });
});
