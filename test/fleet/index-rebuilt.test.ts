import fc from "fast-check";
import { expect, it } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createFleetIndex, type FleetIndex } from "../../src/fleet/fleet-index.ts";
import { createFollower, type Follower } from "../../src/fleet/follower.ts";
import { createPlans } from "../../src/fleet/plans.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { runs } from "../support/runs.ts";
import type { Fate } from "./agents.ts";
import { ann, createFleetWorld, minutes } from "./fleet-world.ts";

const hosts = ["web-1", "web-2", "web-3", "web-4"];

/** A budget over all hosts: what it holds differs from plan to plan with the hosts that there are. */
function declaration(ref: string, last: number) {
  return {
    channels: { a: { ref, policy: "quick" }, b: { ref: "v1", policy: "quick" } },
    hosts: { "web-1": { channel: "b" }, [`web-[2-${last}]`]: { channel: "a" } },
    policies: { quick: { waves: [{ name: "all", hosts: { all: true }, soak: "5m" }], excusedMaxPct: 100 } },
    budgets: [{ hosts: { all: true }, maxInFlight: 2 }],
    retention: "2h",
  };
}

interface Followed {
  index: FleetIndex;
  follower: Follower;
}

async function following(engine: Engine): Promise<Followed> {
  const index = createFleetIndex(() => {});
  const plans = createPlans(engine);
  const follower = createFollower({ engine, index, plans, clock: virtualClock(0), log: silentLog });
  await follower.start();
  return { index, follower };
}

/** What decisions are made on. A host of a rollout that is over counts for as long as something is to be done with it. */
function knownTo({ rollouts, channels, budgets, line, fleet, nodeOf }: FleetIndex) {
  const live = [...rollouts.values()].filter(({ plan }) => plan !== null);
  const keys = [...new Set(live.flatMap(({ plan }) => plan?.plan.budgets.map(({ key }) => key) ?? []))].toSorted();
  return {
    line,
    fleet: fleet?.hash,
    channels: new Map(channels),
    nodes: hosts.map(nodeOf),
    rollouts: new Map(
      [...rollouts].map(([id, { facts, plan, hosts: held, restless, isComplete }]) => [
        id,
        {
          facts,
          plan: plan?.plan.hash,
          restless,
          isComplete,
          hosts: new Map([...held].map(([name, host]) => [name, { ...host, streamSeq: null }])), // it may be an older number
        },
      ]),
    ),
    budgets: keys.map((key) => ({
      key,
      out: [...rollouts.keys(), "none"].toSorted().map((id) => [id, budgets.outElsewhere(key, id)]),
      of: hosts.filter((host) => budgets.keysOf(host).includes(key)),
    })),
  };
}

const deed = fc.oneof(
  fc.record({
    do: fc.constant("declare" as const),
    ref: fc.constantFrom("v1", "v2", "v3"),
    last: fc.integer({ min: 2, max: 4 }),
  }),
  fc.record({ do: fc.constant("wait" as const), minutes: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ do: fc.constantFrom("leave" as const, "return" as const), host: fc.constantFrom(...hosts) }),
  fc.record({ do: fc.constantFrom("cancel" as const, "pause" as const, "freeze" as const, "undo" as const) }),
);

it("knows the same of a fleet that it has followed and of one that it reads when it starts", async () => {
  const fates = fc.array(fc.constantFrom<Fate>("good", "fails", "defers", "hangs"), { minLength: 12, maxLength: 12 });

  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 3, maxLength: 15 }), fates, async (deeds, drawn) => {
      const fateOf = (host: string, ref: string) =>
        drawn[hosts.indexOf(host) * 3 + ["v1", "v2", "v3"].indexOf(ref)] ?? "good";
      const world = await createFleetWorld({ hosts, fateOf });
      const { engine, control, agents } = world;
      const followed = await following(engine);
      await world.declare(declaration("v1", 4));

      for (const each of deeds) {
        if (each.do === "declare") await world.declare(declaration(each.ref, each.last));
        if (each.do === "wait") await world.advance(each.minutes * minutes);
        if (each.do === "leave" || each.do === "return") agents.of(each.host).isOnline = each.do === "return";
        if (each.do === "freeze") await world.send("line", "line.freeze").catch(() => undefined);
        if (each.do === "undo") await control.undo("a", {}, ann).catch(() => undefined);
        const [newest] = await control.rollouts({ channel: "a", limit: 1 });
        if (each.do === "cancel" || each.do === "pause")
          await world.send(newest?.rolloutId ?? "", `rollout.${each.do}`);
        await world.settle();
        await followed.follower.reached(await engine.position());
        const rebuilt = await following(engine);
        await rebuilt.follower.stop();

        expect(knownTo(followed.index)).toEqual(knownTo(rebuilt.index));
      }
      await followed.follower.stop();
      await control.stop();
    }),
    { numRuns: runs(5) },
  );
});
