import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { runs } from "../support/runs.ts";
import { createFleetWorld, hours, type FleetWorld } from "./fleet-world.ts";
import { mortal, type Death } from "./mortal.ts";
import { expectSound } from "./sound.ts";

const hosts = ["db-1", "web-1", "web-2", "web-3", "web-4"];

function declaration(ref: string) {
  return {
    channels: { stable: { ref, policy: "careful" } },
    hosts: {
      "db-1": { channel: "stable", tags: ["canary"] },
      "web-[1-4]": { channel: "stable", tags: ["web"] },
    },
    policies: {
      careful: {
        waves: [
          { name: "canary", hosts: { tags: ["canary"] }, soak: "5m" },
          { name: "rest", hosts: { all: true }, soak: "10m" },
        ],
      },
    },
    budgets: [{ hosts: { tags: ["web"] }, maxInFlight: 2 }],
  };
}

const fateOf = (host: string, version: string) => (version === "v2" && host === "web-3" ? "unhealthy" : "good");

/** v1 everywhere, a v2 that fails and goes back, and a v3 that mends it. */
const refs = ["v1", "v2", "v3"];
const between = 2 * hours;

async function endingOf(world: FleetWorld) {
  const rollouts: string[][] = [];
  for (const { rolloutId, state } of await world.control.rollouts({ limit: 10 })) {
    const states = await world.control.hosts(rolloutId, { limit: 100 });
    rollouts.push([rolloutId, state, ...states.map((host) => `${host.host} ${host.countedAs}`)]);
  }
  return { rollouts, running: world.agents.running() };
}

async function undisturbed() {
  const world = await createFleetWorld({ hosts, fateOf });
  for (const ref of refs) {
    await world.declare(declaration(ref));
    await world.advance(between);
  }
  return endingOf(world);
}

/** Plays the same while the process dies again and again, and says how it ended and how often it died. */
async function disturbed(store: Store, deaths: readonly Death[]) {
  const left = [...deaths];
  const world = await createFleetWorld({ hosts, fateOf, store });
  let life = mortal(store, { at: Infinity, isDone: true });
  let died = 0;

  /** Whether the work was done before the process died; it has another one then. */
  async function isDone(work: () => Promise<unknown>): Promise<boolean> {
    const outcome = await Promise.race([work().then(() => true), life.died.then(() => false)]);
    if (!outcome) await live();
    return outcome;
  }

  async function live(): Promise<void> {
    died += 1;
    life = mortal(store, left.shift() ?? { at: Infinity, isDone: true });
    await isDone(() => world.crashed(life.store));
  }

  await live();
  for (const ref of refs) {
    const until = world.now() + between;
    while (!(await isDone(() => world.declare(declaration(ref)))));
    while (world.now() < until) await isDone(() => world.advance(until - world.now()));
  }
  return { world, died };
}

const deaths = fc.array(fc.record({ at: fc.integer({ min: 1, max: 600 }), isDone: fc.boolean() }), {
  minLength: 8,
  maxLength: 16,
});

describe("a control plane that dies again and again", () => {
  it.each([
    ["memory", memoryStore],
    ["SQLite", () => sqliteStore(":memory:")],
  ])("comes to the same end (%s)", async (_name, make) => {
    const expected = await undisturbed();
    expect(expected.rollouts.map(([id, state]) => [id, state])).toEqual([
      ["stable@v3", "Terminal"],
      ["stable@v2", "Superseded"],
      ["stable@v1", "Superseded"],
    ]);

    await fc.assert(
      fc.asyncProperty(deaths, async (drawn) => {
        const store = make();
        const { world, died } = await disturbed(store, drawn);

        expect(died).toBeGreaterThan(drawn.length / 2);
        expect(await endingOf(world)).toEqual(expected);
        await expectSound(world);
        await world.control.stop();
        await store.close();
      }),
      { numRuns: runs(4) },
    );
  });
});
