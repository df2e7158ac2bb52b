import { describe, expect, it } from "vitest";
import { addCounter, addNode, createSite, type Json } from "./site.ts";

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const beta = "/v1/instances/node%2Fbeta";

describe("POST /v1/instances", () => {
  it("creates an instance and says where it is", async () => {
    const { post, get } = await createSite();

    const made = await post("/v1/instances", {
      machine: "nodeMaintenance",
      id: "node/beta",
      input: { node: "beta" },
      labels: { rack: "a" },
    });

    expect(made.status).toBe(201);
    expect(made.headers.location).toBe(beta);
    expect(made.headers.etag).toBe('"v1"');
    expect(made.body).toMatchObject({ id: "node/beta", state: "Active", version: 1, labels: { rack: "a" } });
    expect((await get(made.headers.location ?? "")).body).toEqual(made.body);
  });

  it("answers 200 with what is there when it is asked for the same again", async () => {
    const { post, engine } = await createSite();
    const create = { machine: "nodeMaintenance", id: "node/beta", input: { node: "beta" } };
    await post("/v1/instances", create);
    await engine.send("node/beta", { type: "node.cordon" });

    const again = await post("/v1/instances", create);

    expect([again.status, again.headers.location, again.headers.etag]).toEqual([200, undefined, '"v2"']);
    expect(again.body.value.scheduling).toBe("Cordoned");
  });

  it("refuses the id for another input or another machine", async () => {
    const site = await createSite();
    await addNode(site, "beta");

    const input = await site.post("/v1/instances", {
      machine: "nodeMaintenance",
      id: "node/beta",
      input: { node: "b" },
    });
    const machine = await site.post("/v1/instances", { machine: "counter", id: "node/beta", input: {} });

    expect([input.status, input.body.code]).toEqual([409, "already-exists"]);
    expect([machine.status, machine.body.code]).toEqual([409, "already-exists"]);
  });

  it("chooses an id when none is given", async () => {
    const { post, get } = await createSite();

    const first = await post("/v1/instances", { machine: "counter", input: {} });
    const second = await post("/v1/instances", { machine: "counter", input: {} });

    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body.id).toMatch(/^counter\/./);
    expect(first.body.id).not.toBe(second.body.id);
    expect((await get(first.headers.location ?? "")).body.id).toBe(first.body.id);
  });

  it("tells every fault of the input with a pointer", async () => {
    const { post } = await createSite();

    const { status, body } = await post("/v1/instances", {
      machine: "nodeMaintenance",
      id: "node/beta",
      input: { node: 7, policy: { drainForMs: -1 }, "a/b": true },
    });

    expect([status, body.code]).toEqual([400, "invalid-request"]);
    expect(body.errors.map(({ pointer }: Json) => pointer)).toEqual([
      "/input/node",
      "/input/policy/drainForMs",
      expect.stringMatching(/^\/input/),
    ]);
  });

  it("does not make what no URL could name afterwards", async () => {
    const { post, engine } = await createSite();

    for (const id of [".", "..", "", "x".repeat(501), "bell\u0007", "half\ud800"]) {
      const { status, body } = await post("/v1/instances", { machine: "counter", id, input: {} });

      expect([id, status, body.code]).toEqual([id, 400, "invalid-request"]);
    }
    expect((await engine.list()).items).toEqual([]);
  });
});

describe("GET /v1/instances", () => {
  it("filters by machine, state, tag and label", async () => {
    const site = await createSite();
    await addCounter(site);
    for (const node of ["a", "b", "c"]) await addNode(site, node);
    await site.engine.create({
      machine: "nodeMaintenance",
      id: "node/d",
      input: { node: "d" },
      labels: { zone: "eu:1" },
    });
    await site.engine.send("node/b", { type: "maintenance.enter" });
    await site.engine.send("node/c", { type: "node.cordon" });
    const ids = async (query: string) =>
      (await site.get(`/v1/instances?${query}`)).body.items.map(({ id }: { id: string }) => id);

    expect(await ids("")).toEqual(["c", "node/a", "node/b", "node/c", "node/d"]);
    expect(await ids("machine=nodeMaintenance&state=Active")).toEqual(["node/a", "node/c", "node/d"]);
    expect(await ids("tag=cordoned")).toEqual(["node/b", "node/c"]);
    expect(await ids("label=zone:eu:1")).toEqual(["node/d"]);
    expect(await ids("label=zone:eu")).toEqual([]);
    expect(await ids("machine=nobody")).toEqual([]);
  });

  it("turns pages without losing or doubling what stays, whatever comes and goes meanwhile", async () => {
    const site = await createSite();
    const names = Array.from({ length: 23 }, (_, n) => `n${String(n).padStart(2, "0")}`);
    for (const name of names) await addCounter(site, name);

    const seen: string[] = [];
    let cursor = "";
    do {
      const { body } = await site.get(`/v1/instances?limit=5${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(body.items.length).toBeLessThanOrEqual(5);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      await addCounter(site, `a-${seen.length}`); // before the cursor: not seen any more
      await site.engine.send(seen[0] ?? "", { type: "inc" });
      cursor = body.nextCursor;
    } while (cursor !== null);

    expect(seen).toEqual(names);
  });

  it("refuses limits out of bounds, foreign cursors, unknown filters, and a filter given twice", async () => {
    const { get } = await createSite();
    const faulty = ["limit=0", "limit=501", "limit=x", "limit=1.5", "limit=", "cursor=%20", "cursor=", "colour=red"];

    for (const query of [...faulty, "machine=a&machine=b", "label=zone", "__proto__=1", "toString=1"]) {
      const { status, body } = await get(`/v1/instances?${query}`);

      expect([query, status, body.code]).toEqual([query, 400, "invalid-request"]);
      expect(body.errors).toHaveLength(1);
    }
    expect((await get("/v1/instances?limit=500")).status).toBe(200);
  });
});

describe("GET /v1/instances/{id}", () => {
  it("gives the whole view, with times as RFC 3339", async () => {
    const site = await createSite();
    await addNode(site, "beta");
    await site.clock.advance(1_000);
    await site.engine.send("node/beta", { type: "maintenance.enter", reason: "a new disk", drainForMs: 60_000 });

    const { status, body, headers } = await site.get(beta);

    expect(status).toBe(200);
    expect(headers.etag).toBe('"v2"');
    expect(headers["cache-control"]).toBe("no-store");
    const before = "id machine machineVersion version state value status tags context";
    expect(Object.keys(body).join(" ")).toBe(`${before} since deadline waitingFor hears labels createdAt updatedAt`);
    expect(body).toMatchObject({
      id: "node/beta",
      machine: "nodeMaintenance",
      machineVersion: 1,
      version: 2,
      state: "EnteringMaintenance",
      value: { lifecycle: "EnteringMaintenance", scheduling: "Cordoned" },
      status: "active",
      tags: ["busy", "cordoned"],
      since: "1970-01-01T00:16:41.000Z",
      deadline: "1970-01-01T00:17:41.000Z",
      labels: {},
      createdAt: "1970-01-01T00:16:40.000Z",
      updatedAt: "1970-01-01T00:16:41.000Z",
    });
    expect(body.context.drainDueAt).toBe(1_061_000); // inside the machine's own data times are epoch ms
    expect(body.waitingFor).toEqual([
      {
        region: "lifecycle",
        what: expect.stringContaining("every replica and every daemon that is not essential to leave"),
        since: "1970-01-01T00:16:41.000Z",
        until: "1970-01-01T00:17:41.000Z",
        overdue: false,
      },
      {
        region: "scheduling",
        what: expect.any(String),
        since: expect.stringMatching(rfc3339),
        until: null,
        overdue: false,
      },
    ]);
    expect(body.hears).toContainEqual({ type: "maintenance.abort", needs: [] });
    expect(body.hears).toContainEqual({ type: "node.uncordon", needs: ["isHeldByOperator"] });
    expect(body.hears.map(({ type }: Json) => type)).not.toContain("drain.deadlineElapsed");
  });

  it("answers 304 to whoever has this version, in every form of If-None-Match", async () => {
    const site = await createSite();
    await addCounter(site);
    await site.engine.send("c", { type: "inc" });

    for (const known of ['"v2"', 'W/"v2"', '"v1", "v2"', "*"]) {
      const { status, text, headers } = await site.get("/v1/instances/c", { "If-None-Match": known });

      expect([known, status, text, headers.etag]).toEqual([known, 304, "", '"v2"']);
    }
    for (const known of ['"v1"', "v2", '"v20"']) {
      expect([known, (await site.get("/v1/instances/c", { "If-None-Match": known })).status]).toEqual([known, 200]);
    }
  });

  it("answers HEAD as GET, without the body", async () => {
    const site = await createSite();
    await addCounter(site);

    const head = await site.ask("HEAD", "/v1/instances/c");
    const get = await site.get("/v1/instances/c");

    expect([head.status, head.text, head.headers.etag]).toEqual([200, "", '"v1"']);
    expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
    expect((await site.ask("HEAD", "/v1/instances/c", { headers: { "If-None-Match": '"v1"' } })).status).toBe(304);
    expect((await site.ask("HEAD", "/v1/instances/none")).status).toBe(404);
  });
});

describe("POST /v1/instances/{id}/events", () => {
  it("answers changed with the new view and its version", async () => {
    const site = await createSite();
    await addNode(site, "beta");

    const { status, body, headers } = await site.post(`${beta}/events`, { type: "maintenance.enter" });

    expect([status, body.outcome, body.version, headers.etag]).toEqual([200, "changed", 2, '"v2"']);
    expect(Object.keys(body)).toEqual(["outcome", "version", "instance"]);
    expect(body.instance).toEqual((await site.get(beta)).body);
  });

  it("answers unchanged to an event that is accepted and has no consequence", async () => {
    const site = await createSite();
    await addCounter(site);

    const { status, body, headers } = await site.post("/v1/instances/c/events", { type: "touch" });

    expect([status, body.outcome, body.version, headers.etag]).toEqual([200, "unchanged", 1, '"v1"']);
  });

  it("refuses with the state, the reasons, what to send instead, and what the state hears", async () => {
    const site = await createSite();
    await addNode(site, "beta");
    await site.engine.send("node/beta", { type: "maintenance.enter" });

    const { status, body, headers } = await site.post(`${beta}/events`, { type: "maintenance.exit" });

    expect(status).toBe(409);
    expect(headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(headers.etag).toBe('"v2"');
    expect(body).toEqual({
      type: "urn:signalbox:problem:event-refused",
      title: "The statechart refuses the event",
      status: 409,
      detail: "EnteringMaintenance does not accept maintenance.exit.",
      instance: headers["x-request-id"],
      code: "event-refused",
      id: "node/beta",
      version: 2,
      from: "EnteringMaintenance",
      event: "maintenance.exit",
      reasons: [
        {
          code: "not-accepted",
          detail: "EnteringMaintenance does not accept maintenance.exit.",
          data: { state: "EnteringMaintenance", event: "maintenance.exit" },
          hint: "maintenance.abort",
        },
      ],
      hears: (await site.get(beta)).body.hears,
    });
    expect((await site.get(beta)).body.version).toBe(2);
  });

  it("names the law that said no, with its facts", async () => {
    const site = await createSite();
    await addCounter(site);

    const { status, body } = await site.post("/v1/instances/c/events", { type: "dec" });

    expect(status).toBe(409);
    expect(body.reasons).toEqual([
      { code: "at-zero", detail: "There is nothing left to take away.", data: { count: 0 } },
    ]);
  });

  it("keeps an event back whose If-Match is of another version", async () => {
    const site = await createSite();
    await addCounter(site);
    await site.engine.send("c", { type: "inc" });

    const stale = await site.post("/v1/instances/c/events", { type: "inc" }, { "If-Match": '"v1"' });
    const fresh = await site.post("/v1/instances/c/events", { type: "inc" }, { "If-Match": '"v2"' });
    const any = await site.post("/v1/instances/c/events", { type: "inc" }, { "If-Match": "*" });

    expect([stale.status, stale.body.code, stale.body.version]).toEqual([412, "version-mismatch", 2]);
    expect([fresh.status, fresh.body.version]).toEqual([200, 3]);
    expect(any.status).toBe(200);
    for (const malformed of ["v2", 'W/"v2"', '"7"', '"v1", "v2"', "", '"v2']) {
      const { status } = await site.post("/v1/instances/c/events", { type: "inc" }, { "If-Match": malformed });

      expect([malformed, status]).toEqual([malformed, 400]);
    }
  });

  it("tells with dryRun what would happen, and changes nothing", async () => {
    const site = await createSite();
    await addNode(site, "beta");
    await site.engine.send("node/beta", { type: "maintenance.enter" });
    const before = await site.get(beta);

    const { status, body } = await site.post(`${beta}/events?dryRun=true`, { type: "maintenance.abort" });
    const refused = await site.post(`${beta}/events?dryRun=true`, { type: "maintenance.exit" });

    expect([status, body.outcome, body.via]).toEqual([200, "changed", ["DrainFailed"]]);
    expect(body.instance.state).toBe("ExitingMaintenance");
    expect(body.effects).toContainEqual(expect.objectContaining({ kind: "call", id: "resumeNode" }));
    expect(body.effects).toContainEqual({ kind: "withdraw", id: "drainNode" });
    expect([refused.status, refused.body.outcome]).toEqual([200, "refused"]);
    expect(refused.body.reasons[0].hint).toBe("maintenance.abort");
    expect((await site.get(beta)).body).toEqual(before.body);
    expect((await site.get(`${beta}/journal`)).body.entries).toHaveLength(2);
  });

  it("holds a dry run to its If-Match as well, and takes no other word than true and false", async () => {
    const site = await createSite();
    await addCounter(site);
    const path = "/v1/instances/c/events";

    expect((await site.post(`${path}?dryRun=true`, { type: "inc" }, { "If-Match": '"v9"' })).status).toBe(412);
    for (const query of ["dryRun=1", "dryRun=", "dryRun", "dryrun=true", "dryRun=true&dryRun=false"]) {
      expect([query, (await site.post(`${path}?${query}`, { type: "inc" })).status]).toEqual([query, 400]);
    }
    expect((await site.get("/v1/instances/c")).body.version).toBe(1);
    expect((await site.post(`${path}?dryRun=false`, { type: "inc" })).body.version).toBe(2);
  });
});

describe("explain", () => {
  it("says what an instance waits for and what is to happen", async () => {
    const site = await createSite();
    await addNode(site, "beta");
    await site.engine.send("node/beta", { type: "maintenance.enter" });

    const { status, body } = await site.get(`${beta}/explain`);

    expect(status).toBe(200);
    expect(body.instance).toEqual((await site.get(beta)).body);
    expect(body.waitingFor).toEqual(body.instance.waitingFor);
    expect(body.hears).toEqual(body.instance.hears);
    expect(body.pending.map(({ kind, id }: Json) => `${kind} ${id}`).toSorted()).toEqual([
      "call drainNode",
      "call watchNode",
      "timer drainDeadline",
    ]);
    expect(body.verdict).toBeUndefined();
  });

  it("judges an event without sending it", async () => {
    const site = await createSite();
    await addCounter(site);

    const no = await site.post("/v1/instances/c/explain", { type: "dec" });
    const yes = await site.post("/v1/instances/c/explain", { type: "inc", by: 2 });

    expect([no.status, no.body.verdict]).toEqual([
      200,
      {
        type: "dec",
        outcome: "refused",
        reasons: [expect.objectContaining({ code: "at-zero" })],
        via: [],
        to: "Counting",
        effects: [],
      },
    ]);
    expect(yes.body.verdict).toEqual({ type: "inc", outcome: "changed", via: [], to: "Counting", effects: [] });
    expect(yes.body.instance.version).toBe(1);
    expect((await site.get("/v1/instances/c/journal")).body.entries).toHaveLength(1);
  });
});

describe("GET /v1/instances/{id}/journal", () => {
  it("tells what happened, refusals too, page by page", async () => {
    const site = await createSite();
    await addCounter(site);
    for (const type of ["dec", "inc", "touch"])
      await site.post("/v1/instances/c/events", { type }, { "Idempotency-Key": type });

    const { status, body } = await site.get("/v1/instances/c/journal");
    const second = await site.get(`/v1/instances/c/journal?limit=2&after=${body.entries[0].seq}`);

    expect(status).toBe(200);
    expect(
      body.entries.map(({ kind, version, outcome, from, to }: Json) => [kind, version, outcome, from, to]),
    ).toEqual([
      ["created", 1, "changed", null, "Counting"],
      ["event", 1, "refused", "Counting", "Counting"],
      ["event", 2, "changed", "Counting", "Counting"],
      ["event", 2, "unchanged", "Counting", "Counting"],
    ]);
    expect(body.entries[1]).toEqual({
      seq: expect.any(Number),
      kind: "event",
      at: "1970-01-01T00:16:40.000Z",
      instance: "c",
      machine: "counter",
      version: 1,
      event: { type: "dec", at: 1_000_000, principal: "local" },
      from: "Counting",
      to: "Counting",
      via: [],
      outcome: "refused",
      reasons: [expect.objectContaining({ code: "at-zero" })],
      principal: "local",
      commandId: "dec",
    });
    expect(body.nextAfter).toBe(body.entries[3].seq);
    expect(second.body.entries).toEqual(body.entries.slice(1, 3));
    expect(second.body.nextAfter).toBe(body.entries[2].seq);
  });

  it("ends with an empty page from which a reader goes on later", async () => {
    const site = await createSite();
    await addCounter(site);
    const { body } = await site.get("/v1/instances/c/journal");

    const empty = await site.get(`/v1/instances/c/journal?after=${body.nextAfter}`);

    expect(empty.body).toEqual({ entries: [], nextAfter: body.nextAfter });
    for (const query of ["after=-1", "after=x", "after=1.5", "limit=0", "limit=501", "from=1"])
      expect([query, (await site.get(`/v1/instances/c/journal?${query}`)).status]).toEqual([query, 400]);
  });
});

describe("POST /v1/verify", () => {
  it("replays one journal or all", async () => {
    const site = await createSite();
    await addCounter(site);
    await addNode(site, "beta");
    await site.engine.send("node/beta", { type: "maintenance.enter" });

    const all = await site.post("/v1/verify", {});
    const without = await site.post("/v1/verify");
    const one = await site.post("/v1/verify", { id: "c" });

    expect([all.status, all.body]).toEqual([200, { checked: 2, differences: [], unverifiable: [] }]);
    expect(without.body.checked).toBe(2);
    expect(one.body.checked).toBe(1);
    expect((await site.post("/v1/verify", { id: "none" })).status).toBe(404);
    expect((await site.post("/v1/verify", { ids: ["c"] })).status).toBe(400);
  });
});

describe("an id", () => {
  it("may hold slashes, at signs, percent signs, spaces and any script, percent-encoded in the path", async () => {
    const site = await createSite();
    const ids = [
      "model/m@v1",
      "100%",
      "%2F",
      "a b",
      "köln/東京",
      "..%2f",
      "a/../b",
      "?x=1#y",
      "emoji-🚂",
      "+",
      "a;b=c",
    ];

    for (const id of ids) {
      await addCounter(site, id);
      const path = `/v1/instances/${encodeURIComponent(id)}`;

      expect((await site.get(path)).body.id).toBe(id);
      expect((await site.post(`${path}/events`, { type: "inc" })).body.instance.id).toBe(id);
      expect((await site.get(`${path}/journal`)).body.entries).toHaveLength(2);
    }
    const made = await site.post("/v1/instances", { machine: "counter", id: "x/y@z%", input: {} });
    expect(made.headers.location).toBe("/v1/instances/x%2Fy%40z%25");
  });

  it("that is unknown, or that only looks like one, is not found", async () => {
    const { get } = await createSite();
    const paths = ["none", "a%00b", "%00", "..%2F..%2Fetc%2Fpasswd", "%2E%2E%2F", "..", "__proto__", "constructor"];

    for (const path of [...paths, "%F0%9F%9A%82", "node/beta"]) {
      const { status, body } = await get(`/v1/instances/${path}`);

      expect([path, status, body.code]).toEqual([path, 404, "not-found"]);
    }
  });

  it("that cannot be decoded, or is too long, is a fault of the request", async () => {
    const { get } = await createSite();

    for (const path of ["%E0%A4%A", "%", "%ff", "%c0%80", "x".repeat(501)]) {
      const { status, body } = await get(`/v1/instances/${path}`);

      expect([path.slice(0, 9), status, body.code]).toEqual([path.slice(0, 9), 400, "invalid-request"]);
    }
  });
});
