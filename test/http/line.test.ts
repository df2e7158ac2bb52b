import { describe, expect, it } from "vitest";
import { createFleetSite, pathTo } from "./fleet-site.ts";
import type { Json } from "./site.ts";

describe("the line", () => {
  it("runs until somebody stops it, and then nothing is dispatched until it runs again", async () => {
    const site = await createFleetSite();
    const before = await site.get("/v1/freeze");
    const stopped = await site.post("/v1/freeze", { reason: "the till is down" });
    await site.declare("v1");

    const { body } = await site.get("/v1/freeze");
    const held = await site.get(`${pathTo("stable@v1")}/hosts/web-1`);
    const ordersWhile = await site.ordersOf("web-1");
    const thawed = await site.ask("DELETE", "/v1/freeze");
    await site.settle();

    expect([before.body.state, stopped.status, stopped.body.outcome]).toEqual(["Running", 200, "changed"]);
    expect(body).toEqual({
      state: "Stopped",
      since: new Date(site.clock.now()).toISOString(),
      by: "local",
      reason: "the till is down",
    });
    expect(held.body.gates.map(({ gate }: Json) => gate)).toEqual(["freeze"]);
    expect(ordersWhile).toEqual([]);
    expect([thawed.status, thawed.body.instance.state]).toEqual([200, "Running"]);
    expect(await site.ordersOf("web-1")).toMatchObject([{ kind: "dispatch" }]);
    expect((await site.get("/v1/freeze")).body).toMatchObject({ state: "Running", by: null, reason: null });
  });

  it("is stopped once, and started again as often as one likes", async () => {
    const site = await createFleetSite();
    const first = await site.post("/v1/freeze", { reason: "one" });
    const second = await site.post("/v1/freeze", { reason: "two" });
    const thawed = [await site.ask("DELETE", "/v1/freeze"), await site.ask("DELETE", "/v1/freeze")];

    expect([first.body.outcome, second.body.outcome]).toEqual(["changed", "unchanged"]);
    expect(thawed.map(({ body }) => body.outcome)).toEqual(["changed", "unchanged"]);
  });

  it("takes keys and versions, and no other fields", async () => {
    const site = await createFleetSite();
    const key = { "Idempotency-Key": "k" };
    await site.post("/v1/freeze", { reason: "one" }, key);
    await site.ask("DELETE", "/v1/freeze");
    const { headers } = await site.get("/v1/freeze");

    const again = await site.post("/v1/freeze", { reason: "one" }, key);
    const other = await site.post("/v1/freeze", { reason: "two" }, key);
    const stale = await site.post("/v1/freeze", {}, { "If-Match": '"v1"' });
    const known = await site.get("/v1/freeze", { "If-None-Match": headers.etag as string });

    expect([again.status, again.headers["idempotency-replayed"], other.status]).toEqual([200, "true", 422]);
    expect([stale.status, known.status]).toEqual([412, 304]);
    expect((await site.get("/v1/freeze")).body.state).toBe("Running");
    expect((await site.post("/v1/freeze", { by: "root" })).status).toBe(400);
    expect((await site.ask("DELETE", "/v1/freeze", { body: { reason: "x" } })).status).toBe(400);
  });
});
