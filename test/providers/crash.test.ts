import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createWorld, type World } from "./create-world.ts";
import { createTraffic } from "./traffic.ts";
import { until } from "./until.ts";

const kills = Number(process.env.SIGNALBOX_TEST_KILLS ?? 8); // more of them for a longer look

describe.concurrent("Signalbox killed at any moment", () => {
  it("neither loses nor doubles a process while it starts them", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"], beta: ["web-3"] },
      daemons: { alpha: [{ name: "shipper" }] },
    });

    for (let kill = 0; kill < kills; kill++) await killedAfter(spread(kill, 700), world, "");
    await world.provider.start();

    await until("each runs once", () => world.running().length === 4);
    expect(world.running()).toEqual(["shipper", "web-1", "web-2", "web-3"]);
    expect(await slotsOf(world)).toEqual(["shipper@alpha", "web", "web-1@alpha", "web-2@alpha", "web-3@beta"]);
  });

  it("goes on with a drain and with a resume, without a failed request and without doubling a replica", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1", "web-2"], beta: ["web-3"], gamma: [] },
      daemons: { alpha: [{ name: "shipper" }] },
      minHealthy: 3,
    });
    await world.provider.start();
    await world.provider.stop();
    const traffic = createTraffic(world.port);

    for (let kill = 0; kill < kills; kill++) {
      await killedAfter(spread(kill, 1_200), world, kill % 4 < 2 ? "drainNode" : "resumeNode");
    }
    world.closed.add("alpha");
    await world.restarted();
    const drain = world.perform("drainNode", "alpha");

    expect(await drain.outcome).toEqual({ replicas: [], daemons: [] });
    await until("each runs once", () => world.running().length === 3);
    expect(world.running()).toEqual(["web-1", "web-2", "web-3"]);
    expect((await world.places()).filter((place) => place.endsWith("@alpha"))).toEqual([]);
    expect(await traffic.stop()).toMatchObject({ failures: [] });

    expect(await world.perform("resumeNode", "alpha").outcome).toEqual({});
    expect(await world.places()).toEqual(["shipper@alpha", "web-1@alpha", "web-2@alpha", "web-3@beta"]);
    expect(world.running()).toEqual(["shipper", "web-1", "web-2", "web-3"]);
  });
});

/** Moments that differ from each other and fill the window, the same ones each time the test is run. */
function spread(i: number, windowMs: number): number {
  const goldenRatio = 0.618_034;
  return Math.round(((i + 1) * goldenRatio * windowMs) % windowMs);
}

async function killedAfter(ms: number, { dir }: World, activity: string): Promise<void> {
  const main = join(import.meta.dirname, "keeper-main.ts");
  const keeper = spawn(process.execPath, [main, dir, activity], { stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(keeper, "exit");
  const timer = setTimeout(() => keeper.kill("SIGKILL"), ms);
  await exited;
  clearTimeout(timer);
}

async function slotsOf({ dir }: World): Promise<string[]> {
  const slots = await readdir(join(dir, "state", "slots"));
  return slots.map((slot) => slot.split("@").slice(0, -1).join("@")).toSorted();
}
