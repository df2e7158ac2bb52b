import { expect, it } from "vitest";
import { freezePlan } from "../../src/planning/freeze-plan.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";

it("a channel and a policy whose names no rollout could have are told with the other faults, hosts or not", () => {
  const declare = () =>
    parseFleet({
      channels: { "Cap X": { ref: "v1", policy: "careful" }, ok: { ref: "v1", policy: "careful" } },
      hosts: { "web-1": { channel: "ok" } },
      policies: { careful: {}, "P Q": {} },
    });

  const detail = "a name here is 1 to 63 lower-case letters, digits, dashes or underscores";
  const errors = ["/channels/Cap X", "/policies/P Q"].map((pointer) => ({ pointer, detail }));
  expect(declare).toThrow(expect.objectContaining({ code: "invalid-request", errors }));
});

it.each([
  [375, 18.4, 69],
  [375, 18.3, 68],
  [1_000, 0.1, 1],
  [3, 34, 1],
  [3, 1, 1],
  [3, 67, 2],
  [1, 99, 1],
])("of %i hosts %d percent are a budget of %i", (hosts, maxInFlightPct, limit) => {
  const fleet = parseFleet({
    channels: { stable: { ref: "v1", policy: "quick" } },
    hosts: { [`h-[1-${hosts}]`]: { channel: "stable" } },
    policies: { quick: {} },
    budgets: [{ hosts: { all: true }, maxInFlightPct }],
  });

  const { budgets } = freezePlan(fleet, "stable", { ref: "v1" });

  expect(budgets.map(({ max }) => max)).toEqual([limit]);
});
