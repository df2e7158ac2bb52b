import { describe, expect, it } from "vitest";
import { agentEventTypes, eventSchemas, orderTypes } from "../../machines/host/events.ts";
import {
  backAsked,
  completed,
  contextOf,
  converged,
  day,
  deferred,
  failed,
  hostIn,
  notesOf,
  released,
  reverted,
  toldBy,
  waived,
} from "./host-in-rollout.ts";

describe("going back", () => {
  it.each([
    ["halt", "v1", "AwaitingOperator", "The policy leaves web-1 as it is."],
    ["rollback-and-halt", "v1", "RollingBack", "goes back to v1"],
    ["rollback-all", "v1", "RollingBack", "goes back to v1"],
    ["rollback-and-halt", null, "AwaitingOperator", "No version is known to which web-1 could go back."],
    ["rollback-and-halt", "v2", "AwaitingOperator", "No version is known to which web-1 could go back."],
  ] as const)("under %s with %s known to be good: %s", (onHealthFailure, rollbackTo, nested, note) => {
    const web = hostIn("Failed", { policy: { onHealthFailure }, rollbackTo });

    expect(web.value).toEqual({ Failed: nested });
    expect(web.snapshot.hasTag("attention")).toBe(nested === "AwaitingOperator");
    expect(notesOf(web)).toContain(note);
    expect([...web.calls.keys()]).toEqual(nested === "RollingBack" ? ["rollBack"] : []);
  });

  it("reverts to what the agent says runs now", () => {
    const web = hostIn("Failed");

    web.send(reverted);

    expect(contextOf(web)).toMatchObject({ revertedTo: "v1", observedVersion: "v1" });
    expect(web.snapshot.status).toBe("done");
    expect(toldBy(web).slice(-2)).toEqual(["Activating > Failed", "Failed > Reverted"]);
  });

  it("is told as failed when its attempts are used up, and then needs somebody", () => {
    const web = hostIn("Failed");
    web.failed("rollBack", "v1 does not start");

    web.fireDue();

    expect(web.value).toEqual({ Failed: "AwaitingOperator" });
    expect(contextOf(web).rollbackError).toBe("v1 does not start");
    expect(notesOf(web)).toContain("web-1 could not go back to v1: v1 does not start.");
    expect([...web.calls.keys()]).toEqual([]);
  });

  it("has failed once, by whichever way that is told first", () => {
    const web = hostIn("Failed");
    web.failed("rollBack", "v1 does not start");

    web.send({ type: "rollback.failed", reason: "the disk is full" });
    web.fireDue();

    expect(contextOf(web).rollbackError).toBe("the disk is full");
    expect([...web.timers.keys()]).toEqual([]);
  });

  it("may still succeed by hand after it failed", () => {
    const web = hostIn("Failed");
    web.send({ type: "rollback.failed", reason: "v1 does not start" });

    web.send(reverted);

    expect(web.state).toBe("Reverted");
    expect(contextOf(web).rollbackError).toBeNull();
  });

  it("is done when it is asked of a host that had converged, whatever the policy", () => {
    const web = hostIn("Converged", { policy: { onHealthFailure: "halt" } });

    web.send(backAsked);

    expect(web.value).toEqual({ Failed: "RollingBack" });
    expect(contextOf(web).failure).toMatchObject({ kind: "rollback-requested", reason: "web-9 has failed" });
    expect(contextOf(web).orders).toEqual([
      { event: "rollback.requested", by: "local", at: 1_000_000, reason: "web-9 has failed" },
    ]);
  });
});

describe("a call that the agent could not perform", () => {
  it.each([
    ["Activating", "activate"],
    ["Deferred", "awaitReboot"],
    ["Soaking", "probe"],
    ["Soaking", "awaitConfirmation"],
  ] as const)("in %s, %s: is told by an event of the agent's stream, and the host has failed", (state, call) => {
    const web = hostIn(state);
    web.failed(call, "the disk is full");
    const before = web.state;

    web.fireDue();

    expect(before).toBe(state);
    expect(web.state).toBe("Failed");
    expect(contextOf(web).failure).toMatchObject({ kind: "agent-error", reason: `${call}: the disk is full` });
    expect(agentEventTypes).toContain("agent.failed");
  });

  it("is told as far as an event may carry it, and not in no words", () => {
    const web = hostIn("Activating");
    web.failed("activate", "x".repeat(5_000));
    web.fireDue();
    const silent = hostIn("Failed");
    silent.failed("rollBack", "");
    silent.fireDue();

    expect(contextOf(web).failure?.reason).toBe(`activate: ${"x".repeat(1_000)}`);
    expect(contextOf(silent).rollbackError).toBe("no reason was given");
  });

  it("or that ends without saying what came of it is a failure too", () => {
    const web = hostIn("Activating");
    web.done("activate");

    web.fireDue();

    expect(contextOf(web).failure?.reason).toBe("activate: it ended without saying what came of it");
  });

  it("is no failure when what came of it was told in time", () => {
    const web = hostIn("Activating");
    web.done("activate");

    web.send(completed);
    web.fireDue();

    expect(web.state).toBe("Soaking");
    expect([...web.timers.keys()]).toEqual([]);
  });
});

describe("a release", () => {
  it.each([
    ["completed", completed, "Soaking"],
    ["completed with another version", { ...completed, observedVersion: "v1" }, "Failed"],
    ["deferred", deferred, "Deferred"],
    ["failed", failed, "Failed"],
  ] as const)("asked while it activates is taken when the activation is %s", (_how, settling, through) => {
    const web = hostIn("Activating");
    web.send(released);
    const asked = { state: web.state, calls: [...web.calls.keys()], notes: notesOf(web) };

    web.send(settling);

    expect(asked).toEqual({
      state: "Activating",
      calls: ["activate"],
      notes: ["released by stable@v3 as soon as the activation settles"],
    });
    expect(web.state).toBe("Released");
    expect(contextOf(web).releasedBy).toBe("stable@v3");
    expect([...web.calls.keys()]).toEqual([]);
    expect(toldBy(web).slice(1)).toEqual([`Activating > ${through}`, `${through} > Released`]);
    expect(contextOf(web).orders).toHaveLength(1);
  });

  it("asked while it activates waits for the way back of a host that may be cut off", () => {
    const web = hostIn("Activating");
    web.send(released);
    web.send({ type: "activation.unconfirmed" });
    const before = web.value;

    web.send({ type: "rollback.failed", reason: "v1 does not start" });

    expect(before).toEqual({ Failed: "RollingBack" });
    expect(web.state).toBe("Released");
  });

  it("asked while it activates does not wait for a way back that there is not", () => {
    const web = hostIn("Activating", { rollbackTo: null });
    web.send(released);

    web.send({ type: "activation.unconfirmed" });

    expect(web.state).toBe("Released");
    expect(contextOf(web).orders).toHaveLength(1);
  });

  it("asked while a host that may be cut off goes back is taken when that has settled", () => {
    const web = hostIn("Soaking");
    web.send({ type: "activation.unconfirmed" });
    web.send(released);
    const again = web.send(released);
    const before = web.value;

    web.send(reverted);

    expect(again.outcome).toBe("unchanged");
    expect(before).toEqual({ Failed: "RollingBack" });
    expect(web.state).toBe("Reverted");
  });

  it.each(["Activating", "RollingBack"])(
    "asked again of a host in %s that nobody expects back is taken at once",
    (at) => {
      const web = hostIn(at === "Activating" ? "Activating" : "Soaking");
      if (at === "RollingBack") web.send({ type: "activation.unconfirmed" });
      web.send(released);
      web.send({ type: "host.unreachable", principal: "engine" });
      const missed = web.send({ ...released, by: "retention" });
      web.send({ type: "host.excused", reason: "scrapped", principal: "ann" });

      web.send({ ...released, by: "retention" });

      expect(missed.outcome).toBe("unchanged");
      expect(web.state).toBe("Released");
      expect(contextOf(web)).toMatchObject({ releasedBy: "stable@v3", orders: [{ by: "stable@v3" }] });
    },
  );

  it("asked twice is one order", () => {
    const web = hostIn("Activating");
    web.send(released);

    const again = web.send({ ...released, by: "stable@v4" });

    expect(again.outcome).toBe("unchanged");
    expect(contextOf(web).orders).toEqual([{ event: "host.released", by: "stable@v3", at: 1_000_000 }]);
  });

  it.each(["Pending", "Deferred", "Soaking", "Converged", "Failed"] as const)(
    "is taken at once in %s, and withdraws what is under way",
    (state) => {
      const web = hostIn(state);

      web.send(released);

      expect(web.state).toBe("Released");
      expect([...web.calls.keys()]).toEqual([]);
      expect(contextOf(web)).toMatchObject({ releasedBy: "stable@v3", orders: [{ event: "host.released" }] });
    },
  );

  it("keeps the orders before it, in the order given", () => {
    const web = hostIn("Soaking", { soakMs: day });
    web.send(waived);
    web.send(converged);
    web.send(backAsked);

    web.send(released);

    expect(contextOf(web).orders.map(({ event }) => event)).toEqual([
      "soak.waived",
      "rollback.requested",
      "host.released",
    ]);
    expect(orderTypes.every((type) => type in eventSchemas)).toBe(true);
  });
});
