import { describe, expect, it } from "vitest";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import { ann, createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const names = ["web-1", "web-2", "web-3", "web-4"];

/** One canary, then the rest. */
function declaration(ref: string, policy: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
  return {
    channels: { stable: { ref, policy: "careful" } },
    hosts: { "web-1": { channel: "stable", tags: ["canary"] }, "web-[2-4]": { channel: "stable" } },
    policies: {
      careful: {
        waves: [
          { name: "canary", hosts: { tags: ["canary"] }, soak: "10m" },
          { name: "rest", hosts: { all: true }, soak: "30m" },
        ],
        ...policy,
      },
    },
    ...more,
  };
}

/** v1 runs everywhere. */
async function createSettledWorld(options: Parameters<typeof createFleetWorld>[0] = {}, policy = {}) {
  const world = await createFleetWorld({ hosts: names, ...options });
  await world.declare(declaration("v1", policy));
  await world.advance(1 * hours);
  expect(await world.stateOf("stable@v1")).toBe("Terminal");
  return world;
}

async function statesOf(world: FleetWorld, rolloutId: string): Promise<Record<string, string>> {
  const hosts = await world.control.hosts(rolloutId, { limit: 100 });
  return Object.fromEntries(hosts.map(({ host, countedAs }) => [host, countedAs]));
}

describe("a rollout", () => {
  it("brings a ref to all hosts wave after wave, each after its own soak", async () => {
    const world = await createFleetWorld({ hosts: names });

    const applied = await world.declare(declaration("v1"));
    await world.settle();

    expect(applied.rollouts).toEqual([{ channel: "stable", ref: "v1", from: null, hosts: 4, rolloutId: "stable@v1" }]);
    expect(await world.stateOf("stable@v1")).toBe("Active");
    expect(world.agents.of("web-2").activations).toEqual([]);
    await world.advance(11 * minutes);
    expect(await world.stateOf("stable@v1/web-1")).toBe("Converged");
    expect(world.agents.of("web-2").activations).toEqual(["v1"]);
    await world.advance(20 * minutes); // less than the soak of the second wave
    expect(await world.stateOf("stable@v1")).toBe("Active");
    await world.advance(15 * minutes);
    expect(await world.stateOf("stable@v1")).toBe("Terminal");
    expect(world.agents.running()).toEqual({ "web-1": "v1", "web-2": "v1", "web-3": "v1", "web-4": "v1" });
    await expectSound(world);
  });

  it("goes through Converging between two waves when the next one waits for an approval, which takes two people", async () => {
    const waves = [
      { name: "canary", hosts: { tags: ["canary"] }, soak: "1m" },
      { name: "rest", hosts: { all: true }, soak: "1m", approvals: 2 },
    ];
    const world = await createFleetWorld({ hosts: names });
    await world.declare(declaration("v1", { waves }));
    await world.advance(10 * minutes);

    const waiting = await world.control.rollout("stable@v1");
    const first = await world.engine.send("stable@v1", { type: "wave.approve" }, { principal: "bob" });
    const again = await world.engine.send("stable@v1", { type: "wave.approve" }, { principal: "bob" });
    await world.advance(1 * minutes);
    const stillWaiting = await world.stateOf("stable@v1");
    await world.engine.send("stable@v1", { type: "wave.approve" }, { principal: "eve" });
    await world.advance(10 * minutes);

    expect(waiting).toMatchObject({ state: "Converging", control: "AwaitingApproval", currentWave: 0 });
    expect([first.outcome, again.outcome]).toEqual(["changed", "refused"]);
    expect(stillWaiting).toBe("Converging");
    expect(await world.stateOf("stable@v1")).toBe("Terminal");
    await expectSound(world);
  });

  it("is complete at once over a channel without hosts", async () => {
    const world = await createFleetWorld();

    await world.declare({ ...declaration("v1"), hosts: {} });
    await world.settle();

    expect(await world.stateOf("stable@v1")).toBe("Terminal");
    await expectSound(world);
  });

  it("soaks no longer when it is promoted, and opens all waves when it is promoted in full", async () => {
    const world = await createFleetWorld({ hosts: names });
    await world.declare(declaration("v1"));
    await world.advance(1 * minutes);

    await world.send("stable@v1", "rollout.promote");
    await world.advance(1 * minutes);
    const afterWave = await statesOf(world, "stable@v1");
    await world.send("stable@v1", "rollout.promote", { full: true });
    await world.advance(1 * minutes);

    expect(afterWave).toEqual({ "web-1": "Converged", "web-2": "Soaking", "web-3": "Soaking", "web-4": "Soaking" });
    expect(await world.stateOf("stable@v1")).toBe("Terminal");
    await expectSound(world);
  });

  it("dispatches nothing while it is paused, takes offers back, and goes on where it was", async () => {
    const world = await createFleetWorld({ hosts: ["web-1"] });
    await world.declare(declaration("v1", { waves: [] }));
    await world.advance(1 * minutes);
    await world.send("stable@v1", "rollout.pause", { reason: "lunch" });
    await world.settle();
    for (const host of names) world.agents.of(host);

    await world.advance(5 * minutes);
    const paused = await statesOf(world, "stable@v1");
    const { gates } = await world.control.explainHost("stable@v1", "web-2");
    await world.send("stable@v1", "rollout.resume");
    await world.advance(5 * minutes);

    expect(paused).toEqual({ "web-1": "Converged", "web-2": "Pending", "web-3": "Pending", "web-4": "Pending" });
    expect(gates.map(({ gate }) => gate)).toEqual(["paused"]);
    expect(await world.stateOf("stable@v1")).toBe("Terminal");
    await expectSound(world);
  });

  it("offers a dispatch again that nobody acknowledged in time", async () => {
    const world = await createFleetWorld({ hosts: names });
    for (const host of names) world.agents.of(host).isOnline = false;
    await world.declare(declaration("v1", { waves: [] }));
    await world.advance(6 * minutes);

    for (const host of names) world.agents.of(host).isOnline = true;
    await world.advance(1 * minutes);

    const { entries } = await world.engine.journal({ instance: "stable@v1/web-1", limit: 500 });
    expect(entries.flatMap(({ event }) => (event?.type.startsWith("dispatch.") ? [event.type] : []))).toEqual([
      "dispatch.withdrawn",
      "dispatch.offered",
      "dispatch.acknowledged",
    ]);
    expect(await world.stateOf("stable@v1")).toBe("Terminal");
    await expectSound(world);
  });
});

describe("a rollout that fails", () => {
  const broken = (host: string, version: string) => (version === "v2" && host === "web-1" ? "unhealthy" : "good");

  it("halts: nothing more is dispatched, and what has begun is left as it is", async () => {
    const world = await createSettledWorld({ fateOf: broken }, { onHealthFailure: "halt" });

    await world.declare(declaration("v2", { onHealthFailure: "halt" }));
    await world.advance(2 * hours);

    expect(await world.stateOf("stable@v2")).toBe("Failed");
    expect(await statesOf(world, "stable@v2")).toEqual({
      "web-1": "Failed",
      "web-2": "Pending",
      "web-3": "Pending",
      "web-4": "Pending",
    });
    expect(world.agents.running()).toMatchObject({ "web-1": "v2", "web-2": "v1" });
    await expectSound(world);
  });

  it("ends Reverted under rollback-and-halt: the failed go back, the ref is quarantined, others stay where they were", async () => {
    const world = await createSettledWorld({ fateOf: broken });

    await world.declare(declaration("v2"));
    await world.advance(2 * hours);

    expect(await world.stateOf("stable@v2")).toBe("Reverted");
    expect(world.agents.running()).toEqual({ "web-1": "v1", "web-2": "v1", "web-3": "v1", "web-4": "v1" });
    const { context } = await world.engine.read("channel/stable");
    expect(context).toMatchObject({ quarantined: { v2: { rolloutId: "stable@v2" } } });
    await expectSound(world);
  });

  it("takes converged hosts back too under rollback-all", async () => {
    const late = (host: string, version: string) => (version === "v2" && host === "web-3" ? "unhealthy" : "good");
    const world = await createSettledWorld({ fateOf: late }, { onHealthFailure: "rollback-all" });

    await world.declare(declaration("v2", { onHealthFailure: "rollback-all" }));
    await world.advance(2 * hours);

    expect(await world.stateOf("stable@v2")).toBe("Reverted");
    expect(world.agents.running()).toEqual({ "web-1": "v1", "web-2": "v1", "web-3": "v1", "web-4": "v1" });
    expect(await statesOf(world, "stable@v2")).toMatchObject({ "web-1": "Reverted", "web-3": "Reverted" });
    await expectSound(world);
  });

  it("bears as many failures as its policy says", async () => {
    const world = await createSettledWorld(
      { fateOf: (host, version) => (version === "v2" && host === "web-3" ? "fails" : "good") },
      { maxFailures: 1 },
    );

    await world.declare(declaration("v2", { maxFailures: 1 }));
    await world.advance(2 * hours);

    expect(await world.stateOf("stable@v2")).toBe("Terminal");
    expect(world.agents.running()).toEqual({ "web-1": "v2", "web-2": "v2", "web-3": "v1", "web-4": "v2" });
    await expectSound(world);
  });

  it("does not offer its ref again before the quarantine is lifted", async () => {
    const world = await createSettledWorld({ fateOf: broken });
    await world.declare(declaration("v2"));
    await world.advance(1 * hours);
    world.agents.of("web-1").activations.length = 0;

    const { rolloutId } = await world.control.open({ channel: "stable", ref: "v2" }, ann);
    await world.advance(1 * hours);
    const { gates } = await world.control.explainHost(rolloutId, "web-1");
    const activated = [...world.agents.of("web-1").activations];
    await world.send("channel/stable", "quarantine.cleared", { ref: "v2", reason: "a broken probe" });
    await world.settle();

    expect(rolloutId).toBe("stable@v2~2");
    expect(gates.map(({ gate }) => gate)).toEqual(["quarantine"]);
    expect(activated).toEqual([]);
    expect(world.agents.of("web-1").activations).toEqual(["v2"]);
    await expectSound(world);
  });

  it("never holds the next ref: fixing forward is possible at once", async () => {
    const world = await createSettledWorld({ fateOf: broken }, { onHealthFailure: "halt" });
    await world.declare(declaration("v2", { onHealthFailure: "halt" }));
    await world.advance(1 * hours);

    await world.declare(declaration("v3", { onHealthFailure: "halt" }));
    await world.advance(2 * hours);

    expect(await world.stateOf("stable@v2")).toBe("Superseded");
    expect(await world.stateOf("stable@v2/web-1")).toBe("Released");
    expect(await world.stateOf("stable@v3")).toBe("Terminal");
    await expectSound(world);
  });

  it("is tried again over the hosts that have not converged, with its quarantine lifted", async () => {
    let isMended = false;
    const world = await createSettledWorld({
      fateOf: (host, version) => (version === "v2" && host === "web-3" && !isMended ? "unhealthy" : "good"),
    });
    await world.declare(declaration("v2"));
    await world.advance(3 * hours);
    isMended = true;

    const opened = await world.control.retry("stable@v2", { reason: "the disk was full" }, ann);
    await lateWordOf("stable@v2", world);
    await world.advance(3 * hours);

    const { waves } = await world.control.planOf("stable@v2~2");
    expect(opened).toMatchObject({ rolloutId: "stable@v2~2", superseded: "stable@v2" });
    expect(waves.flatMap(({ hosts }) => hosts)).not.toContain("web-1");
    expect(await world.stateOf("stable@v2~2")).toBe("Terminal");
    expect(world.agents.running()).toEqual({ "web-1": "v2", "web-2": "v2", "web-3": "v2", "web-4": "v2" });
    await expectSound(world);
  });
});

describe("a rollout that is stopped by people", () => {
  it("is superseded by the next ref: hosts in flight finish and are released, and each runs one activation at a time", async () => {
    const world = await createSettledWorld();
    await world.declare(declaration("v2", { waves: [] }));
    await world.settle(); // all are activating

    const { superseded } = await world.control.open({ channel: "stable", ref: "v3" }, ann);
    await world.settle();
    const busy = await world.control.explainHost("stable@v3", "web-2");
    await world.advance(1 * hours);

    expect(superseded).toBe("stable@v2");
    expect(busy.gates.map(({ gate }) => gate)).toContain("host-busy");
    expect(await statesOf(world, "stable@v2")).toEqual(Object.fromEntries(names.map((name) => [name, "Released"])));
    expect(await world.stateOf("stable@v3")).toBe("Terminal");
    expect(world.agents.of("web-2").activations).toEqual(["v1", "v2", "v3"]);
    expect(await world.contextOf("stable@v2")).toMatchObject({ endedBy: "superseded", supersededBy: "stable@v3" });
    await expectSound(world);
  });

  it("is cancelled: nothing more is dispatched, and what has converged stays", async () => {
    const world = await createSettledWorld();
    await world.declare(declaration("v2"));
    await world.advance(11 * minutes);

    await world.send("stable@v2", "rollout.cancel", { reason: "wrong ref" });
    await world.advance(1 * hours);

    expect(await world.stateOf("stable@v2")).toBe("Superseded");
    expect(await world.contextOf("stable@v2")).toMatchObject({ endedBy: "cancelled" });
    expect(await statesOf(world, "stable@v2")).toMatchObject({ "web-1": "Converged", "web-2": "Released" });
    await expectSound(world);
  });

  it("is aborted: cancelled and undone, through a freeze and without soak", async () => {
    const world = await createSettledWorld();
    await world.declare(declaration("v2"));
    await world.advance(11 * minutes);
    await world.send("line", "line.freeze", { reason: "a bad day" });

    const opened = await world.control.abort("stable@v2", { reason: "users complain" }, ann);
    await world.advance(5 * minutes);

    expect(opened).toEqual({ rolloutId: "stable@v1~2", hosts: 4, waves: [1, 3], superseded: "stable@v2" });
    expect(await world.contextOf("stable@v2")).toMatchObject({ endedBy: "cancelled", cancelled: { by: "ann" } });
    expect(await world.stateOf("stable@v1~2")).toBe("Terminal");
    expect(world.agents.running()).toEqual({ "web-1": "v1", "web-2": "v1", "web-3": "v1", "web-4": "v1" });
    await expectSound(world);
  });

  it("is undone after it was complete: back to the ref before it", async () => {
    const world = await createSettledWorld();
    await world.declare(declaration("v2"));
    await world.advance(2 * hours);

    const { rolloutId } = await world.control.undo("stable", {}, ann);
    await world.advance(5 * minutes);

    expect(rolloutId).toBe("stable@v1~2");
    expect(await world.stateOf("stable@v1~2")).toBe("Terminal");
    expect(world.agents.running()["web-4"]).toBe("v1");
    await expectSound(world);
  });

  it("cannot be undone when there is nothing to go back to", async () => {
    const world = await createSettledWorld();

    await expect(world.control.undo("stable", {}, ann)).rejects.toMatchObject({
      code: "event-refused",
      reasons: [{ code: "nothing-to-undo" }],
    });
  });

  it("is aborted once, however often somebody asks under the same key", async () => {
    const world = await createSettledWorld();
    await world.declare(declaration("v2"));
    await world.advance(11 * minutes);
    const asked = { principal: "ann", commandId: "c1", fingerprint: "POST /abort" };

    const first = await world.control.abort("stable@v2", {}, asked);
    await world.settle();
    const again = await world.control.abort("stable@v2", {}, asked);

    expect(again).toEqual({ ...first, replayed: true });
    expect(await world.control.rollouts({ limit: 10 })).toHaveLength(3);
  });
});

it("names what it was opened and last moved by, and lists the newest first", async () => {
  const world = await createSettledWorld();
  await world.declare(declaration("v2"));
  await world.settle();

  const [newest, before] = await world.control.rollouts({ channel: "stable", limit: 10 });
  const { entries } = await world.engine.journal({ instance: "stable@v1", limit: 500 });

  expect([newest?.rolloutId, before?.rolloutId]).toEqual(["stable@v2", "stable@v1"]);
  expect(before?.openedSeq).toBe(entries[0]?.seq);
  expect(before?.lastTransitionSeq).toBe(entries.findLast(({ from, to }) => from !== to)?.seq);
  const { waves } = (await world.engine.read("stable@v1")).context as RolloutContext;
  expect(before?.waves.map(({ Converged }) => Converged)).toEqual(waves?.map(({ Converged }) => Converged));
});

/** What the run that failed says of its ref reaches the channel only now. */
async function lateWordOf(rolloutId: string, { engine }: FleetWorld): Promise<void> {
  const event = { type: "ref.quarantined", ref: "v2", rolloutId, reason: "too much has failed" };
  await engine.transactAsEngine([{ id: "channel/stable", event, sender: "engine" }], { principal: "engine" });
}
