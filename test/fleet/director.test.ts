import { describe, expect, it } from "vitest";
import type { Activity, Call } from "../../src/core/provider.ts";
import type { EngineMove } from "../../src/engine/plan.ts";
import { ann, createFleetWorld, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

function declaration(hosts: number) {
  return {
    channels: { stable: { ref: "v1", policy: "quick" } },
    hosts: { [`web-[1-${hosts}]`]: { channel: "stable" } },
    policies: { quick: {} },
  };
}

/** A call of the planner in the hand of the test, which may do something before each transaction. */
function callOf({ engine }: FleetWorld, before: (attempt: number) => Promise<unknown>) {
  const transactions: EngineMove[][] = [];
  const call = {
    key: "test",
    instance: "stable@v1",
    signal: new AbortController().signal,
    attempt: 1,
    async transactAsEngine(moves: readonly EngineMove[]) {
      transactions.push([...moves]);
      await before(transactions.length);
      return engine.transactAsEngine(
        moves.map((move) => ({ ...move, sender: "engine" })),
        { principal: "provider:planRollout" },
      );
    },
  } as unknown as Call; // nothing else of it is asked
  return { call, transactions };
}

function plan({ control }: FleetWorld, call: Call): Promise<unknown> {
  const planRollout = control.provider.activities["planRollout"] as Activity<{ rolloutId: string }> | undefined;
  return planRollout?.({ rolloutId: "stable@v1" }, call) ?? expect.unreachable("no planner");
}

describe("a decision", () => {
  it("is made anew when the line has moved since, and dispatches nobody twice", async () => {
    const world = await createFleetWorld();
    await world.declare(declaration(3));
    await world.engine.create({ machine: "line", id: "line", input: {}, ...ann });
    const { call, transactions } = callOf(world, async (attempt) => {
      if (attempt > 1) return;
      await world.send("line", "line.freeze");
      await world.send("line", "line.thaw");
    });

    await plan(world, call);
    await world.settle();

    expect(transactions).toHaveLength(2);
    expect(transactions[1]).toHaveLength(transactions[0]?.length ?? 0);
    expect((await world.engine.read("line")).context).toMatchObject({ decisions: 1 });
    await expectSound(world);
  });

  it("dispatches nothing that somebody has stopped the line for in between", async () => {
    const world = await createFleetWorld();
    await world.declare(declaration(3));
    await world.engine.create({ machine: "line", id: "line", input: {}, ...ann });
    const { call } = callOf(world, async (attempt) => attempt > 1 || (await world.send("line", "line.freeze")));

    await plan(world, call);
    await world.settle();

    expect(await world.stateOf("stable@v1")).toBe("Opening");
    expect((await world.control.rollout("stable@v1")).gates.map(({ gate }) => gate)).toEqual(["freeze"]);
  });

  it("over many hosts is done in transactions of a bounded size, each of which passes the line", async () => {
    const world = await createFleetWorld();
    await world.declare(declaration(450));
    const { call, transactions } = callOf(world, () => Promise.resolve());

    while (((await plan(world, call)) as { again: boolean }).again);
    await world.advance(1 * minutes);

    const passing = transactions.map((moves) => moves.filter((move) => "id" in move && move.id === "line").length);
    expect(transactions.length).toBeGreaterThan(1);
    expect(passing).toEqual(transactions.map(() => 1));
    expect(Math.max(...transactions.map((moves) => moves.length))).toBeLessThan(1_000);
    expect((await world.contextOf("stable@v1")).waves?.[0]).toMatchObject({ joined: 450 });
    await expectSound(world);
  });
});
