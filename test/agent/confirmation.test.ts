import { describe, expect, it } from "vitest";
import { verdictOf } from "../../src/agent/confirmation.ts";
import { controlPlaneWitness } from "../../src/agent/witnesses.ts";

const gateway = "tcp://10.0.0.1:22";

describe("an activation", () => {
  it.each([[[controlPlaneWitness]], [[gateway]]])("is confirmed by any answer after it: %j", (since) => {
    expect(verdictOf({ before: [gateway], since, now: 500, until: 100 })).toBe("confirmed");
  });

  it("is waited for as long as there is time", () => {
    expect(verdictOf({ before: [gateway], since: [], now: 99, until: 100 })).toBe("waiting");
  });

  it("has cut the host off when a confirm target that had answered is silent, and everybody else too", () => {
    expect(verdictOf({ before: [controlPlaneWitness, gateway], since: [], now: 100, until: 100 })).toBe("unconfirmed");
  });

  it("is not undone for the silence of the control plane alone", () => {
    expect(verdictOf({ before: [controlPlaneWitness], since: [], now: 1e9, until: 100 })).toBe("undecided");
  });
});
