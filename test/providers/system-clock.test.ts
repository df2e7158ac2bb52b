import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { steadyClock, systemClock } from "../../src/providers/system-clock.ts";

describe("the system clock", () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000 }));
  afterEach(() => void vi.useRealTimers());

  it("wakes when the time has come and not before", async () => {
    const clock = systemClock();
    let wokeAt: number | undefined;
    void clock.wakeAt(1_500, new AbortController().signal).then(() => (wokeAt = clock.now()));

    await vi.advanceTimersByTimeAsync(499);
    expect(wokeAt).toBeUndefined();

    await vi.advanceTimersByTimeAsync(1);
    expect(wokeAt).toBe(1_500);
  });

  it("wakes at once when the time is over", async () => {
    await systemClock().wakeAt(1_000, new AbortController().signal);

    expect(vi.getTimerCount()).toBe(0);
  });

  it("sleeps for longer than a timer can", async () => {
    const clock = systemClock();
    const at = 1_000 + 2 ** 31 + 5_000;
    let wokeAt: number | undefined;
    void clock.wakeAt(at, new AbortController().signal).then(() => (wokeAt = clock.now()));

    await vi.advanceTimersByTimeAsync(2 ** 31 + 4_999);
    expect(wokeAt).toBeUndefined();

    await vi.advanceTimersByTimeAsync(1);
    expect(wokeAt).toBe(at);
  });

  it("sees within a minute that the wall clock was set forward", async () => {
    let isAwake = false;
    void systemClock()
      .wakeAt(10_000_000, new AbortController().signal)
      .then(() => (isAwake = true));

    vi.setSystemTime(20_000_000);
    await vi.advanceTimersByTimeAsync(60_000);

    expect(isAwake).toBe(true);
  });

  it("wakes at once when the wait is aborted, and keeps neither timer nor listener", async () => {
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, "addEventListener");
    const removed = vi.spyOn(controller.signal, "removeEventListener");
    const waiting = systemClock().wakeAt(5_000, controller.signal);

    controller.abort();
    await waiting;
    await systemClock().wakeAt(5_000, controller.signal);

    expect(vi.getTimerCount()).toBe(0);
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  });
});

describe("the steady clock", () => {
  it("goes on by the time that passes, whoever sets the machine's clock meanwhile", async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const clock = steadyClock();
    const begun = clock.now();
    let wokeAt: number | undefined;
    void clock.wakeAt(begun + 500, new AbortController().signal).then(() => (wokeAt = clock.now()));

    vi.setSystemTime(90_000_000);
    await vi.advanceTimersByTimeAsync(499);
    const early = wokeAt;
    vi.setSystemTime(0);
    await vi.advanceTimersByTimeAsync(2);

    expect(begun).toBe(1_000_000);
    expect(early).toBeUndefined();
    expect(wokeAt).toBeGreaterThanOrEqual(begun + 500);
    expect(clock.now() - begun).toBeLessThanOrEqual(502);
  });
});
