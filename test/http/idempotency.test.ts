import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { declareNodes } from "../../src/operations/declare-nodes.ts";
import { addCounter, addNode, createSite, type Json } from "./site.ts";

const key = (value: string) => ({ "Idempotency-Key": value });
const events = "/v1/instances/c/events";

describe("an Idempotency-Key", () => {
  it("gets the first answer again: outcome, version and reasons of then, the instance of now", async () => {
    const site = await createSite();
    await addCounter(site);
    const first = await site.post(events, { type: "inc" }, key("k1"));
    await site.post(events, { type: "inc", by: 10 });

    const again = await site.post(events, { type: "inc" }, key("k1"));

    expect(first.headers["idempotency-replayed"]).toBeUndefined();
    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([200, "true"]);
    expect([again.body.outcome, again.body.version]).toEqual(["changed", 2]);
    expect(again.body.instance).toMatchObject({ version: 3, context: { count: 11 } });
  });

  it("gets a refusal again with its reasons, also when the event would pass by now", async () => {
    const site = await createSite();
    await addCounter(site);
    const first = await site.post(events, { type: "dec" }, key("k1"));
    await site.post(events, { type: "inc" });

    const again = await site.post(events, { type: "dec" }, key("k1"));

    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([409, "true"]);
    expect(again.body.reasons).toEqual(first.body.reasons);
    expect(again.body.version).toBe(1);
    expect((await site.get("/v1/instances/c")).body.context.count).toBe(1);
  });

  it("is the same for the same fields in another order", async () => {
    const site = await createSite();
    await addCounter(site);
    await site.post(events, { type: "inc", by: 2 }, key("k1"));

    const again = await site.post(events, { by: 2, type: "inc" }, key("k1"));

    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([200, "true"]);
  });

  it("makes requests that come at the same time one", async () => {
    const site = await createSite();
    await addCounter(site);

    const answers = await Promise.all(Array.from({ length: 20 }, () => site.post(events, { type: "inc" }, key("k1"))));

    expect(answers.map(({ status, body }) => [status, body.version])).toEqual(
      Array.from({ length: 20 }, () => [200, 2]),
    );
    expect(answers.filter(({ headers }) => headers["idempotency-replayed"] === undefined)).toHaveLength(1);
    expect((await site.get("/v1/instances/c")).body.context.count).toBe(1);
  });

  it("is refused for another body, another path and another operation", async () => {
    const site = await createSite();
    for (const id of ["c", "d"]) await addCounter(site, id);
    await addNode(site, "alpha");
    await site.post(events, { type: "inc" }, key("k1"));
    await site.post("/v1/nodes/alpha/cordon", {}, key("k2"));

    const others = [
      site.post(events, { type: "inc", by: 1 }, key("k1")),
      site.post("/v1/instances/d/events", { type: "inc" }, key("k1")),
      site.post("/v1/transactions", { moves: [{ id: "c", event: { type: "inc" } }] }, key("k1")),
      site.post("/v1/instances", { machine: "counter", id: "c", input: { count: 0 } }, key("k1")),
      site.post("/v1/nodes/alpha/uncordon", {}, key("k2")),
      site.post("/v1/nodes/alpha/cordon", { reason: "another" }, key("k2")),
      site.post("/v1/instances/node%2Falpha/events", { type: "node.cordon" }, key("k2")),
    ];

    for (const { status, body } of await Promise.all(others)) {
      expect([status, body.code]).toEqual([422, "idempotency-key-reused"]);
    }
    expect((await site.get("/v1/instances/c")).body.version).toBe(2);
    expect((await site.get("/v1/nodes/alpha")).body.version).toBe(2);
  });

  it("makes a creation without an id one", async () => {
    const site = await createSite();
    const create = { machine: "counter", input: { count: 3 } };

    const first = await site.post("/v1/instances", create, key("k1"));
    const again = await site.post("/v1/instances", create, key("k1"));
    const other = await site.post("/v1/instances", { ...create, input: {} }, key("k1"));

    expect([first.status, again.status, other.status]).toEqual([201, 201, 422]);
    expect(again.headers).toMatchObject({ "idempotency-replayed": "true", location: first.headers.location });
    expect(again.body).toEqual(first.body);
    expect((await site.get("/v1/instances")).body.items).toHaveLength(1);
  });

  it("makes a transaction one, refused ones too", async () => {
    const site = await createSite();
    for (const id of ["c", "d"]) await addCounter(site, id);
    const moves = [
      { id: "c", event: { type: "inc" } },
      { id: "d", event: { type: "inc" } },
    ];
    const refused = [
      { id: "c", event: { type: "inc" } },
      { id: "d", event: { type: "finish" } },
      { id: "d", event: { type: "dec" } },
    ];

    await site.post("/v1/transactions", { moves }, key("k1"));
    const again = await site.post("/v1/transactions", { moves }, key("k1"));
    const no = await site.post("/v1/transactions", { moves: refused }, key("k2"));
    const noAgain = await site.post("/v1/transactions", { moves: refused }, key("k2"));

    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([200, "true"]);
    expect(again.body.items.map(({ version }: Json) => version)).toEqual([2, 2]);
    expect([no.status, noAgain.status, noAgain.headers["idempotency-replayed"]]).toEqual([409, 409, "true"]);
    expect([no.body.move, noAgain.body.move]).toEqual([2, 2]);
    expect((await site.get("/v1/instances/c")).body.context.count).toBe(1);
  });

  it("makes entering maintenance one, whatever has become of the node and its groups since", async () => {
    const site = await createSite();
    const declared = (groups: string[]) => ({
      nodes: [
        { name: "a", groups: ["racks"], labels: {} },
        { name: "b", groups, labels: {} },
      ],
      groups: [{ name: "racks", maxUnavailable: 1, members: 2 }],
    });
    await declareNodes(site.engine, declared(["racks"]));
    const enter = (node: string, body: object, k: string) =>
      site.post(`/v1/nodes/${node}/maintenance/enter`, body, key(k));

    const first = await enter("a", {}, "k1");
    const refused = await enter("b", {}, "k2");
    const queued = await enter("b", { queue: true }, "k3");
    const queuedAgain = await enter("b", { queue: true }, "k3");
    await site.post("/v1/nodes/a/maintenance/abort", {});
    for (let times = 0; times < 2; times += 1) await site.post("/v1/nodes/a/maintenance/exit", { force: true });
    await site.settle();
    expect((await site.get("/v1/nodes/b")).body.state).toBe("EnteringMaintenance");
    await declareNodes(site.engine, declared([]));

    const firstAgain = await enter("a", {}, "k1");
    const refusedAgain = await enter("b", {}, "k2");
    const queuedLater = await enter("b", { queue: true }, "k3");
    expect([first.status, firstAgain.status, firstAgain.body.version]).toEqual([200, 200, 2]);
    expect([refused.status, refusedAgain.status, refusedAgain.body.reasons]).toEqual([409, 409, refused.body.reasons]);
    expect([queued.status, queuedAgain.status, queuedLater.status]).toEqual([202, 202, 202]);
    for (const { headers } of [firstAgain, refusedAgain, queuedAgain, queuedLater])
      expect(headers["idempotency-replayed"]).toBe("true");
    expect((await enter("a", { queue: true }, "k1")).status).toBe(422);
  });

  it("makes waiting in line one, also when the node has moved on from the version of If-Match since", async () => {
    const site = await createSite();
    const input = { name: "racks", maxUnavailable: 1, members: 2 };
    await site.engine.create({ machine: "maintenanceGroup", id: "maintenance-group/racks", input });
    await addNode(site, "alpha", ["racks"]);
    const enter = (headers: Record<string, string>) =>
      site.post("/v1/nodes/alpha/maintenance/enter", { queue: true }, { "If-Match": '"v1"', ...headers });

    const first = await enter(key("k1"));
    await site.engine.send("node/alpha", { type: "node.cordon" });
    const again = await enter(key("k1"));
    const other = await enter(key("k2"));

    expect([first, again].map(({ status, headers }) => [status, headers["idempotency-replayed"]])).toEqual([
      [202, undefined],
      [202, "true"],
    ]);
    expect([other.status, other.body.code]).toEqual([412, "version-mismatch"]);
  });

  it("does not remember faults: what was wrong can be put right under the same key", async () => {
    const site = await createSite();
    await addCounter(site);

    const faults = [
      await site.post(events, { type: "inc", by: "two" }, key("k1")),
      await site.post("/v1/instances/none/events", { type: "inc" }, key("k1")),
      await site.post(events, { type: "inc" }, { ...key("k1"), "If-Match": '"v9"' }),
      await site.post(events, { type: "reset" }, key("k1")),
      await site.post(events, { type: "boom" }, key("k1")),
    ];
    const right = await site.post(events, { type: "inc" }, key("k1"));

    expect(faults.map(({ status }) => status)).toEqual([400, 404, 412, 403, 500]);
    expect([right.status, right.headers["idempotency-replayed"], right.body.version]).toEqual([200, undefined, 2]);
  });

  it("does not remember that the store was down", async () => {
    const store = memoryStore();
    let isDown = false;
    const commit: typeof store.commit = async (batch) => {
      if (isDown) throw new Error("the disk is gone: /dev/sda1");
      return store.commit(batch);
    };
    const site = await createSite({ store: { ...store, commit } });
    await addCounter(site);

    isDown = true;
    const down = await site.post(events, { type: "inc" }, key("k1"));
    isDown = false;
    const up = await site.post(events, { type: "inc" }, key("k1"));

    expect([down.status, down.body.code]).toEqual([503, "store-unavailable"]);
    expect(down.body.detail).toContain("the outcome is not known");
    expect([up.status, up.headers["idempotency-replayed"], up.body.version]).toEqual([200, undefined, 2]);
  });

  it("of a dry run is not used up", async () => {
    const site = await createSite();
    await addCounter(site);

    await site.post(`${events}?dryRun=true`, { type: "inc" }, key("k1"));
    const real = await site.post(events, { type: "inc" }, key("k1"));

    expect([real.status, real.headers["idempotency-replayed"]]).toEqual([200, undefined]);
  });

  it("has 1 to 255 characters of any kind", async () => {
    const site = await createSite();
    await addCounter(site);

    expect((await site.post(events, { type: "inc" }, key("x".repeat(256)))).status).toBe(400);
    expect((await site.post(events, { type: "inc" }, key(""))).status).toBe(400);
    for (const odd of ["x".repeat(255), "'; DROP TABLE commands; --", "é", '"quoted"', "a, b"]) {
      expect([odd, (await site.post(events, { type: "inc" }, key(odd))).status]).toEqual([odd, 200]);
      expect((await site.post(events, { type: "inc" }, key(odd))).headers["idempotency-replayed"]).toBe("true");
    }
  });

  it("is passed over where nothing changes", async () => {
    const site = await createSite();
    await addCounter(site);

    expect((await site.get("/v1/instances/c", key("k1"))).status).toBe(200);
    expect((await site.post("/v1/verify", {}, key("k1"))).status).toBe(200);
    expect((await site.post("/v1/instances/c/explain", { type: "inc" }, key("k1"))).status).toBe(200);
    expect((await site.post(events, { type: "inc" }, key("k1"))).headers["idempotency-replayed"]).toBeUndefined();
  });
});
