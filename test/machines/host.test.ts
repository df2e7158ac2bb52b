import { describe, expect, it } from "vitest";
import type { AnyEventObject } from "xstate";
import { orderIdOf } from "../../machines/host/context.ts";
import { agentEventTypes, eventSchemas, orderTypes } from "../../machines/host/events.ts";
import { host } from "../../machines/host/host.ts";
import { hostStates } from "../../machines/host/states.ts";
import { sendersOf } from "../../src/core/machine.ts";
import type { StepResult } from "../../src/core/step.ts";
import { orderId } from "../../src/operations/agent-schemas.ts";
import {
  acknowledged,
  backAsked,
  completed,
  contextOf,
  converged,
  day,
  declaring,
  deferred,
  excused,
  failed,
  hostIn,
  hostOf,
  minute,
  notesOf,
  released,
  reporting,
  reverted,
  second,
  seen,
  unhealthy,
  unreachable,
  waived,
} from "./host-in-rollout.ts";
import { codesOf, reasonsOf } from "./maintained-node.ts";
import type { Timeline } from "./timeline.ts";

describe("each event in each state", () => {
  const no = "refused";
  // columns: Pending, Activating, Deferred, Soaking, Converged, Failed; the final states refuse everything
  const rows: readonly (readonly [AnyEventObject, ...string[]])[] = [
    [{ type: "dispatch.offered" }, "no-op", no, no, no, no, no],
    [{ type: "dispatch.withdrawn" }, "stays", no, no, no, no, no],
    [acknowledged(), "Activating", no, no, no, no, no],
    [{ type: "activation.started" }, no, "stays", no, no, no, no],
    [completed, no, "Soaking", "Soaking", no, no, no],
    [{ ...completed, observedVersion: "v1" }, no, "Failed", "Failed", no, no, no],
    [deferred, no, "Deferred", no, no, no, no],
    [failed, no, "Failed", "Failed", no, no, no],
    [{ type: "activation.unconfirmed" }, no, "Failed", no, "Failed", no, no],
    [declaring({ web: "enforce" }), no, no, no, "stays", no, no],
    [reporting("web", "pass"), no, no, no, "stays", no, no],
    [unhealthy, no, no, no, "refused", no, no], // no probe fails
    [waived, no, no, no, "stays", no, no],
    [converged, no, no, no, "Converged", no, no],
    [{ type: "agent.failed", call: "probe", reason: "no disk" }, no, "Failed", "Failed", "Failed", no, no],
    [backAsked, no, no, no, no, "Failed", no],
    [reverted, no, no, no, no, no, "Reverted"],
    [{ type: "rollback.failed", reason: "v1 does not start" }, no, no, no, no, no, "stays"],
    [released, "Released", "stays", "Released", "Released", "Released", "Released"],
    [{ type: "orders.taken", forgotten: 1 }, "stays", "stays", "stays", "stays", "stays", "stays"],
    [unreachable, "stays", "stays", "stays", "stays", "stays", "stays"],
    [seen, "no-op", "no-op", "no-op", "no-op", "no-op", "no-op"],
    [excused, "stays", "stays", "stays", "stays", "stays", "stays"],
    [{ type: "host.excuseDue" }, no, no, no, no, no, no], // nobody misses it
    [{ type: "deferral.overdue" }, no, no, "stays", no, no, no],
  ];
  const cells = rows.flatMap(([event, ...words]) =>
    hostStates.map((state, index) => [event, state, words[index] ?? "refused"] as const),
  );

  it.each(cells.map(([event, state, word]) => [event.type, state, word, event] as const))(
    "%s in %s: %s",
    (_type, state, word, event) => {
      const web = hostIn(state);

      const result = web.send(event);

      expect(wordFor(state, result, web)).toBe(word);
    },
  );

  it("has a row for every event that the chart hears", () => {
    expect([...new Set(rows.map(([{ type }]) => type))].toSorted()).toEqual(Object.keys(eventSchemas).toSorted());
  });

  function wordFor(before: string, result: StepResult, { state }: Timeline): string {
    if (result.outcome !== "changed") return result.outcome === "refused" ? "refused" : "no-op";
    return state === before ? "stays" : state;
  }
});

describe("a dispatch", () => {
  it("is taken back when nobody acknowledges it in time, and others hear that its slot is free", () => {
    const web = hostOf();
    const dueAt = contextOf(web).offerDueAt;

    web.pass(5 * minute);

    expect(dueAt).toBe(1_000_000 + 5 * minute);
    expect(contextOf(web)).toMatchObject({ offeredAt: null, offerDueAt: null });
    expect(web.said).toEqual([{ kind: "message", to: "stable@v2", event: { type: "plan.requested" } }]);
    expect(notesOf(web)).toEqual(["no offer stands: the planner offers it again"]);
  });

  it("that was taken back is not activated by an agent that acknowledges late", () => {
    const web = hostOf();
    web.pass(5 * minute);

    const late = web.send(acknowledged());

    expect(codesOf(late)).toEqual(["not-offered"]);
    expect(reasonsOf(late)[0]?.hint).toBe("ask for the dispatch again before anything is done");
    expect(web.state).toBe("Pending");
    expect([...web.calls.keys()]).toEqual([]);
  });

  it("can be offered again, with the whole time to acknowledge it", () => {
    const web = hostOf({ policy: { acknowledgeWithinMs: minute } });
    web.pass(10 * minute);
    web.send({ type: "dispatch.offered" });
    web.pass(minute - 1);

    web.send(acknowledged());

    expect(web.state).toBe("Activating");
    expect([...web.timers.keys()]).toEqual([]);
  });

  it("keeps its deadline when it is offered while an offer stands", () => {
    const web = hostOf();
    web.pass(4 * minute);

    web.send({ type: "dispatch.offered" });
    web.pass(minute);

    expect(contextOf(web).offeredAt).toBeNull();
  });

  it("is no longer offered to a host that is excused: it was excused instead of dispatched", () => {
    const web = hostOf();

    web.send(excused);

    expect(codesOf(web.send(acknowledged()))).toEqual(["not-offered"]);
    expect([...web.timers.keys()]).toEqual([]);
  });

  it("tells what really ran before apart from what the host would go back to", () => {
    const web = hostOf();

    web.send({ type: "dispatch.acknowledged", observedPrior: "v2-broken", rollbackTo: "v1" });

    expect(contextOf(web)).toMatchObject({ observedPrior: "v2-broken", rollbackTo: "v1" });
    expect(web.calls.get("activate")?.input).toEqual({
      rolloutId: "stable@v2",
      host: "web-1",
      target: "v2",
      prior: "v2-broken",
    });
  });
});

describe("an activation", () => {
  it("keeps the time of its beginning when a restarted agent begins again", () => {
    const web = hostIn("Activating");
    web.send({ type: "activation.started" });
    web.pass(minute);

    const again = web.send({ type: "activation.started" });

    expect(again.outcome).toBe("unchanged");
    expect(contextOf(web).startedAt).toBe(1_000_000);
  });

  it.each(["Activating", "Deferred"] as const)(
    "that ends with another version than the target has failed, from %s",
    (state) => {
      const web = hostIn(state);

      web.send({ ...completed, observedVersion: "v1" });

      expect(web.state).toBe("Failed");
      expect(contextOf(web)).toMatchObject({
        observedVersion: "v1",
        failure: { kind: "version-mismatch", reason: "web-1 runs v1 after the activation of v2" },
      });
    },
  );

  it("that is deferred until a reboot completes when the host is back", () => {
    const web = hostIn("Deferred");
    const input = web.calls.get("awaitReboot")?.input;
    web.pass(3 * day);

    web.send(completed);

    expect(input).toMatchObject({ host: "web-1", target: "v2", component: "kernel" });
    expect(web.state).toBe("Soaking");
    expect([...web.timers.keys()]).toEqual([]);
    expect(contextOf(web).deferralDueAt).toBeNull();
  });

  it("that is deferred for a week is told as overdue once, and still completes", () => {
    const web = hostIn("Deferred");
    const dueAt = contextOf(web).deferralDueAt;
    web.pass(7 * day - 1);
    const before = web.said.filter(({ kind }) => kind === "emitted");

    web.pass(1);
    const emitted = web.said.filter(({ kind }) => kind === "emitted");
    const overdueSince = contextOf(web).deferralDueAt;
    web.pass(30 * day);
    web.send(completed);

    expect(before).toEqual([]);
    expect([dueAt, overdueSince]).toEqual([1_000_000 + 7 * day, web.now - 30 * day]);
    const event = { type: "host.deferralOverdue", rolloutId: "stable@v2", host: "web-1", component: "kernel" };
    expect(emitted).toEqual([{ kind: "emitted", event }]);
    expect(web.said.filter(({ kind }) => kind === "emitted")).toHaveLength(1);
    expect(web.state).toBe("Soaking");
  });

  it("keeps the end of what it said, and its exit code", () => {
    const web = hostIn("Activating");

    web.send(failed);

    expect(contextOf(web).failure).toEqual({
      kind: "activation-failed",
      reason: "the activation of v2 ended with exit code 7",
      at: 1_000_000,
      exitCode: 7,
      stderrTail: "no space left on device",
    });
  });

  it.each(["Activating", "Soaking"] as const)(
    "after which nobody was heard goes back whatever the policy, from %s",
    (state) => {
      const web = hostIn(state, { policy: { onHealthFailure: "halt" } });

      web.send({ type: "activation.unconfirmed" });
      const call = web.calls.get("rollBack")?.input;
      web.send(reverted);

      expect(call).toMatchObject({ rollbackTo: "v1" });
      expect(web.state).toBe("Reverted");
      expect(contextOf(web).failure?.reason).toBe("nobody was heard from web-1 within 360 s after the activation");
    },
  );

  it("is awaited beside the probes, and remembered as confirmed", () => {
    const web = hostIn("Soaking");
    const calls = [...web.calls.keys()];
    web.pass(second);

    web.done("awaitConfirmation");

    expect(calls).toEqual(["probe", "awaitConfirmation"]);
    expect(web.state).toBe("Soaking");
    expect(contextOf(web).confirmedAt).toBe(1_001_000);
  });
});

describe("who may send", () => {
  it.each(agentEventTypes)("%s: the agent", (type) => {
    expect(sendersOf(eventSchemas[type])).toContain("agent");
  });

  it.each([...orderTypes, "dispatch.offered", "dispatch.withdrawn", "host.excuseDue", "deferral.overdue"] as const)(
    "%s: nobody from outside",
    (type) => {
      expect(sendersOf(eventSchemas[type])).toEqual(["engine"]);
    },
  );

  it("counts a deferral among what an agent tells in its numbered stream", () => {
    expect(agentEventTypes).toContain("activation.deferred");
  });
});

describe("an order", () => {
  it("has an id that no other one has that was given in the same millisecond", () => {
    const ids = orderTypes.map((event) => orderIdOf({ event, at: 1_800_000_000_000 }));

    expect(ids.every((id) => orderId.safeParse(id).success)).toBe(true);
    expect(new Set(ids).size).toBe(orderTypes.length);
  });
});

describe("a final state", () => {
  it.each(["Reverted", "Released"] as const)("%s hears nothing any more", (state) => {
    const web = hostIn(state);
    const before = web.snapshot;

    const codes = host.examples(before).map((event) => codesOf(web.send(event)));

    expect(new Set(codes.flat())).toEqual(new Set(["ended"]));
    expect(web.snapshot).toBe(before);
  });
});
