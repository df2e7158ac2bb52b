import { describe, expect, it } from "vitest";
import {
  completed,
  contextOf,
  converged,
  day,
  declaring,
  excused,
  hostIn,
  minute,
  notesOf,
  reporting,
  reverted,
  seen,
  toldBy,
  unhealthy,
  unreachable,
} from "./host-in-rollout.ts";
import { codesOf } from "./maintained-node.ts";

describe("a host that is not there", () => {
  it.each(["Pending", "Activating", "Deferred", "Soaking", "Converged", "Failed"] as const)(
    "is excused in %s when it stays away for its time, and counts again when it is seen",
    (state) => {
      const web = hostIn(state, { policy: { acknowledgeWithinMs: day } });
      const toldBefore = toldBy(web).length;
      web.send(unreachable);
      web.pass(15 * minute - 1);
      const before = contextOf(web).excused;

      web.pass(1);
      const away = contextOf(web);
      web.send(seen);

      expect(before).toBeNull();
      expect(away).toMatchObject({
        countedAs: "Excused",
        excused: { by: "engine", reason: "unreachable for 15 min", at: 1_000_000 + 15 * minute },
        excuseDueAt: null,
      });
      expect(web.state).toBe(state);
      expect(contextOf(web)).toMatchObject({ excused: null, unreachableSince: null, countedAs: state });
      expect(toldBy(web).slice(toldBefore)).toEqual([`${state} > Excused`, `Excused > ${state}`]);
    },
  );

  it("that comes back in time is not excused, and others hear that it is there", () => {
    const web = hostIn("Soaking");
    const toldBefore = toldBy(web).length;
    web.send(unreachable);
    web.pass(14 * minute);

    web.send(seen);
    const timers = [...web.timers.keys()];
    web.pass(day);

    expect(timers).toEqual([]);
    expect(contextOf(web)).toMatchObject({ excused: null, unreachableSince: null, excuseDueAt: null });
    expect(toldBy(web)).toHaveLength(toldBefore);
    expect(web.said.at(-1)).toEqual({ kind: "message", to: "stable@v2", event: { type: "plan.requested" } });
  });

  it("does not get more time by being missed again", () => {
    const web = hostIn("Soaking");
    web.send(unreachable);
    web.pass(10 * minute);

    const again = web.send(unreachable);
    web.pass(5 * minute);

    expect(again.outcome).toBe("unchanged");
    expect(contextOf(web).countedAs).toBe("Excused");
  });

  it("can be excused by a person at once; the first excuse stands", () => {
    const web = hostIn("Soaking");
    web.send(unreachable);

    web.send(excused);
    const again = web.send({ ...excused, reason: "another one" });
    web.pass(day);

    expect(again.outcome).toBe("unchanged");
    expect(contextOf(web).excused).toEqual({ by: "ada", reason: "sent for repair", at: 1_000_000 });
    expect(notesOf(web)).toContain("excused by ada: sent for repair");
    expect([...web.timers.keys()]).toEqual([]);
  });

  it("that is excused already waits for nothing more when it goes away", () => {
    const web = hostIn("Soaking");
    web.send(excused);

    web.send(unreachable);
    const late = web.send({ type: "host.excuseDue" });

    expect(contextOf(web)).toMatchObject({ unreachableSince: 1_000_000, excuseDueAt: null });
    expect([...web.timers.keys()]).toEqual([]);
    expect(codesOf(late)).toEqual(["excused"]);
  });

  it("is moved by its agent while it is excused, and tells of it when it is seen again", () => {
    const web = hostIn("Activating");
    const toldBefore = toldBy(web).length;
    web.send(excused);

    web.send(completed);
    web.send(converged);
    const told = toldBy(web).slice(toldBefore);
    const saidBefore = web.said.length;
    web.send(seen);

    expect(web.said).toHaveLength(saidBefore + 1);
    expect(told).toEqual(["Activating > Excused"]);
    expect(toldBy(web).slice(toldBefore)).toEqual(["Activating > Excused", "Excused > Converged"]);
  });
});

describe("what a rollout is told", () => {
  it("is each change of what the host counts as, with its wave", () => {
    const web = hostIn("Converged");

    expect(web.said).toEqual(
      [
        ["Pending", "Activating"],
        ["Activating", "Soaking"],
        ["Soaking", "Converged"],
      ].map(([from, to]) => ({
        kind: "message",
        to: "stable@v2",
        event: { type: "host.changed", host: "web-1", from, to, wave: 3 },
      })),
    );
  });

  it("is nothing where nobody counts the host: in its agent", () => {
    const web = hostIn("Reverted", { reportsTo: null });

    expect(web.said).toEqual([]);
    expect(contextOf(web).countedAs).toBe("Reverted");
  });

  it("is a failure and then the way back, so that a rollout can tell a host that went back from one that stands", () => {
    const web = hostIn("Soaking");
    web.send(reporting("web", "fail"));
    web.pass(minute);
    web.send(unhealthy);
    web.send(reverted);

    expect(toldBy(web).slice(-2)).toEqual(["Soaking > Failed", "Failed > Reverted"]);
  });

  it("is that the way is free for others when no enforced probe fails any more: once, and not for one that is observed", () => {
    const web = hostIn("Soaking");
    const toldBefore = web.said.length;
    web.send(declaring({ web: "enforce", db: "enforce", disk: "observe" }));
    web.send(reporting("disk", "fail"));
    web.send(reporting("disk", "pass"));
    web.send(reporting("web", "fail"));
    web.send(reporting("db", "fail"));
    web.send(reporting("web", "pass"));
    const during = web.said.slice(toldBefore);

    web.send(reporting("db", "pass"));
    web.send(reporting("db", "pass"));

    expect(during).toEqual([]);
    expect(web.said.slice(toldBefore)).toEqual([
      { kind: "message", to: "stable@v2", event: { type: "plan.requested" } },
    ]);
  });
});
