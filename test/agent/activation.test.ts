import { describe, expect, it } from "vitest";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { until } from "../providers/until.ts";
import { createAgentSite, type AgentSite } from "./agent-site.ts";
import { host } from "./mirror.ts";
import { createWorkplace } from "./workplace.ts";

const rollout = "stable@v2";

/** An agent that runs and has been offered a version. */
async function dispatched(given: Parameters<typeof createAgentSite>[0] = {}, input: object = {}): Promise<AgentSite> {
  const site = createAgentSite(given);
  await site.agent.start();
  site.mirror.handOut(await site.mirror.offer(rollout, input));
  return site;
}

async function reached({ mirror }: AgentSite, state: string, rolloutId = rollout): Promise<void> {
  await until(`the control plane sees ${state}`, async () => (await mirror.stateOf(rolloutId)) === state);
}

async function told({ mirror }: AgentSite, rolloutId = rollout): Promise<string[]> {
  const { entries } = await mirror.engine.journal({ instance: hostIdOf(rolloutId, host), limit: 500 });
  return entries.flatMap(({ event, outcome }) => (event === null ? [] : [`${event.type} ${outcome}`]));
}

describe("a dispatch", () => {
  it("is acknowledged, activated, and told step by step until it has converged", async () => {
    const site = await dispatched();
    await reached(site, "Converged");

    expect(site.workplace.version()).toBe("v2");
    expect(site.workplace.activations()).toEqual(["v1 -> v2"]);
    expect(await told(site)).toEqual([
      "dispatch.acknowledged changed",
      "activation.started changed",
      "activation.completed changed",
      "host.converged changed",
    ]);
    expect(await site.stateOf(rollout)).toBe("Converged");
    expect(await site.mirror.contextOf(rollout)).toMatchObject({ observedPrior: "v1", rollbackTo: null });
  });

  it("that was taken back is not activated, and is taken when it is offered again", async () => {
    const site = createAgentSite();
    const { mirror } = site;
    const order = await mirror.offer(rollout);
    await mirror.engine.transactAsEngine([
      { id: hostIdOf(rollout, host), event: { type: "dispatch.withdrawn" }, sender: "engine" },
    ]);
    await site.agent.start();
    mirror.handOut(order);
    await until("it is refused", async () => (await mirror.streamOf(rollout)) === 1);
    expect(site.workplace.activations()).toEqual([]);

    await mirror.engine.transactAsEngine([
      { id: hostIdOf(rollout, host), event: { type: "dispatch.offered" }, sender: "engine" },
    ]);
    mirror.handOut(order);

    await reached(site, "Converged");
    expect(site.workplace.activations()).toEqual(["v1 -> v2"]);
  });

  it("is not looked for in the records of another host", async () => {
    const site = await dispatched();
    await reached(site, "Converged");
    const renamed = await site.restarted({ host: "web-2" });

    await expect(renamed.agent.start()).rejects.toThrow("has the records of web-1");
  });

  it("waits for the one before to settle: a host runs at most one activation", async () => {
    const workplace = createWorkplace();
    workplace.closeGate();
    const site = await dispatched({ workplace });
    await until("the first runs", () => workplace.activations().length === 1);
    const next = await site.mirror.offer("stable@v3");
    site.mirror.handOut(next);
    site.mirror.handOut(next); // it is asked again and again, and does not begin
    expect(workplace.activations()).toEqual(["v1 -> v2"]);

    workplace.openGate();
    await reached(site, "Converged");
    site.mirror.handOut(next);

    await reached(site, "Converged", "stable@v3");
    expect(workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3"]);
    expect(await site.mirror.contextOf("stable@v3")).toMatchObject({ rollbackTo: "v2" });
  });
});

describe("an activation", () => {
  it("that fails is told with its exit code and what it said last", async () => {
    const workplace = createWorkplace();
    workplace.write("broken-v2", "");
    const site = await dispatched({ workplace });
    await reached(site, "Failed");

    const { failure } = await site.mirror.contextOf(rollout);
    expect(failure).toMatchObject({ kind: "activation-failed", exitCode: 3, stderrTail: "cannot start v2\n" });
    expect(workplace.version()).toBe("v1");
  });

  it("that brings something else is no success", async () => {
    const site = await dispatched({ yaml: "rollBack: { command: [./activate] }" });
    site.workplace.write("activate", "#!/bin/sh\nprintf v9 > version\n");
    await reached(site, "Failed");

    expect((await site.mirror.contextOf(rollout)).failure).toMatchObject({ kind: "version-mismatch" });
  });

  it("goes back to the version that converged here last", async () => {
    const site = await dispatched();
    await reached(site, "Converged");
    site.workplace.write("broken-v3", "");
    site.mirror.handOut(await site.mirror.offer("stable@v3"));

    await reached(site, "Reverted", "stable@v3");
    expect(site.workplace.version()).toBe("v2");
    expect(site.workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3", "v2 -> v2"]);
  });

  it("does not go back to a version that is quarantined", async () => {
    const site = await dispatched();
    await reached(site, "Converged");
    site.workplace.write("broken-v3", "");
    site.mirror.handOut({ ...(await site.mirror.offer("stable@v3")), quarantined: ["v2"] });

    await reached(site, "Failed", "stable@v3");
    expect(await site.mirror.contextOf("stable@v3")).toMatchObject({ rollbackTo: null });
  });

  it("that an agent before this one began is waited for, and not doubled", async () => {
    const workplace = createWorkplace();
    workplace.closeGate();
    const site = await dispatched({ workplace });
    await until("it runs", () => workplace.activations().length === 1);

    const next = await site.restarted();
    await next.agent.start();
    workplace.openGate();

    await reached(next, "Converged");
    expect(workplace.activations()).toEqual(["v1 -> v2"]);
  });

  it("that is deferred waits for a reboot, after which what runs decides", async () => {
    const workplace = createWorkplace();
    workplace.write("staged-v2", "");
    const site = await dispatched({ workplace });
    await reached(site, "Deferred");
    expect(await site.mirror.contextOf(rollout)).toMatchObject({ deferredFor: "kernel" });

    const same = await site.restarted();
    await same.agent.start();
    expect(await same.stateOf(rollout)).toBe("Deferred");
    workplace.setVersion("v2");
    const rebooted = await same.restarted({ boot: "boot-2" });
    await rebooted.agent.start();

    await reached(rebooted, "Converged");
  });

  it("that is deferred has failed when the reboot brings the old version back", async () => {
    const workplace = createWorkplace();
    workplace.write("staged-v2", "");
    const site = await dispatched({ workplace });
    await reached(site, "Deferred");

    const rebooted = await site.restarted({ boot: "boot-2" });
    await rebooted.agent.start();

    await reached(rebooted, "Failed");
    expect((await rebooted.mirror.contextOf(rollout)).failure).toMatchObject({
      stderrTail: "v1 runs after the reboot, not v2.",
    });
  });
});

describe("an order of the control plane", () => {
  it("is taken once", async () => {
    const site = await dispatched({}, { soakMs: 3_600_000 });
    await reached(site, "Soaking");
    const waived = { kind: "order", rolloutId: rollout, event: { type: "soak.waived" } } as const;
    site.mirror.handOut({ ...waived, id: "1s" });
    site.mirror.handOut({ ...waived, id: "1s" });

    await until("it has converged here", async () => (await site.stateOf(rollout)) === "Converged");
    const { entries } = await site.agent.engine.journal({ instance: hostIdOf(rollout, host) });
    expect(entries.filter(({ event }) => event?.type === "soak.waived")).toHaveLength(1);
  });

  it("to release the host waits until the activation is confirmed: released, it would not go back when it is cut off", async () => {
    const workplace = createWorkplace();
    workplace.closeGate();
    const site = await dispatched({ workplace }, { soakMs: 3_600_000 });
    await until("it runs", () => workplace.activations().length === 1);
    const released = {
      kind: "order",
      rolloutId: rollout,
      id: "1h",
      event: { type: "host.released", by: "stable@v3" },
    } as const;
    site.mirror.handOut(released);
    site.mirror.handOut({ kind: "replay", rolloutId: rollout, after: 0 }); // comes after it
    await until("both were looked at", () => site.mirror.queued() === 0);

    workplace.openGate();
    await until("it is confirmed", async () => (await site.contextOf(rollout)).confirmedAt !== null);
    expect(await site.stateOf(rollout)).toBe("Soaking");
    site.mirror.handOut(released);

    await until("it is released here", async () => (await site.stateOf(rollout)) === "Released");
  });

  it("to go back is followed by the host that has converged", async () => {
    const site = await dispatched();
    await reached(site, "Converged");
    site.mirror.handOut(await site.mirror.offer("stable@v3"));
    await reached(site, "Converged", "stable@v3");

    const id = hostIdOf("stable@v3", host);
    const event = { type: "rollback.requested" } as const;
    await site.mirror.engine.transactAsEngine([{ id, event, sender: "engine" }]);
    site.mirror.handOut({ kind: "order", rolloutId: "stable@v3", id: "1r", event });

    await reached(site, "Reverted", "stable@v3");
    expect(site.workplace.version()).toBe("v2");
  });
});
