import fc from "fast-check";
import { expect } from "vitest";
import { isSignalboxError } from "../../src/core/errors.ts";
import type { Move, Sent } from "../../src/core/outcome.ts";
import type { JournalEntry } from "../../src/engine/reading.ts";
import type { Store } from "../../src/store/store.ts";
import { mortalStore } from "../support/mortal-store.ts";
import { createWorld, recordingProvider, type World } from "../support/world.ts";

const counters = ["c0", "c1"];
const messengers = ["m0", "m1"];

const request = fc.oneof(
  fc.record({ id: fc.constantFrom(...counters), type: fc.constantFrom("inc", "dec", "dec", "touch", "ring", "boom") }),
  fc.record({ id: fc.constant("a"), type: fc.constantFrom("go", "again", "cancel", "spoil", "once") }),
  fc.record({ id: fc.constant("e"), type: fc.constantFrom("start", "extend"), ms: fc.constantFrom(5, 50, 500) }),
  fc.record({ id: fc.constant("e"), type: fc.constant("stop") }),
  fc.record({ id: fc.constant("p"), type: fc.constantFrom("hire", "dismiss") }),
  fc.record({ id: fc.constantFrom(...messengers), type: fc.constant("say"), to: fc.constantFrom(...messengers) }),
  fc.record({ id: fc.constantFrom(...messengers), type: fc.constantFrom("hush", "listen") }),
);
const moves = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(request) },
  { weight: 1, arbitrary: fc.array(request, { minLength: 2, maxLength: 4 }) },
);
const act = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      all: fc.array(moves, { minLength: 1, maxLength: 8, size: "max" }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(0, 5, 60, 1_000, 40_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("again" as const), place: fc.nat({ max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("crash" as const),
      during: fc.array(moves, { maxLength: 5 }),
      turns: fc.nat({ max: 4 }),
    }),
  },
);

/** Random things that people do to a few instances, some of them at the same time, with crashes in between. */
export const programs = fc.array(act, { minLength: 3, maxLength: 12, size: "max" });

export type Program = typeof programs extends fc.Arbitrary<infer Value> ? Value : never;
type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

/** One transaction as its sender saw it; `begun` and `ended` are places on one line of time. */
interface Asked {
  commandId: string;
  moves: Move[];
  begun: number;
  ended: number;
  sents?: Sent[];
}

export interface Played {
  world: World;
  asked: readonly Asked[];
}

export async function play(program: Program, store: Store): Promise<Played> {
  const asked: Asked[] = [];
  const providers = [recordingProvider({ work: ({ attempt }) => work(attempt), once: () => "tried" })];
  let mortal = mortalStore(store);
  let world = createWorld({ store: mortal, providers });
  let moment = 0;
  let words = 0;

  const event = ({ id, ...given }: Request): Move => {
    const extra =
      "to" in given
        ? { words: [`${id}>${given.to} ${words++}`] }
        : given.type === "hire"
          ? { child: `kid${words++}` }
          : {};
    return { id, event: { ...given, ...extra } };
  };

  /** The retry of a client that is not sure whether it was heard. */
  async function askAgain({ commandId, moves, sents }: Asked): Promise<void> {
    try {
      const again = await world.engine.transact(moves, { commandId });
      const told = (all: readonly Sent[] = []) =>
        all.map(({ outcome, version, reasons }) => ({ outcome, version, reasons }));
      if (sents !== undefined) expect(told(again)).toEqual(told(sents));
    } catch (error) {
      if (!isSignalboxError(error, "machine-fault")) throw error;
    }
  }

  async function ask(requests: readonly Request[]): Promise<void> {
    const commandId = `k${asked.length}`;
    const each: Asked = { commandId, moves: requests.map(event), begun: moment++, ended: Infinity };
    asked.push(each);
    try {
      each.sents = await world.engine.transact(each.moves, { commandId });
    } catch (error) {
      if (!isSignalboxError(error, "machine-fault")) throw error; // that one is part of the game: nothing has happened
    }
    each.ended = moment++;
  }

  await world.engine.transact([
    ...counters.map((id) => ({ create: { machine: "counter", id, input: { count: 2 } } })),
    ...messengers.map((id) => ({ create: { machine: "messenger", id, input: {} } })),
    { create: { machine: "caller", id: "a", input: {} } },
    { create: { machine: "egg", id: "e", input: { softMs: 30 } } },
    { create: { machine: "parent", id: "p", input: {} } },
  ]);
  for (const each of program) {
    switch (each.do) {
      case "send":
        await Promise.all(each.all.map(ask));
        break;
      case "again": {
        const earlier = asked[each.place % Math.max(1, asked.length)];
        if (earlier !== undefined) await askAgain(earlier);
        break;
      }
      case "pass":
        await world.advance(each.ms);
        break;
      case "crash": {
        const lost = each.during.map(ask);
        for (let turn = 0; turn < each.turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        mortal.kill();
        void Promise.allSettled(lost); // their senders never hear of them
        mortal = mortalStore(store);
        world = world.restarted({ store: mortal });
        await mortal.takeBack("the engine that starts");
        break;
      }
      default:
        each satisfies never;
    }
  }
  return { world, asked };
}

function work(attempt: number): Promise<string> {
  return attempt === 1 ? Promise.reject(new Error("not yet")) : Promise.resolve("worked");
}

/** What must be true of every program, on every store. Each check says its name when it fails. */
export const checks: Readonly<
  Record<string, (played: Played, entries: readonly JournalEntry[]) => Promise<void> | void>
> = {
  "what was acknowledged is in the journal, once, with the outcome and version that were told": (
    { asked },
    entries,
  ) => {
    for (const { commandId, moves, sents } of asked) {
      const written = entries.filter((entry) => entry.commandId === commandId && entry.principal === "local");
      const isWhole = written.length === moves.length || (written.length === 1 && written[0]?.outcome === "refused");
      expect(isWhole || (written.length === 0 && sents === undefined)).toBe(true);
      if (sents === undefined) continue;
      expect(written.map(({ outcome, version }) => [outcome, version])).toEqual(
        sents.map(({ outcome, version }) => [outcome, version]),
      );
    }
  },

  "the journal leads to the stored snapshots": async ({ world }) => {
    expect(await world.engine.verify()).toMatchObject({ differences: [], unverifiable: [] });
  },

  "versions are dense": (_played, entries) => {
    for (const own of Map.groupBy(entries, ({ instance }) => instance).values()) {
      const versions = own.filter(({ outcome }) => outcome === "changed").map(({ version }) => version);
      expect(versions).toEqual(versions.map((_, index) => index + 1));
    }
  },

  "an answer that was given before another was asked for comes before it in the journal": ({ asked }, entries) => {
    const placeOf = new Map(entries.map(({ commandId, instance, seq }) => [`${commandId} ${instance}`, seq]));
    const acknowledged = asked.filter(({ sents }) => sents !== undefined);
    for (const one of acknowledged) {
      for (const other of acknowledged) {
        if (one.ended > other.begun) continue;
        for (const instance of [...counters, ...messengers, "a", "e", "p"]) {
          const [first, second] = [one, other].map(({ commandId }) => placeOf.get(`${commandId} ${instance}`));
          if (first !== undefined && second !== undefined) expect(first).toBeLessThan(second);
        }
      }
    }
  },

  "every message has arrived once, in order for its pair": (_played, entries) => {
    const said = entries
      .filter(({ event, outcome }) => event?.type === "say" && outcome === "changed")
      .flatMap(({ event }) => event?.["words"] as string[]);
    const heard = entries.filter(({ event }) => event?.type === "hear").map(({ event }) => event?.["word"] as string);
    const ofPair = (words: readonly string[], pair: string) => words.filter((word) => word.startsWith(`${pair} `));
    for (const from of messengers)
      for (const to of messengers) expect(ofPair(heard, `${from}>${to}`)).toEqual(ofPair(said, `${from}>${to}`));
  },

  "no timer fires early, and none twice": (_played, entries) => {
    let armedAt = 0;
    let ms = 0;
    for (const { instance, event, outcome, at, via } of entries) {
      if (instance !== "e" || outcome !== "changed" || event === null) continue;
      expect(via).toEqual([]);
      if (event.type === "start" || event.type === "extend") [armedAt, ms] = [at, event["ms"] as number];
      if (event.type === "deadline.passed") expect(at).toBeGreaterThanOrEqual(armedAt + ms);
    }
    expect(
      entries.filter(
        ({ instance, event, outcome }) =>
          instance === "e" && event?.type === "deadline.passed" && outcome === "refused",
      ),
    ).toEqual([]);
  },

  "nothing is left to be done, but what waits for somebody": async ({ world }) => {
    const { items } = await world.engine.pending({ limit: 500 });
    const waiting = items.filter(({ activity, state }) => !(activity === "instance" && state === "manual"));
    expect(waiting).toEqual([]);
  },
};

/** Plays to the end, and throws with the name of the first check that fails. */
export async function verdictOn(program: Program, store: Store): Promise<void> {
  const played = await play(program, store);
  await played.world.advance(3_600_000);
  const entries: JournalEntry[] = [];
  for (let after = 0; ; ) {
    const page = await played.world.engine.journal({ after, limit: 500 });
    entries.push(...page.entries);
    if (page.entries.length === 0) break;
    after = page.nextAfter;
  }
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(played, entries);
    } catch (error) {
      throw new Error(name, { cause: error });
    }
  }
}
