import { describe, expect, it } from "vitest";
import { host as hostMachine } from "../../machines/host/host.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { createLocalHosts, type LocalHosts } from "../../src/agent/local-hosts.ts";
import { endedMax } from "../../src/agent/past.ts";
import { knownGood } from "../../src/agent/recover.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { element } from "../store/rows.ts";
import { createWorld } from "../support/world.ts";

const host = "web-1";
const channel = "stable";
const number = (count: number) => Array.from({ length: count }, (_, index) => index + 2);

describe("what an agent asks of rollouts that have let its host go", () => {
  it("is the newest of them and what it could go back to, however many there were", async () => {
    const { engine, clock } = createWorld({ machines: [hostMachine] });
    const hosts = createLocalHosts(engine);
    await passThrough(engine, "v1", "converges");
    await clock.advance(1_000);
    for (const each of number(endedMax * 2)) await passThrough(engine, `v${each}`, "fails");

    const all = await hosts.all();

    expect(all).toHaveLength(endedMax + 1);
    expect(knownGood(all, { channel, target: "v99" }, [])).toBe("v1");
    expect(all.every(({ isFinal }) => isFinal)).toBe(true);
  });

  it("has what has ended just now", async () => {
    const { engine } = createWorld({ machines: [hostMachine] });
    const hosts = createLocalHosts(engine);
    await begin(engine, "v1");
    await hosts.active();
    await end(engine, "v1", "converges");

    const all = await hosts.all();

    expect(all.map(({ rolloutId, state }) => [rolloutId, state])).toEqual([["stable@v1", "Released"]]);
  });

  it("has what was made and has ended since it was asked last", async () => {
    const { engine } = createWorld({ machines: [hostMachine] });
    const hosts = createLocalHosts(engine);
    const before = await hosts.all();

    await passThrough(engine, "v1", "converges", hosts);

    expect(before).toEqual([]);
    expect(knownGood(await hosts.all(), { channel, target: "v2" }, [])).toBe("v1");
  });

  it("has what ends while all are read for the first time", async () => {
    const { engine } = createWorld({ machines: [hostMachine] });
    await begin(engine, "v1");
    let isEnded = false;
    const hosts = createLocalHosts({
      ...engine,
      async list(query) {
        const page = await engine.list(query);
        if (!isEnded) await end(engine, "v1", "converges");
        isEnded = true;
        return page;
      },
    });

    expect((await hosts.all()).map(({ state }) => state)).toEqual(["Released"]);
    expect(knownGood(await hosts.all(), { channel, target: "v2" }, [])).toBe("v1");
  });

  it("does not cost more with every rollout: what has ended is read once", async () => {
    const { engine } = createWorld({ machines: [hostMachine] });
    for (const each of number(endedMax * 2)) await passThrough(engine, `v${each}`, "converges");
    const listed: unknown[] = [];
    const watched: Engine = {
      ...engine,
      async list(query) {
        const page = await engine.list(query);
        listed.push(...page.items);
        return page;
      },
    };
    const hosts = createLocalHosts(watched);
    await hosts.all();
    const atFirst = listed.length;

    await hosts.all();

    expect(atFirst).toBe(endedMax * 2);
    expect(listed).toHaveLength(atFirst);
  });
});

describe("rollouts that an agent forgets in the end", () => {
  it("are those that it asks for no more: not what lives, not the newest, not what it could go back to", async () => {
    const { engine, clock, settle, hosts } = createForgetfulWorld();
    await passThrough(engine, "v1", "converges");
    await clock.advance(1_000);
    for (const each of number(endedMax * 2)) await passThrough(engine, `v${each}`, "fails");
    await begin(engine, "v99");
    const before = await hosts.all();

    await clock.advance(dayMs + sweepMs);
    await settle();

    const left = (await engine.list({ machine: "host", limit: 500 })).items.map(({ id }) => id);
    expect(left).toHaveLength(endedMax + 2);
    expect(left.toSorted()).toEqual(before.map(({ id }) => id).toSorted());
    expect(await hosts.all()).toEqual(before);
    expect(await engine.audit.verify()).toMatchObject({ faults: [], isComplete: true });
  });

  it("are none before it knows what it asks for", async () => {
    const { engine, clock, settle } = createForgetfulWorld();
    for (const each of number(endedMax * 2)) await passThrough(engine, `v${each}`, "fails");

    await clock.advance(dayMs + sweepMs);
    await settle();

    expect((await engine.list({ machine: "host", limit: 500 })).items).toHaveLength(endedMax * 2);
  });

  it("leave nothing to the one that begins anew under their name", async () => {
    const { engine, hosts, clock, settle } = createForgetfulWorld();
    await passThrough(engine, "v0", "fails");
    const old = await hosts.find("stable@v0");
    await clock.advance(1_000);
    for (const each of number(endedMax + 1)) await passThrough(engine, `w${each}`, "fails");
    const isLeftBehind = old !== undefined && (await hosts.leaveBehind(old));
    await hosts.all();
    await clock.advance(dayMs + sweepMs);
    await settle();

    const id = await hosts.nameFor("stable@v0", host);
    await begin(engine, "v0", id);

    expect([isLeftBehind, id]).toEqual([true, "stable@v0/web-1"]);
    expect(await hosts.find("stable@v0")).toMatchObject({ id, state: "Activating" });
  });

  it("leave the names of later runs of theirs as they are", async () => {
    const { engine, store } = createForgetfulWorld();
    const hosts = createLocalHosts(engine);
    const first = await hosts.nameFor("stable@v1", host);
    await begin(engine, "v1", first);
    const second = await hosts.nameFor("stable@v1", host);
    await begin(engine, "v1", second);
    const { version } = await engine.read(first);
    await store.commit([element({ expects: [{ id: first, version }], forget: first })]);

    expect([first, second, await hosts.nameFor("stable@v1", host)]).toEqual([
      "stable@v1/web-1",
      "stable@v1/web-1~2",
      "stable@v1/web-1~3",
    ]);
  });
});

const dayMs = 86_400_000;
const sweepMs = 600_000;

function createForgetfulWorld() {
  const made: { hosts?: LocalHosts } = {};
  const mayForget = (id: string) => made.hosts?.mayForget(id) ?? false;
  const makeEngine: typeof createEngine = (options) => createEngine({ ...options, mayForget });
  const world = createWorld({ machines: [hostMachine], limits: { endedRetentionMs: dayMs }, makeEngine });
  const hosts = createLocalHosts(world.engine);
  return { ...world, hosts: (made.hosts = hosts) };
}

/** A rollout begins on the host, ends as it may, and lets it go. */
async function passThrough(engine: Engine, ref: string, how: "converges" | "fails", hosts?: LocalHosts): Promise<void> {
  await begin(engine, ref);
  hosts?.made(hostIdOf(`${channel}@${ref}`, host));
  await end(engine, ref, how);
}

async function begin(engine: Engine, ref: string, id = hostIdOf(`${channel}@${ref}`, host)): Promise<void> {
  const rolloutId = `${channel}@${ref}`;
  const labels = { rollout: rolloutId, host, channel };
  await told(engine, [
    { create: { machine: "host", id, input: { rolloutId, host, channel, target: ref, wave: 0 }, labels } },
    { id, event: { type: "dispatch.acknowledged", observedPrior: null, rollbackTo: null } },
    { id, event: { type: "activation.started" } },
  ]);
}

async function end(engine: Engine, ref: string, how: "converges" | "fails"): Promise<void> {
  const id = hostIdOf(`${channel}@${ref}`, host);
  const converges = [
    { id, event: { type: "activation.completed", observedVersion: ref } },
    { id, event: { type: "host.converged", version: ref } },
  ];
  const fails = [{ id, event: { type: "activation.failed", exitCode: 1, stderrTail: "no space" } }];
  await told(engine, [
    ...(how === "converges" ? converges : fails),
    { id, event: { type: "host.released", by: "stable@v100" }, sender: "engine" },
  ]);
}

async function told(engine: Engine, moves: Parameters<Engine["transactAsEngine"]>[0]): Promise<void> {
  const sents = await engine.transactAsEngine(moves, { principal: "agent" });
  expect(sents.filter(({ outcome }) => outcome === "refused")).toEqual([]);
}
