import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/providers/system-clock.ts";
import { until } from "../providers/until.ts";
import { createAgentSite, type AgentSite } from "./agent-site.ts";
import { createMirror, type Mirror } from "./mirror.ts";

it("acknowledges a dispatch to a control plane that has lost its database, although the one before refused it", async () => {
  const { mirror, agent, workplace } = createAgentSite();
  await agent.start();
  const dispatch = await mirror.offer("stable@v2");
  const withdrawn = { id: "stable@v2/web-1", event: { type: "dispatch.withdrawn" }, sender: "engine" } as const;
  await mirror.engine.transactAsEngine([withdrawn]);
  mirror.handOut(dispatch);
  await until("it is refused", async () => (await mirror.streamOf("stable@v2")) === 1);
  const anew = createMirror(systemClock());
  await anew.offer("stable@v2");
  mirror.leadTo(anew);

  await until("it has converged", async () => {
    if (mirror.queued() === 0) mirror.handOut(dispatch); // as long as it stands
    return (await anew.stateOf("stable@v2")) === "Converged";
  });

  expect(workplace.activations()).toEqual(["v1 -> v2"]);
});

/** A host that ran v2, and then v3, and a control plane that has lost its database and rolls v2 out. */
async function createSiteWithHistory(): Promise<{ site: AgentSite; anew: Mirror }> {
  const site = createAgentSite();
  const { mirror, agent } = site;
  await agent.start();
  for (const rolloutId of ["stable@v2", "stable@v3"]) {
    mirror.handOut(await mirror.offer(rolloutId));
    await until("it has converged", async () => (await mirror.stateOf(rolloutId)) === "Converged");
  }
  const anew = createMirror(systemClock());
  mirror.leadTo(anew);
  return { site, anew };
}

describe("a rollout of a ref that the host has left since, in a control plane that knows nothing of that", () => {
  it("is not taken for done: what was done before is not told as if it were so now", async () => {
    const { site, anew } = await createSiteWithHistory();
    const { mirror, workplace } = site;
    const dispatch = await anew.offer("stable@v2");

    mirror.handOut({ kind: "replay", rolloutId: "stable@v2", after: 0 });
    await until("it is asked", () => mirror.queued() === 0);
    mirror.handOut(dispatch);

    await until("it has converged", async () => (await anew.stateOf("stable@v2")) === "Converged");
    expect(workplace.version()).toBe("v2");
    expect(workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3", "v3 -> v2"]);
    expect(await site.stateOf("stable@v2")).toBe("Released"); // the run of before: nothing is to come of it any more
  });

  it("is taken anew also by an agent that was away meanwhile, and known by its newest run from then on", async () => {
    const { site, anew } = await createSiteWithHistory();
    const dispatch = await anew.offer("stable@v2");
    const later = await site.restarted();
    await later.agent.start();
    await until("it has converged", async () => {
      if (later.mirror.queued() === 0) later.mirror.handOut(dispatch); // as long as it stands
      return (await anew.stateOf("stable@v2")) === "Converged";
    });

    const last = await later.restarted();
    await last.agent.start();
    last.mirror.handOut({ kind: "order", rolloutId: "stable@v2", id: "1r", event: { type: "rollback.requested" } });
    await until("it goes back", () => last.workplace.version() === "v3");

    expect(last.workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3", "v3 -> v2", "v2 -> v3"]);
  });

  it("is taken anew when it is offered, however long ago the host has left it and was let go", async () => {
    const { site, anew } = await createSiteWithHistory();
    const { mirror, workplace } = site;
    mirror.handOut({
      kind: "order",
      rolloutId: "stable@v2",
      id: "1h",
      event: { type: "host.released", by: "stable@v3" },
    });
    await until("it is let go", async () => (await site.stateOf("stable@v2")) === "Released");

    const dispatch = await anew.offer("stable@v2");
    await until("it has converged", async () => {
      if (mirror.queued() === 0) mirror.handOut(dispatch); // as long as it stands
      return (await anew.stateOf("stable@v2")) === "Converged";
    });

    expect(workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3", "v3 -> v2"]);
  });

  it("is told to its end to one that has come back to an older copy, however long ago that was", async () => {
    const { site, anew } = await createSiteWithHistory();
    const { dispatch } = await anew.offer("stable@v2");
    for (const [index, event] of [
      { type: "dispatch.acknowledged", observedPrior: "v1" },
      { type: "activation.started" },
    ].entries())
      await anew.engine.send("stable@v2/web-1", event, {
        principal: "agent",
        stream: { name: "agent", seq: index + 1 },
      });
    const acknowledged = { observedPrior: "v1", rollbackTo: null };

    site.mirror.handOut({ kind: "recover", dispatch, acknowledged, seq: 2, state: "Activating" });

    await until("it is known", async () => (await anew.stateOf("stable@v2")) === "Converged");
    expect(site.workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3"]);
  });

  it("of the ref that the host runs is regained without another activation", async () => {
    const { site, anew } = await createSiteWithHistory();
    await anew.offer("stable@v3");

    site.mirror.handOut({ kind: "replay", rolloutId: "stable@v3", after: 0 });

    await until("it is known", async () => (await anew.stateOf("stable@v3")) === "Converged");
    expect(site.workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3"]);
  });
});
