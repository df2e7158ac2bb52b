import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { createDrawings } from "../../src/operations/machines.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { counter, messenger } from "../support/test-machines.ts";
import { bearer, createGuardedSite } from "./guarded-site.ts";
import { createSite, type Json } from "./site.ts";

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

describe("readyz?verbose", () => {
  it("tells each check, the version, and what is open", async () => {
    const { get, engine, clock } = await createSite();
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));

    const before = (await get("/readyz?verbose")).body;
    await clock.advance(600_000);
    await engine.runOnce();
    const after = (await get("/readyz?verbose=true")).body;

    expect(before).toEqual({
      status: "ok",
      checks: [
        { name: "store", status: "ok", detail: "The store can be written to." },
        { name: "space", status: "ok", detail: "There is space for what is written." },
        {
          name: "runner",
          status: "ok",
          detail: "The runner keeps up: what is due has been waiting for 0 ms, the limit is 30000 ms.",
        },
        { name: "host", status: "ok", detail: "The host has no objection." },
      ],
      version,
      uptimeSeconds: expect.any(Number),
      openStreams: 0,
      housekeeping: null,
    });
    expect(after.housekeeping).toEqual({ at: new Date(clock.now()).toISOString(), status: "ok" });
  });

  it("says of each check how it stands when one fails, and plain readyz only what is wrong", async () => {
    const forgets = () => Promise.reject(new Error("disk I/O error at /var/lib/secret"));
    const notReady = async () => "The maintenance window of the disk has begun.";
    const { get } = await createSite({ store: { ...memoryStore(), nextDueAt: forgets }, notReady });

    const plain = await get("/readyz");
    const verbose = await get("/readyz?verbose");

    expect([plain.status, verbose.status]).toEqual([503, 503]);
    expect(plain.body).not.toHaveProperty("checks");
    expect(verbose.body.checks.map(({ name, status }: Json) => [name, status])).toEqual([
      ["store", "ok"],
      ["space", "ok"],
      ["runner", "failing"],
      ["host", "failing"],
    ]);
    expect(plain.body.detail).toBe("The store does not say what is due. The maintenance window of the disk has begun.");
    expect(verbose.text).not.toContain("/var/lib");
  });

  it("says that housekeeping failed, which takes nobody out of service", async () => {
    const fails = () => Promise.reject(new Error("disk I/O error"));
    const { get, engine, clock } = await createSite({ store: { ...memoryStore(), forgetCommands: fails } });
    await clock.advance(600_000);
    await engine.runOnce().catch(() => undefined);

    const { status, body } = await get("/readyz?verbose");

    expect([status, body.status, body.housekeeping.status]).toEqual([200, "ok", "failing"]);
  });

  it("is for whoever may read; plain readyz is for everybody", async () => {
    const { ask, admit } = await createGuardedSite();
    const { viewer, "agent:web-1": agent } = await admit("viewer", "agent:web-1");
    const statusFor = async (path: string, headers = {}) => (await ask("GET", path, { headers })).status;

    expect(await statusFor("/readyz")).toBe(200);
    expect(await statusFor("/readyz?verbose=false")).toBe(200);
    expect(await statusFor("/readyz?verbose")).toBe(401);
    expect(await statusFor("/readyz?verbose", bearer(agent))).toBe(403);
    expect(await statusFor("/readyz?verbose", bearer(viewer))).toBe(200);
    expect(await statusFor("/readyz?verbose=maybe")).toBe(400);
    expect(await statusFor("/metrics")).toBe(401);
    expect(await statusFor("/metrics", bearer(agent))).toBe(403);
    expect(await statusFor("/metrics", bearer(viewer))).toBe(200);
  });
});

describe("the catalogue of machines", () => {
  it("lists every statechart with version and description", async () => {
    const { get } = await createSite();

    const { status, body } = await get("/v1/machines");

    expect(status).toBe(200);
    expect(body.nextCursor).toBeNull();
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual([
      ...machines.map(({ name }) => name),
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
      isApproval: false,
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

  it("draws each picture once, also for two who ask at the same time", async () => {
    const drawings = createDrawings();
    const drawing = drawings.of(counter);

    expect(drawings.of(counter)).toBe(drawing);
    expect(await drawings.of(messenger)).not.toBe(await drawing);
    expect(drawings.of(counter)).toBe(drawing);
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
