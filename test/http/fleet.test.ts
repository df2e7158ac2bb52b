import { describe, expect, it } from "vitest";
import { operations } from "../../src/operations/index.ts";
import { groupOf } from "../../src/operations/groups.ts";
import { pathOf } from "../../src/operations/operation.ts";
import { createFleetSite, declarationOf } from "./fleet-site.ts";
import { createSite } from "./site.ts";

describe("POST /v1/fleet", () => {
  it("declares the fleet, and opens a rollout for each channel whose version has changed", async () => {
    const site = await createFleetSite();

    const first = await site.declare("v1");
    const second = await site.declare("v2");

    expect([first.status, first.body.applied, second.body.applied]).toEqual([200, true, true]);
    expect(first.body.rollouts).toEqual([
      { channel: "edge", ref: "e1", from: null, hosts: 1, rolloutId: "edge@e1" },
      { channel: "stable", ref: "v1", from: null, hosts: 3, rolloutId: "stable@v1" },
    ]);
    expect(second.body.rollouts).toEqual([
      { channel: "stable", ref: "v2", from: "v1", hosts: 3, rolloutId: "stable@v2" },
    ]);
    expect(second.body.difference).toEqual({
      channels: [{ channel: "stable", from: "v1", to: "v2" }],
      hosts: { added: [], removed: [], changed: [] },
      parts: [],
    });
    expect(second.body.hash).not.toBe(first.body.hash);
  });

  it("only compares with dryRun, and changes nothing", async () => {
    const site = await createFleetSite();
    await site.declare("v1");
    const position = await site.engine.position();

    const { status, body } = await site.post("/v1/fleet?dryRun=true", { document: declarationOf("v2") });

    expect([status, body.applied]).toEqual([200, false]);
    expect(body.rollouts).toEqual([{ channel: "stable", ref: "v2", from: "v1", hosts: 3, rolloutId: null }]);
    expect(await site.engine.position()).toBe(position);
    expect((await site.get("/v1/fleet/declaration")).body.document).toEqual(declarationOf("v1"));
  });

  it("applies only over what it was compared with, when `If-Match` says so", async () => {
    const site = await createFleetSite();
    const compared = await site.post("/v1/fleet?dryRun=true", { document: declarationOf("v1") });
    const headers = { "If-Match": `"v${compared.body.version}"` };
    const never = await site.post("/v1/fleet", { document: declarationOf("v1") }, { "If-Match": '"v7"' });
    const first = await site.post("/v1/fleet", { document: declarationOf("v1") }, headers);

    const late = await site.post("/v1/fleet", { document: declarationOf("v2") }, headers);
    const lateTrial = await site.post("/v1/fleet?dryRun=true", { document: declarationOf("v2") }, headers);
    const next = await site.post(
      "/v1/fleet",
      { document: declarationOf("v2") },
      { "If-Match": String(first.headers["etag"]) },
    );

    expect([compared.body.version, first.status]).toEqual([0, 200]);
    expect([never.status, never.body.detail]).toEqual([
      412,
      "Nothing is declared yet. Compare with it, and decide anew.",
    ]);
    for (const each of [late, lateTrial]) expect([each.status, each.body.code]).toEqual([412, "version-mismatch"]);
    expect([next.status, next.body.version]).toEqual([200, first.body.version + 1]);
  });

  it("tells all faults of a declaration at once, each where it stands, and keeps nothing of it", async () => {
    const site = await createFleetSite();
    const document = declarationOf("v1", {
      hosts: { "web-1": { channel: "none", tags: [] }, "-": { tags: 1 } },
      more: 1,
    });

    const { status, body } = await site.post("/v1/fleet", { document });

    expect([status, body.code]).toEqual([400, "invalid-request"]);
    expect(body.errors.length).toBeGreaterThan(2);
    for (const { pointer } of body.errors) expect(pointer).toMatch(/^\/document\//);
    expect((await site.get("/v1/fleet")).body.hash).toBeNull();
  });

  it("answers the same request under the same key as the first time, and refuses another one", async () => {
    const site = await createFleetSite();
    const key = { "Idempotency-Key": "k" };
    const first = await site.post("/v1/fleet", { document: declarationOf("v1") }, key);
    const position = await site.engine.position();

    const again = await site.post("/v1/fleet", { document: declarationOf("v1") }, key);
    const other = await site.post("/v1/fleet", { document: declarationOf("v2") }, key);

    expect(again.body).toEqual(first.body);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect(await site.engine.position()).toBe(position);
    expect([other.status, other.body.code]).toEqual([422, "idempotency-key-reused"]);
  });

  it("takes a body beyond the limit of the other routes, and none beyond its own", async () => {
    const site = await createFleetSite();
    const hosts = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`web-${index}`, { channel: "stable", tags: ["web", "blue"] }]),
    );
    const document = declarationOf("v1", { hosts });
    const tooLarge = { document: { ...document, retention: "x".repeat(8_388_608) } };

    const { status, body } = await site.post("/v1/fleet", { document });
    const refused = await site.post("/v1/fleet", tooLarge);
    const elsewhere = await site.post("/v1/rollouts", { channel: "stable", ref: "x".repeat(262_144) });

    expect(JSON.stringify(document).length).toBeGreaterThan(262_144);
    expect([status, body.rollouts.at(-1).hosts]).toEqual([200, 10_000]);
    expect([refused.status, refused.body.detail]).toEqual([413, "The body is larger than 8192 KiB."]);
    expect([elsewhere.status, elsewhere.body.detail]).toEqual([413, "The body is larger than 256 KiB."]);
  });
});

describe("GET /v1/fleet", () => {
  it("says what is declared, who declared it, and where each channel is", async () => {
    const site = await createFleetSite();
    expect((await site.get("/v1/fleet")).body).toMatchObject({ hash: null, appliedAt: null, channels: [] });
    const { body: applied } = await site.declare("v1");
    await site.converge("web-1", "stable@v1");

    const { body } = await site.get("/v1/fleet");

    expect(body).toMatchObject({ hash: applied.hash, appliedBy: "local", line: { state: "Running" } });
    expect(body.channels.map((each: Record<string, unknown>) => [each["channel"], each["ref"], each["hosts"]])).toEqual(
      [
        ["edge", "e1", 1],
        ["stable", "v1", 3],
      ],
    );
    expect(body.channels[1].rollout).toMatchObject({ rolloutId: "stable@v1", state: "Active", control: "Running" });
    expect(body.hosts).toEqual({ total: 4, byState: { Converged: 1, Pending: 3 } });
  });

  it("tells the declaration that holds as it was given, and 404 before the first", async () => {
    const site = await createFleetSite();
    const before = await site.get("/v1/fleet/declaration");
    await site.declare("v1");

    const { status, body } = await site.get("/v1/fleet/declaration");

    expect([before.status, before.body.code]).toEqual([404, "not-found"]);
    expect([status, body.document]).toEqual([200, declarationOf("v1")]);
    expect(body.hash).toBe((await site.get("/v1/fleet")).body.hash);
  });
});

describe("a server that runs no fleet", () => {
  it("says so, whatever it is asked about one", async () => {
    const { ask } = await createSite();
    const ofFleet = operations.filter((each) => ["Rollouts", "Agents"].includes(groupOf(each)));
    const told: unknown[] = [];

    for (const operation of ofFleet) {
      const { params, query, body } = operation.example ?? {};
      const search = new URLSearchParams((query ?? {}) as Record<string, string>).toString();
      const path = `${pathOf(operation, (params ?? {}) as Record<string, string>)}${search && `?${search}`}`;
      const answered = await ask(operation.method, path, body === undefined ? {} : { body });
      if (answered.body.detail !== "This server runs no fleet: whoever embeds it gives `createApp` a control plane.")
        told.push([operation.name, answered.body]);
    }

    expect(ofFleet.length).toBeGreaterThan(20);
    expect(told).toEqual([["approve-rollout", expect.objectContaining({ code: "forbidden" })]]);
  });
});
