import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/providers/system-clock.ts";
import { until } from "../providers/until.ts";
import { createAgentSite, type AgentSite } from "./agent-site.ts";
import { createMirror, type Mirror } from "./mirror.ts";

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
    last.mirror.handOut({ kind: "order", rolloutId: "stable@v2", number: 1, event: { type: "rollback.requested" } });
    await until("it goes back", () => last.workplace.version() === "v3");

    expect(last.workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3", "v3 -> v2", "v2 -> v3"]);
  });

  it("of the ref that the host runs is regained without another activation", async () => {
    const { site, anew } = await createSiteWithHistory();
    await anew.offer("stable@v3");

    site.mirror.handOut({ kind: "replay", rolloutId: "stable@v3", after: 0 });

    await until("it is known", async () => (await anew.stateOf("stable@v3")) === "Converged");
    expect(site.workplace.activations()).toEqual(["v1 -> v2", "v2 -> v3"]);
  });
});
