import { describe, expect, it } from "vitest";
import { createWorld } from "./create-world.ts";
import { createTraffic } from "./traffic.ts";
import { until } from "./until.ts";

const drained = { replicas: [], daemons: [] };

describe.concurrent("resuming a node", () => {
  it("starts its daemons and brings its own replicas home without a failed request", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"], beta: ["web-3"] },
      daemons: { alpha: [{ name: "shipper" }, { name: "watchdog", essential: true }] },
      minHealthy: 3,
    });
    await world.provider.start();
    const before = await world.places();
    const traffic = createTraffic(world.port);
    world.closed.add("alpha");
    expect(await world.perform("drainNode", "alpha").outcome).toEqual(drained);

    const { outcome, reports } = world.perform("resumeNode", "alpha");

    expect(await outcome).toEqual({});
    expect(await world.places()).toEqual(before);
    expect(world.running()).toEqual(["shipper", "watchdog", "web-1", "web-2", "web-3"]);
    expect(await traffic.stop()).toMatchObject({ failures: [] });
    expect(reports[0]).toEqual({ type: "daemons.progressed", epoch: 7, waiting: ["shipper", "web-1", "web-2"] });
    expect(reports.every(({ waiting }) => waiting.length > 0)).toBe(true);
  });

  it("has nothing to do, and nothing to report, when all is there", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    await world.provider.start();
    const before = await world.provider.status();

    const { outcome, reports } = world.perform("resumeNode", "alpha");

    expect(await outcome).toEqual({});
    expect(reports).toEqual([]);
    expect(await world.provider.status()).toEqual(before);
  });

  it("fails with a sentence when a replica does not become healthy at home, which goes on serving where it is", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: [] },
      frail: ["web-1"],
      knobs: { healthTimeoutMs: 1_500 },
    });
    await world.provider.start();
    world.closed.add("alpha");
    await world.perform("drainNode", "alpha").outcome;
    const [away] = (await world.provider.status()).processes;
    world.sicken("web-1", away?.pid);

    const first = await world.perform("resumeNode", "alpha").outcome;

    expect(String(first)).toContain("web-1 did not become healthy within 1500 ms on alpha; see ");
    expect((await world.provider.status()).processes).toContainEqual(expect.objectContaining({ pid: away?.pid }));

    world.heal("web-1");

    expect(await world.perform("resumeNode", "alpha").outcome).toEqual({});
    expect(await world.places()).toEqual(["web-1@alpha"]);
  });

  it("names a daemon that does not stay, after all others are up", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: [] },
      daemons: { alpha: [{ name: "shipper" }, { name: "broken" }] },
    });
    world.closed.add("alpha");
    await world.provider.start();

    const outcome = await world.perform("resumeNode", "alpha").outcome;

    expect(String(outcome)).toContain("broken ended right after its start on alpha; see ");
    expect(await world.places()).toEqual(expect.arrayContaining(["shipper@alpha", "web-1@alpha"]));
  });

  it("takes over from a drain that was withdrawn half-way", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1", "web-2", "web-3"], beta: [] } });
    await world.provider.start();
    world.closed.add("alpha");
    const drain = world.perform("drainNode", "alpha");
    await until("one has moved", () => drain.reports.length > 1);

    drain.withdraw();
    const { outcome } = world.perform("resumeNode", "alpha");

    expect(await outcome).toEqual({});
    expect(await world.places()).toEqual(["web-1@alpha", "web-2@alpha", "web-3@alpha"]);
    expect(world.running()).toEqual(["web-1", "web-2", "web-3"]);
  });

  it("of one node goes on beside the drain of another, and no replica is doubled or lost", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"], beta: ["web-3", "web-4"], gamma: [] },
      minHealthy: 4,
    });
    await world.provider.start();
    world.closed.add("alpha");
    await world.perform("drainNode", "alpha").outcome;
    const traffic = createTraffic(world.port);
    world.closed.add("beta");

    const activities = [world.perform("resumeNode", "alpha"), world.perform("drainNode", "beta")];
    const outcomes = await Promise.all(activities.map(({ outcome }) => outcome));

    expect(outcomes).toEqual([{}, drained]);
    expect(await traffic.stop()).toMatchObject({ failures: [] });
    expect(world.running()).toEqual(["web-1", "web-2", "web-3", "web-4"]);
    const places = await world.places();
    expect(places.filter((place) => place.endsWith("@beta"))).toEqual([]);
    expect(places).toEqual(expect.arrayContaining(["web-1@alpha", "web-2@alpha"]));
  });
});
