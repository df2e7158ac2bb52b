import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeToken, tokensText, type TokenEntry } from "../../src/operations/token.ts";
import { until } from "../providers/until.ts";
import { startAgent, type AgentProcess } from "./agent-process.ts";
import { startControlPlane, type ControlPlaneOptions, type ControlPlaneProcess } from "./control-plane-process.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

interface Site {
  controlPlane: ControlPlaneProcess;
  workplace: Workplace;
  agent: AgentProcess;
  startAgent(): Promise<AgentProcess>;
}

/** A looked-at file counts the looks; a host is healthy unless it is told to be ill. */
const probing = `probes: [{ name: app, every: 100ms, exec: { command: [./probe] } }]`;
const probe = '#!/bin/sh\ncd "$(dirname "$0")"\necho look >> looks\n! grep -qx "$(cat version)" ill 2>/dev/null\n';

async function createSite(options: ControlPlaneOptions & { yaml?: string } = {}): Promise<Site> {
  const controlPlane = await startControlPlane(options);
  const workplace = createWorkplace();
  workplace.write("probe", probe);
  chmodSync(join(workplace.path, "probe"), 0o755);
  const yaml = `${probing}\n${options.yaml ?? ""}`;
  const start = () => startAgent(workplace, { host: "web-1", url: controlPlane.proxy.url, yaml });
  return { controlPlane, workplace, agent: await start(), startAgent: start };
}

function looks({ path }: Workplace): number {
  return readFileSync(join(path, "looks"), "utf8").split("\n").length;
}

async function begins({ workplace }: Site, what: string): Promise<void> {
  await until(`${what} begins`, () => workplace.activations().at(-1) === what);
}

const whole = [
  "dispatch.acknowledged",
  "activation.started",
  "activation.completed",
  "probes.declared",
  "probe.reported",
  "host.converged",
];

describe("a rollout to an agent", () => {
  it("ends as without a fault when requests and answers are lost, doubled and come too late", async () => {
    const site = await createSite();
    const { controlPlane, workplace } = site;
    controlPlane.proxy.faults("answer-lost", "doubled", "request-lost", "older-again");

    await controlPlane.apply("v2");
    await controlPlane.reached("stable@v2", "Converged");

    expect(await controlPlane.changes("stable@v2")).toEqual(whole);
    expect(workplace.activations()).toEqual(["v1 -> v2"]);
    expect(controlPlane.proxy.happened("answer-lost")).toBeGreaterThan(0);
    expect(controlPlane.proxy.happened("doubled")).toBeGreaterThan(0);
    await until("the rollout is over", async () => (await controlPlane.stateOf("stable@v2")) === "Terminal");
  });

  it("goes on when the agent is killed in the middle of an activation, which is not doubled", async () => {
    const site = await createSite();
    const { controlPlane, workplace, agent } = site;
    workplace.closeGate();
    await controlPlane.apply("v2");
    await begins(site, "v1 -> v2");

    await agent.end("SIGKILL");
    await site.startAgent();
    workplace.openGate();

    await controlPlane.reached("stable@v2", "Converged");
    expect(workplace.activations()).toEqual(["v1 -> v2"]);
    expect(await controlPlane.changes("stable@v2")).toEqual(whole);
  });

  it("takes the exit code of an activation that ended while no agent was there", async () => {
    const site = await createSite();
    const { controlPlane, workplace, agent } = site;
    workplace.closeGate();
    await controlPlane.apply("v2");
    await begins(site, "v1 -> v2");

    await agent.end("SIGKILL");
    workplace.openGate();
    await until("it has ended", () => workplace.version() === "v2");
    await site.startAgent();

    await controlPlane.reached("stable@v2", "Converged");
    expect(workplace.activations()).toEqual(["v1 -> v2"]);
  });

  it("goes back although the control plane is killed between the failure and the rollback", async () => {
    const site = await createSite({ policy: { onHealthFailure: "rollback-and-halt" } });
    const { controlPlane, workplace } = site;
    await controlPlane.apply("v2");
    await controlPlane.reached("stable@v2", "Converged");
    workplace.write("ill", "v3\n");
    await controlPlane.apply("v3");
    await until("v3 runs", () => workplace.version() === "v3");
    workplace.closeGate();
    await controlPlane.reached("stable@v3", "Failed");
    await begins(site, "v3 -> v2");

    await controlPlane.kill();
    workplace.openGate();
    await until("it has gone back", () => workplace.version() === "v2");
    await controlPlane.startAgain();

    await controlPlane.reached("stable@v3", "Reverted");
    expect(workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3", "v3 -> v2"]);
    await until("the rollout knows", async () => (await controlPlane.stateOf("stable@v3")) === "Reverted");
  });

  it("reverts nobody for an outage of the control plane that is longer than the deadline of the confirmation", async () => {
    const site = await createSite({ policy: { confirmWithin: "300ms" } });
    const { controlPlane, workplace } = site;
    await controlPlane.apply("v2");
    await controlPlane.reached("stable@v2", "Converged");
    workplace.closeGate();
    await controlPlane.apply("v3");
    await begins(site, "v2 -> v3");

    await controlPlane.kill();
    workplace.openGate();
    await until("v3 runs", () => workplace.version() === "v3");
    const seen = looks(workplace);
    await until("the deadline is over", () => looks(workplace) >= seen + 10); // one each 100 ms
    await controlPlane.startAgain();

    await controlPlane.reached("stable@v3", "Converged");
    expect(workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3"]);
  });

  it("undoes an activation that cuts the host off from everybody", async () => {
    const neighbour = await startControlPlane(); // anything that answers
    const site = await createSite({
      policy: { confirmWithin: "300ms" },
      yaml: `confirm: { targets: ["${neighbour.proxy.url}/livez"] }`,
    });
    const { controlPlane, workplace } = site;
    await controlPlane.apply("v2");
    await controlPlane.reached("stable@v2", "Converged");
    workplace.closeGate();
    await controlPlane.apply("v3");
    await begins(site, "v2 -> v3");

    controlPlane.proxy.leadTo(undefined);
    neighbour.proxy.leadTo(undefined);
    workplace.openGate();
    await begins(site, "v3 -> v2");
    await until("it has gone back", () => workplace.version() === "v2");
    controlPlane.reconnect();

    await controlPlane.reached("stable@v3", "Reverted");
    expect((await controlPlane.hostIn("stable@v3")).failure).toMatchObject({ kind: "unconfirmed" });
  });

  it("is known again to a control plane that has lost its database, without another activation", async () => {
    const site = await createSite();
    const { controlPlane, workplace } = site;
    await controlPlane.apply("v2");
    await controlPlane.reached("stable@v2", "Converged");

    await controlPlane.kill();
    await controlPlane.startAnew();
    await controlPlane.apply("v2");

    await controlPlane.reached("stable@v2", "Converged");
    expect(await controlPlane.changes("stable@v2")).toEqual(whole);
    expect(workplace.activations()).toEqual(["v1 -> v2"]);
    await until("the rollout is over", async () => (await controlPlane.stateOf("stable@v2")) === "Terminal");
  });
});

describe("a machine with the name of another one", () => {
  it("activates nothing, and says what to do, while the other is there", async () => {
    const controlPlane = await startControlPlane();
    const { url } = controlPlane.proxy;
    const [first, second] = [createWorkplace(), createWorkplace()];
    await startAgent(first, { host: "web-1", url });
    await controlPlane.apply("v1");
    await controlPlane.reached("stable@v1", "Converged");
    const clone = await startAgent(second, { host: "web-1", url });
    await until("it is refused", async () => (await controlPlane.get("/v1/fleet")).contested.length === 1);

    await controlPlane.apply("v2");
    await controlPlane.reached("stable@v2", "Converged");
    const { stderr } = await clone.end("SIGTERM");

    expect(second.activations()).toEqual([]);
    expect(stderr).toContain("give it a name and a token of its own");
    expect(first.activations()).toEqual(["v1 -> v1", "v1 -> v2"]);
  });
});

describe("an agent with the token of another host", () => {
  it("is refused, does nothing, and works with its own", async () => {
    const workplace = createWorkplace();
    const now = { at: Date.now(), lastsMs: 3_600_000 };
    const [admin, other, own] = [
      makeToken({ principal: "alice", role: "admin", ...now }),
      makeToken({ principal: "web-2", role: "agent:web-2", ...now }),
      makeToken({ principal: "web-1", role: "agent:web-1", ...now }),
    ];
    const file = join(workplace.path, "tokens.json");
    const entries: TokenEntry[] = [admin, other, own].map(({ entry }) => entry);
    workplace.write("tokens.json", tokensText(entries));
    chmodSync(file, 0o600);
    const controlPlane = await startControlPlane({ tokens: { file, admin: admin.token } });
    const { url } = controlPlane.proxy;
    await controlPlane.apply("v2");

    const stranger = await startAgent(workplace, { host: "web-1", url, token: other.token });
    await until("it has asked", () => controlPlane.proxy.happened("none") > 1);
    const { stderr } = await stranger.end("SIGTERM");
    expect(stderr).toContain("agent of web-2");
    expect(stderr).not.toContain(other.token);
    expect(workplace.activations()).toEqual([]);
    expect((await controlPlane.hostIn("stable@v2")).state).toBe("Pending");

    await startAgent(workplace, { host: "web-1", url, token: own.token });
    await controlPlane.reached("stable@v2", "Converged");
  });
});
