import { describe, expect, it } from "vitest";
import { createAgenda } from "../../src/simulation/agenda.ts";
import { simulatedClock } from "../../src/simulation/simulated-clock.ts";

describe("an agenda", () => {
  it("gives what is due in the order of time, then of planning", () => {
    const agenda = createAgenda<string>();
    agenda.plan(20, "late");
    agenda.plan(10, "early");
    agenda.plan(10, "early too");

    expect(agenda.nextAt()).toBe(10);
    expect(agenda.takeDue(15)).toEqual(["early", "early too"]);
    expect(agenda.takeDue(15)).toEqual([]);
    expect(agenda.takeDue(20)).toEqual(["late"]);
    expect(agenda.nextAt()).toBe(Infinity);
  });
});

describe("a simulated clock", () => {
  it("wakes whose time has come in the order of their times, and nobody else", async () => {
    const clock = simulatedClock(100);
    const { signal } = new AbortController();
    const woken: string[] = [];
    void clock.wakeAt(300, signal).then(() => woken.push("third"));
    void clock.wakeAt(200, signal).then(() => woken.push("first"));
    void clock.wakeAt(200, signal).then(() => woken.push("second"));
    void clock.wakeAt(301, signal).then(() => woken.push("never"));

    expect(clock.nextWakeAt()).toBe(200);
    clock.moveTo(300);
    await Promise.resolve();

    expect(woken).toEqual(["first", "second", "third"]);
    expect([clock.now(), clock.nextWakeAt()]).toEqual([300, 301]);
  });

  it("lets go of a sleeper that is called off, and never goes back", async () => {
    const clock = simulatedClock(100);
    const calledOff = new AbortController();
    const sleep = clock.wakeAt(200, calledOff.signal);

    calledOff.abort();
    await sleep;
    clock.moveTo(50);

    expect([clock.now(), clock.nextWakeAt()]).toEqual([100, Infinity]);
    await clock.wakeAt(100, new AbortController().signal);
  });
});
