import { Agent, request } from "node:http";
import { describe, expect, it } from "vitest";
import { agentEventTypes } from "../../machines/host/events.ts";
import { createClient } from "../../src/client/index.ts";
import { bearer, createGuardedSite } from "./guarded-site.ts";
import {
  acknowledged,
  createFleetSite,
  declarationOf,
  failed,
  lifeOf,
  pathTo,
  started,
  theAgent,
  type FleetSite,
} from "./fleet-site.ts";
import type { Json } from "./site.ts";

const dispatchPath = "/v1/agent/dispatch";
const eventsPath = "/v1/agent/events";

async function siteWithRollout(): Promise<FleetSite> {
  const site = await createFleetSite();
  await site.declare("v1");
  return site;
}

/** Resolves when that many hosts wait. */
async function waiting(site: FleetSite, count: number): Promise<void> {
  await expect.poll(() => site.waiting()).toBe(count);
}

describe("GET /v1/agent/dispatch", () => {
  it("tells what is offered to a host, and nothing to one that has nothing to do", async () => {
    const site = await siteWithRollout();

    const { status, body } = await site.get(`${dispatchPath}?agent=${theAgent}&host=web-1&wait=0`);
    const none = await site.get(`${dispatchPath}?agent=${theAgent}&host=web-2&wait=0`);

    expect([status, body.items]).toEqual([
      200,
      [
        {
          kind: "dispatch",
          dispatch: expect.objectContaining({
            rolloutId: "stable@v1",
            host: "web-1",
            channel: "stable",
            target: "v1",
            wave: 0,
            soakMs: 0,
          }),
          quarantined: [],
        },
      ],
    ]);
    expect([none.status, none.text]).toEqual([204, ""]);
  });

  it("waits until there is something to do", async () => {
    const site = await siteWithRollout();
    const answer = site.get(`${dispatchPath}?agent=${theAgent}&host=web-2&wait=60`);
    await waiting(site, 1);

    await site.converge("web-1", "stable@v1");

    const { status, body } = await answer;
    expect([status, body.items.map(({ dispatch }: Json) => dispatch.host)]).toEqual([200, ["web-2"]]);
    expect(await site.waiting()).toBe(0);
  });

  it("answers with nothing when the time is over", async () => {
    const site = await siteWithRollout();
    const answer = site.get(`${dispatchPath}?agent=${theAgent}&host=web-2&wait=20`);
    await waiting(site, 1);

    await site.clock.advance(19_999);
    expect(await site.waiting()).toBe(1);
    await site.clock.advance(1);

    expect((await answer).status).toBe(204);
  });

  it("answers the first request of a host with nothing when it asks again", async () => {
    const site = await siteWithRollout();
    const first = site.get(`${dispatchPath}?agent=${theAgent}&host=web-2`);
    await waiting(site, 1);

    const second = site.get(`${dispatchPath}?agent=${theAgent}&host=web-2`);

    expect((await first).status).toBe(204);
    await waiting(site, 1);
    await site.converge("web-1", "stable@v1");
    expect((await second).status).toBe(200);
  });

  it("lets go of whoever has gone", async () => {
    const site = await siteWithRollout();
    const agent = new Agent();
    const left = request(`${site.url}${dispatchPath}?agent=${theAgent}&host=web-2`, { agent });
    left.on("error", () => undefined);
    left.end();
    await waiting(site, 1);

    left.destroy();

    await waiting(site, 0);
    agent.destroy();
  });

  it("refuses more that wait than there may be, and says when to ask again", async () => {
    const site = await createFleetSite({ polls: { waitingMax: 1 } });
    await site.declare("v1");
    const first = site.get(`${dispatchPath}?agent=${theAgent}&host=web-2`);
    await waiting(site, 1);

    const { status, body, headers } = await site.get(`${dispatchPath}?agent=${theAgent}&host=web-3`);

    expect([status, body.code, headers["retry-after"]]).toEqual([429, "too-many-requests", "5"]);
    expect((await site.get(`${dispatchPath}?agent=${theAgent}&host=web-3&wait=0`)).status).toBe(204);
    await site.converge("web-1", "stable@v1");
    expect((await first).status).toBe(200);
  });

  it("is over at once when the server stops, so that it can close", async () => {
    const stopping = new AbortController();
    const site = await createFleetSite({ stopping: stopping.signal });
    await site.declare("v1");
    const answers = ["web-2", "web-3"].map((host) => site.get(`${dispatchPath}?agent=${theAgent}&host=${host}`));
    await waiting(site, 2);

    stopping.abort();

    for (const { status, body, headers } of await Promise.all(answers)) {
      expect([status, body.code, headers.connection]).toEqual([503, "shutting-down", "close"]);
    }
    await site.listening.close();
  });

  it("hands out the orders that an agent has not taken, and asks again for what was lost", async () => {
    const site = await siteWithRollout();
    await site.tell("web-1", "stable@v1", 1, [acknowledged, started]);
    await site.declare("v2");

    const fresh = await site.ordersOf("web-1", "stable@v1::2");
    const id = fresh[0]?.id;
    const known = await site.ordersOf("web-1", `stable@v1:${id}:2`);
    const lost = await site.ordersOf("web-1", `stable@v1:1s.${id}:4`);

    const released = { type: "host.released", by: "stable@v2" };
    expect(fresh).toEqual([
      { kind: "order", rolloutId: "stable@v1", id: expect.stringMatching(/h$/), event: released },
    ]);
    expect(known).toEqual([]);
    expect(lost).toEqual([{ kind: "replay", rolloutId: "stable@v1", after: 2 }]);
  });

  it("tells an agent that has lost its memory what it had begun", async () => {
    const site = await siteWithRollout();
    await site.tell("web-1", "stable@v1", 1, [{ ...acknowledged, observedPrior: "v0" }, started]);

    const orders = await site.ordersOf("web-1");

    expect(orders).toEqual([
      {
        kind: "recover",
        dispatch: expect.objectContaining({ rolloutId: "stable@v1", host: "web-1", target: "v1" }),
        acknowledged: { observedPrior: "v0", rollbackTo: null },
        seq: 2,
        state: "Activating",
      },
    ]);
  });

  it.each([
    ["a host that nobody says", "wait=0"],
    ["what is no name of a host", "host=a%2Fb&wait=0"],
    ["a wait that is too long", "host=web-1&wait=61"],
    ["a wait that is no number", "host=web-1&wait=soon"],
    ["records of what is no rollout", "host=web-1&wait=0&known=line::0"],
    ["records without numbers", "host=web-1&wait=0&known=stable@v1"],
    ["records with orders that are none", "host=web-1&wait=0&known=stable@v1:1s.:2"],
    ["records with orders that are counted, as another version's agent would", "host=web-1&wait=0&known=stable@v1:0:2"],
    ["records of too many", `host=web-1&wait=0&known=${Array.from({ length: 101 }, (_, n) => `a@v${n}::0`).join(",")}`],
  ])("refuses %s", async (_what, query) => {
    const site = await siteWithRollout();

    const { status, body } = await site.get(`${dispatchPath}?agent=${theAgent}&${query}`);

    expect([status, body.code]).toEqual([400, "invalid-request"]);
  });

  it("is waited for by the client, which understands that there is nothing", async () => {
    const site = await siteWithRollout();
    const client = createClient({ url: site.url });

    const none = await client.call("poll-dispatch", { query: { host: "web-2", agent: theAgent, wait: 0 } });
    const some = await client.call("poll-dispatch", {
      query: { host: "web-1", agent: theAgent, wait: 0, known: "stable@v0::1" },
    });

    expect(none).toBeUndefined();
    expect(some?.items).toMatchObject([{ kind: "dispatch" }]);
  });
});

describe("POST /v1/agent/events", () => {
  it("takes what a host tells, in order, and says where it is", async () => {
    const site = await siteWithRollout();

    const { status, body } = await site.tell("web-1", "stable@v1", 1, lifeOf("v1"));

    expect([status, body]).toEqual([
      200,
      { last: 4, outcomes: [1, 2, 3, 4].map((seq) => ({ seq, outcome: "changed" })), state: "Converged" },
    ]);
    const { entries } = await site.engine.journal({ instance: "stable@v1/web-1" });
    expect(entries.map(({ event }) => event?.type).filter((type) => type !== undefined)).toEqual(
      lifeOf("v1").map((event) => (event as { type: string }).type),
    );
  });

  it("gives the first answers again to what it has taken, and goes on with what is new", async () => {
    const site = await siteWithRollout();
    const early = { type: "host.converged", version: "v1" };
    const first = await site.tell("web-1", "stable@v1", 1, [acknowledged, early, started]);
    const position = await site.engine.position();

    const again = await site.tell("web-1", "stable@v1", 1, [acknowledged, early, started]);
    const unmoved = await site.engine.position();
    const further = await site.tell("web-1", "stable@v1", 2, [early, started, failed]);

    expect(first.body.outcomes.map(({ outcome }: Json) => outcome)).toEqual(["changed", "refused", "changed"]);
    expect(first.body.outcomes[1].reasons[0].code).toBe("not-accepted");
    expect(again.body).toEqual(first.body);
    expect(unmoved).toBe(position);
    expect([further.status, further.body.last, further.body.state]).toEqual([200, 4, "Failed"]);
  });

  it("refuses what leaves numbers out, names the one that comes next, and takes nothing of it", async () => {
    const site = await siteWithRollout();
    await site.tell("web-1", "stable@v1", 1, [acknowledged]);
    const position = await site.engine.position();

    const { status, body } = await site.tell("web-1", "stable@v1", 3, [started, failed]);

    expect([status, body.code, body.expected]).toEqual([409, "sequence-gap", 2]);
    expect(await site.engine.position()).toBe(position);
  });

  it("counts a host as back by what it takes, and by nothing that it refuses", async () => {
    const site = await siteWithRollout();
    await site.post("/v1/rollouts/stable@v1/hosts/web-1/excuse", { reason: "it is repaired" });
    await site.settle();
    const countedAs = async () => (await site.get("/v1/rollouts/stable@v1/hosts/web-1")).body.countedAs as string;

    const refused = [
      await site.tell("web-1", "stable@v1", 2, [started]),
      await site.tell("web-1", "stable@v9", 1, [acknowledged]),
      await site.tell("web-1", "stable@v1", 1, [{ type: "host.seen" }]),
    ];
    const before = await countedAs();
    const { status } = await site.tell("web-1", "stable@v1", 1, [acknowledged]);

    expect(refused.map((each) => each.status)).toEqual([409, 404, 400]);
    expect([before, status, await countedAs()]).toEqual(["Excused", 200, "Pending"]);
  });

  it("takes two halves of a stream that are told at the same time", async () => {
    const site = await siteWithRollout();
    const [first, second, third, fourth] = lifeOf("v1") as [object, object, object, object];

    const answers = await Promise.all([
      site.tell("web-1", "stable@v1", 1, [first, second, third]),
      site.tell("web-1", "stable@v1", 1, [first, second]),
    ]);
    const last = await site.tell("web-1", "stable@v1", 4, [fourth]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect([last.status, last.body.state]).toEqual([200, "Converged"]);
  });

  it("changes nothing when one of the events is faulty, and says which", async () => {
    const site = await siteWithRollout();
    const position = await site.engine.position();
    const told = async (events: object[]) => {
      const body = { host: "web-1", agent: theAgent, rolloutId: "stable@v1", events };
      const answered = await site.post(eventsPath, body);
      return [answered.status, answered.body.code, answered.body.errors?.[0].pointer];
    };
    const numbered = (...events: object[]) => events.map((event, index) => ({ seq: index + 1, event }));

    expect(await told(numbered(acknowledged, { type: "activation.completed" }))).toEqual([
      400,
      "invalid-request",
      "/events/1/event/observedVersion",
    ]);
    expect(await told(numbered(acknowledged, { ...started, at: 1 }))).toEqual([
      400,
      "invalid-request",
      "/events/1/event/at",
    ]);
    expect(await told([...numbered(acknowledged), { seq: 3, event: started }])).toEqual([
      400,
      "invalid-request",
      "/events/1/seq",
    ]);
    expect(await told([])).toEqual([400, "invalid-request", "/events"]);
    expect(await site.engine.position()).toBe(position);
  });

  it("takes no event that is not of an agent, from nobody", async () => {
    const site = await siteWithRollout();
    const others = ["host.excused", "host.released", "soak.waived", "dispatch.offered", "host.seen", "xstate.init"];
    const statuses: number[] = [];

    for (const type of others)
      statuses.push((await site.tell("web-1", "stable@v1", 1, [{ type, reason: "x" }])).status);

    expect(statuses).toEqual(others.map(() => 400));
    expect(others.filter((type) => (agentEventTypes as readonly string[]).includes(type))).toEqual([]);
  });

  it("knows no host without a dispatch, and nothing but hosts", async () => {
    const site = await siteWithRollout();
    await site.engine.create({ machine: "counter", id: "stable@v1/counter", input: {} });

    for (const [host, rolloutId] of [
      ["web-2", "stable@v1"],
      ["web-1", "stable@v9"],
      ["counter", "stable@v1"],
      ["web-1", "none"],
    ] as const) {
      const { status, body } = await site.tell(host, rolloutId, 1, [acknowledged]);
      expect([status, body.code], `${host} ${rolloutId}`).toEqual([404, "not-found"]);
    }
  });

  it("regains a host that the control plane has lost, from what its agent tells again", async () => {
    const site = await siteWithRollout();
    const before = await site.get(`${pathTo("stable@v1")}/hosts/web-2`);

    const orders = await site.ordersOf("web-2", "stable@v1::4"); // it has lived here, and nobody remembers
    await site.tell("web-2", "stable@v1", 1, lifeOf("v1"));

    expect(before.body.instance).toBeNull();
    expect(orders).toEqual([{ kind: "replay", rolloutId: "stable@v1", after: 0 }]);
    expect((await site.get(`${pathTo("stable@v1")}/hosts/web-2`)).body.state).toBe("Converged");
    expect((await site.get(pathTo("stable@v1"))).body.waves[1].counts).toEqual({ Converged: 1, Pending: 1 });
  });
});

describe("a second agent with the name of a host", () => {
  it("is refused whatever it asks or tells, and named where the fleet is shown", async () => {
    const site = await siteWithRollout();
    const ask = (agent: string) => site.get(`${dispatchPath}?host=web-1&wait=0&agent=${agent}`);
    const first = await ask("old.1");
    const none = (await site.get("/v1/fleet")).body.contested;
    const figure = async () => /^signalbox_hosts_contested (\d+)$/m.exec((await site.get("/metrics")).text)?.[1];
    const figureBefore = await figure();

    const asked = await ask("new.1");
    const events = [{ seq: 1, event: acknowledged }];
    const told = await site.post(eventsPath, { host: "web-1", agent: "new.1", rolloutId: "stable@v1", events });
    const toldByFirst = await site.post(eventsPath, { host: "web-1", agent: "old.1", rolloutId: "stable@v1", events });

    expect([first.status, asked.status, told.status, toldByFirst.status]).toEqual([200, 409, 409, 200]);
    expect([asked.body.code, told.body.code]).toEqual(["host-taken", "host-taken"]);
    expect(none).toEqual([]);
    expect([figureBefore, await figure()]).toEqual(["0", "1"]);
    const { contested } = (await site.get("/v1/fleet")).body;
    expect(contested).toMatchObject([
      { host: "web-1", why: expect.stringContaining("Another agent speaks for web-1.") },
    ]);
  });
});

describe("a request that is refused", () => {
  it("does not take the place of the agent that speaks for the host", async () => {
    const site = await siteWithRollout();
    const ask = async (agent: string) => (await site.get(`${dispatchPath}?host=web-1&wait=0&agent=${agent}`)).status;
    await ask("old.1");
    const tell = async (rolloutId: string, seq: number, event: object) => {
      const body = { host: "web-1", agent: "old.2", rolloutId, events: [{ seq, event }] };
      return (await site.post(eventsPath, body)).status;
    };

    const refused = [
      await tell("stable@v9", 1, acknowledged),
      await tell("stable@v1", 1, { type: "activation.completed" }),
      await tell("stable@v1", 2, started),
    ];
    const first = await ask("old.1");
    const taken = await tell("stable@v1", 1, acknowledged);

    expect(refused).toEqual([404, 400, 409]);
    expect([first, taken, await ask("old.1")]).toEqual([200, 200, 409]);
  });

  it("ends nobody's wait, and neither does one that does not say which agent it is", async () => {
    const site = await siteWithRollout();
    const holder = site.get(`${dispatchPath}?host=web-2&agent=old.1`);
    await waiting(site, 1);

    const stranger = await site.get(`${dispatchPath}?host=web-2&wait=60&agent=new.1`);
    const nobody = await site.get(`${dispatchPath}?host=web-2&wait=60`);
    const events = [{ seq: 1, event: acknowledged }];
    const told = await site.post(eventsPath, { host: "web-1", rolloutId: "stable@v1", events });

    expect([stranger.status, nobody.status, told.status]).toEqual([409, 400, 400]);
    expect(nobody.body.errors).toMatchObject([{ pointer: "/agent" }]);
    expect(await site.waiting()).toBe(1);
    await site.converge("web-1", "stable@v1");
    expect((await holder).status).toBe(200);
  });
});

describe("an agent with a token", () => {
  it("speaks for its own host without naming it, and for no other", async () => {
    const site = await createGuardedSite({ hasFleet: true });
    const tokens = await site.admit("operator", "admin", "agent:web-1", "agent:web-2");
    const headers = bearer(tokens["agent:web-1"]);
    const other = bearer(tokens["agent:web-2"]);
    const document = declarationOf("v1");
    await site.ask("POST", "/v1/fleet", { headers: bearer(tokens.operator), body: { document } });
    await site.settle();
    const body = { agent: theAgent, rolloutId: "stable@v1", events: [{ seq: 1, event: acknowledged }] };
    const codeOf = ({ status, body: { code } }: Json) => [status, code];

    expect(
      codeOf(await site.ask("GET", `${dispatchPath}?agent=${theAgent}&host=web-1&wait=0`, { headers: other })),
    ).toEqual([403, "forbidden"]);
    expect(codeOf(await site.ask("POST", eventsPath, { headers: other, body: { ...body, host: "web-1" } }))).toEqual([
      403,
      "forbidden",
    ]);
    expect((await site.ask("POST", eventsPath, { headers: other, body })).status).toBe(404);
    const dispatched = await site.ask("GET", `${dispatchPath}?agent=${theAgent}&wait=0`, { headers });
    expect(dispatched.body.items).toMatchObject([{ kind: "dispatch", dispatch: { host: "web-1" } }]);
    expect((await site.ask("POST", eventsPath, { headers, body })).body.state).toBe("Activating");
    const told = { ...body, host: "web-1", events: [{ seq: 2, event: started }] };
    expect((await site.ask("POST", eventsPath, { headers: bearer(tokens.admin), body: told })).status).toBe(200);
    expect(
      codeOf(await site.ask("GET", `${dispatchPath}?agent=${theAgent}`, { headers: bearer(tokens.admin) })),
    ).toEqual([400, "invalid-request"]);
    const { entries } = await site.engine.journal({ instance: "stable@v1/web-1" });
    expect(entries.slice(-2).map(({ principal }) => principal)).toEqual(["agent:web-1", "admin"]);
  });

  it("cannot tell anything of a host beside its numbers, by whatever route", async () => {
    const site = await createGuardedSite({ hasFleet: true });
    const tokens = await site.admit("operator", "admin", "agent:web-1");
    const headers = bearer(tokens["agent:web-1"]);
    const document = declarationOf("v1");
    await site.ask("POST", "/v1/fleet", { headers: bearer(tokens.operator), body: { document } });
    await site.settle();
    const path = `/v1/instances/${encodeURIComponent("stable@v1/web-1")}/events`;

    for (const target of [path, `${path}?dryRun=true`]) {
      const { status, body } = await site.ask("POST", target, { headers, body: acknowledged });
      expect([status, body.code]).toEqual([403, "forbidden"]);
      expect(body.detail).toContain("tells dispatch.acknowledged with its number: POST /v1/agent/events");
    }
    expect((await site.engine.read("stable@v1/web-1")).state).toBe("Pending");
    const byHand = await site.ask("POST", path, { headers: bearer(tokens.admin), body: acknowledged });
    expect(byHand.status).toBe(200);
  });
});
