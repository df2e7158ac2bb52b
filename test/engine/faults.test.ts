import { describe, expect, it } from "vitest";
import type { Move, Sent } from "../../src/core/outcome.ts";
import type { TransactOptions } from "../../src/engine/transact.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { faultModes, faultyStore, type FaultMode, type FaultyStore } from "../support/faulty-store.ts";
import { quiet } from "../support/gated-store.ts";
import { createWorld, recordingProvider, startsAt, type World } from "../support/world.ts";

type Command = { moves: Move[] } & TransactOptions;
type Act = Command | { passMs: number };

const event = (id: string, type: string, payload: object = {}): Move => ({ id, event: { type, ...payload } });
const creation = (machine: string, id: string, input: object = {}): Move => ({ create: { machine, id, input } });

/** A bit of everything. Each command is sent again under its id until it is answered. */
const script: readonly Act[] = [
  { moves: [creation("counter", "c")] },
  { moves: [creation("caller", "a"), creation("messenger", "m1"), creation("messenger", "m2")] },
  { moves: [creation("parent", "p"), creation("parent", "q"), creation("egg", "e", { softMs: 40 })] },
  { moves: [event("c", "inc", { by: 3 })] },
  { moves: [event("c", "inc"), event("m1", "say", { to: "m2", words: ["one", "two"] })] },
  { moves: [event("e", "start", { ms: 100_000 })] },
  { moves: [event("a", "go")] },
  { passMs: 0 },
  { moves: [event("p", "hire", { child: "kid" })] },
  { moves: [event("c", "dec")], stream: { name: "s", seq: 1 } },
  { moves: [event("m1", "say", { to: "m2", words: ["three"] })] },
  { passMs: 50 },
  { moves: [event("e", "extend", { ms: 100_000 })] },
  { moves: [event("kid", "finish", { result: "grown" })] },
  { moves: [event("c", "inc", { by: -3 }), event("c", "dec")] }, // refused as a whole
  { moves: [event("c", "touch")], stream: { name: "s", seq: 2 } },
  { passMs: 2_000 },
  { moves: [event("q", "hire", { child: "kid2" })] },
  { moves: [event("q", "dismiss")] },
  { passMs: 100 },
];

interface Played {
  world: World;
  store: FaultyStore;
  /** What each command was answered, by its id. */
  answers: Map<string, Sent[]>;
}

const provider = () =>
  recordingProvider({ work: ({ attempt }) => (attempt === 1 ? Promise.reject(new Error("not yet")) : "worked") });

async function play(fault: { at: number; mode: FaultMode }): Promise<Played> {
  const healthy = memoryStore();
  const store = faultyStore(healthy, fault);
  const played: Played = { world: createWorld({ store, providers: [provider()] }), store, answers: new Map() };
  void store.hangs.then(async () => {
    const extra = played.world.engine.send("c", { type: "inc", by: 0 }).catch(() => undefined); // somebody else comes meanwhile
    await quiet();
    store.timeOut();
    await extra;
  });
  for (const [n, act] of script.entries()) {
    if ("passMs" in act) await pass(played.world, act.passMs);
    else await command(played, `k${n}`, act, fault.mode);
  }
  store.heal();
  played.world = played.world.restarted();
  return played;
}

/** Time passes, also when the engine cannot keep up. */
async function pass({ advance, clock }: World, ms: number): Promise<void> {
  const until = clock.now() + ms;
  await advance(ms).catch(() => undefined);
  await clock.advance(until - clock.now());
}

async function command(
  played: Played,
  commandId: string,
  { moves, ...asked }: Command,
  mode: FaultMode,
): Promise<void> {
  for (let tries = 0; tries < 4; tries += 1) {
    try {
      played.answers.set(commandId, await played.world.engine.transact(moves, { ...asked, commandId }));
      return;
    } catch {
      if (mode !== "death") continue;
      played.store.heal(); // the process dies with its connection, and comes back
      played.world = played.world.restarted();
    }
  }
  throw new Error(`${commandId} was never answered`);
}

/** What must be true afterwards, whatever has failed. */
async function check({ world, answers }: Played): Promise<void> {
  const { engine, advance } = world;
  await advance(600_000);
  for (const [n, act] of script.entries()) {
    if ("passMs" in act) continue;
    const { moves, ...asked } = act;
    const again = await engine.transact(moves, { ...asked, commandId: `k${n}` });
    const told = (sents: readonly Sent[] = []) =>
      sents.map(({ outcome, version, reasons }) => ({ outcome, version, reasons }));
    expect(told(again)).toEqual(told(answers.get(`k${n}`)));
    expect(again.every(({ replayed }) => replayed === true)).toBe(true);
  }
  await advance(600_000);

  const contextOf = async (id: string) => (await engine.read(id)).context;
  expect(await contextOf("c")).toMatchObject({ count: 3 });
  expect(await contextOf("m2")).toEqual({ heard: ["one", "two", "three"] });
  expect(await contextOf("a")).toMatchObject({ result: "worked" });
  expect(await contextOf("p")).toMatchObject({ result: { output: "grown" } });
  expect(await engine.read("kid2")).toMatchObject({ state: "Stopped" });
  const { fired } = (await contextOf("e")) as { fired: { what: string; at: number }[] };
  expect(fired.map(({ what }) => what.split(".")[0])).toEqual(["xstate", "deadline"]);
  expect(fired[0]?.at).toBeGreaterThanOrEqual(startsAt + 40);
  expect(fired[1]?.at).toBeGreaterThanOrEqual(startsAt + 100_050);

  const { entries } = await engine.journal({ limit: 500 });
  const ends = entries.filter((entry) => entry.event?.type.startsWith("xstate.done.actor"));
  expect(ends.map(({ instance, outcome }) => [instance, outcome]).toSorted()).toEqual([
    ["a", "changed"],
    ["p", "changed"],
  ]);
  const ofCommands = entries.flatMap((entry) =>
    entry.commandId === null ? [] : [`${entry.commandId} ${entry.instance}`],
  );
  expect(ofCommands.filter((each, index) => ofCommands.indexOf(each) !== index)).toEqual([]); // none twice
  expect((await engine.pending()).items).toEqual([]);
  expect(await engine.verify()).toMatchObject({ checked: 9, differences: [], unverifiable: [] });
}

describe.each(faultModes)("a store that fails once: %s", (mode) => {
  it("loses nothing and does nothing twice, whichever call it is", async () => {
    const { store: healthy } = await play({ at: Infinity, mode });
    expect(healthy.calls).toBeGreaterThan(50);

    for (let at = 1; at <= healthy.calls; at += 1) {
      const played = await play({ at, mode });
      try {
        await check(played);
      } catch (error) {
        throw new Error(`after the fault of call ${at}`, { cause: error });
      }
    }
  });
});
