import { describe, expect, it } from "vitest";
import { virtualClock } from "../../src/providers/virtual-clock.ts";

const { signal } = new AbortController();

describe("the virtual clock", () => {
  it("stands still until it is moved", async () => {
    const clock = virtualClock(1_000);

    expect(clock.now()).toBe(1_000);
    await clock.advance(250);
    expect(clock.now()).toBe(1_250);
  });

  it("wakes what is due in the order of its time, then of asking, each at its own time", async () => {
    const clock = virtualClock(0);
    const woken: string[] = [];
    const sleep = (name: string, at: number) =>
      void clock.wakeAt(at, signal).then(() => woken.push(`${name} at ${clock.now()}`));
    sleep("late", 300);
    sleep("first of two", 200);
    sleep("second of two", 200);
    sleep("early", 100);
    sleep("not due", 301);

    await clock.advance(300);

    expect(woken).toEqual(["early at 100", "first of two at 200", "second of two at 200", "late at 300"]);
  });

  it("wakes those that begin to wait within the window, at their time", async () => {
    const clock = virtualClock(0);
    const woken: number[] = [];
    async function tick() {
      while (clock.now() < 500) {
        await clock.wakeAt(clock.now() + 100, signal);
        await new Promise((resolve) => setImmediate(resolve));
        woken.push(clock.now());
      }
    }

    const ticking = tick();
    await clock.advance(1_000);
    await ticking;

    expect(woken).toEqual([100, 200, 300, 400, 500]);
    expect(clock.now()).toBe(1_000);
  });

  it("wakes at once when the time is over or the wait is aborted", async () => {
    const clock = virtualClock(1_000);
    const controller = new AbortController();
    const waiting = clock.wakeAt(2_000, controller.signal);

    await clock.wakeAt(1_000, signal);
    controller.abort();
    await waiting;
    await clock.wakeAt(2_000, controller.signal);

    expect(clock.now()).toBe(1_000);
  });

  it("moves by one step after the other when it is asked twice at once", async () => {
    const clock = virtualClock(0);
    const woken: number[] = [];
    void clock.wakeAt(150, signal).then(() => woken.push(clock.now()));

    await Promise.all([clock.advance(100), clock.advance(100)]);

    expect(woken).toEqual([150]);
    expect(clock.now()).toBe(200);
  });
});
