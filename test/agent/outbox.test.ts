import { describe, expect, it, onTestFinished } from "vitest";
import { host as hostMachine } from "../../machines/host/host.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { createBackoff } from "../../src/agent/backoff.ts";
import { createLocalHosts } from "../../src/agent/local-hosts.ts";
import { createOutbox } from "../../src/agent/outbox.ts";
import { createWitnesses } from "../../src/agent/witnesses.ts";
import { silentLog } from "../../src/core/log.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { until } from "../providers/until.ts";
import { createWorld } from "../support/world.ts";
import { createAgentSite, type AgentSite } from "./agent-site.ts";
import { createMirror, host, type Mirror } from "./mirror.ts";
import { createWorkplace } from "./workplace.ts";

const rollout = "stable@v2";

async function reached(mirror: Mirror, state: string): Promise<void> {
  await until(`the control plane sees ${state}`, async () => (await mirror.stateOf(rollout)) === state);
}

/** What moved an instance, without what was told twice. */
async function changesOf(engine: Mirror["engine"]): Promise<string[]> {
  const { entries } = await engine.journal({ instance: hostIdOf(rollout, host), limit: 500 });
  return entries.flatMap(({ event, outcome }) => (event === null || outcome !== "changed" ? [] : [event.type]));
}

const whole = ["dispatch.acknowledged", "activation.started", "activation.completed", "host.converged"];

async function converged(site: AgentSite, { mirror } = site): Promise<void> {
  await site.agent.start();
  mirror.handOut(await mirror.offer(rollout));
  await reached(mirror, "Converged");
}

describe("what an agent tells", () => {
  it("arrives once and in order although every second request or answer is lost", async () => {
    const site = createAgentSite();
    const { onWay } = site.mirror;
    let ways = 0;
    const lose = () => {
      ways += 1;
      if (ways % 2 === 1) throw new Error("the connection was lost");
    };
    site.mirror.handOut(await site.mirror.offer(rollout));
    onWay.back = lose;
    await site.agent.start();
    // the answer to the acknowledgement was lost: the control plane has it, and says so
    await until("it is acknowledged", async () => (await site.mirror.streamOf(rollout)) === 1);
    const { rolloutId, host: name, channel, target, wave } = await site.mirror.contextOf(rollout);
    const dispatch = { rolloutId, host: name, channel, target, wave };
    const acknowledged = { observedPrior: "v1", rollbackTo: null };
    site.mirror.handOut({ kind: "recover", dispatch, acknowledged, seq: 1, state: "Activating" });

    await reached(site.mirror, "Converged");
    expect(await changesOf(site.mirror.engine)).toEqual(whole);
    expect(ways).toBeGreaterThan(2);
  });

  it("is told again from the number that a control plane lacks which lost its database", async () => {
    const site = createAgentSite();
    await converged(site);
    const anew = createMirror(systemClock());
    const restarted = await site.restarted({ mirror: anew });
    await anew.offer(rollout); // it knows of the dispatch again, and of nothing that became of it

    await restarted.agent.start();

    await reached(anew, "Converged");
    expect(await changesOf(anew.engine)).toEqual(whole);
  });

  it("is not held up by what was forgotten before it could be told", async () => {
    const warnings: unknown[] = [];
    const mirror = createMirror(systemClock());
    await mirror.offer(rollout);
    const { engine } = createWorld({ machines: [hostMachine] });
    const witnesses = createWitnesses({ targets: [], url: "http://127.0.0.1:2", clock: systemClock() });
    const outbox = createOutbox({
      engine,
      hosts: createLocalHosts(engine),
      controlPlane: mirror.controlPlaneOf(witnesses),
      backoff: createBackoff({ baseMs: 1, maxMs: 1, chance: () => 0 }),
      clock: systemClock(),
      log: { ...silentLog, warn: (...said) => void warnings.push(said) },
    });
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    outbox.moved("stable@v1/web-1");
    const id = hostIdOf(rollout, host);
    const input = { rolloutId: rollout, host, channel: "stable", target: "v2", wave: 0 };
    await engine.create({ machine: "host", id, input, labels: { rollout, host, channel: "stable" } });
    await engine.send(id, { type: "dispatch.acknowledged", observedPrior: "v1", rollbackTo: null });
    outbox.moved(id);

    void outbox.run(stopping.signal);

    await until("it is told", async () => (await mirror.streamOf(rollout)) === 1);
    expect(warnings).toEqual([]);
  });

  it("is told again when a control plane asks for it while the agent runs", async () => {
    const site = createAgentSite();
    await converged(site);
    const { mirror } = site;
    const anew = createMirror(systemClock());
    await anew.offer(rollout);
    mirror.leadTo(anew);
    mirror.handOut({ kind: "replay", rolloutId: rollout, after: 0 });

    await reached(anew, "Converged");
    expect(await changesOf(anew.engine)).toEqual(whole);
  });

  it("is told when the control plane is there again, in as few requests as it takes", async () => {
    const site = createAgentSite();
    const { mirror, workplace } = site;
    workplace.closeGate();
    await site.agent.start();
    mirror.handOut(await mirror.offer(rollout));
    await until("it runs", () => workplace.activations().length === 1);
    let requests = 0;
    mirror.onWay.there = () => {
      requests += 1;
      throw new Error("it is away");
    };
    workplace.openGate();
    await until("it soaks", async () => (await site.stateOf(rollout)) === "Soaking");
    expect(await mirror.stateOf(rollout)).toBe("Activating");

    mirror.onWay.there = () => void (requests += 1);
    requests = 0;
    await reached(mirror, "Converged"); // its answer has confirmed the activation
    expect(requests).toBeLessThanOrEqual(2);
  });

  it("lets the host go that the control plane has let go", async () => {
    const site = createAgentSite();
    const { mirror, workplace } = site;
    workplace.closeGate();
    await site.agent.start();
    mirror.handOut(await mirror.offer(rollout));
    await until("it runs", () => workplace.activations().length === 1);
    const event = { type: "host.released", by: "stable@v3" };
    await mirror.engine.transactAsEngine([{ id: hostIdOf(rollout, host), event, sender: "engine" }]);

    workplace.openGate();

    await reached(mirror, "Released");
    await until("it is released here", async () => (await site.stateOf(rollout)) === "Released");
    expect(workplace.version()).toBe("v2"); // what had begun came to its end
  });
});

describe("an agent that has lost its records", () => {
  /** The same host with an empty directory, and what the control plane still knows. */
  async function reborn(lost: AgentSite, state: string): Promise<AgentSite> {
    await lost.restarted(); // its database is given back
    const { mirror } = lost;
    const {
      rolloutId,
      host: name,
      channel,
      target,
      wave,
      soakMs,
      policy,
      observedPrior,
      rollbackTo,
    } = await mirror.contextOf(rollout);
    const dispatch = { rolloutId, host: name, channel, target, wave, soakMs, policy };
    const seq = await mirror.streamOf(rollout);
    const site = createAgentSite({ mirror });
    await site.agent.start();
    mirror.handOut({ kind: "recover", dispatch, acknowledged: { observedPrior, rollbackTo }, seq, state });
    return site;
  }

  it("tells a failure, since nobody knows what was done", async () => {
    const workplace = createWorkplace();
    workplace.closeGate();
    const site = createAgentSite({ workplace });
    await site.agent.start();
    site.mirror.handOut(await site.mirror.offer(rollout));
    await until("it has begun", async () => (await site.mirror.streamOf(rollout)) === 2);

    const next = await reborn(site, "Activating");

    await reached(site.mirror, "Failed");
    expect((await site.mirror.contextOf(rollout)).failure).toMatchObject({ kind: "agent-error" });
    expect(next.workplace.activations()).toEqual([]);
    expect(await next.stateOf(rollout)).toBe("Failed");
  });

  it("goes back from there when a good version is known", async () => {
    const site = createAgentSite();
    await site.agent.start();
    site.mirror.handOut(await site.mirror.offer(rollout, { soakMs: 3_600_000 }));
    await reached(site.mirror, "Soaking");
    const { mirror } = site;
    const known = await mirror.contextOf(rollout);
    await site.restarted();
    const next = createAgentSite({ mirror: createMirror(systemClock()) });
    const dispatch = { rolloutId: rollout, host, channel: "stable", target: "v2", wave: 0, soakMs: known.soakMs };
    await next.mirror.offer(rollout, { soakMs: known.soakMs });
    const id = hostIdOf(rollout, host);
    const acknowledged = { observedPrior: "v1", rollbackTo: "v1" };
    for (const [index, event] of [
      { type: "dispatch.acknowledged", ...acknowledged },
      { type: "activation.started" },
      { type: "activation.completed", observedVersion: "v2" },
    ].entries())
      await next.mirror.engine.send(id, event, { stream: { name: "agent", seq: index + 1 } });
    await next.agent.start();
    next.mirror.handOut({ kind: "recover", dispatch, acknowledged, seq: 3, state: "Soaking" });

    await reached(next.mirror, "Reverted");
    expect(next.workplace.activations()).toEqual(["v1 -> v1"]);
  });

  it("knows again what has converged here", async () => {
    const site = createAgentSite();
    await converged(site);

    const next = await reborn(site, "Converged");
    await until("it is known", async () => (await next.agent.engine.list({ machine: "host" })).items.length === 1);
    next.mirror.handOut(await next.mirror.offer("stable@v3"));
    await until("it has converged", async () => (await next.mirror.stateOf("stable@v3")) === "Converged");

    expect(await next.mirror.contextOf("stable@v3")).toMatchObject({ rollbackTo: "v2" });
    expect(await changesOf(next.mirror.engine)).toEqual(whole);
  });
});
