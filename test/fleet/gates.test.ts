import { describe, expect, it } from "vitest";
import { ann, createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const oneWave = { quick: { waves: [{ name: "all", hosts: { all: true }, soak: "10m" }] } };

function twoChannels(refs: { api: string; web: string }, more: Record<string, unknown> = {}) {
  return {
    channels: { api: { ref: refs.api, policy: "quick" }, web: { ref: refs.web, policy: "quick" } },
    hosts: {
      "api-[1-3]": { channel: "api", tags: ["rack"] },
      "web-[1-3]": { channel: "web", tags: ["rack"] },
    },
    policies: oneWave,
    ...more,
  };
}

const hosts = ["api-1", "api-2", "api-3", "web-1", "web-2", "web-3"];

async function gatesOf(world: FleetWorld, rolloutId: string, host: string): Promise<string[]> {
  const { gates } = await world.control.explainHost(rolloutId, host);
  return gates.map(({ gate }) => gate);
}

/** Hosts that are at work now, of all rollouts. */
async function atWork(world: FleetWorld): Promise<string[]> {
  const all = await Promise.all(
    (await world.control.rollouts({ limit: 10 })).map(({ rolloutId }) =>
      world.control.hosts(rolloutId, { limit: 100 }),
    ),
  );
  return all.flat().flatMap(({ host, state, isOffered }) => {
    return isOffered || state === "Activating" || state === "Soaking" ? [host] : [];
  });
}

describe("a budget", () => {
  it("is one for all rollouts that it holds, and a slot that one gives back goes to the other", async () => {
    const world = await createFleetWorld({ hosts });
    const budgets = [{ hosts: { tags: ["rack"] }, maxInFlight: 2 }];
    await world.declare(twoChannels({ api: "v1", web: "v1" }, { budgets }));
    await world.settle();

    const first = await atWork(world);
    const gates = await gatesOf(world, "web@v1", "web-3");
    let most = 0;
    for (let step = 0; step < 40; step += 1) {
      await world.advance(1 * minutes);
      most = Math.max(most, (await atWork(world)).length);
    }

    expect(first).toHaveLength(2);
    expect(gates).toEqual(["disruption-budget"]);
    expect(most).toBe(2);
    expect([await world.stateOf("api@v1"), await world.stateOf("web@v1")]).toEqual(["Terminal", "Terminal"]);
    await expectSound(world);
  });

  it("counts a host whose node is in maintenance as out", async () => {
    const world = await createFleetWorld({ hosts });
    await world.engine.create({ machine: "nodeMaintenance", id: "node/api-1", input: { node: "api-1" }, ...ann });
    await world.send("node/api-1", "node.cordon");
    const budgets = [{ hosts: { tags: ["rack"] }, maxInFlight: 1 }];
    await world.declare(twoChannels({ api: "v1", web: "v1" }, { budgets }));
    await world.advance(20 * minutes);
    const before = await atWork(world);

    await world.send("node/api-1", "node.uncordon");
    await world.advance(2 * hours);

    expect(before).toEqual([]);
    expect([await world.stateOf("api@v1"), await world.stateOf("web@v1")]).toEqual(["Terminal", "Terminal"]);
    await expectSound(world);
  });
});

describe("stopping the line", () => {
  it("holds every dispatch of every rollout until it runs again; what has begun goes on", async () => {
    const world = await createFleetWorld({ hosts });
    await world.declare(twoChannels({ api: "v1", web: "v1" }, { budgets: [{ hosts: { all: true }, maxInFlight: 1 }] }));
    await world.settle();

    await world.send("line", "line.freeze", { reason: "a bad disk firmware" });
    await world.advance(1 * hours);
    const held = await world.control.explainHost("web@v1", "web-1");
    const converged = await world.stateOf("api@v1/api-1");
    await world.send("line", "line.thaw");
    await world.advance(2 * hours);

    expect(converged).toBe("Converged");
    expect(held.gates).toMatchObject([{ gate: "freeze", detail: expect.stringContaining("a bad disk firmware") }]);
    expect([await world.stateOf("api@v1"), await world.stateOf("web@v1")]).toEqual(["Terminal", "Terminal"]);
    await expectSound(world);
  });
});

describe("the calendar", () => {
  it("holds what would start in a window, and lets it start when the window is over", async () => {
    const world = await createFleetWorld({ hosts });
    const freezes = [{ name: "lunch", timeZone: "UTC", days: ["mon"], from: "09:30", to: "12:00", channels: ["web"] }];
    await world.declare(twoChannels({ api: "v1", web: "v1" }, { freezes }));
    await world.advance(1 * hours);

    const held = await gatesOf(world, "web@v1", "web-1");
    const { nextAt } = await world.control.explainHost("web@v1", "web-1");
    await world.advance(2 * hours);

    expect(held).toEqual(["freeze"]);
    expect(new Date(nextAt ?? 0).toISOString()).toBe("2026-11-02T12:00:00.000Z");
    expect([await world.stateOf("api@v1"), await world.stateOf("web@v1")]).toEqual(["Terminal", "Terminal"]);
    await expectSound(world);
  });

  it("is that of the newest declaration, whatever a plan was frozen from", async () => {
    const world = await createFleetWorld({ hosts });
    const freezes = [{ name: "always", timeZone: "UTC", days: ["mon", "tue"], from: "00:00", to: "24:00" }];
    await world.declare(twoChannels({ api: "v1", web: "v1" }, { freezes }));
    await world.advance(10 * minutes);
    const held = await gatesOf(world, "api@v1", "api-1");

    const { rollouts } = await world.declare(twoChannels({ api: "v1", web: "v1" }));
    await world.settle();

    expect(held).toEqual(["freeze"]);
    expect(rollouts).toEqual([]);
    expect(await world.stateOf("api@v1/api-1")).toBe("Activating");
  });
});

describe("an edge between channels", () => {
  const channelEdges = [{ before: "api", after: "web" }];

  it("opens when the newest rollout of the channel before is Terminal", async () => {
    const world = await createFleetWorld({ hosts });
    await world.declare(twoChannels({ api: "v1", web: "v1" }, { channelEdges }));
    await world.advance(5 * minutes);

    const held = await gatesOf(world, "web@v1", "web-1");
    await world.advance(1 * hours);

    expect(held).toEqual(["channel-edges"]);
    expect(await world.stateOf("web@v1")).toBe("Terminal");
    await expectSound(world);
  });

  it("stays shut behind a rollout that failed, until a person answers for it", async () => {
    const world = await createFleetWorld({ hosts, fateOf: (host) => (host === "api-2" ? "fails" : "good") });
    await world.declare(twoChannels({ api: "v1", web: "v1" }, { channelEdges }));
    await world.advance(1 * hours);
    const state = await world.stateOf("api@v1");
    const held = await gatesOf(world, "web@v1", "web-1");

    await world.send("api@v1", "operator.cleared", { reason: "api-2 is being replaced" });
    await world.advance(1 * hours);

    expect(state).toBe("Reverted");
    expect(held).toEqual(["channel-edges"]);
    expect(await world.stateOf("web@v1")).toBe("Terminal");
    await expectSound(world);
  });
});

describe("a node", () => {
  it("holds its host while it is in maintenance, and lets it go when it is Active and takes work again", async () => {
    const world = await createFleetWorld({ hosts });
    await world.engine.create({ machine: "nodeMaintenance", id: "node/web-2", input: { node: "web-2" }, ...ann });
    await world.send("node/web-2", "maintenance.enter", { reason: "a new disk" });
    await world.declare(twoChannels({ api: "v1", web: "v1" }));
    await world.advance(5 * minutes);
    const held = await gatesOf(world, "web@v1", "web-2");

    await world.send("node/web-2", "drain.progressed", { replicas: [], daemons: [] });
    await world.send("node/web-2", "maintenance.exit");
    await world.send("node/web-2", "maintenance.exit", { force: true });
    await world.advance(1 * hours);

    expect(held).toEqual(["node-maintenance"]);
    expect(await world.stateOf("node/web-2")).toBe("Active");
    expect(await world.stateOf("web@v1")).toBe("Terminal");
    await expectSound(world);
  });
});

it("lists all gates that hold a host, in their order", async () => {
  const world = await createFleetWorld({ hosts });
  const channelEdges = [{ before: "api", after: "web" }];
  const hostEdges = [{ before: "web-1", after: "web-2", reason: "schema first" }];
  const budgets = [{ hosts: { tags: ["rack"] }, maxInFlight: 1 }];
  await world.declare(twoChannels({ api: "v1", web: "v1" }, { channelEdges, hostEdges, budgets }));
  await world.settle();
  await world.send("line", "line.freeze", {});
  await world.send("web@v1", "rollout.pause", {});
  await world.settle();

  expect(await gatesOf(world, "web@v1", "web-2")).toEqual([
    "paused",
    "freeze",
    "channel-edges",
    "host-edge",
    "disruption-budget",
  ]);
});
