import { expect, it } from "vitest";
import { createPresence } from "../../src/fleet/presence.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";

function createWorld() {
  const clock = virtualClock(0);
  const absent: string[] = [];
  const presence = createPresence({
    clock,
    absentAfterMs: 90_000,
    onAbsent: (host) => absent.push(`${clock.now()} ${host}`),
  });
  presence.start();
  return { clock, presence, absent };
}

it("misses a watched host 90 s after it asked last, each at its own time, and nobody else", async () => {
  const { clock, presence, absent } = createWorld();
  for (const host of ["a", "b", "c"]) presence.watch(host);
  presence.seen("a");
  presence.seen("unwatched");
  await clock.advance(30_000);
  presence.seen("b");
  await clock.advance(40_000);
  presence.seen("a");

  await clock.advance(200_000);
  await presence.stop();

  expect(absent).toEqual(["90000 c", "120000 b", "160000 a"]);
});

it("misses a host at once that is watched later and has never asked since the first while was over", async () => {
  const { clock, presence, absent } = createWorld();
  await clock.advance(100_000);
  presence.watch("a");
  presence.seen("b");
  presence.watch("b");
  await clock.advance(10_000);
  await presence.stop();

  expect(absent).toEqual(["100000 a"]);
  expect([presence.isAbsent("a"), presence.isAbsent("b"), presence.hasAsked("b")]).toEqual([true, false, true]);
});

it("misses a host again that came back and went away", async () => {
  const { clock, presence, absent } = createWorld();
  presence.watch("a");
  await clock.advance(100_000);
  presence.seen("a");
  await clock.advance(100_000);
  await presence.stop();

  expect(absent).toEqual(["90000 a", "190000 a"]);
});

it("misses nobody whom it does not watch any more, and wakes for nobody", async () => {
  const { clock, presence, absent } = createWorld();
  presence.watch("a");
  presence.unwatch("a");
  await clock.advance(1_000_000);
  await presence.stop();

  expect(absent).toEqual([]);
});
