import { describe, expect, it } from "vitest";
import { recordingProvider } from "../support/world.ts";
import { addCounter, addNode, createSite, type Json, type Site } from "./site.ts";

/** A node whose drain fails for good: a dead row among others. */
async function siteWithDeadCall(): Promise<Site & { heal(): void }> {
  let isBroken = true;
  const provider = recordingProvider({
    drainNode: () => {
      if (isBroken) throw Object.assign(new Error("no route to alpha"), { retryable: true });
      return new Promise(() => undefined);
    },
  });
  const site = await createSite({ providers: [provider] });
  await addNode(site, "alpha");
  return { ...site, heal: () => void (isBroken = false) };
}

describe("GET /v1/pending", () => {
  it("lists calls and timers of an instance with all that is known of them", async () => {
    const site = await createSite();
    await addCounter(site);
    await addNode(site, "alpha");
    await site.engine.send("node/alpha", { type: "maintenance.enter", drainForMs: 60_000 });

    const { status, body } = await site.get("/v1/pending?instance=node%2Falpha");
    const none = await site.get("/v1/pending?instance=c");

    expect([status, body.nextCursor]).toEqual([200, null]);
    const [timer] = body.items.filter(({ kind }: Json) => kind === "timer");
    expect(timer).toEqual({
      key: expect.stringContaining("node/alpha#2"),
      instance: "node/alpha",
      kind: "timer",
      id: "drainDeadline",
      state: "waiting",
      event: { type: "drain.deadlineElapsed" },
      dueAt: "1970-01-01T00:17:40.000Z",
      attempts: 0,
      createdAt: "1970-01-01T00:16:40.000Z",
    });
    const [call] = body.items.filter(({ id }: Json) => id === "drainNode");
    expect(call).toMatchObject({ kind: "call", state: "manual", activity: "drainNode", dueAt: null });
    expect(call.input).toMatchObject({ node: "alpha", epoch: 1 });
    expect(none.body.items).toEqual([]);
  });

  it("filters by kind and state, and turns pages", async () => {
    const site = await createSite();
    for (const node of ["a", "b", "c"]) {
      await addNode(site, node);
      await site.engine.send(`node/${node}`, { type: "maintenance.enter" });
    }
    const count = async (query: string) => (await site.get(`/v1/pending?${query}`)).body.items.length;

    expect(await count("")).toBe(9);
    expect(await count("kind=timer")).toBe(3);
    expect(await count("state=manual&kind=call")).toBe(6);
    expect(await count("state=dead")).toBe(0);
    expect(await count("instance=node/a&kind=message")).toBe(0);
    const keys: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { body }: { body: Json } = await site.get(`/v1/pending?limit=4${cursor && `&cursor=${cursor}`}`);
      keys.push(...body.items.map(({ key }: Json) => key));
      cursor = body.nextCursor;
    }
    expect(new Set(keys).size).toBe(9);
    expect(keys).toHaveLength(9);
  });

  it("refuses unknown kinds and states, and does not know unknown instances", async () => {
    const { get } = await createSite();

    for (const query of ["kind=call,timer", "kind=x", "state=gone", "limit=501", "instance=", "due=1"])
      expect([query, (await get(`/v1/pending?${query}`)).status]).toEqual([query, 400]);
    expect((await get("/v1/pending?instance=none")).status).toBe(404);
  });
});

describe("POST /v1/pending/{key}/retry and /discard", () => {
  it("tries what waits for its next attempt again at once", async () => {
    const site = await siteWithDeadCall();
    await site.engine.send("node/alpha", { type: "maintenance.enter", noDeadline: true });
    await site.settle();
    const [failed] = (await site.get("/v1/pending?state=retrying")).body.items;
    site.heal();

    const { status, body } = await site.post(`/v1/pending/${encodeURIComponent(failed.key)}/retry`);

    expect(failed.error).toContain("no route to alpha");
    expect([status, body.key, body.state, body.attempts]).toEqual([200, failed.key, "due", 0]);
  });

  it("gives a call up: the instance hears that it failed", async () => {
    const site = await createSite();
    await addNode(site, "alpha");
    await site.engine.send("node/alpha", { type: "maintenance.enter" });
    const [call] = (await site.get("/v1/pending?kind=call")).body.items.filter(({ id }: Json) => id === "drainNode");
    const path = `/v1/pending/${encodeURIComponent(call.key)}/discard`;

    const { status, body } = await site.post(path);
    const again = await site.post(path);

    expect([status, body]).toEqual([200, { key: call.key, discarded: true }]);
    expect((await site.get("/v1/nodes/alpha")).body).toMatchObject({
      state: "DrainFailed",
      context: { failure: { reason: expect.stringContaining("discarded by local") } },
    });
    expect([again.status, again.body.code]).toEqual([404, "not-found"]);
  });

  it("answer a retry under the same Idempotency-Key as the first time, and another request under it not at all", async () => {
    const site = await siteWithDeadCall();
    await site.engine.send("node/alpha", { type: "maintenance.enter", noDeadline: true });
    await site.settle();
    const [failed] = (await site.get("/v1/pending?state=retrying")).body.items;
    const path = `/v1/pending/${encodeURIComponent(failed.key)}`;
    const twice = async (action: string) => {
      const ask = () => site.post(`${path}/${action}`, undefined, { "Idempotency-Key": action });
      return [await ask(), await ask()] as const;
    };

    const [retried, retriedAgain] = await twice("retry");
    const [discarded, discardedAgain] = await twice("discard");
    const reused = await site.post(`${path}/discard`, undefined, { "Idempotency-Key": "retry" });

    for (const [first, again] of [
      [retried, retriedAgain],
      [discarded, discardedAgain],
    ] as const) {
      expect([first.status, again.status]).toEqual([200, 200]);
      expect(again.body).toEqual(first.body);
      expect([first, again].map(({ headers }) => headers["idempotency-replayed"])).toEqual([undefined, "true"]);
    }
    expect([reused.status, reused.body.code]).toEqual([422, "idempotency-key-reused"]);
  });

  it("know no unknown key, and take neither body nor If-Match", async () => {
    const { post } = await createSite();

    for (const action of ["retry", "discard"]) {
      expect((await post(`/v1/pending/none/${action}`)).body.code).toBe("not-found");
      expect((await post(`/v1/pending/none/${action}`, { force: true })).body.code).toBe("invalid-request");
      expect((await post(`/v1/pending/none/${action}`, undefined, { "If-Match": '"v1"' })).status).toBe(400);
      expect((await post(`/v1/pending/${encodeURIComponent("a/b#1:\u0000x")}/${action}`)).status).toBe(404);
    }
  });
});
