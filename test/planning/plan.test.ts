import { describe, expect, it } from "vitest";
import { plan } from "../../src/planning/plan.ts";
import { detailOn, dispatched, gatesOn, hostIn, inputOf, kindsOf, planOf, t0, twoWaves } from "./scenes.ts";

describe("what is dispatched", () => {
  it("goes by wave and then by name, with the soak of the wave", () => {
    const frozen = planOf({ ...twoWaves, hosts: { b: ["canary"], a: ["web"], c: ["canary"] } });

    const planned = plan(inputOf(frozen, { rollout: { state: "Opening" } }));

    expect(planned.moves).toEqual([
      { kind: "dispatch", host: "b", wave: 0, isNew: true },
      { kind: "dispatch", host: "c", wave: 0, isNew: true },
    ]);
    expect(gatesOn(planned, "a")).toEqual(["wave-promotion"]);
  });

  it("is offered again to a host whose offer was taken back, and not to one that has one", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });
    const hosts = [hostIn(frozen, "a", "Pending"), hostIn(frozen, "b", "Pending", { isOffered: true })];

    const planned = plan(inputOf(frozen, { hosts }));

    expect(planned.moves).toEqual([{ kind: "dispatch", host: "a", wave: 0, isNew: false }]);
    expect(planned.blocked).toEqual([]);
  });

  it("goes to an unreachable host too, so that it can be counted, but not to an excused one", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });
    const hosts = [
      hostIn(frozen, "a", "Pending", { isUnreachable: true }),
      hostIn(frozen, "b", "Pending", { isUnreachable: true, isExcused: true }),
    ];

    expect(dispatched(plan(inputOf(frozen, { hosts })))).toEqual(["a"]);
  });

  it("is nothing more after the rollout has failed or reverted, whatever else is open", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });

    for (const state of ["Failed", "Reverted"] as const) {
      const planned = plan(inputOf(frozen, { rollout: { state }, hosts: [hostIn(frozen, "a", "Failed")] }));

      expect(planned.moves).toEqual([]);
      expect(detailOn(planned, "b", "paused")).toContain(`The rollout is ${state}`);
    }
  });

  it("is at most so much as one decision bears; more is said to be left", () => {
    const frozen = planOf({ hosts: { "h-[001-250]": [] } });

    const first = plan(inputOf(frozen));
    const hosts = dispatched(first).map((host) => hostIn(frozen, host, "Pending", { isOffered: true }));
    const second = plan(inputOf(frozen, { hosts }));

    expect([dispatched(first).length, first.again]).toEqual([200, true]);
    expect([dispatched(second).length, second.again]).toEqual([50, false]);
    expect(dispatched(second)[0]).toBe("h-201");
  });

  it("opens all waves at once after a full promotion", () => {
    const frozen = planOf(twoWaves);

    const planned = plan(inputOf(frozen, { rollout: { isFullyPromoted: true } }));

    expect(dispatched(planned)).toEqual(["web-1", "web-2", "web-3"]);
  });

  it("catches up with a host that was excused and is seen again after the rollout became Terminal", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });
    const hosts = [hostIn(frozen, "a", "Converged"), hostIn(frozen, "b", "Pending")];
    const terminal = { state: "Terminal", control: "Over", endedBy: "completed", endedAt: t0 } as const;

    expect(dispatched(plan(inputOf(frozen, { rollout: terminal, hosts })))).toEqual(["b"]);
    const older = plan(inputOf(frozen, { rollout: { ...terminal, isNewest: false }, hosts }));
    const quarantined = plan(
      inputOf(frozen, { rollout: terminal, hosts, fleet: { quarantined: { since: t0, reason: "it crashed" } } }),
    );

    expect(dispatched(older)).toEqual([]);
    expect([dispatched(quarantined), gatesOn(quarantined, "b")]).toEqual([[], ["quarantine"]]);
  });
});

describe("the waves", () => {
  const settled = { state: "Converging", isWaveSettled: true } as const;

  it("open the next one that has hosts when the current one is settled", () => {
    const frozen = planOf({
      hosts: { a: ["first"], c: [] },
      waves: [{ hosts: { tags: ["first"] } }, { hosts: { tags: ["nobody"] } }, { hosts: { all: true } }],
    });

    const planned = plan(inputOf(frozen, { rollout: settled, hosts: [hostIn(frozen, "a", "Converged")] }));

    expect(planned.moves).toEqual([{ kind: "advance", fromWave: 0, toWave: 2 }]);
  });

  it("do not open before the current one is settled, nor after the last", () => {
    const frozen = planOf(twoWaves);

    expect(plan(inputOf(frozen, { rollout: { state: "Active" } })).moves.map(({ kind }) => kind)).toEqual(["dispatch"]);
    expect(kindsOf(plan(inputOf(frozen, { rollout: { ...settled, currentWave: 1 } })))).not.toContain("advance");
  });

  it("do not open into what would hold every host of the next one", () => {
    const frozen = planOf(twoWaves);
    const hosts = [hostIn(frozen, "web-1", "Converged")];
    const moves = (given: Parameters<typeof inputOf>[1]) => plan(inputOf(frozen, { hosts, ...given })).moves;

    expect(moves({ rollout: settled })).toHaveLength(1);
    expect(moves({ rollout: { ...settled, control: "Paused" } })).toEqual([]);
    expect(moves({ rollout: settled, fleet: { frozen: { since: t0, by: "ann", reason: null } } })).toEqual([]);
    expect(moves({ rollout: settled, fleet: { quarantined: { since: t0, reason: "it crashed" } } })).toEqual([]);
    expect(moves({ rollout: settled, hosts: [hostIn(frozen, "web-1", "Converged", { failingProbes: 1 })] })).toEqual(
      [],
    );
  });

  it("soak no longer up to the one that was promoted", () => {
    const frozen = planOf({ ...twoWaves, hosts: { ...twoWaves.hosts, "web-0": ["canary"], "web-9": ["canary"] } });
    const hosts = [
      hostIn(frozen, "web-0", "Soaking", { isSoakWaived: true }),
      hostIn(frozen, "web-1", "Soaking"),
      hostIn(frozen, "web-2", "Soaking"),
    ];

    const planned = plan(inputOf(frozen, { rollout: { promotedThrough: 0 }, hosts }));

    expect(planned.moves).toEqual([
      { kind: "dispatch", host: "web-9", wave: 0, isNew: true },
      { kind: "waive-soak", host: "web-1" },
    ]);
  });
});

describe("what follows a halt and an end", () => {
  it("takes offers back that nobody has acknowledged, when the rollout as a whole is held", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });
    const hosts = [hostIn(frozen, "a", "Pending", { isOffered: true }), hostIn(frozen, "b", "Activating")];
    const moves = (given: Parameters<typeof inputOf>[1]) => plan(inputOf(frozen, { hosts, ...given })).moves;

    for (const given of [
      { rollout: { state: "Failed" } },
      { rollout: { control: "Paused" } },
      { fleet: { quarantined: { since: t0, reason: "it crashed" } } },
    ] as const) {
      expect(moves(given)).toEqual([{ kind: "withdraw", host: "a" }]);
    }
    expect(moves({})).toEqual([]);
  });

  it("brings converged hosts back under rollback-all, and under no other policy", () => {
    const hosts = { a: [], b: [] };
    const after = (onHealthFailure: string) => {
      const frozen = planOf({ hosts, policy: { onHealthFailure } });
      const known = [hostIn(frozen, "a", "Converged"), hostIn(frozen, "b", "Failed")];
      return plan(inputOf(frozen, { rollout: { state: "Failed" }, hosts: known })).moves;
    };

    expect(after("rollback-all")).toEqual([{ kind: "roll-back", host: "a", reason: expect.any(String) }]);
    expect(after("rollback-and-halt")).toEqual([]);
    expect(after("halt")).toEqual([]);
  });

  it("releases the hosts of a superseded rollout but those that converged or are at their end", () => {
    const frozen = planOf({ hosts: { "h[1-8]": [] } });
    const hosts = [
      hostIn(frozen, "h1", "Pending", { isOffered: true }),
      hostIn(frozen, "h2", "Activating"),
      hostIn(frozen, "h3", "Activating", { isReleaseAsked: true }),
      hostIn(frozen, "h4", "Deferred"),
      hostIn(frozen, "h5", "Soaking"),
      hostIn(frozen, "h6", "Converged"),
      hostIn(frozen, "h7", "Failed"),
      hostIn(frozen, "h8", "Reverted"),
    ];

    const planned = plan(
      inputOf(frozen, {
        rollout: { state: "Superseded", control: "Over", supersededBy: "stable@v3", endedAt: t0 },
        hosts,
      }),
    );

    expect(planned.moves).toEqual(
      ["h1", "h2", "h4", "h5", "h7"].map((host) => ({ kind: "release", host, by: "stable@v3" })),
    );
    expect(planned.gates).toEqual([]);
  });

  it("releases in batches", () => {
    const frozen = planOf({ hosts: { "h-[001-450]": [] } });
    const hosts = frozen.waves[0]?.hosts.map((host) => hostIn(frozen, host, "Soaking")) ?? [];

    const planned = plan(
      inputOf(frozen, { rollout: { state: "Superseded", endedBy: "cancelled", endedAt: t0 }, hosts }),
    );

    expect([planned.moves.length, planned.again]).toEqual([200, true]);
    expect(planned.moves[0]).toEqual({ kind: "release", host: "h-001", by: "cancelled" });
  });

  it("prunes what ended longer ago than it is kept, after all its hosts are released", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });
    const ended = { state: "Superseded", control: "Over", endedAt: t0, isNewest: false } as const;
    const at = t0 + frozen.retentionMs;
    const converged = [hostIn(frozen, "a", "Converged"), hostIn(frozen, "b", "Reverted")];
    const released = [hostIn(frozen, "a", "Released"), hostIn(frozen, "b", "Reverted")];

    expect(plan(inputOf(frozen, { rollout: ended, hosts: converged, at: at - 1 }))).toMatchObject({
      moves: [],
      nextAt: at,
    });
    expect(plan(inputOf(frozen, { rollout: ended, hosts: converged, at })).moves).toEqual([
      { kind: "release", host: "a", by: "retention" },
    ]);
    expect(plan(inputOf(frozen, { rollout: ended, hosts: released, at })).moves).toEqual([{ kind: "prune" }]);
  });

  it("never prunes the newest rollout of a channel, nor its last Terminal one", () => {
    const frozen = planOf({ hosts: { a: [] } });
    const ended = { state: "Terminal", control: "Over", endedAt: t0, isNewest: false } as const;
    const at = t0 + 2 * frozen.retentionMs;
    const moves = (rollout: object) =>
      plan(inputOf(frozen, { rollout: { ...ended, ...rollout }, hosts: [hostIn(frozen, "a", "Released")], at })).moves;

    expect(moves({})).toEqual([{ kind: "prune" }]);
    expect(moves({ isNewest: true })).toEqual([]);
    expect(moves({ isLastTerminal: true })).toEqual([]);
  });
});
