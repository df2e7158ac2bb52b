import { expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const hosts = ["web-1", "web-2", "web-3", "web-4"];

function declaration(ref: string) {
  return {
    channels: { stable: { ref, policy: "careful" } },
    hosts: { "web-1": { channel: "stable", tags: ["canary"] }, "web-[2-4]": { channel: "stable" } },
    policies: {
      careful: {
        waves: [
          { name: "canary", hosts: { tags: ["canary"] }, soak: "10m" },
          { name: "rest", hosts: { all: true }, soak: "30m" },
        ],
      },
    },
  };
}

async function statesOf(world: FleetWorld): Promise<string[]> {
  return (await world.control.hosts("stable@v1", { limit: 10 })).map(({ state }) => state);
}

it("regains a lost database from the agents: what has happened is told again, and nothing is activated twice", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(20 * minutes);
  const before = await statesOf(world);

  await world.restart(memoryStore()); // another, empty database
  await world.declare(declaration("v1"));
  await world.advance(1 * minutes);
  const regained = await statesOf(world);
  await world.advance(1 * hours);

  expect(before).toEqual(["Converged", "Soaking", "Soaking", "Soaking"]);
  expect(regained).toEqual(before);
  expect(await world.stateOf("stable@v1")).toBe("Terminal");
  for (const host of hosts) expect(world.agents.of(host).activations).toEqual(["v1"]);
  await expectSound(world);
});

it("has an agent that lost its records go on where the control plane knows it to be", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(20 * minutes);

  world.agents.of("web-3").forget();
  await world.advance(1 * hours);

  expect(await world.stateOf("stable@v1")).toBe("Terminal");
  expect(world.agents.of("web-3").activations).toEqual(["v1"]); // it was soaking
  await expectSound(world);
});

it("has an agent activate anew that lost its records while it was activating", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.settle();

  world.agents.of("web-1").forget();
  await world.advance(1 * hours);

  expect(world.agents.of("web-1").activations).toEqual(["v1", "v1"]);
  expect(await world.stateOf("stable@v1")).toBe("Terminal");
  await expectSound(world);
});

it("gives each order once, also to an agent that was away", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(1 * minutes);
  world.agents.of("web-1").isOnline = false;

  await world.send("stable@v1", "rollout.promote");
  await world.advance(30_000);
  const orders = await ordersOf(world, []);
  const none = await ordersOf(
    world,
    orders.map(([id = ""]) => id),
  );

  expect(orders).toEqual([[expect.stringMatching(/^[0-9a-z]+s$/), "soak.waived"]]);
  expect(none).toEqual([]);
});

it("gives a new order to an agent that has taken as many of a database that is lost, before it has said so", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(1 * minutes);
  world.agents.of("web-1").isOnline = false;
  await world.send("stable@v1", "rollout.promote");
  await world.advance(30_000);

  const orders = await ordersOf(world, ["1s"]);
  const after = await ordersOf(world, ["1s", ...orders.map(([id = ""]) => id)]);

  expect(orders).toEqual([[expect.not.stringMatching(/^1s$/), "soak.waived"]]);
  expect(after).toEqual([]);
  expect((await world.engine.read("stable@v1/web-1")).context).toMatchObject({ forgottenOrders: 1 });
});

it("gives no order twice to an agent whose records began anew after orders that nobody here remembers", async () => {
  const world = await createFleetWorld({ hosts });
  await world.declare(declaration("v1"));
  await world.advance(1 * minutes);
  world.agents.of("web-1").isOnline = false;
  await world.control.tookOrders("web-1", { rolloutId: "stable@v1", orders: ["1s", "2r"] }); // of a database that is lost
  const known = await ordersOf(world, ["1s", "2r"]);

  const anew = await ordersOf(world, []);
  await world.send("stable@v1", "rollout.promote");
  await world.advance(30_000);
  const given = await ordersOf(world, []);

  expect([known, anew]).toEqual([[], []]);
  expect(given.map(([, type]) => type)).toEqual(["soak.waived"]);
  expect(await ordersOf(world, [given[0]?.[0] ?? ""])).toEqual([]);
});

/** What web-1 is ordered that it has not taken: the id, and what it is. */
async function ordersOf(world: FleetWorld, taken: readonly string[]): Promise<string[][]> {
  const orders = await world.control.ordersFor("web-1", [{ rolloutId: "stable@v1", orders: taken, sent: 5 }]);
  return orders.map((order) => (order.kind === "order" ? [order.id, order.event.type] : [order.kind]));
}

it("wakes an agent that waits when something of its host changes, and no other", async () => {
  const world = await createFleetWorld();
  const woken: string[] = [];
  const controller = new AbortController();
  for (const host of ["web-1", "web-2"])
    void world.control.changed(host, controller.signal).then(() => woken.push(host));

  await world.declare(declaration("v1")); // the canary is offered its dispatch
  await world.settle();
  const offered = [...woken];
  controller.abort();
  await world.settle();

  expect(offered).toEqual(["web-1"]);
  expect(woken).toEqual(["web-1", "web-2"]);
});

it("tells an agent nothing of rollouts that nobody here knows", async () => {
  const world = await createFleetWorld();
  await world.declare(declaration("v1"));
  await world.settle();

  expect(await world.control.ordersFor("web-9", [{ rolloutId: "stable@v9", orders: [], sent: 3 }])).toEqual([]);
  expect(await world.control.ordersFor("web-9", [{ rolloutId: "stable@v1", orders: [], sent: 3 }])).toEqual([]);
});
