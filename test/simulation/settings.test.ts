import { describe, expect, it } from "vitest";
import { SignalboxError } from "../../src/core/errors.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { parseSettings, type AskedSettings } from "../../src/simulation/settings.ts";

const fleet = parseFleet({
  channels: { edge: { ref: "v1", policy: "all" }, stable: { ref: "v1", policy: "all" } },
  hosts: { "web-[1-5]": { channel: "stable" } },
  policies: { all: {} },
});
const now = Date.parse("2026-12-18T09:00Z");
const parse = (asked: Partial<AskedSettings> = {}) => parseSettings({ ref: "v2", ...asked }, fleet, now);

function faultsOf(asked: Partial<AskedSettings>): string[] {
  try {
    parse(asked);
    return [];
  } catch (error) {
    return (error as SignalboxError).errors.map(({ pointer }) => pointer);
  }
}

describe("the settings of a simulation", () => {
  it("are the declared fleet with nothing going wrong, when nothing is asked", () => {
    expect(parse()).toEqual({
      ref: "v2",
      channels: ["edge", "stable"],
      hosts: 5,
      behaviour: { failureRate: 0, unreachable: 0, activationMs: { from: 30_000, to: 90_000 } },
      approveAfterMs: 0,
      seed: "1",
      runs: 1,
      startsAt: now,
      horizonMs: 30 * 86_400_000,
    });
  });

  it.each([
    [{ channel: ["stable", "stable"] }, { channels: ["stable"] }],
    [{ hosts: "2000" }, { hosts: 2_000 }],
    [{ failureRate: "2%" }, { behaviour: { failureRate: 0.02 } }],
    [{ failureRate: "0.5" }, { behaviour: { failureRate: 0.5 } }],
    [{ bad: true }, { behaviour: { failureRate: 1 } }],
    [{ unreachable: "100%" }, { behaviour: { unreachable: 1 } }],
    [{ activationTime: "45s" }, { behaviour: { activationMs: { from: 45_000, to: 45_000 } } }],
    [{ activationTime: "1s..2m" }, { behaviour: { activationMs: { from: 1_000, to: 120_000 } } }],
    [{ approveAfter: "10m" }, { approveAfterMs: 600_000 }],
    [{ approveAfter: "never" }, { approveAfterMs: null }],
    [{ seed: "another" }, { seed: "another" }],
    [{ runs: "200" }, { runs: 200 }],
    [{ at: "2026-12-24T18:00+01:00" }, { startsAt: Date.parse("2026-12-24T17:00Z") }],
    [{ until: "12h" }, { horizonMs: 43_200_000 }],
    [{ until: "2026-12-18T18:00Z" }, { horizonMs: 9 * 3_600_000 }],
  ])("%j", (asked, settings) => {
    expect(parse(asked)).toMatchObject(settings);
  });

  it("say everything that is wrong with them at once, by the names of the options", () => {
    const asked = {
      ref: "no ref",
      channel: ["stable", "unknown"],
      hosts: "0",
      failureRate: "120%",
      unreachable: "-1",
      activationTime: "90s..30s",
      approveAfter: "soon",
      seed: "",
      runs: "many",
      at: "2026-12-18T09:00",
      until: "5",
    };

    expect(faultsOf(asked).toSorted()).toEqual(
      [
        "--ref",
        "--channel",
        "--hosts",
        "--failure-rate",
        "--unreachable",
        "--activation-time",
        "--approve-after",
        "--seed",
        "--runs",
        "--at",
        "--until",
      ].toSorted(),
    );
  });

  it.each([
    [{ bad: true, failureRate: "1%" }, ["--bad"]],
    [{ until: "2026-12-18T08:00Z" }, ["--until"]],
    [{ until: "400d" }, ["--until"]],
    [{ activationTime: "30s..60s..90s" }, ["--activation-time"]],
    [{ activationTime: "25h" }, ["--activation-time"]],
    [{ hosts: "200001" }, ["--hosts"]],
    [{ hosts: "1e3" }, ["--hosts"]],
  ])("are refused for %j", (asked, pointers) => {
    expect(faultsOf(asked)).toEqual(pointers);
  });

  it("want a host to simulate", () => {
    const empty = parseFleet({ channels: { stable: { ref: "v1", policy: "all" } }, policies: { all: {} } });

    expect(() => parseSettings({ ref: "v2" }, empty, now)).toThrow("declares no host");
  });
});
