import { describe, expect, it } from "vitest";
import { fleet } from "../../machines/fleet/fleet.ts";
import { reasonsOf } from "./rollout-steps.ts";
import { timelineOf } from "./timeline.ts";

describe("the declaration of the fleet", () => {
  it("that holds is the one that was applied last, by whom, and over which", () => {
    const declared = timelineOf(fleet, {});
    declared.send({ type: "fleet.applied", principal: "ann", hash: "5f2b" });
    declared.pass(1_000);

    declared.send({ type: "fleet.applied", principal: "bob", hash: "9c01" });

    expect(declared.state).toBe("Declared");
    expect(declared.snapshot.context).toEqual({
      hash: "9c01",
      previousHash: "5f2b",
      appliedAt: 1_000,
      appliedBy: "bob",
      applications: 2,
    });
  });

  it("changes nothing when it is applied again", () => {
    const declared = timelineOf(fleet, {});
    declared.send({ type: "fleet.applied", principal: "ann", hash: "5f2b" });

    const again = declared.send({ type: "fleet.applied", principal: "bob", hash: "5f2b", over: "5f2b" });

    expect([again.outcome, declared.snapshot.context]).toMatchObject(["unchanged", { appliedBy: "ann" }]);
  });

  it("is refused when it was compared with one that does not hold any more", () => {
    const declared = timelineOf(fleet, {});
    const first = declared.send({ type: "fleet.applied", hash: "5f2b", over: null });

    const refused = declared.send({ type: "fleet.applied", hash: "9c01", over: null });

    expect(first.outcome).toBe("changed");
    expect(reasonsOf(refused)).toEqual([
      {
        code: "changed-meanwhile",
        detail: "The declaration was compared with none, and 5f2b holds by now.",
        data: { over: null, hash: "5f2b" },
        hint: "compare and apply it again",
      },
    ]);
  });
});
