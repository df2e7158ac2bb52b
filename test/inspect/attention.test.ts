import { setup } from "xstate";
import { z } from "zod";
import { describe, expect, it } from "vitest";
import { machines as ours } from "../../machines/index.ts";
import { sentBy, type Machine } from "../../src/core/machine.ts";
import { counter, messenger } from "../support/test-machines.ts";
import { addCounter, addNode, createSite, type Site } from "../http/site.ts";
import { survey } from "./inspected-machines.ts";

const machines = [...ours, counter, messenger, survey];

interface Needs {
  items: { id: string; reasons: { kind: string; detail: string; since: string }[] }[];
  isComplete: boolean;
  nextDueAt: string | null;
}

async function attentionOf({ get }: Site): Promise<Needs> {
  const { status, body } = await get("/v1/attention");
  expect(status).toBe(200);
  return body as Needs;
}

/** `id: kinds` in the order of the answer. */
function brief({ items }: Needs): string[] {
  return items.map(({ id, reasons }) => `${id}: ${reasons.map(({ kind }) => kind).join(" ")}`);
}

describe("GET /v1/attention", () => {
  it("tells nothing when all is well", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    await addCounter(site, "c");

    expect(await attentionOf(site)).toEqual({ items: [], isComplete: true, nextDueAt: null });
  });

  it("says what the person is to do, of a region that does not lead too", async () => {
    const site = await createSite({ machines: [ferry] });
    await site.engine.create({ machine: "ferry", id: "f", input: {} });

    const [need] = (await attentionOf(site)).items;
    expect(need?.reasons).toMatchObject([{ kind: "person", detail: "somebody to open the gate" }]);
  });

  it("tells dead letters before what is overdue, that before refusals, and those before what waits for a person", async () => {
    const site = await createSite({ machines, limits: { deliveryAttemptsMax: 1 } });
    const { engine } = site;
    await engine.create({ machine: "survey", id: "asked", input: {} });
    await addNode(site, "late");
    await engine.send("node/late", { type: "maintenance.enter", expectedUntil: 1_000_500 });
    await engine.send("node/late", { type: "drain.progressed", replicas: [], daemons: [] });
    for (const id of ["m", "deaf"]) await engine.create({ machine: "messenger", id, input: {} });
    await engine.send("m", { type: "say", to: "deaf", words: ["poison"] });
    await site.advance(1_000);
    await addCounter(site, "c");
    await engine.send("c", { type: "dec" }, { principal: "maria" });
    await engine.send("c", { type: "dec" }, { principal: "maria" });

    const needs = await attentionOf(site);
    expect(brief(needs)).toEqual(["m: dead-letter", "node/late: overdue", "c: refused", "asked: person"]);
    const told = needs.items.map(({ reasons }) => reasons[0]);
    expect(told).toMatchObject([
      { detail: expect.stringContaining("poisoned") as string, since: "1970-01-01T00:16:40.000Z" },
      { detail: expect.stringContaining("the work to be done") as string, since: "1970-01-01T00:16:40.500Z" },
      { detail: expect.stringContaining("dec by maria, 2 times") as string, since: "1970-01-01T00:16:41.000Z" },
      { detail: "an answer", since: "1970-01-01T00:16:40.000Z" },
    ]);
  });

  it("gives an instance once, with all its reasons", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    await site.engine.send("node/alpha", { type: "maintenance.enter" });
    await site.advance(600_000);
    await site.engine.send("node/alpha", { type: "maintenance.enter" });

    expect(brief(await attentionOf(site))).toEqual(["node/alpha: refused person"]);
  });

  it("forgets a refusal when something has moved the instance since, and after an hour", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "moved");
    await addCounter(site, "stuck");
    for (const id of ["moved", "stuck"]) await site.engine.send(id, { type: "dec" });
    await site.engine.send("moved", { type: "inc" });

    expect(brief(await attentionOf(site))).toEqual(["stuck: refused"]);
    await site.clock.advance(3_600_001);
    expect(brief(await attentionOf(site))).toEqual([]);
  });

  it("says when the next deadline passes, and that it has passed then", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    await site.engine.send("node/alpha", { type: "maintenance.enter", drainForMs: 5_000 });

    expect(await attentionOf(site)).toEqual({ items: [], isComplete: true, nextDueAt: "1970-01-01T00:16:45.000Z" });
    await site.clock.advance(5_001); // the timer has not been performed yet
    expect(brief(await attentionOf(site))).toEqual(["node/alpha: overdue"]);
  });

  it("says when there is more than it looks at", async () => {
    const site = await createSite({ machines });
    const moves = Array.from({ length: 501 }, (_, n) => ({ create: { machine: "survey", id: `s${n}`, input: {} } }));
    await site.engine.transact(moves);

    const { items, isComplete } = await attentionOf(site);
    expect(items).toHaveLength(200);
    expect(isComplete).toBe(false);
  });

  it.each([
    ["hears an agent too", { sentBy: "agent" as const }, false],
    ["is a rest", { tags: ["steady"] }, false],
    ["says nothing of what it waits for", { waitingFor: undefined }, false],
    ["has a timer", { after: true }, false],
    ["hears persons only", {}, true],
    ["is tagged so, whatever it hears", { sentBy: "agent" as const, tags: ["attention"] }, true],
  ])("takes a state that %s for one that waits for a person as it should", async (_what, given, expected) => {
    const site = await createSite({ machines: [waiter(given)] });
    await site.engine.create({ machine: "waiter", id: "w", input: {} });

    expect(brief(await attentionOf(site))).toEqual(expected ? ["w: person"] : []);
  });
});

interface Waits {
  sentBy?: "agent";
  tags?: string[];
  waitingFor?: string | undefined;
  after?: boolean;
}

function waiter(given: Waits): Machine {
  const { sentBy: other, tags = [], after = false } = given;
  const waitingFor = "waitingFor" in given ? given.waitingFor : "an approval";
  return {
    name: "waiter",
    input: z.strictObject({}),
    laws: {},
    examples: () => [],
    abstract: () => null,
    events: { approve: sentBy("person", {}), ...(other !== undefined && { observed: sentBy(other, {}) }) },
    chart: setup({ types: { events: {} as { type: "approve" } | { type: "observed" } } }).createMachine({
      id: "waiter",
      options: { maxIterations: 10 },
      initial: "Asking",
      states: {
        Asking: {
          tags,
          ...(waitingFor !== undefined && { meta: { waitingFor } }),
          ...(after && { after: { 1_000: "Answered" } }),
          on: { approve: "Answered", ...(other !== undefined && { observed: "Answered" }) },
        },
        Answered: { type: "final" },
      },
    }),
  };
}

/** A part of it waits for a person while another one, which leads, goes on. */
const ferry: Machine = {
  name: "ferry",
  version: 1,
  input: z.strictObject({}),
  events: { board: sentBy("person", {}) },
  laws: {},
  examples: () => [],
  abstract: () => null,
  chart: setup({ types: { events: {} as { type: "board" } } }).createMachine({
    id: "ferry",
    options: { maxIterations: 20 },
    type: "parallel",
    meta: { leads: "boat" },
    states: {
      boat: {
        initial: "Sailing",
        states: { Sailing: { tags: ["busy"], meta: { waitingFor: "the other side", noDeadline: "the sea decides" } } },
      },
      gate: {
        initial: "Shut",
        states: {
          Shut: {
            tags: ["attention"],
            meta: { waitingFor: "somebody to open the gate", noDeadline: "it is opened by hand" },
            on: { board: "Open" },
          },
          Open: { tags: ["steady"], meta: { waitingFor: "the next ferry", noDeadline: "it comes when it comes" } },
        },
      },
    },
  }),
};

describe("GET /v1/overview", () => {
  const overviewOf = async ({ get }: Site) => {
    const { status, body } = await get("/v1/overview");
    expect(status).toBe(200);
    const { items } = body as { items: { machine: string; instances: { id: string }[]; isComplete: boolean }[] };
    return items.map(({ machine, instances, isComplete }) => ({
      machine,
      ids: instances.map(({ id }) => id),
      isComplete,
    }));
  };

  it("tells nothing of machines without instances", async () => {
    expect(await overviewOf(await createSite({ machines }))).toEqual([]);
  });

  it("tells a few of each machine: active before ended, what moved last first, and machines with unrest before the others", async () => {
    const site = await createSite({ machines });
    const { engine } = site;
    for (const name of ["a", "b"]) await addNode(site, name);
    for (let n = 0; n < 30; n += 1) {
      await addCounter(site, `c${String(n).padStart(2, "0")}`);
      await site.advance(1_000);
    }
    await engine.create({ machine: "survey", id: "ended", input: {} });
    await engine.send("ended", {
      type: "answer",
      name: "a",
      count: 1,
      isSure: true,
      colour: "red",
      address: { street: "" },
    });
    await engine.create({ machine: "survey", id: "open", input: {} });
    await site.advance(1_000);
    await engine.send("c07", { type: "inc" });
    await engine.send("node/b", { type: "node.cordon" });

    expect(await overviewOf(site)).toEqual([
      { machine: "counter", ids: ["c07", "c29", "c28", "c27", "c26", "c25"], isComplete: false },
      { machine: "survey", ids: ["open", "ended"], isComplete: true },
      { machine: "nodeMaintenance", ids: ["node/b", "node/a"], isComplete: true },
    ]);
  });

  it("fills up with what has not moved for long", async () => {
    const site = await createSite({ machines });
    for (const name of ["a", "b"]) await addNode(site, name);
    await addCounter(site, "c");
    for (let n = 0; n < 510; n += 1) await site.engine.send("c", { type: "inc" });

    expect(await overviewOf(site)).toContainEqual({
      machine: "nodeMaintenance",
      ids: ["node/a", "node/b"],
      isComplete: true,
    });
  });
});

describe("GET /v1/instances/{id}/journal/{seq}", () => {
  it("gives the moment after the entry and the one before it, and documents what it refuses", async () => {
    const site = await createSite({ machines });
    const id = await addNode(site, "alpha");
    await site.engine.send(id, { type: "maintenance.enter", reason: "a new kernel" });
    const path = `/v1/instances/${encodeURIComponent(id)}/journal`;

    const { status, body } = await site.get(`${path}/2`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      entry: { seq: 2, event: { type: "maintenance.enter" } },
      instance: { state: "EnteringMaintenance", context: { requestedReason: "a new kernel" } },
      before: { state: "Active" },
    });
    expect((await site.get(`${path}/1`)).body).toMatchObject({ before: null });
    for (const seq of ["3", "0", "-1", "x", "1e99"]) {
      expect((await site.get(`${path}/${seq}`)).status).toBe(seq === "3" ? 404 : 400);
    }
    expect((await site.get("/v1/instances/nobody/journal/1")).status).toBe(404);
  });

  it("is beside a journal that can be read backwards", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "c");
    for (let n = 0; n < 3; n += 1) await site.engine.send("c", { type: "inc" });

    const { body } = await site.get("/v1/instances/c/journal?before=4&limit=2");
    expect((body as { entries: { seq: number }[] }).entries.map(({ seq }) => seq)).toEqual([2, 3]);
  });
});

describe("GET /v1/machines/{machine}", () => {
  it("tells the nodes that a state value names, parents first, and which one leads", async () => {
    const site = await createSite({ machines });
    const { nodes } = (await site.get("/v1/machines/nodeMaintenance")).body as {
      nodes: { id: string; parent: string | null; name: string; kind: string; isLeading: boolean }[];
    };

    expect(nodes[0]).toEqual({
      id: "nodeMaintenance",
      parent: null,
      name: "nodeMaintenance",
      kind: "parallel",
      isLeading: false,
    });
    expect(nodes.filter(({ isLeading }) => isLeading).map(({ name }) => name)).toEqual(["lifecycle"]);
    const seen = new Set<string | null>([null]);
    for (const { id, parent } of nodes) {
      expect(seen).toContain(parent);
      seen.add(id);
    }
  });
});
