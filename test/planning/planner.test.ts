import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plan } from "../../src/planning/plan.ts";
import type { FleetFacts, PlannedHost, PlannedMove, PlannedRollout } from "../../src/planning/plan-types.ts";
import { createPlanner } from "../../src/planning/planner.ts";
import { runs } from "../support/runs.ts";
import { elsewheres, hostsOf, plans, rolloutsOf } from "./arbitraries.ts";
import { dispatchedByFullScan, takesPlace } from "./full-scan.ts";
import { facts, hostIn, inputOf, planOf, rolloutOf, t0 } from "./scenes.ts";

const tried = { numRuns: runs(200) };

const situations = plans.chain((frozen) =>
  fc.record({
    frozen: fc.constant(frozen),
    hosts: fc.uniqueArray(hostsOf(frozen), { maxLength: 12, selector: ({ host }) => host }),
    rollout: rolloutsOf(frozen),
    fleet: elsewheres,
  }),
);

const dispatchesOf = (moves: readonly PlannedMove[]) =>
  moves.flatMap((move) => (move.kind === "dispatch" ? [move.host] : []));

describe("a plan", () => {
  it("dispatches what a scan of every host by the rules would", () => {
    fc.assert(
      fc.property(situations, ({ rollout, hosts, fleet }) => {
        const input = { fleet, rollout, hosts, at: t0 };
        expect(dispatchesOf(plan(input).moves)).toEqual(dispatchedByFullScan(input));
      }),
      tried,
    );
  });

  it("is the same in whatever order the hosts are told", () => {
    fc.assert(
      fc.property(situations, fc.infiniteStream(fc.nat()), ({ rollout, hosts, fleet }, keys) => {
        const shuffled = hosts
          .map((host) => ({ host, key: keys.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ host }) => host);

        expect(plan({ fleet, rollout, hosts: shuffled, at: t0 })).toEqual(plan({ fleet, rollout, hosts, at: t0 }));
      }),
      tried,
    );
  });

  it("dispatches a host or says what holds it, never both and never neither", () => {
    fc.assert(
      fc.property(situations, ({ frozen, rollout, hosts, fleet }) => {
        const { moves, blocked } = plan({ fleet, rollout, hosts, at: t0 });

        const waiting = frozen.waves
          .flatMap((wave) => wave.hosts)
          .filter((name) => {
            const host = hosts.find((each) => each.host === name);
            return host === undefined || (host.state === "Pending" && !host.isOffered && !host.isExcused);
          });
        const told = [...dispatchesOf(moves), ...blocked.map(({ host }) => host)];
        expect(told.toSorted()).toEqual([...waiting, ...frozen.unstaged].toSorted());
        expect(blocked.every(({ gates }) => gates.length > 0 && gates.every(({ detail }) => detail.length > 0))).toBe(
          true,
        );
      }),
      tried,
    );
  });

  it("never has more hosts out than a budget lets, but for those that were out before", () => {
    fc.assert(
      fc.property(situations, ({ frozen, rollout, hosts, fleet }) => {
        const { moves } = plan({ fleet, rollout, hosts, at: t0 });

        const dispatched = new Set(dispatchesOf(moves));
        for (const { key, max, hosts: members } of frozen.budgets) {
          const before = hosts.filter((host) => host.wave >= 0 && members.includes(host.host) && takesPlace(host));
          const fresh = members.filter((name) => dispatched.has(name) && !before.some(({ host }) => host === name));
          const out = before.length + fleet.unavailableElsewhere(key) + fresh.length;
          if (fresh.length > 0) expect(out).toBeLessThanOrEqual(max);
        }
      }),
      tried,
    );
  });

  it("dispatches nothing while frozen or quarantined, but an undo passes a freeze", () => {
    fc.assert(
      fc.property(situations, ({ rollout, hosts, fleet }) => {
        const stopped = { ...fleet, frozen: { since: t0, by: "ann", reason: null }, quarantined: null };
        const running = { ...stopped, frozen: null };
        const bad = { ...fleet, quarantined: { since: t0, reason: "it crashed" } };
        const dispatched = (isUndo: boolean, there: FleetFacts) =>
          dispatchesOf(plan({ fleet: there, rollout: { ...rollout, isUndo }, hosts, at: t0 }).moves);

        expect(dispatched(false, stopped)).toEqual([]);
        expect(dispatched(true, stopped)).toEqual(dispatched(true, running));
        expect([dispatched(false, bad), dispatched(true, bad)]).toEqual([[], []]);
      }),
      tried,
    );
  });
});

type Change =
  | { kind: "set"; host: PlannedHost }
  | { kind: "remove"; host: string }
  | { kind: "elsewhere"; fleet: FleetFacts }
  | { kind: "rollout"; rollout: PlannedRollout };

const histories = plans.chain((frozen) =>
  fc.record({
    frozen: fc.constant(frozen),
    rollout: rolloutsOf(frozen),
    changes: fc.array(
      fc.oneof<fc.Arbitrary<Change>[]>(
        hostsOf(frozen).map((host): Change => ({ kind: "set", host })),
        hostsOf(frozen).map((host): Change => ({ kind: "set", host })),
        hostsOf(frozen).map(({ host }): Change => ({ kind: "remove", host })),
        elsewheres.map((fleet): Change => ({ kind: "elsewhere", fleet })),
        rolloutsOf(frozen).map((rollout): Change => ({ kind: "rollout", rollout })),
      ),
      { maxLength: 30 },
    ),
  }),
);

describe("a planner", () => {
  it("decides after any changes as a plan of all hosts does, and explains the same", () => {
    fc.assert(
      fc.property(histories, ({ frozen, rollout: first, changes }) => {
        const planner = createPlanner(frozen);
        const hosts = new Map<string, PlannedHost>();
        let rollout = first;
        let fleet = facts();

        for (const change of changes) {
          if (change.kind === "set") hosts.set(change.host.host, change.host);
          if (change.kind === "set") planner.set(change.host);
          if (change.kind === "remove") hosts.delete(change.host);
          if (change.kind === "remove") planner.remove(change.host);
          if (change.kind === "rollout") rollout = change.rollout;
          if (change.kind === "elsewhere") {
            for (const name of namesIn(frozen)) if (isOtherwise(name, fleet, change.fleet)) planner.recheck(name);
            fleet = change.fleet;
          }

          const { blocked, ...decision } = plan({ fleet, rollout, hosts: hosts.values(), at: t0 });
          expect(planner.decide({ fleet, rollout, at: t0 })).toEqual(decision);
          if (dispatchesOf(decision.moves).length > 0) continue; // blocked is told with these dispatched already
          const explained = [...planner.waiting()].map((host) => ({
            host,
            gates: planner.explain(host, { fleet, rollout, at: t0 }),
          }));
          expect(explained).toEqual(blocked);
        }
      }),
      { numRuns: runs(150) },
    );
  });

  it("asks again what holds hosts from outside when it is told to", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });
    const rollout = rolloutOf(frozen);
    const planner = createPlanner(frozen);
    const busy = facts({ busyWith: () => ({ rollout: "stable@v1", since: t0 }) });
    const decide = (fleet: FleetFacts) => dispatchesOf(planner.decide({ fleet, rollout, at: t0 }).moves);

    expect(decide(busy)).toEqual([]);
    planner.recheck("b");
    expect(decide(facts())).toEqual(["b"]);
    planner.recheck();
    expect(decide(facts())).toEqual(["a", "b"]);
  });

  it("asks what holds a host from outside when it waits again", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const planner = createPlanner(frozen);
    const busy = facts({ busyWith: () => ({ rollout: "stable@v1", since: t0 }) });
    const decide = () => dispatchesOf(planner.decide({ fleet: busy, rollout: rolloutOf(frozen), at: t0 }).moves);

    planner.set(hostIn(frozen, "a", "Pending", { isOffered: true }));
    decide();
    planner.set(hostIn(frozen, "a", "Pending"));

    expect(decide()).toEqual([]);
  });

  it("passes over hosts that the plan does not name", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const planner = createPlanner(frozen);

    planner.set(hostIn(frozen, "stranger", "Soaking"));
    planner.remove("stranger");

    const { fleet, rollout, at } = inputOf(frozen);
    expect(planner.decide({ fleet, rollout, at }).moves).toMatchObject([{ kind: "dispatch", host: "a" }]);
    expect(planner.explain("stranger", { fleet, rollout, at })).toEqual([]);
  });
});

function namesIn({ waves, unstaged }: { waves: readonly { hosts: readonly string[] }[]; unstaged: readonly string[] }) {
  return [...waves.flatMap(({ hosts }) => hosts), ...unstaged];
}

function isOtherwise(host: string, before: FleetFacts, after: FleetFacts): boolean {
  return (
    (before.nodeOf(host) === null) !== (after.nodeOf(host) === null) ||
    (before.busyWith(host) === null) !== (after.busyWith(host) === null)
  );
}
