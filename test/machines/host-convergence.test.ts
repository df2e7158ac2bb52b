import { describe, expect, it } from "vitest";
import { observedSkewMs } from "../../machines/host/context.ts";
import {
  acknowledged,
  completed,
  contextOf,
  converged,
  day,
  declaring,
  hostIn,
  hostOf,
  minute,
  notesOf,
  reporting,
  second,
  unhealthy,
  waived,
} from "./host-in-rollout.ts";
import { codesOf, reasonsOf } from "./maintained-node.ts";

describe("the soak", () => {
  it("is counted from the completion on this host, not from the opening of its rollout", () => {
    const web = hostOf({ soakMs: 10 * minute, policy: { acknowledgeWithinMs: day } });
    web.pass(5 * 60 * minute);
    web.send(acknowledged());
    web.pass(minute);
    web.send(completed);

    web.pass(10 * minute - 1);
    const early = web.send(converged);
    web.pass(1);
    web.send(converged);

    expect(codesOf(early)).toEqual(["soak-not-over"]);
    expect(web.state).toBe("Converged");
  });

  it("is judged by the clock that the completion was observed with", () => {
    const web = hostIn("Activating", { soakMs: minute });
    web.pass(day); // the agent was cut off from us meanwhile
    web.send({ ...completed, observedAt: 2_000_000 });

    const early = web.send({ ...converged, observedAt: 2_000_000 + minute - 1 });
    web.send({ ...converged, observedAt: 2_000_000 + minute });

    expect(reasonsOf(early)[0]?.data).toEqual({ soakDueAt: 2_000_000 + minute, leftMs: 1 });
    expect(web.state).toBe("Converged");
    expect(contextOf(web).convergedAt).toBe(2_000_000 + minute);
  });

  it("cannot be cut short by a clock that runs ahead", () => {
    const web = hostIn("Soaking", { soakMs: day });

    const ahead = web.send({ ...converged, observedAt: 1_000_000 + 2 * day });

    expect(codesOf(ahead)).toEqual(["soak-not-over"]);
    expect(reasonsOf(ahead)[0]?.data).toMatchObject({ leftMs: day - observedSkewMs });
  });

  it("is measured by a clock that was ahead from the beginning as by any other, however late its events arrive", () => {
    const web = hostOf({ soakMs: minute });
    web.send({ ...acknowledged(), observedAt: web.now + day });
    web.pass(30 * second);
    web.send({ ...completed, observedAt: 1_000_000 + day });
    web.pass(30 * second);

    const early = web.send({ ...converged, observedAt: 1_000_000 + day + minute - 1 });
    web.send({ ...converged, observedAt: 1_000_000 + day + minute });

    expect(codesOf(early)).toEqual(["soak-not-over"]);
    expect(web.state).toBe("Converged");
    expect(contextOf(web)).toMatchObject({ clockAheadMs: day, completedAt: 1_000_000, convergedAt: 1_060_000 });
  });

  it("can be waived, once; the probes still have to pass", () => {
    const web = hostIn("Soaking", { soakMs: day });
    web.send(declaring({ web: "enforce" }));
    web.send(waived);

    const again = web.send(waived);
    const unproved = web.send(converged);
    web.send(reporting("web", "pass"));
    web.send(converged);

    expect(again.outcome).toBe("unchanged");
    expect(codesOf(unproved)).toEqual(["probes-unseen"]);
    expect(web.state).toBe("Converged");
    expect(contextOf(web).orders).toEqual([{ event: "soak.waived", by: "ada", at: 1_000_000 }]);
  });
});

describe("convergence", () => {
  it("needs the target to run", () => {
    const web = hostIn("Soaking");

    const other = web.send({ ...converged, version: "v3" });

    expect(codesOf(other)).toEqual(["version-mismatch"]);
    expect(web.state).toBe("Soaking");
  });

  it("needs every enforced probe to have been seen: no news is not good news", () => {
    const web = hostIn("Soaking");
    web.send(declaring({ web: "enforce", db: "enforce", disk: "observe", mail: "disabled" }));
    web.send(reporting("web", "pass"));

    const result = web.send(converged);

    expect(reasonsOf(result)).toEqual([
      {
        code: "probes-unseen",
        detail: "Not seen on web-1 since the activation: db.",
        data: { probes: ["db"] },
        hint: "probe.reported",
      },
    ]);
  });

  it("needs every enforced probe to pass, and says which does not", () => {
    const web = hostIn("Soaking");
    web.send(declaring({ web: "enforce", db: "enforce", disk: "observe" }));
    web.send(reporting("web", "pass"));
    web.send(reporting("db", "fail", { reason: "connection refused" }));
    web.send(reporting("disk", "fail", { mode: "observe" }));

    const result = web.send(converged);

    expect(reasonsOf(result)).toEqual([
      {
        code: "probes-failing",
        detail: "Failing on web-1: db (connection refused).",
        data: { probes: ["db"] },
      },
    ]);
    expect(notesOf(web)).toEqual(["failing: db (connection refused)"]);
  });

  it("names everything that stands in its way at once", () => {
    const web = hostIn("Soaking", { soakMs: minute });
    web.send(declaring({ web: "enforce", db: "enforce" }));
    web.send(reporting("db", "fail"));

    const result = web.send({ ...converged, version: "v1" });

    expect(codesOf(result)).toEqual(["version-mismatch", "soak-not-over", "probes-unseen", "probes-failing"]);
  });

  it.each(["Activating", "Deferred"] as const)(
    "is not proved by what a probe saw before the target ran: %s",
    (state) => {
      const web = hostIn(state);

      const outcomes = [declaring({ web: "enforce" }), reporting("web", "pass")].map(
        (event) => web.send(event).outcome,
      );
      web.send(completed);

      expect(outcomes).toEqual(["refused", "refused"]);
      expect(contextOf(web).probes).toEqual({});
    },
  );

  it.each(["constructor", "__proto__", "toString"])("judges a probe called %s like any other", (name) => {
    const web = hostIn("Soaking");
    web.send({ type: "probes.declared", probes: [{ name, mode: "enforce", kind: "tcp" }] });

    const unseen = web.send(converged);
    web.send(reporting(name, "pass"));
    web.send(converged);

    expect(reasonsOf(unseen)).toMatchObject([{ code: "probes-unseen", data: { probes: [name] } }]);
    expect(web.state).toBe("Converged");
  });
});

describe("a probe", () => {
  it("keeps the time at which it began to fail, and loses it with a pass", () => {
    const web = hostIn("Soaking");
    web.send(reporting("web", "fail"));
    web.pass(30 * second);
    web.send(reporting("web", "fail", { reason: "still refused" }));
    const failing = contextOf(web).probes["web"];
    web.send(reporting("web", "pass"));
    const passing = contextOf(web).probes["web"];
    web.pass(30 * second);

    web.send(reporting("web", "fail"));

    expect(failing).toMatchObject({ failingSince: 1_000_000, reason: "still refused" });
    expect(passing).toMatchObject({ status: "pass", failingSince: null, reason: null });
    expect(contextOf(web).probes["web"]).toMatchObject({ failingSince: 1_060_000 });
  });

  it("that recovered does not make a later failure look older than it is", () => {
    const web = hostIn("Soaking");
    web.send(reporting("web", "fail"));
    web.send(reporting("web", "pass"));
    web.pass(10 * minute);
    web.send(reporting("web", "fail"));
    web.pass(59 * second);

    const early = web.send(unhealthy);
    web.pass(second);
    web.send(unhealthy);

    expect(codesOf(early)).toEqual(["not-sustained"]);
    expect(web.state).toBe("Failed");
  });

  it("stands by the mode that was declared: a report cannot make it count less", () => {
    const web = hostIn("Soaking");
    web.send(declaring({ web: "enforce" }));

    web.send(reporting("web", "fail", { mode: "observe" }));

    expect(codesOf(web.send(converged))).toEqual(["probes-failing"]);
  });

  it("that nobody declared counts as what it says of itself", () => {
    const web = hostIn("Soaking");

    web.send(reporting("web", "fail", { mode: "enforce" }));

    expect(contextOf(web).probes["web"]).toMatchObject({ kind: null, mode: "enforce" });
    expect(codesOf(web.send(converged))).toEqual(["probes-failing"]);
  });

  it("keeps what was seen of it when it is declared again, and is forgotten when it is declared no more", () => {
    const web = hostIn("Soaking");
    web.send(declaring({ web: "enforce", db: "enforce" }));
    web.send(reporting("web", "pass"));
    web.send(reporting("db", "fail"));

    web.send(declaring({ web: "enforce" }));

    expect(Object.keys(contextOf(web).probes)).toEqual(["web"]);
    expect(web.send(converged).outcome).toBe("changed");
  });
});

describe("a failure of health", () => {
  it("needs an enforced probe that fails", () => {
    const web = hostIn("Soaking");
    web.send(declaring({ disk: "observe" }));
    web.send(reporting("disk", "fail", { mode: "observe" }));
    web.pass(10 * minute);

    const result = web.send(unhealthy);

    expect(codesOf(result)).toEqual(["no-probe-failing"]);
    expect(web.state).toBe("Soaking");
  });

  it("needs it to have failed for as long as the policy bears, whatever the agent says of it", () => {
    const web = hostIn("Soaking", { policy: { sustainedMs: 2 * minute } });
    web.send(reporting("web", "fail"));
    web.pass(minute);

    const early = web.send({ ...unhealthy, sustainedMs: 10 * minute });
    web.send({ ...unhealthy, observedAt: 1_000_000 + 2 * minute });

    expect(reasonsOf(early)[0]?.data).toEqual({ probes: ["web"], failingMs: minute, sustainedMs: 2 * minute });
    expect(web.state).toBe("Failed");
  });

  it("says which probes failed, why, and for how long", () => {
    const web = hostIn("Soaking");
    web.send(reporting("db", "fail", { reason: "connection refused" }));
    web.pass(15 * second);
    web.send(reporting("web", "fail"));
    web.pass(minute);

    web.send(unhealthy);

    expect(contextOf(web).failure).toEqual({
      kind: "health",
      reason: "db (connection refused), web: failing for 75 s",
      at: 1_075_000,
    });
  });
});
