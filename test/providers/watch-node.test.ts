import { describe, expect, it } from "vitest";
import { createWorld } from "./create-world.ts";
import { until } from "./until.ts";

describe.concurrent("watching a node", () => {
  it("reports what is there on the first look and whenever it changes, until it is withdrawn", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: ["web-1"], beta: [] },
      daemons: { alpha: [{ name: "shipper" }, { name: "watchdog", essential: true }] },
    });
    await world.provider.start();
    const watch = world.perform("watchNode", "alpha");
    await until("it has looked", () => watch.reports.length === 1);
    world.closed.add("alpha");
    await world.perform("drainNode", "alpha").outcome;
    await until("it has seen the drain", () => watch.reports.at(-1)?.replicas.length === 0);

    watch.withdraw();

    expect(await watch.outcome).toBeUndefined();
    const progress = { type: "drain.progressed", epoch: 7 };
    expect(watch.reports[0]).toEqual({ ...progress, replicas: ["web-1"], daemons: ["shipper"] });
    expect(watch.reports.at(-1)).toMatchObject({ ...progress, replicas: [] });
    const texts = watch.reports.map((report) => JSON.stringify(report));
    expect(texts.every((text, i) => text !== texts[i + 1])).toBe(true);
  });

  it("sees a process that came back to a drained node", async (t) => {
    const world = await createWorld(t, {
      replicas: { alpha: [], beta: ["web-1"] },
      daemons: { alpha: [{ name: "shipper" }] },
    });
    await world.provider.start();
    world.closed.add("alpha");
    await world.perform("drainNode", "alpha").outcome;
    const watch = world.perform("watchNode", "alpha");
    await until("it has looked", () => watch.reports.length === 1);

    world.closed.delete("alpha"); // whoever drives the node must not do this, and is told

    await until("it is seen", () => watch.reports.length === 2);
    expect(watch.reports.map(({ daemons }) => daemons)).toEqual([[], ["shipper"]]);
    watch.withdraw();
    await watch.outcome;
  });
});
