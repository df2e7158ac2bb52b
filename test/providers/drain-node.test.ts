import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createTraffic, get } from "./traffic.ts";
import { createWorld } from "./create-world.ts";
import { until } from "./until.ts";

describe.concurrent("draining a node", () => {
  it("moves its replicas away without a failed request, then stops what daemons are not essential", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"], beta: ["web-3"], gamma: [] },
      daemons: { alpha: [{ name: "shipper" }, { name: "watchdog", essential: true }] },
      minHealthy: 3,
    });
    await world.provider.start();
    const traffic = createTraffic(world.port);
    world.closed.add("alpha");

    const { outcome, reports } = world.perform("drainNode", "alpha");

    expect(await outcome).toEqual({ replicas: [], daemons: [] });
    expect(await traffic.stop()).toMatchObject({ failures: [] });
    expect(traffic.answered()).toBeGreaterThan(0);
    const nodes = (await world.places()).map((place) => place.split("@")[1]);
    expect(nodes.toSorted()).toEqual(["alpha", "beta", "beta", "gamma"]); // the watchdog, and who asks first goes to gamma
    expect(world.running()).toEqual(["watchdog", "web-1", "web-2", "web-3"]);
    expect(reports[0]).toEqual({
      type: "drain.progressed",
      epoch: 7,
      replicas: ["web-1", "web-2"],
      daemons: ["shipper"],
    });
    expect(reports.at(-1)).toEqual({ type: "drain.progressed", epoch: 7, replicas: [], daemons: [] });
  });

  it("lets an open request finish before the replica is told to end", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    await world.provider.start();
    const [old] = (await world.provider.status()).processes;
    const held = get(world.port, "/hold");
    await until("the request is open", async () => (await world.provider.status()).processes[0]?.openRequests === 1);
    world.closed.add("alpha");

    const { outcome } = world.perform("drainNode", "alpha");
    await until("the old one is out of the rotation", async () =>
      (await world.provider.status()).processes.some(({ condition }) => condition === "leaving"),
    );
    for (let i = 0; i < 50; i++) expect(await get(world.port, "/")).toMatchObject({ status: 200 });
    expect(await world.log("replica", "web-1", "alpha")).not.toContain("told to end");
    await get(old?.port ?? 0, "/let-go");

    expect(await held).toMatchObject({ status: 200, body: "held,let go" });
    expect(await outcome).toEqual({ replicas: [], daemons: [] });
    const log = await world.log("replica", "web-1", "alpha");
    expect(log.indexOf("finished a held request")).toBeGreaterThan(-1);
    expect(log.indexOf("finished a held request")).toBeLessThan(log.indexOf("told to end"));
  });

  it("kills what does not end in its grace, and what it started", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: [] },
      env: { "web-1": { STUBBORN: "1", GRANDCHILD: "1" } },
      knobs: { stopGraceMs: 200, healthIntervalMs: 1_000 },
    });
    await world.provider.start();
    await until("it has its grandchild", () => world.running().length === 2);
    const traffic = createTraffic(world.port);
    world.closed.add("alpha");

    const { outcome } = world.perform("drainNode", "alpha");

    expect(await outcome).toEqual({ replicas: [], daemons: [] });
    expect(await world.places()).toEqual(["web-1@beta"]);
    await until("only the new one and its grandchild run", () => world.running().length === 2);
    expect(await traffic.stop()).toMatchObject({ failures: [] });
    expect(await world.log("replica", "web-1", "alpha")).toMatch(/told to end\n$/); // and asked nothing afterwards
  });

  it("keeps what has nowhere to go in the rotation, says why, and moves it once it can", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: [] },
      daemons: { alpha: [{ name: "shipper" }] },
    });
    await world.provider.start();
    world.closed.add("alpha").add("beta");

    const { outcome, reports } = world.perform("drainNode", "alpha");
    await until("the reason is told", () => reports.length === 2);

    expect(reports[1]).toEqual({
      type: "drain.progressed",
      epoch: 7,
      replicas: ["web-1"],
      daemons: ["shipper"],
      reasons: { "web-1": "no other node may take web-1: beta is in maintenance or cordoned" },
    });
    expect(await get(world.port, "/")).toMatchObject({ status: 200 });

    world.closed.delete("beta");

    expect(await outcome).toEqual({ replicas: [], daemons: [] });
    expect(await world.places()).toEqual(["web-1@beta"]);
  });

  it("leaves a replica in the rotation when it is withdrawn", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    await world.provider.start();
    const held = get(world.port, "/hold");
    await until("the request is open", async () => (await world.provider.status()).processes[0]?.openRequests === 1);
    const [old] = (await world.provider.status()).processes;
    const { outcome, withdraw } = world.perform("drainNode", "alpha");
    await until("the old one is out of the rotation", async () =>
      (await world.provider.status()).processes.some(({ condition }) => condition === "leaving"),
    );

    withdraw();

    expect(await outcome).toMatchObject({ name: "AbortError" });
    await until("one of the two is taken for the replica", async () => (await world.places()).length === 1);
    expect(await world.places()).toEqual(["web-1@alpha"]);
    expect((await world.provider.status()).processes).toMatchObject([{ pid: old?.pid, condition: "ready" }]);
    expect(await get(world.port, "/")).toMatchObject({ status: 200 });
    await get(old?.port ?? 0, "/let-go");
    expect(await held).toMatchObject({ body: "held,let go" });
  });

  it("stops a copy that had just been started when it is withdrawn", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] }, frail: ["web-1"] });
    await world.provider.start();
    const [old] = (await world.provider.status()).processes;
    world.closed.add("alpha");
    world.sicken("web-1", old?.pid);
    const { outcome, withdraw } = world.perform("drainNode", "alpha");
    await until("there are two", async () => (await world.places()).length === 2);

    withdraw();

    expect(await outcome).toMatchObject({ name: "AbortError" });
    await until("there is one", async () => (await world.places()).length === 1);
    expect(world.running()).toEqual(["web-1"]);
    expect((await world.provider.status()).processes).toMatchObject([{ pid: old?.pid, condition: "ready" }]);
    expect(await get(world.port, "/")).toMatchObject({ status: 200 });
  });

  it("never takes the last healthy replicas, however many nodes are drained at once", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: ["web-2"] }, minHealthy: 2 });
    await world.provider.start();
    const traffic = createTraffic(world.port);
    world.closed.add("alpha").add("beta");

    const drains = [world.perform("drainNode", "alpha"), world.perform("drainNode", "beta")];
    await until("both say why", () => drains.every(({ reports }) => reports.at(-1)?.reasons !== undefined));
    for (const { withdraw, outcome } of drains) {
      withdraw();
      await outcome;
    }

    expect(await traffic.stop()).toMatchObject({ failures: [] });
    expect(await world.places()).toEqual(["web-1@alpha", "web-2@beta"]);
  });

  it("moves the replicas of two nodes to a third at once, with enough of them healthy at every moment", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"], beta: ["web-3", "web-4"], gamma: [] },
      minHealthy: 4,
    });
    await world.provider.start();
    const traffic = createTraffic(world.port);
    const watch = watchHealthy(world.provider);
    world.closed.add("alpha").add("beta");

    const drains = [world.perform("drainNode", "alpha"), world.perform("drainNode", "beta")];
    const outcomes = await Promise.all(drains.map(({ outcome }) => outcome));

    expect(outcomes).toEqual([
      { replicas: [], daemons: [] },
      { replicas: [], daemons: [] },
    ]);
    expect(await watch.stop()).toBeGreaterThanOrEqual(4);
    expect(await traffic.stop()).toMatchObject({ failures: [] });
    expect(await world.places()).toEqual(["web-1@gamma", "web-2@gamma", "web-3@gamma", "web-4@gamma"]);
    expect(world.running()).toEqual(["web-1", "web-2", "web-3", "web-4"]);
  });

  it("does not take a replica that its group cannot spare while another one is unhealthy", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: ["web-2"], gamma: [] },
      minHealthy: 2,
      frail: ["web-2"],
    });
    await world.provider.start();
    world.sicken("web-2");
    await until("it is seen to be unhealthy", async () =>
      (await world.provider.status()).processes.some(({ condition }) => condition === "unhealthy"),
    );
    world.closed.add("alpha");

    const { outcome, reports } = world.perform("drainNode", "alpha");
    await until("the reason is told", () => reports.at(-1)?.reasons !== undefined);

    expect(reports.at(-1)?.reasons).toEqual({
      "web-1": "web-1 cannot be replaced: web needs 2 healthy and would have 1",
    });
    expect(await world.places()).toEqual(["web-1@alpha", "web-2@beta"]);

    world.heal("web-2");

    expect(await outcome).toEqual({ replicas: [], daemons: [] });
  });

  it("keeps both when the group cannot spare the old one any more, and starts no third", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: ["web-2"], gamma: [] },
      minHealthy: 2,
      frail: ["web-1", "web-2"],
    });
    await world.provider.start();
    const [old] = (await world.provider.status()).processes.filter(({ name }) => name === "web-1");
    world.closed.add("alpha");
    world.sicken("web-1", old?.pid); // its copy is not ready before the other one has fallen ill
    const first = world.perform("drainNode", "alpha");
    await until("there is a copy", async () => (await world.places()).includes("web-1@gamma"));
    world.sicken("web-2");
    await until("the other one is ill", async () =>
      (await world.provider.status()).processes.some(({ condition }) => condition === "unhealthy"),
    );

    world.heal("web-1");
    await until("the reason is told", () => first.reports.at(-1)?.reasons !== undefined);
    first.withdraw();
    await first.outcome;
    const again = world.perform("drainNode", "alpha");
    await until("the reason is told again", () => again.reports.at(-1)?.reasons !== undefined);

    const reason = "web-1 cannot be stopped: web needs 2 healthy and would have 1";
    expect([first, again].map(({ reports }) => reports.at(-1)?.reasons)).toEqual([
      { "web-1": reason },
      { "web-1": reason },
    ]);
    expect(await world.places()).toEqual(["web-1@alpha", "web-1@gamma", "web-2@beta"]);

    world.heal("web-2");

    expect(await again.outcome).toEqual({ replicas: [], daemons: [] });
    expect((await world.log("replica", "web-1", "gamma")).match(/listens as/g)).toHaveLength(1);
  });

  it("says which replica does not come up elsewhere, and leaves it where it is", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: [] },
      frail: ["web-1"],
      knobs: { healthTimeoutMs: 1_500 },
    });
    await world.provider.start();
    const [old] = (await world.provider.status()).processes;
    world.closed.add("alpha");
    world.sicken("web-1", old?.pid);
    const { outcome, reports, withdraw } = world.perform("drainNode", "alpha");
    await until("the reason is told", () => reports.at(-1)?.reasons !== undefined);
    withdraw();
    await outcome;

    const reason = expect.stringContaining("web-1 did not become healthy within 1500 ms on beta; see ");
    expect(reports.at(-1)?.reasons).toEqual({ "web-1": reason });
    expect((await world.provider.status()).processes).toMatchObject([{ pid: old?.pid, condition: "ready" }]);
  });

  it("goes on with the copy that is there after a restart, and starts no other", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    await world.provider.start();
    const held = get(world.port, "/hold");
    await until("the request is open", async () => (await world.provider.status()).processes[0]?.openRequests === 1);
    world.closed.add("alpha");
    void world.perform("drainNode", "alpha");
    await until("there are two", async () => (await world.provider.status()).groups[0]?.healthy === 1);
    await until("there are two", async () => (await world.places()).length === 2);
    const [old, copy] = (await world.provider.status()).processes;

    await world.restarted();
    const { outcome } = world.perform("drainNode", "alpha");
    await get(old?.port ?? 0, "/let-go");

    expect(await outcome).toEqual({ replicas: [], daemons: [] });
    expect(await held).toMatchObject({ body: "held,let go" });
    expect((await world.provider.status()).processes).toMatchObject([{ incarnation: copy?.incarnation, node: "beta" }]);
    expect((await world.log("replica", "web-1", "beta")).match(/listens as/g)).toHaveLength(1);
  });

  it("has nothing left to do when it is performed again", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    await world.provider.start();
    world.closed.add("alpha");
    await world.perform("drainNode", "alpha").outcome;
    const before = await world.provider.status();

    const again = world.perform("drainNode", "alpha");

    expect(await again.outcome).toEqual({ replicas: [], daemons: [] });
    expect(again.reports).toEqual([{ type: "drain.progressed", epoch: 7, replicas: [], daemons: [] }]);
    expect(await world.provider.status()).toEqual(before);
  });

  it("keeps no slot of what it ended", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    await world.provider.start();
    world.closed.add("alpha");

    await world.perform("drainNode", "alpha").outcome;

    const slots = readdirSync(join(world.dir, "state", "slots"));
    expect(slots.map((slot) => slot.split("@").slice(0, -1).join("@")).toSorted()).toEqual(["web", "web-1@beta"]);
  });
});

/** The smallest number of healthy replicas seen in the rotation. */
function watchHealthy(provider: { status(): Promise<{ groups: readonly { healthy: number }[] }> }) {
  let isOver = false;
  let fewest = Number.POSITIVE_INFINITY;
  const watching = (async () => {
    while (!isOver) {
      for (const { healthy } of (await provider.status()).groups) fewest = Math.min(fewest, healthy);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watching;
      return fewest;
    },
  };
}
