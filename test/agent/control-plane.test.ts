import { describe, expect, it } from "vitest";
import { createControlPlane } from "../../src/agent/control-plane.ts";
import { controlPlaneWitness, createWitnesses } from "../../src/agent/witnesses.ts";
import { createClient } from "../../src/client/index.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { createFleetSite } from "../http/fleet-site.ts";

const { signal } = new AbortController();

describe("the question what there is to do", () => {
  it("is answered with nothing when nothing has come up, which shows that the host is not cut off", async () => {
    const { url } = await createFleetSite();
    const witnesses = createWitnesses({ targets: [], url, clock: systemClock() });
    const controlPlane = createControlPlane({ client: createClient({ url }), host: "web-1", agent: "a.1", witnesses });

    const orders = await controlPlane.orders({ known: [], waitSeconds: 0, signal });

    expect(orders).toEqual([]);
    expect(witnesses.since(0)).toEqual([controlPlaneWitness]);
  });

  it("is answered with the dispatch that the host has to take", async () => {
    const site = await createFleetSite();
    const { url } = site;
    await site.declare("v1");
    const witnesses = createWitnesses({ targets: [], url, clock: systemClock() });
    const controlPlane = createControlPlane({ client: createClient({ url }), host: "web-1", agent: "a.1", witnesses });

    const [order] = await controlPlane.orders({ known: [], waitSeconds: 0, signal });

    expect(order).toMatchObject({
      kind: "dispatch",
      dispatch: { rolloutId: "stable@v1", host: "web-1", target: "v1" },
    });
  });
});
