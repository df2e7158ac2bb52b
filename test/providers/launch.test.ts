import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { endAllProcesses } from "../../src/providers/processes/end-all.ts";
import { createInventory } from "../../src/providers/processes/inventory.ts";
import { launch } from "../../src/providers/processes/launch.ts";
import { launcherCommand } from "../../src/providers/processes/launcher.ts";
import { silent, type Log } from "../../src/providers/processes/log.ts";
import { isRunning, lookInProc, signalGroup } from "../../src/providers/processes/process-identity.ts";
import { openSlot, type SlotRecord, settleClaim, slotDir } from "../../src/providers/processes/slot.ts";
import { takeOver } from "../../src/providers/processes/take-over.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { until } from "./until.ts";

const clock = systemClock();
const forever = [process.execPath, "-e", "console.log(`port ${process.env.PORT}`); setInterval(() => {}, 1e6)"];
let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "signalbox-"));
  return async () => {
    await endAllProcesses(stateDir, { graceMs: 100 });
    await rm(stateDir, { recursive: true, force: true });
  };
});

function recordOf(incarnation: string): SlotRecord {
  return { incarnation, kind: "replica", name: "web-1", node: "alpha", command: forever, port: 4711, startedAt: 0 };
}

const taken = () => takeOver({ stateDir, clock, log: silent });
const slots = () => readdir(join(stateDir, "slots"));

describe("launching a process", () => {
  it("knows it by pid and start time, gives it its port, and appends its output to a file", async () => {
    const record = recordOf("web-1@alpha@1");

    const identity = await launch({ stateDir, record, env: {}, workDir: stateDir, clock });

    expect(isRunning(identity)).toBe(true);
    expect(isRunning({ ...identity, started: `${identity.started}0` })).toBe(false);
    const log = join(stateDir, "logs", "replica@web-1@alpha.log");
    await until("it has written", async () => (await readFile(log, "utf8")) === "port 4711\n");
  });

  it("leads a process group of its own", async () => {
    const identity = await launch({ stateDir, record: recordOf("1"), env: {}, workDir: stateDir, clock });

    expect(lookInProc(identity.pid)?.group).toBe(identity.pid);
  });

  it("passes on none of our own settings", async () => {
    process.env.SIGNALBOX_TOKENS = "secret";
    onTestFinished(() => void delete process.env.SIGNALBOX_TOKENS);

    const { pid } = await launch({ stateDir, record: recordOf("1"), env: { COLOR: "blue" }, workDir: stateDir, clock });

    let environment: string[] = [];
    await until("it has become the command", async () => {
      environment = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0");
      return environment.includes("COLOR=blue");
    });
    expect(environment.filter((line) => line.startsWith("SIGNALBOX_"))).toEqual(["SIGNALBOX_SLOT=1"]);
  });

  it("says that it could not be started, and leaves no slot", async () => {
    const workDir = join(stateDir, "not-there");

    await expect(launch({ stateDir, record: recordOf("1"), env: {}, workDir, clock })).rejects.toThrow(
      "web-1 was not started",
    );

    expect(await slots()).toEqual([]);
  });

  it("starts a command whose environment has no usable PATH", async () => {
    const env = { PATH: "/nowhere" };

    const identity = await launch({ stateDir, record: recordOf("1"), env, workDir: stateDir, clock });

    expect(isRunning(identity)).toBe(true);
  });
});

describe("taking over after a crash", () => {
  it("finds what runs", async () => {
    const record = recordOf("1");
    const identity = await launch({ stateDir, record, env: {}, workDir: stateDir, clock });

    expect(await taken()).toEqual([{ record, identity, isEnding: false }]);
  });

  it("forgets a slot that was not complete", async () => {
    await mkdir(join(stateDir, "drafts", "1"), { recursive: true });
    await writeFile(join(stateDir, "drafts", "1", "record.json"), '{"incarn');

    expect(await taken()).toEqual([]);
    expect(await readdir(stateDir)).not.toContain("drafts");
  });

  it("voids a slot that nobody claimed, so that a launcher that comes late runs nothing", async () => {
    const dir = await openSlot(stateDir, recordOf("1"));

    expect(await taken()).toEqual([]);

    expect(await exitOf(startLauncher(dir, ["touch", join(stateDir, "ran")]))).toBe(111);
    expect(await readdir(stateDir)).not.toContain("ran");
  });

  it("claims a slot for nobody once and for all", async () => {
    const dir = await openSlot(stateDir, recordOf("1"));

    expect(await settleClaim(dir)).toBeUndefined();

    expect(await exitOf(startLauncher(dir, ["touch", join(stateDir, "ran")]))).toBe(111);
    expect(await settleClaim(dir)).toBeUndefined();
    expect(await readdir(stateDir)).not.toContain("ran");
  });

  it("lets a launcher that comes while a slot is voided either run or not, and knows which", async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => raceWithLauncher(`race-${i}`, i)));

    expect(outcomes.every(({ isTaken, hasEnded }) => isTaken !== hasEnded)).toBe(true);
  });

  it("forgets a process that ended", async () => {
    const identity = await launch({ stateDir, record: recordOf("1"), env: {}, workDir: stateDir, clock });
    signalGroup(identity, "SIGKILL");
    await until("it is gone", () => !isRunning(identity));

    expect(await taken()).toEqual([]);
    expect(await slots()).toEqual([]);
  });

  it("never touches a process that got the pid of one that ended", async () => {
    const innocent = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { detached: true });
    onTestFinished(() => void innocent.kill("SIGKILL"));
    const { started } = lookInProc(innocent.pid ?? 0) ?? {};
    const dir = await openSlot(stateDir, recordOf("1"));
    await writeFile(join(dir, "pid"), `${innocent.pid}\n${started}0\n`);

    expect(await taken()).toEqual([]);
    expect(await endAllProcesses(stateDir)).toEqual([]);

    expect(lookInProc(innocent.pid ?? 0)).toMatchObject({ started, isZombie: false });
    expect(signalGroup({ pid: innocent.pid ?? 0, started: `${started}0` }, "SIGKILL")).toBe(false);
  });

  it("takes a zombie for what it is", async () => {
    const untilNobodyReaps = '(while [ "$(cat /proc/$$/comm)" != sleep ]; do :; done)'; // a shell might
    const parent = spawn("/bin/sh", ["-c", `${untilNobodyReaps} & echo $!; exec sleep 1000`], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(chunk.toString());
    await until("it is a zombie", () => lookInProc(pid)?.isZombie === true);

    expect(isRunning({ pid, started: lookInProc(pid)?.started ?? "" })).toBe(false);
  });

  it("ends what an ended process left behind in its group", async () => {
    const leaves = `const { spawn } = require("node:child_process");
      spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]).once("spawn", () => process.exit());`;
    const record = { ...recordOf("1"), command: [process.execPath, "-e", leaves] };
    const identity = await launch({ stateDir, record, env: {}, workDir: stateDir, clock });
    await until("the first one is gone", () => !isRunning(identity));
    expect(() => process.kill(-identity.pid, 0)).not.toThrow();

    await taken();

    await until("the group is empty", () => isEmptyGroup(identity.pid));
  });

  it("ends a process whose record cannot be read", async () => {
    const identity = await launch({ stateDir, record: recordOf("1"), env: {}, workDir: stateDir, clock });
    await writeFile(join(slotDir(stateDir, "1"), "record.json"), "{");

    expect(await taken()).toEqual([]);

    expect(isRunning(identity)).toBe(false);
  });
});

it("writes down what it does under names that the lines of the log have not taken", async () => {
  const written: { fields: object; message: string }[] = [];
  const write = (fields: object, message: string) => void written.push({ fields, message });
  const log: Log = { info: write, warn: write };
  const begun = async () => {
    const inventory = createInventory({ stateDir, workDir: stateDir, clock, log });
    await inventory.begin(new AbortController().signal);
    return inventory;
  };
  const { incarnation: _incarnation, startedAt: _startedAt, ...what } = recordOf("1");
  const { identity } = await (await begun()).start({ ...what, env: {} });
  const inventory = await begun();

  for (const incarnation of inventory.all()) await inventory.end(incarnation, 100);
  const unread = await launch({ stateDir, record: recordOf("2"), env: {}, workDir: stateDir, clock });
  await writeFile(join(slotDir(stateDir, "2"), "record.json"), "{");
  await begun();

  expect(written.map(({ message }) => message)).toEqual(["Started", "Taken over", "Ended", expect.any(String)]);
  const processIds = written.map(({ fields }) => (fields as { processId?: number }).processId);
  expect(processIds).toEqual([identity.pid, identity.pid, identity.pid, unread.pid]);
  for (const { fields } of written)
    for (const name of ["level", "time", "pid", "hostname", "msg"]) expect(fields).not.toHaveProperty(name);
});

it("ends every recorded process, and says which", async () => {
  const one = await launch({ stateDir, record: recordOf("1"), env: {}, workDir: stateDir, clock });
  const two = await launch({ stateDir, record: recordOf("2"), env: {}, workDir: stateDir, clock });

  expect(await endAllProcesses(stateDir)).toEqual(["1", "2"]);

  expect([one, two].filter(isRunning)).toEqual([]);
  expect(await slots()).toEqual([]);
});

/** A launcher starts about when the slot is voided. */
async function raceWithLauncher(incarnation: string, i: number) {
  const ownDir = join(stateDir, incarnation);
  const dir = await openSlot(ownDir, recordOf(incarnation));
  const child = startLauncher(dir, forever);
  for (let turn = 0; turn < i * 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const all = await takeOver({ stateDir: ownDir, clock, log: silent });
  const isTaken = all.length === 1;
  if (!isTaken) await exitOf(child);
  const hasEnded = child.exitCode === 111;
  await endAllProcesses(ownDir, { graceMs: 100 });
  return { isTaken, hasEnded };
}

function startLauncher(dir: string, command: readonly string[]): ChildProcess {
  const [program, ...args] = launcherCommand(dir, command);
  return spawn(program, args, { detached: true, stdio: "ignore" });
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, "exit");
  return child.exitCode;
}

function isEmptyGroup(group: number): boolean {
  try {
    process.kill(-group, 0);
    return false;
  } catch {
    return true;
  }
}
