import { Agent } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import type { JournalEntry } from "../../src/engine/reading.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { start, startServer, temporaryDirectory, type Server } from "../cli/processes.ts";
import { createTarget, post, runClient, type Command } from "./client.ts";

const kills = Number(process.env["SIGNALBOX_KILLS"] ?? 50);
const nodes = Array.from({ length: 12 }, (_, index) => `n${index}`);
const group = "maintenance-group/racks";
const clock = systemClock();
const directory = temporaryDirectory();
let server: Server | undefined;

afterEach(async () => {
  await server?.end();
  directory.remove();
});

describe("a server that is killed again and again under load", () => {
  it(
    `has every acknowledged command exactly once after ${kills} kills`,
    async () => {
      const target = createTarget();
      const stop = new AbortController();
      const commands: Command[] = [];
      const agent = new Agent({ keepAlive: false });
      const first = await startAgain();
      await post(agent, new URL("/v1/instances", first.url), {
        machine: "maintenanceGroup",
        id: group,
        input: { name: "racks", members: nodes.length },
      });
      for (const node of nodes) {
        const create = { machine: "nodeMaintenance", id: `node/${node}`, input: { node, groups: ["racks"] } };
        await post(agent, new URL("/v1/instances", first.url), create);
      }
      target.isUp(first.url);

      const clients = nodes.map((node) => runClient({ node, target, commands, signal: stop.signal }));
      for (let kill = 0; kill < kills; kill += 1) {
        await wait(20 + ((kill * 37) % 260));
        target.isDown();
        await server?.end();
        if (kill % 5 === 4) await killDuringRecovery(30 + ((kill * 53) % 330));
        const served = await startAgain();
        if (kill % 10 === 9) expect(await verified(agent, served)).toEqual({ differences: [], unverifiable: [] });
        target.isUp(served.url);
      }
      stop.abort();
      const windows = await Promise.all(clients);
      await settled(agent, await target.url());
      await server?.end();

      const engine = createEngine({ machines, store: sqliteStore(`${directory.path}/signalbox.db`) });
      const journal = await allEntries(engine);
      console.log(`${kills} kills, ${commands.length} commands acknowledged, ${journal.length} journal rows`);
      expect((await engine.verify()).differences).toEqual([]);
      expect((await engine.audit.verify()).faults).toEqual([]);
      expectCommandsOnce(commands, journal);
      expectTimersOnce(windows, journal);
      expectMessagesOnce(windows, journal);
      expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index + 1));
    },
    60_000 + kills * 5_000,
  );
});

async function startAgain(): Promise<Server> {
  server = await startServer(directory.path);
  return server;
}

async function killDuringRecovery(afterMs: number): Promise<void> {
  const recovering = start(["serve", "--data", directory.path, "--port", "0"]);
  await wait(afterMs);
  recovering.signal("SIGKILL");
  await recovering.ended;
}

async function verified(agent: Agent, { url }: Server): Promise<unknown> {
  const { body } = await post(agent, new URL("/v1/verify", url), {});
  const { checked: _checked, ...found } = body as Record<string, unknown>;
  return found;
}

/** The last messages are on their way when the clients are done. */
async function settled(agent: Agent, url: string): Promise<void> {
  for (;;) {
    const response = await fetch(new URL("/v1/pending?kind=message", url));
    if (((await response.json()) as { items: unknown[] }).items.length === 0) return agent.destroy();
    await wait(20);
  }
}

function wait(ms: number): Promise<void> {
  return clock.wakeAt(clock.now() + ms, new AbortController().signal);
}

async function allEntries(engine: Engine): Promise<JournalEntry[]> {
  const all: JournalEntry[] = [];
  for (;;) {
    const { entries } = await engine.journal({ after: all.at(-1)?.seq ?? 0, limit: 500 });
    if (entries.length === 0) return all;
    all.push(...entries);
  }
}

/** Each command has one row, and its answer was that row. */
function expectCommandsOnce(commands: readonly Command[], journal: readonly JournalEntry[]): void {
  const byCommand = Map.groupBy(journal, ({ commandId }) => commandId);
  for (const { key, version, outcome, type } of commands) {
    const rows = (byCommand.get(key) ?? []).map((row) => ({
      version: row.version,
      outcome: row.outcome,
      type: row.event?.type,
    }));
    expect(rows).toEqual([{ version, outcome, type }]);
  }
}

/** Each window's deadline was armed once and elapsed once. */
function expectTimersOnce(windows: readonly number[], journal: readonly JournalEntry[]): void {
  for (const [index, node] of nodes.entries()) {
    const elapsed = journal.filter(
      ({ instance, event }) => instance === `node/${node}` && event?.type === "drain.deadlineElapsed",
    );
    expect(elapsed.map(({ outcome }) => outcome)).toEqual(Array.from({ length: windows[index] ?? 0 }, () => "changed"));
  }
}

/** Each window told the group twice, once on its way in and once on its way out, in that order. */
function expectMessagesOnce(windows: readonly number[], journal: readonly JournalEntry[]): void {
  for (const [index, node] of nodes.entries()) {
    const told = journal.filter(({ instance, event }) => instance === group && event?.["node"] === node);
    const expected = Array.from({ length: windows[index] ?? 0 }, () => ["slot.taken", "slot.released"]).flat();
    expect(told.map(({ event }) => event?.type)).toEqual(expected);
  }
}
