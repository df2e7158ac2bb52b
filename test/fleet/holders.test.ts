import { describe, expect, it } from "vitest";
import { createFleetWorld, type FleetWorld } from "./fleet-world.ts";

const seconds = 1_000;

async function createSite() {
  const world = await createFleetWorld({ hosts: [] });
  return { world, ask: (agent: string) => ask(world, agent) };
}

/** As the agent of web-1 asks: "taken", or why not. */
function ask(world: FleetWorld, agent: string): string {
  try {
    world.control.admit("web-1", agent);
  } catch (error) {
    return (error as Error).message;
  }
  world.control.seen("web-1", agent);
  return "taken";
}

const stranger = "host-taken: Another agent speaks for web-1. If this is another machine";
const copy = "host-taken: Another agent speaks for web-1, with a copy of this one's directory.";

describe("of two agents with the name of one host", () => {
  it("the second one is refused as long as the first is heard, and takes its place when that is gone", async () => {
    const { world, ask } = await createSite();
    const first = ask("old.1");
    await world.advance(80 * seconds);
    const early = ask("new.1");
    const again = ask("old.1");
    await world.advance(80 * seconds);
    const stillEarly = ask("new.1");
    await world.advance(20 * seconds);

    expect([first, again]).toEqual(["taken", "taken"]);
    expect([early, stillEarly]).toEqual([expect.stringContaining(stranger), expect.stringContaining(stranger)]);
    expect([ask("new.1"), ask("old.1")]).toEqual(["taken", expect.stringContaining(stranger)]);
  });

  it("the one that was started again is taken at once, and the other, if it runs beside it, is a copy", async () => {
    const { world, ask } = await createSite();

    const starts = [ask("old.1"), ask("old.2"), ask("old.3")];
    const others = [ask("old.1"), ask("old.2")];
    await world.advance(100 * seconds);

    expect(starts).toEqual(["taken", "taken", "taken"]);
    expect(others).toEqual([expect.stringContaining(copy), expect.stringContaining(copy)]);
    expect([ask("old.1"), ask("old.4"), ask("old.1")]).toEqual(["taken", "taken", expect.stringContaining(copy)]);
  });

  it("one that ends at each start, however often, is not taken for a copy because of a request of an early start", async () => {
    const { world, ask } = await createSite();
    const starts = Array.from({ length: 300 }, (_, n) => `old.${n}`);
    for (const start of starts) ask(start);

    expect([ask("old.0"), ask("old.299")]).toEqual([expect.stringContaining(copy), "taken"]);
    expect(world.control.contested()).toEqual([]);
  });

  it("a late request of an earlier start is refused by a control plane that has been restarted, and does not count as a second agent", async () => {
    const { world, ask } = await createSite();
    ask("old.1r5e");
    ask("old.2r9b");
    await world.restart();

    const holder = ask("old.2r9b");
    const late = ask("old.1r5e");
    const contested = world.control.contested();

    expect([holder, late, ask("old.2r9b")]).toEqual(["taken", expect.stringContaining(copy), "taken"]);
    expect(contested).toEqual([]);
  });

  it("an earlier start that goes on asking is a copy, and so is another one of the same count", async () => {
    const { world, ask } = await createSite();
    ask("old.9r5e");
    ask("old.10r9b");

    const twice = [ask("old.9r5e"), ask("old.9r5e")];
    const earlier = world.control.contested();
    await world.advance(100 * seconds);
    ask("old.10r9b");
    const same = ask("old.10r00");

    expect([...twice, same]).toEqual([1, 2, 3].map(() => expect.stringContaining(copy)));
    expect(earlier).toMatchObject([{ host: "web-1", why: expect.stringContaining("copy") }]);
    expect(world.control.contested()).toMatchObject([{ since: world.now() }]);
    expect(ask("old.10r9b")).toBe("taken");
  });

  it("one that was admitted, and whose request was then refused, has not taken the place", async () => {
    const { world, ask } = await createSite();
    ask("old.1");

    world.control.admit("web-1", "old.2");

    expect([ask("old.1"), ask("old.2")]).toEqual(["taken", "taken"]);
  });

  it("one that is heard late, after a later start was, does not take the place back", async () => {
    const { world, ask } = await createSite();
    ask("old.1");
    world.control.admit("web-1", "old.1");
    ask("old.2");

    world.control.seen("web-1", "old.1");

    expect([ask("old.2"), ask("old.1")]).toEqual(["taken", expect.stringContaining(copy)]);
  });

  it("it is said that there are two, for as long as the second one asks", async () => {
    const { world, ask } = await createSite();
    ask("old.1");
    const before = world.control.contested();
    const since = world.now();
    ask("new.1");
    await world.advance(60 * seconds);
    ask("old.1");
    ask("new.1");
    const during = world.control.contested();
    await world.advance(100 * seconds);

    expect(before).toEqual([]);
    expect(during).toEqual([{ host: "web-1", since, why: expect.stringContaining("Another agent speaks for web-1") }]);
    expect(world.control.contested()).toEqual([]);
  });
});
