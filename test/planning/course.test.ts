import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { freezePlan } from "../../src/planning/freeze-plan.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { plans } from "./arbitraries.ts";
import { planOf, t0 } from "./scenes.ts";
import { outOf, step, toyRollout, turn, type ToyRollout } from "./toy-fleet.ts";

const turnsMax = 400;

/** Turn by turn until nothing is left to do, with a host taking a step now and then. */
function run(toys: readonly ToyRollout[], choose: () => number, watch: () => void): boolean {
  for (let at = t0; at < t0 + turnsMax; at += 1) {
    for (const toy of toys) {
      turn(
        toy,
        toys.filter((each) => each !== toy),
        at,
      );
      watch();
    }
    const moving = toys.flatMap((toy) =>
      [...toy.hosts.values()].filter(({ state }) => state !== "Converged").map((host) => ({ toy, host })),
    );
    const chosen = moving[choose() % Math.max(1, moving.length)];
    if (chosen !== undefined) step(chosen.toy, chosen.host, at);
    if (toys.every(({ rollout }) => rollout.state === "Terminal")) return true;
  }
  return false;
}

describe("a rollout whose hosts converge", () => {
  it("comes to its end over any waves, budgets and edges, and keeps them all the way", () => {
    fc.assert(
      fc.property(plans, fc.infiniteStream(fc.nat(1_000)), (frozen, choices) => {
        const toy = toyRollout(frozen);
        const watch = () => {
          for (const { key, max } of frozen.budgets) expect(outOf(toy, key).length).toBeLessThanOrEqual(max);
          for (const { before, after } of frozen.hostEdges) {
            if (toy.hosts.has(after)) expect(toy.hosts.get(before)?.state).toBe("Converged");
          }
          const waves = frozen.waves.map((wave) => wave.hosts.map((name) => toy.hosts.get(name)));
          for (const [number, hosts] of waves.entries()) {
            if (!hosts.some((host) => host !== undefined)) continue;
            const earlier = waves.slice(0, number).flat();
            expect(earlier.every((host) => host?.state === "Converged")).toBe(true);
          }
        };

        const isDone = run([toy], () => choices.next().value as number, watch);

        expect(isDone).toBe(true);
        expect([...toy.hosts.keys()].toSorted()).toEqual(frozen.waves.flatMap(({ hosts }) => hosts).toSorted());
      }),
      { numRuns: 60 },
    );
  });

  it("holds the second wave while the first still soaks, and opens it once that has converged", () => {
    const frozen = planOf({
      hosts: { canary: ["canary"], rest: [] },
      waves: [{ hosts: { tags: ["canary"] }, soak: "10m" }, { hosts: { all: true } }],
    });
    const toy = toyRollout(frozen);
    const kinds = () => turn(toy, [], t0).map(({ kind, ...move }) => ("host" in move ? `${kind} ${move.host}` : kind));
    const stepCanary = () => {
      const host = toy.hosts.get("canary");
      if (host !== undefined) step(toy, host, t0);
    };

    expect(kinds()).toEqual(["dispatch canary"]);
    stepCanary();
    stepCanary();
    expect([toy.hosts.get("canary")?.state, kinds()]).toEqual(["Soaking", []]);
    stepCanary();
    expect(kinds()).toEqual(["advance"]);
    expect(kinds()).toEqual(["dispatch rest"]);
  });

  it("shares a budget of one with a rollout of another channel: one host is out in all", () => {
    const fleet = parseFleet({
      channels: { stable: { ref: "v2", policy: "standard" }, edge: { ref: "v2", policy: "standard" } },
      hosts: { "s[1-3]": { channel: "stable" }, "e[1-3]": { channel: "edge" } },
      policies: { standard: {} },
      budgets: [{ hosts: { all: true }, maxInFlight: 1 }],
    });
    const toys = [toyRollout(freezePlan(fleet, "stable")), toyRollout(freezePlan(fleet, "edge"), { id: "edge@v2" })];
    const key = '{"all":true}';
    const seen: number[] = [];

    const isDone = run(
      toys,
      () => 0,
      () => seen.push(toys.flatMap((toy) => outOf(toy, key)).length),
    );

    expect([isDone, Math.max(...seen)]).toEqual([true, 1]);
  });

  it("keeps the budget that was frozen with it when hosts are tagged otherwise later", () => {
    const declared = (tags: readonly string[]) => ({
      channels: { stable: { ref: "v2", policy: "standard" } },
      hosts: { a: { channel: "stable", tags: ["web"] }, b: { channel: "stable", tags } },
      policies: { standard: {} },
      budgets: [{ hosts: { tags: ["web"] }, maxInFlight: 1 }],
    });
    const before = toyRollout(freezePlan(parseFleet(declared(["web"])), "stable"));
    const after = toyRollout(freezePlan(parseFleet(declared([])), "stable"));

    expect(turn(before, [], t0).map((move) => "host" in move && move.host)).toEqual(["a"]);
    expect(turn(after, [], t0).map((move) => "host" in move && move.host)).toEqual(["a", "b"]);
  });

  it("waits for the channel before it, however long that takes, and follows once it is Terminal", () => {
    const fleet = parseFleet({
      channels: { edge: { ref: "v2", policy: "standard" }, stable: { ref: "v2", policy: "standard" } },
      hosts: { "e[1-2]": { channel: "edge" }, "s[1-2]": { channel: "stable" } },
      policies: { standard: {} },
      channelEdges: [{ before: "edge", after: "stable" }],
    });
    const edge = toyRollout(freezePlan(fleet, "edge"), { id: "edge@v2" });
    const stable = toyRollout(freezePlan(fleet, "stable"));

    const isDone = run(
      [stable, edge],
      () => 0,
      () => {
        if (edge.rollout.state !== "Terminal") expect(stable.hosts.size).toBe(0);
      },
    );

    expect([isDone, stable.hosts.size]).toEqual([true, 2]);
  });
});
