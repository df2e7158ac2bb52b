import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { createSite } from "./site.ts";

describe("livez and readyz", () => {
  it("say that all is well", async () => {
    const { get } = await createSite();

    expect(await get("/livez")).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(await get("/readyz")).toMatchObject({ status: 200, body: { status: "ok" } });
  });

  it("tell apart a process that lives from a store that cannot be written to", async () => {
    const failing = { ...memoryStore(), probe: () => Promise.reject(new Error("disk I/O error at /var/lib/secret")) };
    const { get } = await createSite({ store: failing });

    const ready = await get("/readyz");

    expect((await get("/livez")).status).toBe(200);
    expect(ready).toMatchObject({ status: 503, body: { code: "store-unavailable", status: 503 } });
    expect(ready.headers["content-type"]).toContain("application/problem+json");
    expect(ready.text).not.toContain("/var/lib");
  });

  it("say that the runner is behind when what is due has been waiting for long", async () => {
    const { get, engine, clock } = await createSite();
    await engine.create({ machine: "nodeMaintenance", id: "node/alpha", input: { node: "alpha" } });
    await engine.send("node/alpha", { type: "maintenance.enter", drainForMs: 1_000 });

    await clock.advance(31_000);
    expect((await get("/readyz")).status).toBe(200);
    await clock.advance(1_000);
    const { status, body } = await get("/readyz");
    await engine.runOnce();

    expect({ status, detail: body.detail }).toEqual({
      status: 503,
      detail: "The runner is behind: what is due has been waiting for 31000 ms.",
    });
    expect((await get("/readyz")).status).toBe(200);
  });

  it("give the reason of whoever embeds the app", async () => {
    const { get } = await createSite({ notReady: async () => "The maintenance window of the disk has begun." });

    const { status, body } = await get("/readyz");

    expect(status).toBe(503);
    expect(body.detail).toBe("The maintenance window of the disk has begun.");
  });
});

describe("the catalogue of machines", () => {
  it("lists every statechart with version and description", async () => {
    const { get } = await createSite();

    const { status, body } = await get("/v1/machines");

    expect(status).toBe(200);
    expect(body.nextCursor).toBeNull();
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual([
      "nodeMaintenance",
      "maintenanceGroup",
      "counter",
    ]);
    expect(body.items[0]).toEqual({
      name: "nodeMaintenance",
      version: expect.any(Number),
      description: "A node is taken out of service, worked on, and put back.",
    });
  });

  it("tells the states of one, its events with JSON Schema, and who may send them", async () => {
    const { get } = await createSite();

    const { status, body } = await get("/v1/machines/nodeMaintenance");

    expect(status).toBe(200);
    expect(body.states.map(({ name }: { name: string }) => name)).toEqual([
      "Active",
      "EnteringMaintenance",
      "Maintenance",
      "ExitingMaintenance",
      "Recovery",
      "DrainFailed",
      "Schedulable",
      "Cordoned",
    ]);
    expect(body.states[0]).toMatchObject({
      description: "The node does its normal work.",
      waitingFor: "somebody to ask for maintenance",
      tags: ["steady"],
      isFinal: false,
    });
    const events = new Map(body.events.map((event: { type: string }) => [event.type, event]));
    expect(events.get("maintenance.exit")).toEqual({
      type: "maintenance.exit",
      sentBy: ["person"],
      schema: expect.objectContaining({
        type: "object",
        additionalProperties: false,
        properties: { force: { type: "boolean" }, keepCordoned: { type: "boolean" } },
      }),
    });
    expect(events.get("drain.deadlineElapsed")).toMatchObject({ sentBy: ["engine"] });
    expect(body.input.required).toEqual(["node"]);
  });

  it("does not ask for fields that only the server fills in", async () => {
    const { get } = await createSite();

    const { body } = await get("/v1/machines/nodeMaintenance");

    const enter = body.events.find(({ type }: { type: string }) => type === "maintenance.enter");
    expect(Object.keys(enter.schema.properties)).toEqual(["reason", "drainForMs", "noDeadline", "expectedUntil"]);
  });

  it("names the machines that there are when one is unknown", async () => {
    const { get } = await createSite();

    for (const path of ["/v1/machines/nodemaintenance", "/v1/machines/constructor", "/v1/machines/x/diagram.svg"]) {
      const { status, body } = await get(path);

      expect([path, status, body.code]).toEqual([path, 404, "not-found"]);
      expect(body.detail).toContain("nodeMaintenance");
    }
  });

  it("draws a statechart as a picture that may load and run nothing", async () => {
    const { get } = await createSite();

    const { status, headers, text } = await get("/v1/machines/nodeMaintenance/diagram.svg");

    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("image/svg+xml; charset=utf-8");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(text).toMatch(/^<svg[^>]+xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(text).toContain("EnteringMaintenance");
    expect(text).not.toMatch(/<script|\son\w+=|javascript:/i);
  });
});
