import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { controlPlaneWitness, createWitnesses } from "../../src/agent/witnesses.ts";
import { until } from "../providers/until.ts";
import { addSoaking, createAgentSite, type AgentSite } from "./agent-site.ts";
import { host } from "./mirror.ts";
import { startsAt } from "../support/world.ts";

const rollout = "stable@v2";
const minute = 60_000;

/** A page that says how it is asked, and is well or not. */
async function createPage(): Promise<{ url: string; isWell: boolean; asked: number; answersAfterMs: number }> {
  const page = { url: "", isWell: true, asked: 0, answersAfterMs: 0 };
  const server: Server = createServer((_request, response) => {
    page.asked += 1;
    setTimeout(() => response.writeHead(page.isWell ? 200 : 500).end(), page.answersAfterMs);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  page.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return page;
}

interface Soaking extends AgentSite {
  clock: ReturnType<typeof virtualClock>;
  state(): Promise<string>;
  events(type: string): Promise<object[]>;
}

/** An agent whose host soaks, while time stands still. The control plane says nothing. */
async function soaking(given: { yaml?: string; input?: object; witnesses?: string[]; rollbackTo?: string } = {}) {
  const { yaml = "", ...soak } = given;
  const clock = virtualClock(startsAt);
  const site = createAgentSite({ clock, yaml });
  site.mirror.onWay.there = () => {
    throw new Error("it is away");
  };
  await addSoaking(site, rollout, soak);
  await site.agent.start();
  const soaking: Soaking = {
    ...site,
    clock,
    state: () => site.stateOf(rollout),
    async events(type) {
      const { entries } = await site.agent.engine.journal({ instance: hostIdOf(rollout, host), limit: 500 });
      return entries.flatMap(({ event, outcome }) => (event?.type === type && outcome !== "refused" ? [event] : []));
    },
  };
  return soaking;
}

const probing = (url: string, more = "") =>
  `probes: [{ name: web, every: 10s, ${more} http: { url: "${url}" } }]\nconfirm: { targets: ["${url}"] }`;

describe("a soak", () => {
  it("is over at its end, when every enforced probe has been seen and passes", async () => {
    const page = await createPage();
    const site = await soaking({ yaml: probing(page.url), input: { soakMs: 10 * minute } });
    await until("it is probed", async () => (await site.events("probe.reported")).length === 1);
    await until("it is confirmed", async () => (await site.contextOf(rollout)).confirmedAt !== null);
    await site.clock.advance(10 * minute - 1);
    expect(await site.state()).toBe("Soaking");

    await site.clock.advance(1);

    await until("it has converged", async () => (await site.state()) === "Converged");
    expect(await site.events("probes.declared")).toHaveLength(1);
  });

  it("fails when an enforced probe fails for too long without a pass in between", async () => {
    const page = await createPage();
    page.isWell = false;
    const site = await soaking({
      yaml: probing(page.url),
      input: { soakMs: 10 * minute, policy: { sustainedMs: minute } },
    });
    await until("it is seen", async () => (await site.events("probe.reported")).length === 1);
    await site.clock.advance(minute - 1);
    expect(await site.state()).toBe("Soaking");

    await site.clock.advance(1);

    await until("it has failed", async () => (await site.state()) === "Failed");
    expect(await site.events("health.failed")).toMatchObject([{ sustainedMs: minute, failingProbes: ["web"] }]);
  });

  it("goes on when a failing probe passes again in time", async () => {
    const page = await createPage();
    page.isWell = false;
    const site = await soaking({
      yaml: probing(page.url),
      input: { soakMs: 10 * minute, policy: { sustainedMs: minute } },
    });
    await until("it is seen", async () => (await site.events("probe.reported")).length === 1);
    page.isWell = true;
    await site.clock.advance(10_000);
    await until("it passes", async () => (await site.events("probe.reported")).length === 2);

    await site.clock.advance(2 * minute);

    expect(await site.state()).toBe("Soaking");
    expect(await site.events("health.failed")).toEqual([]);
  });

  it("is not failed by a probe that is only observed, and does not look at one that is disabled", async () => {
    const [observed, disabled] = [await createPage(), await createPage()];
    observed.isWell = false;
    const yaml = `probes:
  - { name: seen, mode: observe, http: { url: "${observed.url}" } }
  - { name: off, mode: disabled, http: { url: "${disabled.url}" } }
confirm: { targets: ["${observed.url}"] }`;
    const site = await soaking({ yaml, input: { policy: { sustainedMs: 0 } } });

    await until("it has converged", async () => (await site.state()) === "Converged");
    expect(disabled.asked).toBe(0);
  });

  it("tells of a probe when that changes, and otherwise once a minute", async () => {
    const page = await createPage();
    const site = await soaking({ yaml: probing(page.url), input: { soakMs: 60 * minute } });
    const looks = async (count: number) => until(`look ${count}`, () => page.asked >= count);
    await until("it is told", async () => (await site.events("probe.reported")).length === 1);
    for (let turn = 0; turn < 5; turn += 1) {
      const before = page.asked;
      await site.clock.advance(10_000);
      await looks(before + 1);
    }
    expect(await site.events("probe.reported")).toHaveLength(1);

    await site.clock.advance(10_000);

    await until("it is told again", async () => (await site.events("probe.reported")).length === 2);
  });

  it("is judged by what is seen now, and not by what an agent before saw", async () => {
    const page = await createPage();
    const site = await soaking({ yaml: probing(page.url), input: { soakMs: minute } });
    await until("it passes", async () => (await site.events("probe.reported")).length === 1);
    await until("it is confirmed", async () => (await site.contextOf(rollout)).confirmedAt !== null);
    const clock = virtualClock(startsAt + 60 * minute); // the soak is over meanwhile
    page.isWell = false;
    page.answersAfterMs = 500; // long enough for whoever would not wait for it
    const next = await site.restarted({ clock, yaml: probing(page.url) });
    next.mirror.onWay.there = () => {
      throw new Error("it is away");
    };
    await next.agent.start();

    await until("the failure is seen", async () => (await next.contextOf(rollout)).probes["web"]?.status === "fail");
    expect(await next.stateOf(rollout)).toBe("Soaking");
  });

  it("does not converge before anybody has answered", async () => {
    const site = await soaking({ witnesses: [controlPlaneWitness] });
    await site.clock.advance(minute);

    expect(await site.state()).toBe("Soaking");
    expect(await site.events("host.converged")).toEqual([]);
  });
});

describe("an activation that cuts the host off", () => {
  const silent = "http://127.0.0.1:1/"; // nobody listens there
  const yaml = `confirm: { targets: ["${silent}"] }`;
  const policy = { confirmWithinMs: 6 * minute, onHealthFailure: "rollback-and-halt" };

  it("is undone when a confirm target that had answered is silent for too long", async () => {
    const site = await soaking({ yaml, input: { policy, soakMs: 60 * minute }, witnesses: [silent], rollbackTo: "v1" });
    await site.clock.advance(6 * minute - 1);
    expect(await site.state()).toBe("Soaking");

    await until("it goes back", async () => {
      await site.clock.advance(100); // the run of the command is waited for too
      return (await site.state()) === "Reverted";
    });

    expect(await site.events("activation.unconfirmed")).toHaveLength(1);
    expect(site.workplace.version()).toBe("v1");
  });

  it("is not assumed when the control plane alone is silent, however long", async () => {
    const site = await soaking({ yaml, input: { policy }, witnesses: [controlPlaneWitness] });

    await site.clock.advance(15 * minute);

    expect(await site.state()).toBe("Soaking");
    expect(await site.events("activation.unconfirmed")).toEqual([]);
  });

  it("is not assumed when the silent confirm target is the control plane itself", async () => {
    const page = await createPage();
    const clock = virtualClock(startsAt);
    const witnesses = createWitnesses({ targets: [`${page.url}livez`], url: page.url, clock });

    await witnesses.ask(new AbortController().signal);

    expect(witnesses.since(startsAt)).toEqual([controlPlaneWitness]);
  });

  it("is not assumed when a confirm target answers", async () => {
    const page = await createPage();
    const yaml = `confirm: { targets: ["${page.url}", "${silent}"] }`;
    const site = await soaking({ yaml, input: { policy }, witnesses: [page.url, silent] });

    await until("it has converged", async () => (await site.state()) === "Converged");
  });
});

describe("a host that is cut off already", () => {
  it("does not activate before somebody answers", async () => {
    const clock = virtualClock(startsAt);
    const site = createAgentSite({ clock, yaml: `confirm: { targets: ["tcp://127.0.0.1:1"] }` });
    const id = hostIdOf(rollout, host);
    const input = { rolloutId: rollout, host, channel: "stable", target: "v2", wave: 0 };
    const labels = { rollout, host, channel: "stable" };
    site.mirror.onWay.there = () => {
      throw new Error("it is away");
    };
    await site.agent.engine.transact([
      { create: { machine: "host", id, input, labels } },
      { id, event: { type: "dispatch.acknowledged", observedPrior: "v1" } },
    ]);
    await site.agent.start();
    await clock.advance(10 * minute);
    expect(site.workplace.activations()).toEqual([]);
    expect(await site.contextOf(rollout)).toMatchObject({ startedAt: null });

    await site.mirror.offer(rollout);
    delete site.mirror.onWay.there;

    await until("it begins", async () => {
      await clock.advance(5_000);
      return site.workplace.activations().length === 1;
    });
    await until("its command has ended", async () => {
      await clock.advance(50); // an agent that stops lets a launch settle, and who else would move this clock
      return (await site.stateOf(rollout)) !== "Activating";
    });
  });
});
