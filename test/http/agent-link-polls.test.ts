import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { createPolls, defaultPollLimits, type Poll, type PollLimits } from "../../src/operations/agent-polls.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { startsAt } from "../support/world.ts";

/** Polls in the hand of the test, with something to tell for each host when it says so. */
function waitingRoom({ limits = {}, own }: { limits?: Partial<PollLimits>; own?: Clock } = {}) {
  const clock = virtualClock(startsAt);
  const stopping = new AbortController();
  const polls = createPolls({
    limits: { ...defaultPollLimits, ...limits },
    clock: own ?? clock,
    stopping: stopping.signal,
  });
  const told = new Map<string, string>();
  const wakes = new Map<string, Set<() => void>>();

  function changed(host: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const ofHost = wakes.get(host) ?? new Set();
      wakes.set(host, ofHost);
      const wake = () => {
        ofHost.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      ofHost.add(wake);
      if (signal.aborted) wake();
      else signal.addEventListener("abort", wake);
    });
  }

  function poll(host: string, more: Partial<Poll<string>> = {}): Promise<string | undefined> {
    return polls.wait({
      host,
      waitMs: 60_000,
      look: async () => told.get(host),
      changed: (signal) => changed(host, signal),
      ...more,
    });
  }

  return {
    polls,
    poll,
    stopping,
    clock,
    wake(host: string) {
      for (const wake of wakes.get(host) ?? []) wake();
    },
    tell(host: string, what: string) {
      told.set(host, what);
      for (const wake of wakes.get(host) ?? []) wake();
    },
    forget: (host: string) => void told.delete(host),
    listening: () => [...wakes.values()].reduce((sum, each) => sum + each.size, 0),
  };
}

describe("who waits for something to do", () => {
  it("is told at once what there is, and does not wait", async () => {
    const room = waitingRoom();
    room.tell("web-1", "work");

    expect(await room.poll("web-1")).toBe("work");
    expect(room.polls.waiting()).toBe(0);
  });

  it("is told as soon as there is something, and is not answered by what is nothing", async () => {
    const room = waitingRoom();
    const answer = room.poll("web-1");
    await room.clock.advance(30_000);
    room.wake("web-1");
    await room.clock.advance(1);
    expect(room.polls.waiting()).toBe(1);

    room.tell("web-1", "work");

    expect(await answer).toBe("work");
    expect(room.polls.waiting()).toBe(0);
  });

  it("misses nothing that comes up between a look and the wait", async () => {
    const room = waitingRoom();
    let looks = 0;
    const answer = room.poll("web-1", {
      async look() {
        looks += 1;
        if (looks === 2) room.wake("web-1"); // it looks already, and listens
        return looks > 2 ? "work" : undefined;
      },
    });

    expect(await answer).toBe("work");
    expect(looks).toBe(3);
  });

  it("gets nothing when the time is over, which is no longer than the limit", async () => {
    const room = waitingRoom({ limits: { waitMaxMs: 5_000 } });
    const answer = room.poll("web-1", { waitMs: 60_000 });

    await room.clock.advance(4_999);
    expect(room.polls.waiting()).toBe(1);
    await room.clock.advance(1);

    expect(await answer).toBeUndefined();
    expect(await room.poll("web-1", { waitMs: 0 })).toBeUndefined();
    expect([room.polls.waiting(), room.listening()]).toEqual([0, 0]);
  });

  it("makes room for the same host: the one before gets nothing", async () => {
    const room = waitingRoom();
    const first = room.poll("web-1");
    const other = room.poll("web-2");
    await room.clock.advance(1);

    const second = room.poll("web-1");

    expect(await first).toBeUndefined();
    await room.clock.advance(1);
    expect(room.polls.waiting()).toBe(2);
    for (const host of ["web-1", "web-2"]) room.tell(host, host);
    expect(await Promise.all([second, other])).toEqual(["web-1", "web-2"]);
  });

  it("is not kept when nobody is there any more", async () => {
    const room = waitingRoom();
    const gone = new AbortController();
    const answer = room.poll("web-1", { gone: gone.signal });
    await room.clock.advance(1);

    gone.abort();

    expect(await answer).toBeUndefined();
    expect(await room.poll("web-1", { gone: gone.signal })).toBeUndefined();
    expect([room.polls.waiting(), room.listening()]).toEqual([0, 0]);
  });

  it("is refused when too many wait, but for a host that waits already and for who finds something", async () => {
    const room = waitingRoom({ limits: { waitingMax: 2 } });
    const waiting = [room.poll("a"), room.poll("b")];
    await room.clock.advance(1);
    room.tell("d", "work");

    await expect(room.poll("c")).rejects.toMatchObject({
      code: "too-many-requests",
      details: { extra: { retryAfterMs: 5_000 } },
    });
    const again = room.poll("a");
    expect(await waiting[0]).toBeUndefined();
    expect(await room.poll("d")).toBe("work");
    expect(await room.poll("c", { waitMs: 0 })).toBeUndefined();
    for (const host of ["a", "b"]) room.tell(host, host);
    expect(await Promise.all([again, waiting[1]])).toEqual(["a", "b"]);
  });

  it("is let go at once when the server stops", async () => {
    const room = waitingRoom();
    const answers = ["a", "b", "c"].map((host) => room.poll(host));
    await room.clock.advance(1);

    room.stopping.abort();

    for (const each of answers) await expect(each).rejects.toMatchObject({ code: "shutting-down" });
    await expect(room.poll("d")).rejects.toMatchObject({ code: "shutting-down" });
    expect([room.polls.waiting(), room.listening()]).toEqual([0, 0]);
  });

  it("is freed when looking fails", async () => {
    const room = waitingRoom();
    let looks = 0;
    const answer = room.poll("a", {
      async look() {
        looks += 1;
        if (looks === 2) throw new Error("the store is gone");
        return undefined;
      },
    });

    await expect(answer).rejects.toThrow("the store is gone");
    expect([room.polls.waiting(), room.listening()]).toEqual([0, 0]);
  });

  it("leaves neither a timer nor a listener behind, 10,000 times", async () => {
    const system = countedClock();
    const room = waitingRoom({ limits: { waitingMax: 10_000 }, own: system.clock });
    const gone = new AbortController();
    const hosts = Array.from({ length: 1_000 }, (_, index) => `web-${index}`);
    let answered = 0;

    for (let round = 0; round < 5; round += 1) {
      const first = hosts.map((host) => room.poll(host, { gone: gone.signal }));
      await turn();
      const second = hosts.map((host) => room.poll(host, { gone: gone.signal })); // the first ones are answered by it
      await turn();
      expect([room.polls.waiting(), system.open()]).toEqual([hosts.length, hosts.length]);
      for (const host of hosts) room.tell(host, `${round}`);
      answered += (await Promise.all([...first, ...second])).length;
      for (const host of hosts) room.forget(host);
    }

    expect(answered).toBe(10_000);
    expect([room.polls.waiting(), room.listening(), system.open()]).toEqual([0, 0, 0]);
    expect(getEventListeners(gone.signal, "abort")).toEqual([]);
    expect(getEventListeners(room.stopping.signal, "abort")).toHaveLength(1);
  });
});

/** The real clock, and how many wait on it: each of them is a timer. */
function countedClock(): { clock: Clock; open(): number } {
  const { now, wakeAt } = systemClock();
  let open = 0;
  return {
    open: () => open,
    clock: {
      now,
      async wakeAt(at, signal) {
        open += 1;
        await wakeAt(at, signal);
        open -= 1;
      },
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
