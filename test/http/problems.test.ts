import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { errorCatalogue, type ErrorCode } from "../../src/core/errors.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { addCounter, addNode, createSite, type Answered, type Json, type Site } from "./site.ts";

const events = "/v1/instances/c/events";
const json = { "Content-Type": "application/json" };

/** RFC 9457 with our members, whatever went wrong. */
function expectProblem({ status, headers, body }: Answered, code: ErrorCode): void {
  expect([status, body?.code]).toEqual([errorCatalogue[code].status, code]);
  expect(headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expect(headers["cache-control"]).toBe("no-store");
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect(body).toMatchObject({
    type: `urn:signalbox:problem:${code}`,
    title: errorCatalogue[code].title,
    status,
    detail: expect.stringMatching(/\S/),
    instance: headers["x-request-id"],
  });
}

async function siteWithCounter(options: Parameters<typeof createSite>[0] = {}): Promise<Site> {
  const site = await createSite(options);
  await addCounter(site);
  return site;
}

async function versionOf(site: Site): Promise<number> {
  return (await site.engine.read("c")).version;
}

describe("a problem document", () => {
  it("tells all faults of a request at once, each with a pointer", async () => {
    const site = await siteWithCounter();

    const answer = await site.post("/v1/instances", { id: 7, labels: { a: 1 }, "x/y~z": true });

    expectProblem(answer, "invalid-request");
    expect(answer.body.errors.map(({ pointer }: Json) => pointer).toSorted()).toEqual([
      "/id",
      "/input",
      "/labels/a",
      "/machine",
      "/x~1y~0z",
    ]);
    for (const { pointer, detail } of answer.body.errors) expect(answer.body.detail).toContain(`${pointer}: ${detail}`);
  });

  it("is written for every kind of fault", async () => {
    const site = await siteWithCounter();
    const key = { "Idempotency-Key": "k" };
    await site.post(events, { type: "inc" }, key);

    expectProblem(await site.post(events, { type: "nothing" }), "invalid-request");
    expectProblem(await site.post(events, { type: "reset" }), "internal-event");
    expectProblem(await site.post(events, { type: "xstate.done.actor.x" }), "internal-event");
    expectProblem(await site.get("/v1/instances/none"), "not-found");
    expectProblem(await site.get("/v2/anything"), "not-found");
    expectProblem(await site.ask("DELETE", "/v1/instances/c"), "method-not-allowed");
    expectProblem(
      await site.post("/v1/instances", { machine: "counter", id: "c", input: { count: 5 } }),
      "already-exists",
    );
    expectProblem(await site.post(events, { type: "dec", x: 1 }), "invalid-request");
    expectProblem(await site.post(events, { type: "inc" }, { "If-Match": '"v1"' }), "version-mismatch");
    expectProblem(await site.post(events, { type: "touch" }, key), "idempotency-key-reused");
    expectProblem(await site.post(events, { type: "boom" }), "machine-fault");
    expectProblem(await site.post(events, { type: "inc", pad: "x".repeat(300_000) }), "payload-too-large");
    expectProblem(
      await site.ask("POST", events, { raw: "x", headers: { "Content-Type": "text/plain" } }),
      "unsupported-media-type",
    );
  });

  it("says which methods a path has", async () => {
    const { ask } = await createSite();
    const allowed = async (method: string, path: string) => {
      const answer = await ask(method, path);
      expectProblem(answer, "method-not-allowed");
      return answer.headers.allow;
    };

    expect(await allowed("DELETE", "/v1/instances/x")).toBe("OPTIONS, GET, HEAD");
    expect(await allowed("PUT", "/v1/instances")).toBe("OPTIONS, POST, GET, HEAD");
    expect(await allowed("GET", "/v1/transactions")).toBe("OPTIONS, POST");
    expect(await allowed("PATCH", "/v1/nodes/x/cordon")).toBe("OPTIONS, POST");
  });

  it("is not needed to ask what a path takes: OPTIONS tells", async () => {
    const { ask } = await createSite();

    const { status, headers, text } = await ask("OPTIONS", "/v1/instances/x/explain");

    expect([status, headers.allow, text]).toEqual([204, "OPTIONS, GET, HEAD, POST", ""]);
    expect((await ask("OPTIONS", "/nowhere")).status).toBe(404);
  });

  it("of a fault in a statechart gives away neither stack nor path, and the log has both", async () => {
    const logged: object[] = [];
    const log = {
      info: () => {},
      warn: () => {},
      debug: () => {},
      error: (fields: object) => void logged.push(fields),
    };
    const site = await siteWithCounter({ log });

    const answer = await site.post(events, { type: "boom" });

    expectProblem(answer, "machine-fault");
    expect(answer.text).not.toMatch(/\.ts\b|node_modules|\bat \w+ \(|stack/);
    expect(logged).toEqual([
      expect.objectContaining({
        requestId: answer.headers["x-request-id"],
        route: "/v1/instances/:id/events",
        stack: expect.stringContaining(".ts:"),
      }),
    ]);
    expect(await versionOf(site)).toBe(1);
  });

  it("of what should never happen says where to look, and nothing else", async () => {
    const store = memoryStore();
    const site = await createSite({
      store: { ...store, instances: () => Promise.reject(new Error("EIO /srv/secret")) },
    });

    const answer = await site.get("/v1/instances");

    expectProblem(answer, "internal-fault");
    expect(answer.body.detail).toContain(answer.headers["x-request-id"]);
    expect(answer.text).not.toContain("EIO");
  });

  it("says when to come back to whom refuses too often", async () => {
    const site = await siteWithCounter({ limits: { refusalsPerMinuteMax: 2 } });
    await site.clock.advance(15_500);
    for (let times = 0; times < 2; times += 1) expect((await site.post(events, { type: "dec" })).status).toBe(409);

    const answer = await site.post(events, { type: "inc" });

    expectProblem(answer, "too-many-requests");
    expect(answer.headers["retry-after"]).toBe("45");
    await site.clock.advance(45_000);
    expect((await site.post(events, { type: "inc" })).status).toBe(200);
  });

  it("says so when too much waits to be written", async () => {
    const store = memoryStore();
    let held: Promise<void> | undefined;
    const commit: typeof store.commit = async (batch) => {
      await held;
      return store.commit(batch);
    };
    const site = await createSite({ store: { ...store, commit }, limits: { commitQueueMax: 1 } });
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) await addCounter(site, id);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    held = promise;

    const answers = ids.map((id) => site.post(`/v1/instances/${id}/events`, { type: "inc" }));
    const first = await Promise.race(answers); // all others wait for the disk
    release();

    expectProblem(first, "too-many-requests");
    expect(first.headers["retry-after"]).toBe("1");
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  });
});

describe("X-Request-Id", () => {
  it("is the client's own where it is a plain one", async () => {
    const { get } = await createSite();

    const { headers } = await get("/livez", { "X-Request-Id": "trace-1:2.3_4" });

    expect(headers["x-request-id"]).toBe("trace-1:2.3_4");
  });

  it("is a new one where the client's could do harm, and never the same twice", async () => {
    const { get } = await createSite();
    const bad = ["", "a b", "x".repeat(101), "<script>", "a,b", "é", '"', "%0d%0a"];

    const given = await Promise.all(bad.map((id) => get("/livez", { "X-Request-Id": id })));
    const ids = given.map(({ headers }) => headers["x-request-id"]);

    expect(new Set(ids).size).toBe(bad.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("what does not fit", () => {
  it("is told in words of our own, wherever it stands", async () => {
    const site = await siteWithCounter();

    const answers = await Promise.all([
      site.post("/v1/instances", {}),
      site.post("/v1/instances", { machine: 5, input: {}, labels: { rack: "a".repeat(201) } }),
      site.get("/v1/instances?limit=501"),
      site.get("/v1/pending?kind=none"),
      site.post("/v1/instances", { machine: "nodeMaintenance", input: {} }),
      site.post(events, { type: "inc", by: "many" }),
    ]);

    expect(answers.map(({ body }) => body.errors.map(({ pointer, detail }: Json) => `${pointer}: ${detail}`))).toEqual([
      ["/machine: required", "/input: required"],
      ["/machine: expected text", "/labels/rack: expected at most 200 characters"],
      ["/limit: expected at most 500"],
      ["/kind: expected one of call, timer, message"],
      ["/input/node: required"],
      ["/by: expected a number"],
    ]);
  });
});

describe("a body", () => {
  const send = (site: Site, raw: string | Buffer, headers: Record<string, string> = json) =>
    site.ask("POST", events, { raw, headers });

  it("that reaches into prototypes is refused, wherever it does", async () => {
    const site = await siteWithCounter();

    for (const name of ["__proto__", "constructor", "prototype"]) {
      for (const raw of [
        `{"type":"inc","${name}":{"by":1}}`,
        `{"type":"inc","x":[{"${name}":1}]}`,
        `[{"${name}":{}}]`,
      ]) {
        const answer = await send(site, raw);

        expectProblem(answer, "invalid-request");
        expect(answer.body.errors[0].pointer).toMatch(new RegExp(`/${name}$`));
      }
      const escaped = await send(site, `{"type":"inc","${name.replace("o", String.raw`\u006f`)}":{}}`);
      expectProblem(escaped, "invalid-request");
      expectProblem(await site.post(events, { type: name }), "invalid-request");
    }
    expect(({} as Json).by).toBeUndefined();
    expect(await versionOf(site)).toBe(1);
  });

  it("may be 32 levels deep, not 33, and surely not 20,000", async () => {
    const site = await siteWithCounter();
    const nested = (levels: number) => `{"type":"inc","x":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    const details: string[] = [];

    for (const levels of [32, 33, 20_000, 100_000]) {
      const answer = await send(site, nested(levels));
      expectProblem(answer, "invalid-request");
      details.push(answer.body.detail);
      expect(answer.text.length).toBeLessThan(2_000);
    }

    expect(details[0]).not.toContain("nested");
    for (const detail of details.slice(1)) expect(detail).toContain("nested deeper than 32 levels");
    expectProblem(await send(site, "[".repeat(50_000)), "invalid-request");
  });

  it("has at most 256 KiB, also once it is unpacked", async () => {
    const site = await siteWithCounter();
    const padded = (bytes: number) => {
      const shell = JSON.stringify({ type: "inc", pad: "" });
      return shell.replace('""', `"${"x".repeat(bytes - shell.length)}"`);
    };

    expectProblem(await send(site, padded(262_144)), "invalid-request"); // read, and found to have an unknown field
    expectProblem(await send(site, padded(262_145)), "payload-too-large");
    const bomb = gzipSync(padded(50_000_000));
    expect(bomb.length).toBeLessThan(262_144);
    expectProblem(await send(site, bomb, { ...json, "Content-Encoding": "gzip" }), "payload-too-large");
    expect(await versionOf(site)).toBe(1);
  });

  it("is JSON in UTF-8, packed or not", async () => {
    const site = await siteWithCounter();
    const inc = '{"type":"inc"}';
    const encoded = (encoding: string, raw: string | Buffer) =>
      send(site, raw, { ...json, "Content-Encoding": encoding });

    expect((await send(site, inc, { "Content-Type": "application/json; charset=UTF-8" })).status).toBe(200);
    expect((await send(site, inc, { "Content-Type": "Application/JSON" })).status).toBe(200);
    expect((await encoded("gzip", gzipSync(inc))).status).toBe(200);
    for (const type of [
      "application/json; charset=latin1",
      "application/json; charset=utf-16",
      'application/json; charset="utf-7"',
      "text/json",
      "application/x-www-form-urlencoded",
      "application/json5",
      "json",
      "*/*",
    ])
      expectProblem(await send(site, inc, { "Content-Type": type }), "unsupported-media-type");
    expectProblem(await send(site, inc, {}), "unsupported-media-type");
    expectProblem(await encoded("compress", inc), "unsupported-media-type");
    expectProblem(await encoded("gzip", inc), "invalid-request");
  });

  it("that is broken is told so, without its contents", async () => {
    const site = await siteWithCounter();
    const broken = [
      '{"type":"inc"',
      "{type:inc}",
      "'inc'",
      '{"type":"inc"}}',
      "NaN",
      "\u0000",
      "\ufeff\ufeff{}",
      '{"type":"inc",}',
      "undefined",
      " ",
    ];

    for (const raw of broken) expectProblem(await send(site, raw), "invalid-request");
    expect(await versionOf(site)).toBe(1);
  });

  it("of bytes that are no UTF-8 is refused as such, packed or not, and not read as something else", async () => {
    const site = await createSite();
    const latin1 = Buffer.from('{"machine":"counter","id":"caf\u00e9","input":{}}', "latin1");
    const cut = Buffer.from('{"machine":"counter","id":"caf\u00e9');
    const create = (raw: Buffer, headers: Record<string, string> = json) =>
      site.ask("POST", "/v1/instances", { raw, headers });

    for (const answer of [
      await create(latin1),
      await create(gzipSync(latin1), { ...json, "Content-Encoding": "gzip" }),
      await create(cut.subarray(0, -1)),
    ]) {
      expectProblem(answer, "invalid-request");
      expect(answer.body.detail).toBe("The body is not valid UTF-8. Send it as JSON in UTF-8.");
    }
    expect((await site.engine.list()).items).toEqual([]);
    const { status, body } = await create(Buffer.from(latin1.toString("latin1")));
    expect([status, body.id]).toEqual([201, "caf\u00e9"]);
  });

  it("is an object, where one is expected", async () => {
    const site = await siteWithCounter();
    await addNode(site, "alpha");

    for (const raw of ["[]", "null", "7", '"inc"', "true", "[{}]", "1e999", ""]) {
      for (const path of [events, "/v1/instances", "/v1/transactions", "/v1/instances/c/explain"])
        expectProblem(await site.ask("POST", path, { raw, headers: json }), "invalid-request");
    }
    for (const raw of ["[]", "null", "7", '"inc"', "true"]) {
      for (const path of ["/v1/nodes/alpha/cordon", "/v1/nodes/alpha/maintenance/enter", "/v1/verify"])
        expectProblem(await site.ask("POST", path, { raw, headers: json }), "invalid-request");
    }
    expect(await versionOf(site)).toBe(1);
    expect((await site.get("/v1/nodes/alpha")).body.version).toBe(1);
  });

  it("has no unknown field, no time and no principal", async () => {
    const site = await siteWithCounter();
    const faults = async (body: object, path = events) => {
      const answer = await site.post(path, body);
      expectProblem(answer, "invalid-request");
      return answer.body.errors.map(({ pointer }: Json) => pointer);
    };

    expect(await faults({ type: "inc", at: 1, principal: "root" })).toEqual(["/at", "/principal"]);
    expect(await faults({ type: "inc", at: 1 }, `${events}?dryRun=true`)).toEqual(["/at"]);
    expect(await faults({ type: "inc", principal: "root" }, "/v1/instances/c/explain")).toEqual(["/principal"]);
    expect(await faults({ machine: "counter", id: "d", input: { at: 1 } }, "/v1/instances")).toHaveLength(1);
    expect(await faults({ machine: "counter", id: "d", input: {}, principal: "root" }, "/v1/instances")).toEqual([
      "/principal",
    ]);
    expect(await faults({ moves: [], commandId: "x" }, "/v1/transactions")).toContain("/commandId");
    expect(await versionOf(site)).toBe(1);
  });

  it("is not taken by an operation that has none", async () => {
    const site = await siteWithCounter();

    expectProblem(await site.ask("GET", "/v1/instances/c", { raw: '{"a":1}', headers: json }), "invalid-request");
    expect((await site.get("/v1/instances/c?x=1")).status).toBe(400);
    expect((await site.get("/livez?probe=1")).status).toBe(400);
  });
});

describe("the principal", () => {
  it("is local, whatever headers say", async () => {
    const site = await siteWithCounter();
    const claims = {
      "X-Principal": "root",
      "X-Forwarded-User": "root",
      Authorization: "Bearer root",
      "X-Remote-User": "root",
      From: "root",
    };

    await site.post(events, { type: "inc" }, claims);

    const { body } = await site.get("/v1/instances/c/journal");
    expect(body.entries[1].principal).toBe("local");
    expect(body.entries[1].event.principal).toBe("local");
  });
});
