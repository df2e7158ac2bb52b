import { describe, expect, it } from "vitest";
import type { Inventory } from "../../src/providers/processes/inventory.ts";
import { parseNodesFile } from "../../src/providers/processes/nodes-file.ts";
import { createPlacement } from "../../src/providers/processes/placement.ts";

const nodes = parseNodesFile(`
groups: { web: { port: 1 }, api: { port: 2 } }
nodes:
  alpha:
    replicas: { web-1: { group: web, command: [a] }, web-2: { group: web, command: [a] } }
    daemons: { shipper: { command: [a] }, watchdog: { command: [a], essential: true } }
  beta: { replicas: { web-3: { group: web, command: [a] } } }
  gamma: { replicas: { api-1: { group: api, command: [a] } } }
`);

/** Replicas as `name@node`. */
function inventoryOf(...places: string[]): Inventory {
  const all = places.map((place) => {
    const [name, node] = place.split("@");
    return { record: { kind: nodes.replicas.has(name ?? "") ? "replica" : "daemon", name, node } };
  });
  return { all: () => all } as unknown as Inventory; // the one part of it that placement reads
}

function placementOf(inventory: Inventory, mayPlace: (node: string) => boolean | Promise<boolean> = () => true) {
  return createPlacement({ nodes, inventory, mayPlace: async (node) => mayPlace(node) });
}

describe("placement", () => {
  it("takes the node with the fewest replicas of the group, then the first by name", async () => {
    const inventory = inventoryOf("web-1@alpha", "web-2@alpha", "web-3@beta", "api-1@gamma");
    const placement = placementOf(inventory);

    expect(await placement.holdElsewhere("web-1", "alpha")).toMatchObject({ node: "gamma" });
    expect(await placement.holdElsewhere("web-2", "alpha")).toMatchObject({ node: "beta" });
    expect(await placement.holdElsewhere("api-1", "gamma")).toMatchObject({ node: "alpha" });
  });

  it("spreads those that are asked for at the same time", async () => {
    const placement = placementOf(inventoryOf("web-1@alpha", "web-2@alpha"));

    const places = await Promise.all(["web-1", "web-2"].map((name) => placement.holdElsewhere(name, "alpha")));

    expect(places).toMatchObject([{ node: "beta" }, { node: "gamma" }]);
  });

  it("prefers home for what runs nowhere, when home may take it", async () => {
    const placement = placementOf(inventoryOf("web-2@alpha"), (node) => node !== "beta");

    expect(await placement.holdAnywhere("web-1")).toMatchObject({ node: "alpha" });
    expect(await placement.holdAnywhere("web-3")).toMatchObject({ node: "gamma" });
  });

  it("says which nodes may not take a replica", async () => {
    const placement = placementOf(inventoryOf("web-1@alpha"), () => false);

    expect(await placement.holdElsewhere("web-1", "alpha")).toEqual({
      why: "no other node may take web-1: beta and gamma are in maintenance or cordoned",
    });
  });

  it("counts what is about to start on a node as being on it, until its place is released", async () => {
    const placement = placementOf(inventoryOf());
    const place = await placement.hold({ kind: "replica", name: "web-1" }, "beta");

    expect(await placement.leftOn("beta")).toEqual({ replicas: ["web-1"], daemons: [] });
    place?.release();
    expect(await placement.leftOn("beta")).toEqual({ replicas: [], daemons: [] });
  });

  it("does not call a node empty while an answer from before is on its way", async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const placement = placementOf(inventoryOf(), () => promise);
    const holding = placement.hold({ kind: "replica", name: "web-1" }, "beta");
    placement.mark("beta", "draining");
    const looking = placement.leftOn("beta");

    resolve(true);

    expect(await looking).toEqual({ replicas: ["web-1"], daemons: [] });
    expect(await holding).toMatchObject({ node: "beta" });
  });

  it("does not show what a node was merely asked for, and refused", async () => {
    const placement = placementOf(inventoryOf(), () => false);
    const holding = placement.hold({ kind: "replica", name: "web-1" }, "beta");

    expect(await placement.leftOn("beta")).toEqual({ replicas: [], daemons: [] });
    expect(await holding).toBeUndefined();
  });

  it("gives a node that is drained nothing, and one that resumes what is its own", async () => {
    const isOpen = { alpha: true };
    const placement = placementOf(inventoryOf(), () => isOpen.alpha);

    placement.mark("alpha", "draining");
    expect(await placement.mayRunOn({ kind: "replica", name: "web-1" }, "alpha")).toBe(false);

    isOpen.alpha = false;
    placement.mark("alpha", "resuming");
    expect(await placement.mayRunOn({ kind: "replica", name: "web-1" }, "alpha")).toBe(true);
    expect(await placement.mayRunOn({ kind: "daemon", name: "shipper" }, "alpha")).toBe(true);
    expect(await placement.mayRunOn({ kind: "replica", name: "web-3" }, "alpha")).toBe(false);
  });

  it("lets essential daemons run anywhere and at any time, and never counts them", async () => {
    const placement = placementOf(inventoryOf("watchdog@alpha", "shipper@alpha"), () => false);
    placement.mark("alpha", "draining");

    expect(await placement.mayRunOn({ kind: "daemon", name: "watchdog" }, "alpha")).toBe(true);
    expect(await placement.mayRunOn({ kind: "daemon", name: "shipper" }, "alpha")).toBe(false);
    expect(await placement.leftOn("alpha")).toEqual({ replicas: [], daemons: ["shipper"] });
  });
});
