import { describe, expect, it } from "vitest";
import { declareNodes } from "../../src/operations/declare-nodes.ts";
import { addNode, createSite, type Json, type Site, type SiteOptions } from "./site.ts";

const enter = (node: string) => `/v1/nodes/${node}/maintenance/enter`;

/** Three nodes of which one may be out at a time. */
async function siteWithGroup(maxUnavailable = 1, options: SiteOptions = {}): Promise<Site> {
  const site = await createSite(options);
  const names = ["alpha", "beta", "gamma"];
  await declareNodes(site.engine, {
    nodes: names.map((name) => ({ name, groups: ["racks"], labels: { rack: "a" } })),
    groups: [{ name: "racks", maxUnavailable, members: 3 }],
  });
  return site;
}

/** Drained, left, and at rest again. */
async function comeBack(site: Site, node: string): Promise<void> {
  await site.post(`/v1/instances/node%2F${node}/events`, { type: "drain.progressed", replicas: [], daemons: [] });
  for (const force of [false, true, true]) await site.post(`/v1/nodes/${node}/maintenance/exit`, { force });
  await site.settle();
}

describe("GET /v1/nodes", () => {
  it("lists the nodes and nothing else", async () => {
    const site = await siteWithGroup();
    await site.post("/v1/nodes/beta/cordon");
    await site.post(enter("alpha"));

    const { status, body } = await site.get("/v1/nodes");
    const first = await site.get("/v1/nodes?limit=1");

    expect([status, body.nextCursor]).toEqual([200, null]);
    expect(body.items.map(({ id, state }: Json) => [id, state])).toEqual([
      ["node/alpha", "EnteringMaintenance"],
      ["node/beta", "Active"],
      ["node/gamma", "Active"],
    ]);
    expect((await site.get("/v1/nodes?state=Active")).body.items).toHaveLength(2);
    expect((await site.get(`/v1/nodes?limit=2&cursor=${first.body.nextCursor}`)).body.items[0].id).toBe("node/beta");
    expect((await site.get("/v1/nodes?machine=counter")).status).toBe(400);
  });

  it("shows one by its name, with labels from its declaration", async () => {
    const site = await siteWithGroup();

    const { status, body, headers } = await site.get("/v1/nodes/beta");

    expect([status, headers.etag, body.id, body.labels]).toEqual([200, '"v1"', "node/beta", { rack: "a" }]);
    expect((await site.get("/v1/nodes/beta", { "If-None-Match": '"v1"' })).status).toBe(304);
  });

  it("finds an instance whose id is the bare name, and no instance of another machine", async () => {
    const site = await createSite();
    await site.engine.create({ machine: "nodeMaintenance", id: "bare", input: { node: "bare" } });
    await site.engine.create({ machine: "counter", id: "node/counter", input: {} });

    expect((await site.get("/v1/nodes/bare")).body.id).toBe("bare");
    expect((await site.post("/v1/nodes/bare/cordon")).body.instance.id).toBe("bare");
    expect((await site.get("/v1/nodes/counter")).status).toBe(404);
  });

  it("never makes a node of a typo", async () => {
    const site = await createSite();
    const posts = [
      "maintenance/enter",
      "maintenance/exit",
      "maintenance/abort",
      "maintenance/retry",
      "cordon",
      "uncordon",
    ];

    for (const action of posts) {
      const { status, body } = await site.post(`/v1/nodes/aplha/${action}`, {});

      expect([action, status, body.code]).toEqual([action, 404, "not-found"]);
    }
    expect((await site.get("/v1/instances")).body.items).toEqual([]);
  });
});

describe("the maintenance of a node", () => {
  it("goes all the way by its routes", async () => {
    const site = await createSite();
    await addNode(site, "alpha");
    const post = async (action: string, body?: object) => {
      const answer = await site.post(`/v1/nodes/alpha/${action}`, body);
      return [answer.status, answer.body.outcome ?? answer.body.code, answer.body.instance?.state ?? answer.body.from];
    };

    expect(await post("maintenance/exit")).toEqual([409, "event-refused", "Active"]);
    expect(await post("maintenance/enter", { reason: "a new disk", drainForMs: 60_000 })).toEqual([
      200,
      "changed",
      "EnteringMaintenance",
    ]);
    expect(await post("maintenance/abort", { reason: "not today" })).toEqual([200, "changed", "ExitingMaintenance"]);
    expect(await post("maintenance/exit", { force: true })).toEqual([200, "changed", "Recovery"]);
    expect(await post("maintenance/exit", { force: true, keepCordoned: true })).toEqual([200, "changed", "Active"]);
    expect((await site.get("/v1/nodes/alpha")).body.value.scheduling).toBe("Cordoned");
    expect(await post("uncordon")).toEqual([200, "changed", "Active"]);
    expect(await post("uncordon")).toEqual([200, "unchanged", "Active"]);
    expect(await post("cordon", { reason: "watch it" })).toEqual([200, "changed", "Active"]);
    expect(await post("maintenance/enter")).toEqual([200, "changed", "EnteringMaintenance"]);
    await site.advance(600_000);
    expect((await site.get("/v1/nodes/alpha")).body.state).toBe("DrainFailed");
    expect(await post("maintenance/retry", { drainForMs: 1_000 })).toEqual([200, "changed", "EnteringMaintenance"]);
    expect((await site.get("/v1/nodes/alpha")).body.context.epoch).toBe(3);
  });

  it("answers as the event route does", async () => {
    const site = await createSite();
    await addNode(site, "alpha");

    const { status, body, headers } = await site.post(enter("alpha"), { reason: "a new disk" });
    const refused = await site.post("/v1/nodes/alpha/maintenance/exit", {});

    expect([status, headers.etag]).toEqual([200, '"v2"']);
    expect(body).toEqual({ outcome: "changed", version: 2, instance: (await site.get("/v1/nodes/alpha")).body });
    expect(refused.body).toMatchObject({
      code: "event-refused",
      id: "node/alpha",
      from: "EnteringMaintenance",
      event: "maintenance.exit",
      reasons: [{ hint: "maintenance.abort" }],
      instance: refused.headers["x-request-id"],
    });
  });

  it("minds If-Match on every route", async () => {
    const site = await siteWithGroup();
    await addNode(site, "alone");
    const stale = { "If-Match": '"v9"' };

    for (const path of ["alone/maintenance/enter", "alpha/maintenance/enter", "alpha/cordon", "alpha/maintenance/exit"])
      expect([path, (await site.post(`/v1/nodes/${path}`, {}, stale)).status]).toEqual([path, 412]);
    expect((await site.post(enter("alpha"), { queue: true }, stale)).status).toBe(412);
    expect((await site.get("/v1/instances/maintenance-group%2Fracks")).body.context).toMatchObject({
      holders: [],
      waiters: [],
    });
    expect((await site.post(enter("alpha"), {}, { "If-Match": '"v1"' })).status).toBe(200);
  });

  it("refuses unknown fields, another type, and what the server fills in", async () => {
    const site = await siteWithGroup();
    const faulty: [string, object][] = [
      ["maintenance/enter", { colour: "red" }],
      ["maintenance/enter", { type: "maintenance.exit" }],
      ["maintenance/enter", { slots: ["racks"] }],
      ["maintenance/enter", { queue: true, slots: ["racks"] }],
      ["maintenance/enter", { onBehalfOf: "root" }],
      ["maintenance/enter", { at: 1 }],
      ["maintenance/enter", { principal: "root" }],
      ["maintenance/enter", { queue: "yes" }],
      ["maintenance/enter", { drainForMs: 1, noDeadline: true }],
      ["maintenance/enter", { queue: true, drainForMs: -1 }],
      ["maintenance/exit", { type: "maintenance.abort" }],
      ["maintenance/exit", { queue: true }],
      ["maintenance/exit", { force: "yes" }],
      ["cordon", { type: "node.uncordon" }],
      ["uncordon", { reason: "none is taken" }],
    ];

    for (const [action, body] of faulty) {
      const answer = await site.post(`/v1/nodes/alpha/${action}`, body);

      expect([action, body, answer.status, answer.body.code]).toEqual([action, body, 400, "invalid-request"]);
      expect(answer.body.errors.length).toBeGreaterThan(0);
    }
    expect((await site.get("/v1/nodes/alpha")).body.version).toBe(1);
    expect((await site.get("/v1/instances/maintenance-group%2Fracks")).body.version).toBe(1);
  });
});

describe("a maintenance group", () => {
  it("lets as many in as its budget allows, and then says who is out", async () => {
    const site = await siteWithGroup();
    await site.post(enter("alpha"));

    const { status, body, headers } = await site.post(enter("beta"));

    expect(status).toBe(409);
    expect(body).toMatchObject({ code: "event-refused", id: "node/beta", from: "Active", event: "maintenance.enter" });
    expect(body.reasons).toEqual([
      {
        code: "budget-exhausted",
        detail: "racks allows 1 of its nodes out at once; out now: alpha.",
        data: { group: "racks", maxUnavailable: 1, holders: ["alpha"], waiting: [] },
        hint: "ask with `queue` to wait in line (at the command line `--queue`)",
      },
    ]);
    expect(body.hears).toEqual((await site.get("/v1/nodes/beta")).body.hears);
    expect(headers.etag).toBe('"v1"');
    expect((await site.get("/v1/nodes/beta")).body.state).toBe("Active");
  });

  it("counts as a refusal where it is refused: a client in a loop is told to wait", async () => {
    const site = await siteWithGroup(1, { limits: { refusalsPerMinuteMax: 2 } });
    await site.post(enter("alpha"));

    const statuses = [];
    for (let times = 0; times < 3; times += 1) statuses.push((await site.post(enter("beta"))).status);

    expect(statuses).toEqual([409, 409, 429]);
  });

  it("is asked only when nothing is wrong with what is asked", async () => {
    const site = await siteWithGroup();
    await site.post(enter("alpha"));

    for (const body of [
      { drainForMs: 0 },
      { drainForMs: 777_600_000_000 },
      { reason: "" },
      { reason: "", queue: true },
    ]) {
      const answer = await site.post(enter("beta"), body);

      expect([body, answer.status, answer.body.code]).toEqual([body, 400, "invalid-request"]);
    }
  });

  it("lets a node enter again that is out already: its deadline moves", async () => {
    const site = await siteWithGroup();
    await site.post(enter("alpha"), { drainForMs: 60_000 });

    const { status, body } = await site.post(enter("alpha"), { drainForMs: 120_000 });

    expect([status, body.outcome, body.instance.context.drainDueAt]).toEqual([200, "changed", 1_120_000]);
  });

  it("takes a node in line that asks for it, and lets it in when its turn comes", async () => {
    const site = await siteWithGroup();
    await site.post(enter("alpha"));

    const { status, body, headers } = await site.post(enter("beta"), { queue: true, reason: "a new disk" });

    expect([status, headers.location]).toEqual([202, "/v1/nodes/beta"]);
    expect(body).toEqual({
      outcome: "queued",
      version: 1,
      group: "racks",
      instance: (await site.get("/v1/nodes/beta")).body,
    });
    expect(body.instance.state).toBe("Active");
    expect((await site.post(enter("gamma"))).body.reasons[0].data).toMatchObject({
      holders: ["alpha"],
      waiting: ["beta"],
    });
    await site.settle();
    expect((await site.get("/v1/instances/node%2Fbeta/explain")).body.waitingFor[0].what).toBe(
      "somebody to ask for maintenance; that is asked for already: it stands in line at racks and enters when its turn comes",
    );
    await comeBack(site, "alpha");
    expect((await site.get("/v1/nodes/alpha")).body.state).toBe("Active");
    expect((await site.get("/v1/nodes/beta")).body).toMatchObject({
      state: "EnteringMaintenance",
      context: { requestedReason: "a new disk", requestedBy: "local" },
    });
  });

  it("lets a node that asks to wait in at once when there is room", async () => {
    const site = await siteWithGroup();

    const { status } = await site.post(enter("alpha"), { queue: true });
    await site.settle();

    expect(status).toBe(202);
    expect((await site.get("/v1/nodes/alpha")).body.state).toBe("EnteringMaintenance");
  });

  it("is not walked around by a raw event: the refusal names the route", async () => {
    const site = await siteWithGroup();
    const path = "/v1/instances/node%2Falpha/events";

    const raw = await site.post(path, { type: "maintenance.enter" });
    const forged = await site.post(path, { type: "maintenance.enter", slots: ["racks"] });
    const dry = await site.post(`${path}?dryRun=true`, { type: "maintenance.enter", onBehalfOf: "root" });
    const explained = await site.post("/v1/instances/node%2Falpha/explain", {
      type: "maintenance.enter",
      slots: ["racks"],
    });
    const taken = await site.post("/v1/instances/maintenance-group%2Fracks/events", {
      type: "slot.taken",
      node: "alpha",
    });

    expect(raw.status).toBe(409);
    expect(raw.body.reasons[0]).toMatchObject({
      code: "slot-required",
      data: { groups: ["racks"] },
      hint: "POST /v1/nodes/alpha/maintenance/enter",
    });
    for (const { status, body } of [forged, dry, explained])
      expect([status, body.code]).toEqual([400, "invalid-request"]);
    expect(forged.body.errors[0].pointer).toBe("/slots");
    expect([taken.status, taken.body.code]).toEqual([403, "internal-event"]);
  });

  it("of several groups takes all slots or none", async () => {
    const site = await createSite();
    await declareNodes(site.engine, {
      nodes: [
        { name: "a", groups: ["racks"], labels: {} },
        { name: "b", groups: ["zones", "racks"], labels: {} },
      ],
      groups: ["racks", "zones"].map((name) => ({ name, maxUnavailable: 1, members: 2 })),
    });
    await site.post(enter("a"));
    const zones = "/v1/instances/maintenance-group%2Fzones";

    const refused = await site.post(enter("b"));
    expect(refused.body.reasons[0].data.group).toBe("racks");
    expect((await site.get(zones)).body.context.holders).toEqual([]);

    await comeBack(site, "a");
    expect((await site.post(enter("b"))).status).toBe(200);
    expect((await site.get(zones)).body.context.holders).toEqual([{ node: "b", since: 1_000_000 }]);
  });
});

describe("declared nodes", () => {
  it("that are there already are told what has changed, and keep what they are in the middle of", async () => {
    const site = await siteWithGroup();
    await site.post(enter("alpha"));

    await declareNodes(site.engine, {
      nodes: [
        { name: "alpha", groups: ["racks"], labels: {} },
        { name: "delta", groups: [], labels: {} },
      ],
      groups: [{ name: "racks", maxUnavailable: 2, members: 3 }],
    });

    expect((await site.get("/v1/nodes/alpha")).body.state).toBe("EnteringMaintenance");
    expect((await site.get("/v1/nodes/delta")).body.state).toBe("Active");
    expect((await site.post(enter("beta"))).status).toBe(200);
  });
});
