import { describe, expect, it } from "vitest";
import { codesOf, reasonsOf, rolloutOf } from "./rollout-steps.ts";

describe("the counters of a rollout", () => {
  it("begin with every host Pending, dispatched or not", () => {
    const rollout = rolloutOf({ waves: [1, 20] });

    expect(rollout.context.waves?.map(({ Pending, joined }) => [Pending, joined])).toEqual([
      [1, 0],
      [20, 0],
    ]);
  });

  it("follow a host from state to state, excused or seen again", () => {
    const rollout = rolloutOf({ waves: [3], policy: { excusedMaxPct: 100 } });
    rollout.join(0, 2);

    rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");
    rollout.walk(0, "Pending", "Excused", "Pending", "Activating", "Deferred");

    expect(rollout.context.waves).toMatchObject([{ Pending: 1, Converged: 1, Deferred: 1, Excused: 0, joined: 2 }]);
  });

  it("follow the hosts in every state of the rollout: budgets stay true after a halt", () => {
    const halted = rolloutOf({ waves: [3] });
    halted.join(0, 3);
    halted.walk(0, "Pending", "Activating", "Soaking");
    halted.walk(0, "Pending", "Activating", "Failed");

    halted.walk(0, "Soaking", "Converged");
    halted.send({ type: "rollout.superseded", by: "stable@v3" });
    halted.walk(0, "Pending", "Released");

    expect(halted.state).toBe("Superseded");
    expect(halted.context.waves).toMatchObject([{ Pending: 0, Soaking: 0, Failed: 1, Converged: 1, Released: 1 }]);
  });

  it("let no host leave a state in which none is counted, nor a wave that there is not", () => {
    const rollout = rolloutOf({ waves: [1] });
    rollout.join(0);

    const nowhere = rollout.walk(0, "Soaking", "Converged");
    const beyond = rollout.send({ type: "host.changed", from: "Pending", to: "Activating", wave: 1 });
    const joined = rollout.send({ type: "host.joined", wave: 1 });
    const twice = rollout.send({ type: "host.joined", wave: 0 });

    expect([nowhere, beyond, joined, twice].map(codesOf)).toEqual([
      ["not-counted"],
      ["unknown-wave"],
      ["unknown-wave"],
      ["all-joined"],
    ]);
  });

  it("cost the same at 10 and at 100,000 hosts: the size of the context does not follow them", () => {
    const sizes = [10, 100_000].map((hosts) => {
      const rollout = rolloutOf({ waves: [hosts] });
      rollout.converge(0, 3);
      return JSON.stringify(rollout.context).replaceAll(/\d+/g, "0").length;
    });

    expect(sizes[0]).toBe(sizes[1]);
  });
});

describe("a wave", () => {
  it("that is settled with waves left makes the rollout Converging, in the same macrostep", () => {
    const rollout = rolloutOf({ waves: [2, 1] });
    rollout.converge(0);
    const before = rollout.state;

    rollout.converge(0);

    expect([before, rollout.state, rollout.context.currentWave]).toEqual(["Active", "Converging", 0]);
  });

  it("is begun by its planner, after which the rollout is Active again", () => {
    const rollout = rolloutOf({ waves: [1, 1] });
    rollout.converge(0);

    rollout.advance(0, 1);

    expect([rollout.state, rollout.context.currentWave]).toEqual(["Active", 1]);
  });

  it("that is settled with none left completes the rollout, in the same macrostep", () => {
    const rollout = rolloutOf({ waves: [1, 2] });
    rollout.converge(0);
    rollout.advance(0, 1);
    rollout.converge(1, 2);

    expect(rollout.state).toBe("Terminal");
    expect(rollout.context).toMatchObject({ terminalAt: 0, endedBy: "completed", currentWave: 1 });
    expect(rollout.control).toBe("Over");
  });

  it("counts hosts that were never dispatched: it is not settled before they are", () => {
    const rollout = rolloutOf({ waves: [3] });

    rollout.converge(0, 2);

    expect(rollout.state).toBe("Active");
    expect(rollout.notes()).toEqual(["wave 1 of 1: 2 of 3 hosts settled"]);
  });

  it("without hosts is settled at once: the rollout begins at the first that has some", () => {
    const rollout = rolloutOf({ waves: [0, 0, 2] });

    expect(rollout.context.currentWave).toBe(2);
    rollout.converge(2, 2);
    expect(rollout.state).toBe("Terminal");
  });

  it("without hosts in between is passed through, or passed over", () => {
    const through = rolloutOf({ waves: [1, 0, 1] });
    const over = rolloutOf({ waves: [1, 0, 1] });
    for (const rollout of [through, over]) rollout.converge(0);

    through.advance(0, 1);
    const between = [through.state, through.context.currentWave];
    through.advance(1, 2);
    over.advance(0, 2);

    expect(between).toEqual(["Converging", 1]);
    expect([through, over].map(({ state, context }) => [state, context.currentWave])).toEqual([
      ["Active", 2],
      ["Active", 2],
    ]);
  });

  it("that is the last with hosts completes the rollout although empty ones follow", () => {
    const rollout = rolloutOf({ waves: [1, 0, 0] });

    rollout.converge(0);

    expect(rollout.state).toBe("Terminal");
  });

  it.each([[[]], [[0]], [[0, 0]]])("of no rollout with the hosts %j is waited for: it is Terminal at once", (waves) => {
    const rollout = rolloutOf({ waves });

    expect([rollout.state, rollout.control, rollout.context.terminalAt]).toEqual(["Terminal", "Over", 0]);
  });

  it("lets a host that waits for a reboot pass for the next wave, but not for the end", () => {
    const rollout = rolloutOf({ waves: [2, 1] });
    rollout.converge(0);
    rollout.join(0);
    rollout.walk(0, "Pending", "Activating", "Deferred");
    const settled = rollout.state;
    rollout.advance(0, 1);

    rollout.converge(1);
    const waiting = [rollout.state, rollout.notes()];
    rollout.walk(0, "Deferred", "Soaking", "Converged");

    expect(settled).toBe("Converging");
    expect(waiting).toEqual(["Active", ["wave 2 of 2: 1 of 1 host settled", "1 host waiting for a reboot"]]);
    expect(rollout.state).toBe("Terminal");
  });

  it("is not left while a host of it that was done has begun again", () => {
    const rollout = rolloutOf({ waves: [2, 1] });
    rollout.converge(0);
    rollout.join(0);
    rollout.walk(0, "Pending", "Activating", "Deferred", "Soaking");

    const early = rollout.advance(0, 1);
    const said = rollout.notes();
    rollout.walk(0, "Soaking", "Converged");
    rollout.advance(0, 1);

    expect(codesOf(early)).toEqual(["counters-disagree"]);
    expect(said).toEqual(["wave 1 of 2: 1 of 2 hosts settled"]);
    expect([rollout.state, rollout.context.currentWave]).toEqual(["Active", 1]);
  });

  it("that was left and in which a host has begun again is told of beside the current one", () => {
    const rollout = rolloutOf({ waves: [10, 1] });
    rollout.converge(0, 9);
    rollout.join(0);
    rollout.walk(0, "Pending", "Excused");
    rollout.advance(0, 1);
    rollout.walk(0, "Excused", "Pending");

    rollout.converge(1);

    expect([rollout.state, rollout.notes()]).toEqual([
      "Active",
      ["wave 2 of 2: 1 of 1 host settled", "wave 1 of 2: 9 of 10 hosts settled"],
    ]);
  });

  it("is settled by the hosts that all waves were opened for, when its turn comes", () => {
    const rollout = rolloutOf({ waves: [1, 1, 1] });
    rollout.send({ type: "rollout.promote", full: true });
    rollout.converge(2);
    rollout.converge(1);
    rollout.converge(0);

    expect(rollout.state).toBe("Terminal");
  });

  it("that was settled ahead of its turn is gone through without waiting for anything", () => {
    const rollout = rolloutOf({ waves: [1, 1, 1] });
    rollout.send({ type: "rollout.promote", full: true });
    rollout.converge(1);
    rollout.converge(0);

    rollout.advance(0, 1);

    expect([rollout.state, rollout.context.currentWave]).toEqual(["Converging", 1]);
  });
});

describe("failures", () => {
  it("halt the rollout as soon as there are more than the wave bears", () => {
    const rollout = rolloutOf({ waves: [10], policy: { maxFailures: 2 } });
    rollout.join(0, 10);

    const states = [1, 2, 3].map(() => {
      rollout.walk(0, "Pending", "Activating", "Failed");
      return rollout.state;
    });

    expect(states).toEqual(["Active", "Active", "Failed"]);
    expect(rollout.context).toMatchObject({
      failure: { host: "web-0", wave: 0, to: "Failed", at: 0 },
      endedBy: "failed",
    });
  });

  it.each([
    { maxFailures: "10%", hosts: 30, borne: 3 },
    { maxFailures: "10%", hosts: 9, borne: 0 },
    { maxFailures: "50%", hosts: 3, borne: 1 },
    { maxFailures: "0%", hosts: 100, borne: 0 },
    { maxFailures: 0, hosts: 100, borne: 0 },
  ])("of $maxFailures of $hosts hosts bear $borne", ({ maxFailures, hosts, borne }) => {
    const rollout = rolloutOf({ waves: [hosts], policy: { maxFailures } });
    rollout.join(0, hosts);

    for (let each = 0; each < borne; each += 1) rollout.walk(0, "Pending", "Activating", "Failed");
    const at = rollout.state;
    rollout.walk(0, "Pending", "Activating", "Failed");

    expect([at, rollout.state]).toEqual(["Active", "Failed"]);
  });

  it("are judged by what their own wave bears", () => {
    const rollout = rolloutOf({ waves: [2, 2], policy: { maxFailures: 1 }, waveRules: [{ maxFailures: 0 }, {}] });
    rollout.send({ type: "rollout.promote", full: true });
    rollout.join(0);
    rollout.join(1);

    rollout.walk(1, "Pending", "Activating", "Failed");
    const later = rollout.state;
    rollout.walk(0, "Pending", "Activating", "Failed");

    expect([later, rollout.state]).toEqual(["Active", "Failed"]);
  });

  it("count a host once that fails and goes back: the rollout completes with it", () => {
    const rollout = rolloutOf({ waves: [3], policy: { maxFailures: 1 } });
    rollout.join(0);
    rollout.walk(0, "Pending", "Activating", "Failed", "Reverted");

    rollout.converge(0, 2);

    expect(rollout.state).toBe("Terminal");
  });

  it("under rollback-and-halt lead to Failed, and to Reverted when the host is back", () => {
    const rollout = rolloutOf({ waves: [2], policy: { onHealthFailure: "rollback-and-halt" } });
    rollout.join(0, 2);

    rollout.walk(0, "Pending", "Activating", "Soaking", "Failed");
    const failed = rollout.state;
    rollout.walk(0, "Failed", "Reverted");

    expect([failed, rollout.state]).toEqual(["Failed", "Reverted"]);
  });

  it("under halt leave the rollout Failed", () => {
    const rollout = rolloutOf({ waves: [2], policy: { onHealthFailure: "halt" } });
    rollout.join(0, 2);

    rollout.walk(0, "Pending", "Activating", "Failed", "Reverted");

    expect(rollout.state).toBe("Failed");
  });

  it("that a tolerated host makes up by going back later are no new failure", () => {
    const rollout = rolloutOf({ waves: [4], policy: { maxFailures: 1 } });
    rollout.join(0, 4);

    rollout.walk(0, "Pending", "Activating", "Failed");
    rollout.walk(0, "Failed", "Reverted");

    expect([rollout.state, rollout.context.failure]).toEqual(["Active", null]);
  });

  it("are found after the wave has settled, too", () => {
    const rollout = rolloutOf({ waves: [1, 1] });
    rollout.converge(0);

    rollout.walk(0, "Converged", "Failed");

    expect(rollout.state).toBe("Failed");
  });
});

describe("the hosts that have to converge", () => {
  it("are one at least: a wave whose failures are all borne does not pass a version that never worked", () => {
    const rollout = rolloutOf({ waves: [2, 1], policy: { maxFailures: 2 } });
    rollout.join(0, 2);

    rollout.walk(0, "Pending", "Activating", "Failed");
    const first = rollout.state;
    rollout.walk(0, "Pending", "Activating", "Failed");

    expect([first, rollout.state]).toEqual(["Active", "Failed"]);
  });

  it("are none when the policy says so", () => {
    const rollout = rolloutOf({ waves: [2, 1], policy: { maxFailures: 2, minConverged: 0 } });
    rollout.join(0, 2);

    rollout.walk(0, "Pending", "Activating", "Failed");
    rollout.walk(0, "Pending", "Activating", "Failed");

    expect(rollout.state).toBe("Converging");
  });

  it("may be more than one, and a wave that cannot reach that any more has failed", () => {
    const rollout = rolloutOf({ waves: [4], policy: { maxFailures: 4, minConverged: 3 } });
    rollout.join(0, 4);

    rollout.walk(0, "Pending", "Activating", "Failed");
    const still = rollout.state;
    rollout.walk(0, "Pending", "Activating", "Failed");

    expect([still, rollout.state]).toEqual(["Active", "Failed"]);
  });

  it("are no more than there are hosts that are not excused", () => {
    const rollout = rolloutOf({ waves: [3], policy: { minConverged: 3, excusedMaxPct: 50 } });
    rollout.join(0, 3);
    rollout.walk(0, "Pending", "Excused");

    rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");
    rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");

    expect(rollout.state).toBe("Terminal");
  });

  it("do not include one that waits for a reboot: its wave waits with it, and says so", () => {
    const rollout = rolloutOf({ waves: [1, 1] });
    rollout.join(0);

    rollout.walk(0, "Pending", "Activating", "Deferred");

    expect(rollout.state).toBe("Active");
    expect(rollout.notes()).toEqual([
      "wave 1 of 2: 1 of 1 host settled, 0 of at least 1 converged",
      "1 host waiting for a reboot",
    ]);
  });

  it("may all be gone: then it is said that nobody is left, and who could change that", () => {
    const rollout = rolloutOf({ waves: [2], policy: { maxFailures: 1, excusedMaxPct: 100 } });
    rollout.join(0, 2);
    rollout.walk(0, "Pending", "Activating", "Failed");

    rollout.walk(0, "Pending", "Excused");

    expect(rollout.state).toBe("Active");
    expect(rollout.notes()).toContain(
      "wave 1 of 1: 2 of 2 hosts settled, 1 failed (1 borne), 1 excused, 0 of at least 1 converged, and no host is left that could: an excused one has to be seen again, or somebody has to cancel",
    );
  });
});

describe("excused hosts", () => {
  it("count neither way: a wave settles without them", () => {
    const rollout = rolloutOf({ waves: [20] });
    rollout.join(0, 20);
    rollout.walk(0, "Pending", "Excused");
    rollout.walk(0, "Pending", "Activating", "Excused");

    for (let each = 0; each < 18; each += 1) rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");

    expect(rollout.state).toBe("Terminal");
  });

  it("settle the last wave by being excused, without any other event", () => {
    const rollout = rolloutOf({ waves: [10] });
    rollout.converge(0, 9);
    rollout.join(0);

    rollout.walk(0, "Pending", "Activating", "Excused");

    expect(rollout.state).toBe("Terminal");
  });

  it("stop a wave when they are more than it may lose, and say so", () => {
    const rollout = rolloutOf({ waves: [10] });
    rollout.join(0, 10);

    rollout.walk(0, "Pending", "Excused");
    const one = rollout.control;
    rollout.walk(0, "Pending", "Excused");

    expect([one, rollout.control]).toEqual(["Running", "Paused"]);
    expect(rollout.context.paused).toEqual({
      by: "engine",
      reason: "2 of 10 hosts of wave 1 of 1 are excused, more than 10 % beyond what was accepted",
      at: 0,
    });
    expect(rollout.notes()).toContain(
      "stable@v2 is paused by engine: 2 of 10 hosts of wave 1 of 1 are excused, more than 10 % beyond what was accepted",
    );
  });

  it("let no wave settle that nobody has accepted them for; resuming accepts them, and settles it", () => {
    const rollout = rolloutOf({ waves: [2, 1] });
    rollout.converge(0);
    rollout.join(0);
    rollout.walk(0, "Pending", "Excused");
    const stopped = [rollout.state, rollout.control];

    rollout.send({ type: "rollout.resume" });

    expect(stopped).toEqual(["Active", "Paused"]);
    expect([rollout.state, rollout.control]).toEqual(["Converging", "Running"]);
  });

  it("stop it again only for those that nobody has accepted", () => {
    const rollout = rolloutOf({ waves: [10] });
    rollout.join(0, 10);
    for (let each = 0; each < 2; each += 1) rollout.walk(0, "Pending", "Excused");
    rollout.send({ type: "rollout.resume" });

    const controls = [1, 2].map(() => {
      rollout.walk(0, "Pending", "Excused");
      return rollout.control;
    });

    expect(controls).toEqual(["Running", "Paused"]);
  });

  it("of a later wave stop that wave when it begins, not the one before", () => {
    const rollout = rolloutOf({ waves: [1, 2] });
    rollout.join(0);
    rollout.walk(1, "Pending", "Excused");
    const before = rollout.control;
    rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");

    rollout.advance(0, 1);

    expect([before, rollout.control]).toEqual(["Running", "Paused"]);
  });

  it("that were accepted in one wave are not accepted in the next", () => {
    const rollout = rolloutOf({ waves: [4, 4] });
    rollout.converge(0, 2);
    for (let each = 0; each < 2; each += 1) rollout.walk(0, "Pending", "Excused");
    rollout.send({ type: "rollout.resume" });
    rollout.advance(0, 1);
    const begun = rollout.control;

    rollout.walk(1, "Pending", "Excused");

    expect([begun, rollout.control]).toEqual(["Running", "Paused"]);
  });

  it("of a wave that is over hold nothing any more", () => {
    const rollout = rolloutOf({ waves: [2, 1] });
    rollout.converge(0, 2);
    rollout.advance(0, 1);

    for (let each = 0; each < 2; each += 1) rollout.walk(0, "Converged", "Excused");
    const control = rollout.control;
    rollout.converge(1);

    expect([control, rollout.state]).toEqual(["Running", "Terminal"]);
  });

  it("of the whole last wave do not complete the rollout before somebody accepts that", () => {
    const rollout = rolloutOf({ waves: [1, 1] });
    rollout.converge(0);
    rollout.walk(1, "Pending", "Excused");
    const settled = rollout.state;

    rollout.advance(0, 1);
    const stopped = [rollout.state, rollout.control];
    rollout.send({ type: "rollout.resume" });

    expect(settled).toBe("Converging");
    expect(stopped).toEqual(["Active", "Paused"]);
    expect(rollout.state).toBe("Terminal");
  });

  it("that are seen again after the end are counted as what they are, and the end stays", () => {
    const rollout = rolloutOf({ waves: [10] });
    rollout.converge(0, 9);
    rollout.join(0);
    rollout.walk(0, "Pending", "Excused");

    rollout.walk(0, "Excused", "Pending", "Activating", "Failed");

    expect([rollout.state, rollout.context.terminalAt]).toEqual(["Terminal", 0]);
    expect(rollout.context.waves).toMatchObject([{ Excused: 0, Failed: 1, Converged: 9 }]);
  });
});

describe("what is said from outside of a rollout with numbers", () => {
  it("is accepted only when the counters agree", () => {
    const rollout = rolloutOf({ waves: [2, 1] });
    rollout.converge(0);

    const refused = [
      rollout.send({ type: "rollout.completed" }),
      rollout.advance(0, 0),
      rollout.advance(0, 1),
      rollout.advance(1, 2),
    ];

    expect(refused.map(({ outcome }) => outcome)).toEqual(Array(4).fill("refused"));
    expect(refused.flatMap(codesOf)).toEqual([
      "counters-disagree",
      "counters-disagree",
      "counters-disagree",
      "stale-wave",
    ]);
    expect(reasonsOf(refused[2] as never)[0]?.detail).toBe(
      "The rollout is at wave 1 of 2, which is not settled: 1 of 2 hosts are, and 1 of at least 1 have converged.",
    );
  });

  it("cannot pass over a wave that is not settled, nor go beyond the last", () => {
    const rollout = rolloutOf({ waves: [1, 1, 1] });
    rollout.converge(0);

    const over = rollout.advance(0, 2);
    const beyond = rollout.advance(0, 3);

    expect([codesOf(over), codesOf(beyond)].flat()).toEqual(["counters-disagree", "unknown-wave"]);
  });
});
