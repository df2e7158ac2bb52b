import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createProcessesProvider } from "../../src/providers/processes/processes-provider.ts";
import { markEnding, slotDir } from "../../src/providers/processes/slot.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { createWorld, type World } from "./create-world.ts";
import { providerConformance } from "./conformance.ts";
import { createTraffic, get } from "./traffic.ts";
import { until } from "./until.ts";

providerConformance("processes", async (t) => {
  const world = await createWorld(t, {
    replicas: { alpha: ["web-1"], beta: [] },
    daemons: { alpha: [{ name: "shipper" }] },
  });
  await world.provider.start();
  return {
    provider: world.provider,
    node: "alpha",
    close: (node) => void world.closed.add(node),
    closeAll: () => void world.closed.add("alpha").add("beta"),
    restart: () => world.restarted(),
  };
});

async function pidsOf({ provider }: World): Promise<Record<string, number | null>> {
  const { groups, processes } = await provider.status();
  return Object.fromEntries([...groups, ...processes].map(({ name, pid }) => [name, pid]));
}

describe.concurrent("the provider of processes", () => {
  it("brings up what is meant to run, and leaves it running when it stops", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: ["web-2"] },
      daemons: { alpha: [{ name: "shipper" }] },
    });

    await world.provider.start();
    expect(await world.places()).toEqual(["shipper@alpha", "web-1@alpha", "web-2@beta"]);
    await world.provider.stop();
    await world.provider.stop();

    expect(world.running()).toEqual(["shipper", "web-1", "web-2"]);
    expect(await get(world.port, "/")).toMatchObject({ status: 200 });
  });

  it("starts a replica again, on another port, whose port was taken", async (t) => {
    const mark = join(tmpdir(), randomUUID());
    t.onTestFinished(() => rmSync(mark));
    const world = await createWorld(t, { replicas: { alpha: ["web-1"] }, env: { "web-1": { FAILS_FIRST: mark } } });

    await world.provider.start();

    const [replica] = (await world.provider.status()).processes;
    expect(replica).toMatchObject({ name: "web-1", condition: "ready" });
    expect(await world.log("replica", "web-1", "alpha")).toMatch(/Port \d+ is taken/);
    expect(await world.log("replica", "web-1", "alpha")).not.toContain(`Port ${replica?.port} is taken`);
  });

  it("takes over everything that runs, routers included, without a failed request", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: ["web-2"] },
      daemons: { alpha: [{ name: "d" }] },
    });
    await world.provider.start();
    const before = await pidsOf(world);
    const traffic = createTraffic(world.port);

    await world.restarted();

    expect(await pidsOf(world)).toEqual(before);
    expect(Object.keys(before).toSorted()).toEqual(["d", "web", "web-1", "web-2"]);
    expect(await traffic.stop()).toMatchObject({ failures: [] });
  });

  it("ends what was told to end before a crash, and starts what is missing then", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"] } });
    await world.provider.start();
    const [old] = (await world.provider.status()).processes;
    await world.provider.stop();
    await markEnding(slotDir(join(world.dir, "state"), old?.incarnation ?? ""));

    await world.restarted();

    await until("one is left", async () => (await world.places()).length === 1);
    const { processes } = await world.provider.status();
    expect(processes).toMatchObject([{ name: "web-1", condition: "ready" }]);
    expect(processes[0]?.pid).not.toBe(old?.pid);
    expect(await get(world.port, "/")).toMatchObject({ status: 200 });
  });

  it("starts what belongs to a node in maintenance on another one, and its daemons not at all", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: [] },
      daemons: { alpha: [{ name: "shipper" }, { name: "watchdog", essential: true }] },
    });
    world.closed.add("alpha");

    await world.provider.start();

    expect(await world.places()).toEqual(["watchdog@alpha", "web-1@beta"]);
    expect((await world.provider.status()).missing).toEqual([{ kind: "daemon", name: "shipper", node: "alpha" }]);
  });

  it("says in its status why a replica runs nowhere, and starts it once it may", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    world.closed.add("alpha").add("beta");
    await world.provider.start();

    expect((await world.provider.status()).missing).toEqual([
      {
        kind: "replica",
        name: "web-1",
        node: "alpha",
        reason: "no other node may take web-1: alpha and beta are in maintenance or cordoned",
      },
    ]);
    world.closed.clear();

    await until("it runs", async () => (await world.places()).includes("web-1@alpha"));
  });

  it("starts again what dies, without a failed request", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"] },
      daemons: { alpha: [{ name: "shipper" }] },
    });
    await world.provider.start();
    const before = await pidsOf(world);

    process.kill(before["web-1"] ?? 0, "SIGKILL");
    process.kill(before.shipper ?? 0, "SIGKILL");
    for (let i = 0; i < 20; i++) expect(await get(world.port, "/")).toMatchObject({ status: 200 });

    await until("both are back", async () => {
      const pids = await pidsOf(world);
      return ["web-1", "shipper"].every((name) => pids[name] && pids[name] !== before[name]);
    });
  });

  it("starts a router that died again, and tells it who is ready", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"] } });
    await world.provider.start();
    const { web } = await pidsOf(world);

    process.kill(web ?? 0, "SIGKILL");

    await until("it answers", async () => (await get(world.port, "/").catch(() => undefined))?.status === 200);
    expect((await pidsOf(world)).web).not.toBe(web);
  });

  it("says that a router's port is taken, and starts it once it is free", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"] } });
    const other = createServer().listen(world.port, "127.0.0.1");
    await once(other, "listening");
    t.onTestFinished(() => void other.close());

    await world.provider.start();
    expect((await world.provider.status()).groups).toMatchObject([
      { fault: "The router of web does not run", pid: null },
    ]);
    other.close();

    await until("it answers", async () => (await get(world.port, "/").catch(() => undefined))?.status === 200);
  });

  it("takes what is unhealthy out of the rotation, and back", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1", "web-2"] }, frail: ["web-2"] });
    await world.provider.start();
    const served = async () => JSON.parse((await get(world.port, "/")).body).replica;

    world.sicken("web-2");
    await until("it is unhealthy", async () => (await world.provider.status()).groups[0]?.healthy === 1);
    await until("it is out", async () => new Set([await served(), await served(), await served()]).size === 1);
    expect([await served(), await served(), await served(), await served()]).toEqual(Array(4).fill("web-1"));

    world.heal("web-2");
    await until("it is back", async () => (await served()) === "web-2");
  });

  it("ends what the nodes file no longer names", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"] },
      daemons: { alpha: [{ name: "shipper" }] },
    });
    await world.provider.start();
    await world.provider.stop();
    const replicas = new Map([...world.nodes.replicas].filter(([name]) => name !== "web-2"));
    const alpha = { name: "alpha", labels: {}, daemons: new Map() };
    const smaller = createProcessesProvider({
      nodes: { ...world.nodes, replicas, nodes: new Map([["alpha", alpha]]) },
      stateDir: `${world.dir}/state`,
      clock: systemClock(),
      mayPlace: async () => true,
    });
    t.onTestFinished(() => smaller.stop());

    await smaller.start();

    await until("they are gone", () => world.running().length === 1);
    expect(world.running()).toEqual(["web-1"]);
  });

  it("does not take a start for failed because a replica is not healthy in its time", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"] },
      frail: ["web-1"],
      knobs: { healthTimeoutMs: 300 },
    });
    world.sicken("web-1");

    await world.provider.start();
    expect((await world.provider.status()).groups).toMatchObject([{ healthy: 0 }]);
    world.heal("web-1");

    await until("it serves", async () => (await get(world.port, "/")).status === 200);
  });

  it("performs nothing before it is started: a node of which nothing is known would look drained", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"] } });

    expect(String(await world.perform("drainNode", "alpha").outcome)).toContain("not started");
  });

  it("interrupts what it performs when it stops, and goes on with it after the next start", async (t) => {
    const world = await createWorld(t, { replicas: { alpha: ["web-1"], beta: [] } });
    await world.provider.start();
    world.closed.add("alpha").add("beta");
    const drain = world.perform("drainNode", "alpha");
    await until("it waits", () => drain.reports.length === 2);

    await world.restarted();
    expect(await drain.outcome).toMatchObject({ message: "The processes provider is stopping" });
    world.closed.delete("beta");

    expect(await world.perform("drainNode", "alpha").outcome).toEqual({ replicas: [], daemons: [] });
  });
});
