import { describe, expect, it } from "vitest";
import { addCounter, addNode, createSite, type Json } from "./site.ts";

const inc = (id: string) => ({ id, event: { type: "inc" } });

describe("POST /v1/transactions", () => {
  it("makes all moves at once, creations among them", async () => {
    const site = await createSite();
    await addCounter(site, "a");

    const { status, body } = await site.post("/v1/transactions", {
      moves: [
        { create: { machine: "counter", id: "b", input: { count: 1 }, labels: { of: "a" } } },
        { id: "a", event: { type: "inc", by: 2 }, expectedVersion: 1 },
        { id: "b", event: { type: "dec" } },
      ],
    });

    expect(status).toBe(200);
    expect(body.items.map(({ outcome, version, instance }: Json) => [instance.id, outcome, version])).toEqual([
      ["b", "changed", 1],
      ["a", "changed", 2],
      ["b", "changed", 2],
    ]);
    expect((await site.get("/v1/instances/b")).body).toMatchObject({
      version: 2,
      context: { count: 0 },
      labels: { of: "a" },
    });
  });

  it("makes none when one is refused, and names that move", async () => {
    const site = await createSite();
    for (const id of ["a", "b"]) await addCounter(site, id);

    const { status, body, headers } = await site.post("/v1/transactions", {
      moves: [inc("a"), { id: "b", event: { type: "dec" } }, inc("a")],
    });

    expect(status).toBe(409);
    expect(headers["content-type"]).toContain("application/problem+json");
    expect(body).toMatchObject({
      code: "event-refused",
      move: 1,
      id: "b",
      event: "dec",
      from: "Counting",
      instance: headers["x-request-id"],
    });
    expect(body.reasons[0].code).toBe("at-zero");
    for (const id of ["a", "b"]) expect((await site.get(`/v1/instances/${id}`)).body.version).toBe(1);
  });

  it("names the second move on an instance when that is the refused one", async () => {
    const site = await createSite();
    await addNode(site, "a");

    const { body } = await site.post("/v1/transactions", {
      moves: [
        { id: "node/a", event: { type: "maintenance.enter" } },
        { id: "node/a", event: { type: "maintenance.retry" } },
      ],
    });

    expect([body.move, body.event]).toEqual([1, "maintenance.retry"]);
  });

  it("makes none when one meets another version", async () => {
    const site = await createSite();
    for (const id of ["a", "b"]) await addCounter(site, id);

    const { status, body } = await site.post("/v1/transactions", {
      moves: [inc("a"), { ...inc("b"), expectedVersion: 7 }],
    });

    expect([status, body.code]).toEqual([412, "version-mismatch"]);
    expect(body.detail).toContain("b is at version 1");
    expect((await site.get("/v1/instances/a")).body.version).toBe(1);
  });

  it("says which move has a fault, and where in it", async () => {
    const site = await createSite();
    await addCounter(site, "a");
    const faults = async (...moves: object[]) => {
      const { status, body } = await site.post("/v1/transactions", { moves });
      return [status, body.code, body.move, ...(body.errors ?? []).map(({ pointer }: Json) => pointer)];
    };
    const create = (input: unknown) => ({ create: { machine: "counter", id: "new", input } });

    expect(await faults(inc("a"), { id: "a", event: { type: "inc", by: "two", x: 1 } })).toEqual([
      400,
      "invalid-request",
      1,
      "/moves/1/event/by",
      "/moves/1/event/x",
    ]);
    expect(await faults(create({ count: "x" }))).toEqual([400, "invalid-request", 0, "/moves/0/create/input/count"]);
    expect(await faults(inc("a"), inc("none"))).toEqual([404, "not-found", 1]);
    expect(await faults(inc("a"), { create: { machine: "none", id: "x", input: {} } })).toEqual([404, "not-found", 1]);
    expect(await faults({ id: "a", event: { type: "reset" } })).toEqual([403, "internal-event", 0]);
    expect(await faults({ id: "a", event: { type: "xstate.init" } })).toEqual([403, "internal-event", 0]);
    expect(await faults({ id: "a", event: {} })).toEqual([400, "invalid-request", undefined, "/moves/0/event/type"]);
    expect(await faults({ create: { machine: "counter", id: "..", input: {} } })).toEqual([
      400,
      "invalid-request",
      undefined,
      "/moves/0/create/id",
    ]);
    expect(await faults({ ...inc("a"), sender: "engine" })).toEqual([
      400,
      "invalid-request",
      undefined,
      "/moves/0/sender",
    ]);
    expect((await site.get("/v1/instances/a")).body.version).toBe(1);
  });

  it("takes 1 to 1,000 moves", async () => {
    const site = await createSite();
    await addCounter(site, "a");

    expect((await site.post("/v1/transactions", { moves: [] })).status).toBe(400);
    expect((await site.post("/v1/transactions", { moves: Array(1_001).fill(inc("a")) })).status).toBe(400);
    expect((await site.post("/v1/transactions", { moves: Array(1_000).fill(inc("a")) })).status).toBe(200);
    expect((await site.get("/v1/instances/a")).body.version).toBe(1_001);
  });

  it("does not let what only the server fills in through, not even for an instance of the same transaction", async () => {
    const site = await createSite();
    const create = { machine: "nodeMaintenance", id: "node/a", input: { node: "a", groups: ["racks"] } };

    const { status, body } = await site.post("/v1/transactions", {
      moves: [{ create }, { id: "node/a", event: { type: "maintenance.enter", slots: ["racks"] } }],
    });

    expect([status, body.code, body.errors[0].pointer]).toEqual([400, "invalid-request", "/moves/1/event/slots"]);
    expect((await site.get("/v1/instances/node%2Fa")).status).toBe(404);
  });

  it("has no If-Match: its moves have versions of their own", async () => {
    const site = await createSite();
    await addCounter(site, "a");

    const { status, body } = await site.post("/v1/transactions", { moves: [inc("a")] }, { "If-Match": '"v1"' });

    expect([status, body.code]).toEqual([400, "invalid-request"]);
    expect(body.detail).toContain("expectedVersion");
  });
});
