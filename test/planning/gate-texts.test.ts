import { describe, expect, it } from "vitest";
import { plan } from "../../src/planning/plan.ts";
import { nameByPlace, waveText } from "../../src/planning/wave-name.ts";
import { detailOn, hostIn, inputOf, planOf, t0 } from "./scenes.ts";

describe("a wave in a sentence", () => {
  it("has its name, and without one of its own its place, counted from one", () => {
    const waves = [{ name: "canary" }, { name: nameByPlace(1) }];

    expect([waveText(waves, 0), waveText(waves, 1), waveText([], 2)]).toEqual(["wave canary", "wave 2", "wave 3"]);
  });
});

describe("what a gate says opens it", () => {
  it("is, behind a host that does not converge any more, what a person can do", () => {
    const frozen = planOf({ hosts: { db: [], web: [] }, hostEdges: [{ before: "db", after: "web" }] });
    const detail = (state: "Failed" | "Pending", isExcused = false) =>
      detailOn(plan(inputOf(frozen, { hosts: [hostIn(frozen, "db", state, { isExcused })] })), "web", "host-edge");

    expect(detail("Failed")).toBe(
      "db goes before web and is Failed. db does not converge in this rollout any more: excuse web, retry, or open a newer ref.",
    );
    expect(detail("Pending", true)).toBe(
      "db goes before web and is excused. It opens when db is seen again and has converged; excuse web to complete without it.",
    );
  });

  it("is, behind a host that was lost while it activated, that it is excused there", () => {
    const frozen = planOf({ hosts: { web: [] } });

    const planned = plan(
      inputOf(frozen, { fleet: { busyWith: () => ({ rollout: "stable@v1", since: t0, isUnreachable: true }) } }),
    );

    expect(detailOn(planned, "web", "host-busy")).toBe(
      "web was activating for stable@v1 when it was last heard of. " +
        "It opens when that activation has settled, or when web is excused there.",
    );
  });

  it("is, behind a channel that was cancelled, only a newer rollout: nobody can vouch for it", () => {
    const frozen = planOf({
      hosts: { web: [] },
      channels: { edge: { ref: "v1", policy: "standard" } },
      channelEdges: [{ before: "edge", after: "stable" }],
    });
    const newest = { id: "edge@v1", state: "Superseded", since: t0, endedBy: "cancelled", isCleared: false } as const;

    const planned = plan(inputOf(frozen, { fleet: { newestOf: () => newest } }));

    expect(detailOn(planned, "web", "channel-edges")).toBe(
      "edge goes first, and edge@v1 was cancelled. It opens when a newer one is Terminal.",
    );
  });

  it("names nobody where the places of a budget are taken by this very decision", () => {
    const frozen = planOf({ hosts: { a: [], b: [] }, budgets: [{ hosts: { all: true }, maxInFlight: 1 }] });

    const { gates } = plan(inputOf(frozen));

    expect(gates.map(({ detail }) => detail)).toEqual([
      "1 of at most 1 of the 2 hosts of the fleet are out: 1 dispatched by this decision. " +
        "It opens when one of them is back, or is excused.",
    ]);
  });
});

describe("a host whose release was asked before it was lost", () => {
  it("is asked again only when its rollout is to be pruned, and holds that up no longer", () => {
    const frozen = planOf({ hosts: { a: [], b: [] } });
    const ended = { state: "Superseded", endedAt: t0, isNewest: false } as const;
    const lost = hostIn(frozen, "a", "Activating", { isReleaseAsked: true, isExcused: true });
    const awaited = hostIn(frozen, "b", "Failed", { isReleaseAsked: true });

    const before = plan(inputOf(frozen, { rollout: ended, hosts: [lost, awaited] }));
    const after = plan(inputOf(frozen, { rollout: ended, hosts: [lost, awaited], at: t0 + frozen.retentionMs }));

    expect(before.moves).toEqual([]);
    expect(after.moves).toEqual([{ kind: "release", host: "a", by: "retention" }]);
  });
});
