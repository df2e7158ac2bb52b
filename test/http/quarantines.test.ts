import { describe, expect, it } from "vitest";
import { createFleetSite, pathTo } from "./fleet-site.ts";

describe("quarantines", () => {
  it("are told with what failed, and hold the version back until somebody clears them", async () => {
    const site = await createFleetSite();
    await site.declare("v1");
    await site.fail("web-1", "stable@v1");
    const path = "/v1/quarantines/stable/v1/clear";

    const { status, body } = await site.get("/v1/quarantines");
    const without = await site.post(path);
    const cleared = await site.post(path, { reason: "the disk was full" });
    const again = await site.post(path, { reason: "the disk was full" });

    expect([status, body.items]).toEqual([
      200,
      [
        {
          channel: "stable",
          ref: "v1",
          rolloutId: "stable@v1",
          reason: expect.any(String),
          since: new Date(site.clock.now()).toISOString(),
        },
      ],
    ]);
    expect([without.status, cleared.status, cleared.body.instance.id]).toEqual([400, 200, "channel/stable"]);
    expect([again.status, again.body.reasons[0].code]).toEqual([409, "not-quarantined"]);
    expect((await site.get("/v1/quarantines")).body.items).toEqual([]);
  });

  it("are shown with the fleet, and are cleared at the version that was seen", async () => {
    const site = await createFleetSite();
    await site.declare("v1");
    await site.fail("web-1", "stable@v1");
    const { body } = await site.get("/v1/fleet");
    const { version } = await site.engine.read("channel/stable");

    const stale = await site.post(
      "/v1/quarantines/stable/v1/clear",
      { reason: "x" },
      { "If-Match": `"v${version - 1}"` },
    );

    expect(body.channels[1]).toMatchObject({
      channel: "stable",
      quarantined: [{ ref: "v1" }],
      rollout: { rolloutId: "stable@v1" },
    });
    expect((await site.get(pathTo("stable@v1"))).body.state).toBe("Failed");
    expect([stale.status, stale.body.code]).toEqual([412, "version-mismatch"]);
  });

  it("are not found for a channel that nothing was ever rolled out to, and refused for what is no version", async () => {
    const site = await createFleetSite();

    const unknown = await site.post("/v1/quarantines/none/v1/clear", { reason: "x" });
    const odd = await site.post("/v1/quarantines/none/a%20b/clear", { reason: "x" });

    expect([unknown.status, odd.status]).toEqual([404, 400]);
    expect((await site.get("/v1/quarantines")).body).toEqual({ items: [] });
  });
});
