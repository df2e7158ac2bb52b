import { describe, expect, it } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { bearer, createGuardedSite } from "./guarded-site.ts";
import { createFleetSite, declarationOf, pathTo, type FleetSite } from "./fleet-site.ts";
import type { Json } from "./site.ts";

/** `stable@v1` over three hosts in two waves, of which the first waits for its dispatch to be taken. */
async function siteWithRollout(changes: object = {}): Promise<FleetSite> {
  const site = await createFleetSite();
  await site.declare("v1", changes);
  return site;
}

async function convergeAll(site: FleetSite, rolloutId: string): Promise<void> {
  for (const host of ["web-1", "web-2", "web-3"]) await site.converge(host, rolloutId);
}

const namesOf = ({ items }: { items: Json[] }) => items.map(({ rolloutId, host }) => rolloutId ?? host);

describe("GET /v1/rollouts", () => {
  it("lists the newest first, by channel and state, in pages", async () => {
    const site = await siteWithRollout();
    await site.declare("v2");
    const list = async (query: string) => namesOf((await site.get(`/v1/rollouts?${query}`)).body);

    expect(await list("")).toEqual(["stable@v2", "stable@v1", "edge@e1"]);
    expect(await list("channel=stable&limit=1")).toEqual(["stable@v2"]);
    expect(await list("state=Superseded")).toEqual(["stable@v1"]);
    expect(await list("channel=none")).toEqual([]);
    const first = await site.get("/v1/rollouts?limit=2");
    expect(await list(`limit=2&cursor=${first.body.nextCursor}`)).toEqual(["edge@e1"]);
    expect((await site.get("/v1/rollouts?state=Nowhere")).status).toBe(400);
    expect((await site.get("/v1/rollouts?cursor=x")).status).toBe(400);
  });

  it("shows one with its waves and the numbers of the journal, and 304 when it is known", async () => {
    const site = await siteWithRollout();
    await site.converge("web-1", "stable@v1");

    const { status, body, headers } = await site.get(pathTo("stable@v1"));

    expect([status, headers.etag]).toEqual([200, `"v${body.version}"`]);
    expect(body).toMatchObject({
      channel: "stable",
      targetRef: "v1",
      state: "Active",
      control: "Running",
      currentWave: 1,
    });
    expect(body.waves.map(({ name, state, hosts, counts }: Json) => [name, state, hosts, counts])).toEqual([
      ["canary", "done", 1, { Converged: 1 }],
      ["rest", "current", 2, { Pending: 2 }],
    ]);
    const { entries } = (await site.get(`/v1/instances/${encodeURIComponent("stable@v1")}/journal`)).body;
    expect(body.openedSeq).toBe(entries[0].seq);
    expect(body.lastTransitionSeq).toBe(entries.findLast(({ from, to }: Json) => from !== to).seq);
    expect((await site.get(pathTo("stable@v1"), { "If-None-Match": headers.etag as string })).status).toBe(304);
    expect((await site.get(pathTo("stable@v9"))).body.code).toBe("not-found");
    expect((await site.get(pathTo("edge@e1/lab-1"))).status).toBe(404);
  });

  it("tells the plan that was frozen when it opened", async () => {
    const site = await siteWithRollout();

    const { status, body } = await site.get(`${pathTo("stable@v1")}/plan`);

    expect([status, body.hash]).toEqual([200, (await site.get(pathTo("stable@v1"))).body.planHash]);
    expect(body.waves.map(({ name, hosts }: Json) => [name, hosts])).toEqual([
      ["canary", ["web-1"]],
      ["rest", ["web-2", "web-3"]],
    ]);
    expect((await site.get(`${pathTo("stable@v9")}/plan`)).status).toBe(404);
  });
});

describe("POST /v1/rollouts", () => {
  it("opens a run, supersedes the one before, and says where the new one is", async () => {
    const site = await siteWithRollout();

    const { status, body, headers } = await site.post("/v1/rollouts", { channel: "stable", ref: "v1" });
    const next = await site.post("/v1/rollouts", { channel: "stable" });

    expect([status, body]).toEqual([
      201,
      { rolloutId: "stable@v1~2", hosts: 3, waves: [1, 2], superseded: "stable@v1" },
    ]);
    expect((await site.get(headers.location as string)).body.rolloutId).toBe("stable@v1~2");
    expect((await site.get(pathTo("stable@v1"))).body).toMatchObject({
      state: "Superseded",
      supersededBy: "stable@v1~2",
    });
    expect(next.body.rolloutId).toBe("stable@v1~3");
  });

  it("opens one for one key, however often it is asked", async () => {
    const site = await siteWithRollout();
    const body = { channel: "stable", ref: "v2" };
    const key = { "Idempotency-Key": "k" };

    const first = await site.post("/v1/rollouts", body, key);
    const again = await site.post("/v1/rollouts", body, key);
    const other = await site.post("/v1/rollouts", { ...body, ref: "v3" }, key);

    expect(again.body).toEqual(first.body);
    expect([again.status, again.headers["idempotency-replayed"], again.headers.location]).toEqual([
      201,
      "true",
      first.headers.location,
    ]);
    expect(other.status).toBe(422);
    expect((await site.get("/v1/rollouts?channel=stable")).body.items).toHaveLength(2);
  });

  it("refuses a channel that is not declared, and what is no version", async () => {
    const site = await siteWithRollout();
    const answers = await Promise.all(
      [{ channel: "none" }, { channel: "stable", ref: "a b" }, { channel: "stable", hosts: ["web-1"] }, {}].map(
        (body) => site.post("/v1/rollouts", body),
      ),
    );

    expect(answers.map(({ status }) => status)).toEqual([404, 400, 400, 400]);
    expect((await site.get("/v1/rollouts?channel=stable")).body.items).toHaveLength(1);
  });
});

describe("the hosts of a rollout", () => {
  it("are listed by wave and name, those that were never dispatched too", async () => {
    const site = await siteWithRollout();
    await site.converge("web-1", "stable@v1");
    const list = async (query: string) => namesOf((await site.get(`${pathTo("stable@v1")}/hosts?${query}`)).body);

    const { body } = await site.get(`${pathTo("stable@v1")}/hosts`);
    expect(body.items.map(({ host, wave, state }: Json) => [host, wave, state])).toEqual([
      ["web-1", 0, "Converged"],
      ["web-2", 1, "Pending"],
      ["web-3", 1, "Pending"],
    ]);
    expect(body.items[0]).toMatchObject({ instance: "stable@v1/web-1", observedVersion: "v1" });
    expect(await list("state=Pending")).toEqual(["web-2", "web-3"]);
    expect(await list("wave=0")).toEqual(["web-1"]);
    const first = await site.get(`${pathTo("stable@v1")}/hosts?limit=2`);
    expect(await list(`cursor=${first.body.nextCursor}`)).toEqual(["web-3"]);
    expect((await site.get(`${pathTo("stable@v9")}/hosts`)).status).toBe(404);
  });

  it("are explained: which gates hold one back, and what it waits for", async () => {
    const site = await siteWithRollout();

    const held = await site.get(`${pathTo("stable@v1")}/hosts/web-2`);
    const offered = await site.get(`${pathTo("stable@v1")}/hosts/web-1`);

    expect(held.body).toMatchObject({ host: "web-2", wave: 1, state: "Pending", instance: null, isOffered: false });
    expect(held.body.gates.map(({ gate }: Json) => gate)).toEqual(["wave-promotion"]);
    expect(offered.body).toMatchObject({ isOffered: true, gates: [], instance: "stable@v1/web-1" });
    expect(offered.body.waitingFor.length).toBeGreaterThan(0);
    expect((await site.get(`${pathTo("stable@v1")}/hosts/lab-1`)).body.code).toBe("not-found");
  });

  it("are excused with a reason by somebody, and hold nothing up then", async () => {
    const site = await siteWithRollout();
    const path = `${pathTo("stable@v1")}/hosts/web-2/excuse`;

    const { status, body } = await site.post(path, { reason: "it is being repaired" });
    await site.settle();

    expect([status, body.countedAs, body.excused], JSON.stringify(body)).toEqual([
      200,
      "Excused",
      { by: "local", reason: "it is being repaired", at: expect.any(String) },
    ]);
    expect((await site.get(pathTo("stable@v1"))).body.waves[1].counts).toEqual({ Excused: 1, Pending: 1 });
    expect((await site.post(path)).status).toBe(400);
    const stranger = await site.post(`${pathTo("stable@v1")}/hosts/lab-1/excuse`, { reason: "x" });
    expect([stranger.status, stranger.body.detail]).toEqual([404, "lab-1 is not a host of stable@v1."]);
  });
});

describe("the events of a rollout", () => {
  it("are those of the rollout and its hosts, in order and in pages, and of no other", async () => {
    const site = await siteWithRollout();
    await convergeAll(site, "stable@v1");
    await site.declare("v2");
    const path = `${pathTo("stable@v1")}/events`;
    const { entries: all } = await site.engine.journal({ limit: 500 });
    const own = all.filter(({ instance }) => instance === "stable@v1" || instance.startsWith("stable@v1/"));

    const { body } = await site.get(`${path}?limit=500`);
    const seqs: number[] = [];
    for (let after = 0, isComplete = false; !isComplete; ) {
      const page: Json = (await site.get(`${path}?limit=7&after=${after}`)).body;
      seqs.push(...page.entries.map(({ seq }: Json) => seq));
      ({ nextAfter: after, isComplete } = page);
    }

    expect(own.length).toBeGreaterThan(20);
    expect(body.entries.map(({ seq }: Json) => seq)).toEqual(own.map(({ seq }) => seq));
    expect([body.isComplete, body.nextAfter]).toEqual([true, all.at(-1)?.seq]);
    expect(seqs).toEqual(own.map(({ seq }) => seq));
    expect((await site.get(`${pathTo("stable@v9")}/events`)).status).toBe(404);
  });
});

describe("the client", () => {
  it("goes through all rollouts, hosts and events, page after page", async () => {
    const site = await siteWithRollout();
    await convergeAll(site, "stable@v1");
    const client = createClient({ url: site.url });
    const all = async <Item>(items: AsyncGenerator<Item>) => {
      const found: Item[] = [];
      for await (const item of items) found.push(item);
      return found;
    };

    const rollouts = await all(client.rollouts({ limit: 1 }));
    const hosts = await all(client.rolloutHosts("stable@v1", { limit: 2, state: "Converged" }));
    const events = await all(client.rolloutEvents("stable@v1"));

    expect(rollouts.map(({ rolloutId }) => rolloutId)).toEqual(["stable@v1", "edge@e1"]);
    expect(hosts.map(({ host }) => host)).toEqual(["web-1", "web-2", "web-3"]);
    expect(events[0]).toMatchObject({ instance: "stable@v1", kind: "created" });
    expect(new Set(events.map(({ instance }) => instance)).size).toBe(4);
    await expect(all(client.rolloutEvents("stable@v9"))).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("what a person does to a rollout", () => {
  it("pauses and resumes it, at the version that was seen", async () => {
    const site = await siteWithRollout();
    const { headers } = await site.get(pathTo("stable@v1"));
    const seen = { "If-Match": headers.etag as string };

    const paused = await site.post(`${pathTo("stable@v1")}/pause`, { reason: "looking into it" }, seen);
    await site.settle();
    const stale = await site.post(`${pathTo("stable@v1")}/resume`, {}, seen);
    const { body } = await site.get(pathTo("stable@v1"));
    const resumed = await site.post(`${pathTo("stable@v1")}/resume`);

    expect([paused.status, paused.body.outcome, stale.status, stale.body.code]).toEqual([
      200,
      "changed",
      412,
      "version-mismatch",
    ]);
    expect(body).toMatchObject({ control: "Paused", paused: { by: "local", reason: "looking into it" } });
    expect([resumed.status, resumed.body.instance.value.control]).toEqual([200, "Running"]);
    expect((await site.post(`${pathTo("stable@v9")}/pause`)).body).toMatchObject({
      code: "not-found",
      detail: "There is no rollout stable@v9.",
    });
    expect((await site.post(`/v1/rollouts/line/pause`)).body.code).toBe("not-found");
    expect((await site.post(`${pathTo("stable@v1")}/pause`, { at: 1 })).status).toBe(400);
  });

  it("is done once under one key", async () => {
    const site = await siteWithRollout();
    const key = { "Idempotency-Key": "k" };

    const first = await site.post(`${pathTo("stable@v1")}/pause`, {}, key);
    await site.post(`${pathTo("stable@v1")}/resume`);
    const again = await site.post(`${pathTo("stable@v1")}/pause`, {}, key);

    expect([again.body.outcome, again.body.version]).toEqual([first.body.outcome, first.body.version]);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect((await site.get(pathTo("stable@v1"))).body.control).toBe("Running");
    expect((await site.post(`${pathTo("stable@v1")}/cancel`, {}, key)).status).toBe(422);
  });

  it("waives a soak with promote", async () => {
    const policies = { careful: { waves: [{ name: "all", hosts: { all: true }, soak: "1h" }] }, plain: {} };
    const site = await siteWithRollout({ policies });
    await site.tell("web-1", "stable@v1", 1, [
      { type: "dispatch.acknowledged", observedPrior: null },
      { type: "activation.started" },
      { type: "activation.completed", observedVersion: "v1" },
    ]);

    const { status } = await site.post(`${pathTo("stable@v1")}/promote`, { full: true });
    await site.settle();

    expect(status).toBe(200);
    const orders = await site.ordersOf("web-1", "stable@v1::3");
    expect(orders.map(({ kind, event }: Json) => [kind, event.type])).toEqual([["order", "soak.waived"]]);
    expect(await site.ordersOf("web-1", `stable@v1:${orders[0]?.id}:3`)).toEqual([]);
  });

  it("cancels it where it is, after which nothing more is dispatched", async () => {
    const site = await siteWithRollout();
    await site.converge("web-1", "stable@v1");

    const { status } = await site.post(`${pathTo("stable@v1")}/cancel`, { reason: "not today" });
    await site.settle();
    const refused = await site.post(`${pathTo("stable@v1")}/pause`);

    expect(status).toBe(200);
    expect((await site.get(pathTo("stable@v1"))).body).toMatchObject({ state: "Superseded", endedBy: "cancelled" });
    expect([refused.status, refused.body.code, refused.body.event]).toEqual([409, "event-refused", "rollout.pause"]);
    expect(await site.ordersOf("web-2")).toEqual([]);
  });

  it("clears what has failed, and refuses to clear what has not", async () => {
    const site = await siteWithRollout();
    const early = await site.post(`${pathTo("stable@v1")}/clear`, { reason: "replaced" });
    await site.fail("web-1", "stable@v1");

    const { status, body } = await site.post(`${pathTo("stable@v1")}/clear`, { reason: "replaced" });

    expect([early.status, early.body.code]).toEqual([409, "event-refused"]);
    expect([status, body.instance.context.cleared.reason]).toEqual([200, "replaced"]);
    expect((await site.post(`${pathTo("stable@v1")}/clear`)).status).toBe(400);
  });

  it("approves a wave only as an approver who is known", async () => {
    const waves = [
      { name: "canary", hosts: { tags: ["canary"] }, soak: "0s" },
      { name: "rest", hosts: { all: true }, soak: "0s", approvals: 1 },
    ];
    const document = declarationOf("v1", { policies: { careful: { waves }, plain: {} } });
    const open = await createFleetSite();
    const site = await createGuardedSite({ hasFleet: true });
    const tokens = await site.admit("operator", "approver", "agent:web-1");
    const post = (path: string, token: string, body?: object) =>
      site.ask("POST", path, { headers: bearer(token), ...(body && { body }) });
    await post("/v1/fleet", tokens.operator, { document });
    await site.settle();
    await post("/v1/agent/events", tokens["agent:web-1"], {
      agent: "a.1",
      rolloutId: "stable@v1",
      events: [
        { type: "dispatch.acknowledged", observedPrior: null },
        { type: "activation.started" },
        { type: "activation.completed", observedVersion: "v1" },
        { type: "host.converged", version: "v1" },
      ].map((event, index) => ({ seq: index + 1, event })),
    });
    await site.settle();

    const path = `${pathTo("stable@v1")}/approve`;
    const operator = await post(path, tokens.operator, {});
    const nobody = await open.post(path, {});
    const approver = await post(path, tokens.approver, {});
    await site.settle();

    expect([operator.status, nobody.status, approver.status]).toEqual([403, 403, 200]);
    expect(nobody.body.detail).toContain("approvals need authentication");
    const shown = await site.ask("GET", pathTo("stable@v1"), { headers: bearer(tokens.operator) });
    expect(shown.body).toMatchObject({ currentWave: 1, control: "Running", approvals: { 1: [{ by: "approver" }] } });
  });
});

describe("the way back", () => {
  it("is abort: it cancels, and brings the last whole version back", async () => {
    const site = await siteWithRollout();
    await convergeAll(site, "stable@v1");
    await site.declare("v2");
    await site.fail("web-1", "stable@v2");

    const { status, body, headers } = await site.post(`${pathTo("stable@v2")}/abort`, { reason: "errors" });
    await site.settle();

    expect([status, body.rolloutId, headers.location]).toEqual([201, "stable@v1~2", pathTo("stable@v1~2")]);
    expect((await site.get(pathTo("stable@v2"))).body).toMatchObject({ state: "Superseded" });
  });

  it("is undo: a new run of the last whole version, also while the line is stopped", async () => {
    const site = await siteWithRollout();
    await convergeAll(site, "stable@v1");
    await site.declare("v2");
    await site.post("/v1/freeze");

    const { status, body } = await site.post("/v1/channels/stable/undo", { reason: "errors" });
    await site.settle();

    expect([status, body.rolloutId, body.superseded]).toEqual([201, "stable@v1~2", "stable@v2"]);
    expect((await site.ordersOf("web-1")).map(({ kind }) => kind)).toEqual(["dispatch"]);
    expect((await site.post("/v1/channels/none/undo")).status).toBe(409);
  });

  it("is refused where nothing has ever been rolled out whole, with the reason", async () => {
    const site = await siteWithRollout();

    const { status, body } = await site.post("/v1/channels/stable/undo");
    const aborted = await site.post(`${pathTo("stable@v1")}/abort`);

    expect([status, aborted.status]).toEqual([409, 409]);
    expect(body.code).toBe("event-refused");
    expect((await site.get("/v1/rollouts?channel=stable")).body.items).toHaveLength(1);
  });

  it("is retry: a new run over the hosts that have not converged, whose quarantine is lifted", async () => {
    const site = await siteWithRollout();
    await site.converge("web-1", "stable@v1");
    await site.fail("web-2", "stable@v1");
    expect((await site.get("/v1/quarantines")).body.items).toHaveLength(1);

    const { status, body } = await site.post(`${pathTo("stable@v1")}/retry`, { reason: "the disk was full" });
    await site.settle();

    expect([status, body.rolloutId, body.hosts]).toEqual([201, "stable@v1~2", 2]);
    expect((await site.get("/v1/quarantines")).body.items).toEqual([]);
    expect((await site.post(`${pathTo("stable@v1~2")}/retry`)).status).toBe(400);
    expect((await site.post(`${pathTo("stable@v9")}/retry`, { reason: "x" })).status).toBe(404);
  });
});
