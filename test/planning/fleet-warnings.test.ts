import { describe, expect, it } from "vitest";
import { warningsOf } from "../../src/planning/fleet-warnings.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";

describe("the warnings of a fleet", () => {
  it("tell what can be done and is hardly meant", () => {
    const fleet = parseFleet({
      channels: { stable: { ref: "v1", policy: "standard" }, empty: { ref: "v1", policy: "standard" } },
      hosts: { "h[01-12]": { channel: "stable", tags: ["web"] }, z: { channel: "stable" } },
      policies: {
        standard: { waves: [{ hosts: { tags: ["nobody"] } }, { hosts: { tags: ["web"] } }] },
        unused: {},
      },
      budgets: [
        { hosts: { tags: ["nobody"] }, maxInFlight: 1 },
        { hosts: { all: true }, maxInFlightPct: 5 },
      ],
    });

    expect(warningsOf(fleet).map(({ pointer, detail }) => `${pointer}: ${detail}`)).toEqual([
      "/channels/empty: no host is in this channel",
      "/policies/standard/waves/0/hosts: its selector selects no host of a channel that uses the policy: the wave is passed over",
      "/policies/standard/waves: z is in channel stable and in none of the waves, and will not be dispatched: add a wave that selects { all: true }",
      "/policies/unused: no channel uses this policy",
      "/budgets/0: its selector selects no host",
      "/budgets/1: only one of 13 hosts may be out at once: they go one by one",
    ]);
  });

  it("are none for a fleet in which everything is used", () => {
    const fleet = parseFleet({
      channels: { stable: { ref: "v1", policy: "standard" } },
      hosts: { a: { channel: "stable" } },
      policies: { standard: {} },
    });

    expect(warningsOf(fleet)).toEqual([]);
  });
});
