import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { markedProcesses } from "../providers/marked-processes.ts";
import { until } from "../providers/until.ts";
import { run, runHere, start, temporaryDirectory, type Running } from "./processes.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

const playsForMs = 120_000; // the demo takes half a minute; a loaded machine takes its time

/** A demo whose processes and files are its own, to be looked for afterwards. */
function play(name: string, ...args: string[]): Running & { processes(): number; files(): string[] } {
  const temporary = join(directory.path, name);
  mkdirSync(temporary);
  const mark = `demo-${process.pid}-${name}`;
  const demo = start(["demo", ...args], { TMPDIR: temporary, TEST_RUN: mark });
  return { ...demo, processes: () => markedProcesses(mark).length, files: () => readdirSync(temporary) };
}

describe("the demo of rollouts", () => {
  it(
    "brings a good version to everybody, keeps a bad one to the first wave, and leaves nothing behind",
    async () => {
      const demo = play("whole", "rollouts", "--hosts", "10");

      const { code, stdout, stderr } = await demo.ended;

      expect([code, stderr, stdout.slice(-2_000)]).toEqual([0, "", expect.any(String)]);
      expect(stdout).toMatch(/^ {3}8 agents run after /m);
      expect(stdout).toMatch(/^ {3}8 converged, 2 excused$/m);
      expect(stdout).toMatch(/^ {3}killed; the agents go on/m);
      expect(stdout).toMatch(/^ {3}stable@v2 {2}Terminal .*10\/10 converged$/m);
      expect(stdout).toMatch(/^ {3}stable@v3 {2}Reverted .*1 reverted, 9 pending/m);
      expect(stdout).toMatch(/^ {3}blast radius of v3: 1 of 10 hosts ever ran it, 1 went back by themselves/m);
      expect(stdout).toMatch(/^ {3}journals replayed \d+, differences 0$/m);
      expect(stdout).toMatch(/^ {3}on disk: 10 hosts with v2$/m);
      expect([demo.processes(), demo.files()]).toEqual([0, []]);
    },
    playsForMs,
  );

  it("leaves nothing behind when somebody interrupts it, whatever it is at", async () => {
    const early = play("early", "rollouts", "--hosts", "10");
    await until("its server runs", () => early.said().includes("signalbox listens on"));

    early.signal("SIGINT");
    const { code, stdout, stderr } = await early.ended;

    expect([code, stderr]).toEqual([1, "\nThe demo stopped: interrupted\n"]);
    expect(stdout).toContain("nothing is left behind");
    expect([early.processes(), early.files()]).toEqual([0, []]);
  });

  it("leaves nothing behind when somebody interrupts it in the middle of a wave", async () => {
    const late = play("late", "rollouts", "--hosts", "10");
    await until("hosts are on their way", () => / soaking| activating/.test(late.said()));

    late.signal("SIGTERM");
    late.signal("SIGINT"); // impatience does not leave half of it behind
    const { code, stdout } = await late.ended;

    expect(code).toBe(1);
    expect(stdout).toMatch(/^Ended 9 processes of Signalbox; nothing is left behind\.$/m);
    expect([late.processes(), late.files()]).toEqual([0, []]);
  });

  it("leaves nothing behind when it is killed and cannot clean up", async () => {
    const killed = play("killed", "rollouts", "--hosts", "10");
    await until("agents run", () => killed.said().includes("8 agents run after"));

    killed.signal("SIGKILL");
    await killed.ended;

    await until("all is swept", () => killed.processes() === 0 && killed.files().length === 0);
  });

  it("takes as many hosts as a machine bears", async () => {
    const few = await runHere(["demo", "rollouts", "--hosts", "3"], "http://127.0.0.1:1");

    expect([few.code, few.stderr]).toEqual([
      2,
      "signalbox: invalid-request: --hosts is a number from 10 to 200, not 3.\n",
    ]);
  });
});

describe("the demo of maintenance", () => {
  it(
    "drains a node and fails to drain another, through a crash and without a failed request, and leaves nothing behind",
    async () => {
      const demo = play("drained");

      const { code, stdout, stderr } = await demo.ended;

      expect([code, stderr, stdout.slice(-2_000)]).toEqual([0, "", expect.any(String)]);
      expect(stdout).toMatch(
        /^ {3}409 event-refused: maintenance\.exit in EnteringMaintenance\n.*\n {5}instead: maintenance\.abort$/m,
      );
      expect(stdout).toMatch(/^ {3}killed; .*\n {3}[1-9]\d* requests were served meanwhile, 0 failed so far$/m);
      expect(stdout).toMatch(/^ {3}alpha {2}Maintenance .*[^]*^ {3}alpha {2}Active /m);
      expect(stdout).toMatch(
        /^ {3}beta {2}EnteringMaintenance {2}still there: web-5 \(no other node may take web-5: alpha and gamma are /m,
      );
      expect(stdout).toMatch(/^ {3}beta {2}DrainFailed .* drain deadline elapsed after \d+ ms$/m);
      expect(stdout).toMatch(
        /^ {3}409 event-refused: maintenance\.observed in ExitingMaintenance\n {5}invalid-successor: /m,
      );
      expect(stdout).toMatch(/^ {3}requests served [1-9]\d*, failed 0$/m);
      expect(stdout).toMatch(/^ {3}journals replayed 3, differences 0$/m);
      const lines = stdout.split("\n").filter((line) => line !== "");
      expect(lines.filter((line, index) => line === lines[index - 1])).toEqual([]);
      expect([demo.processes(), demo.files()]).toEqual([0, []]);
    },
    playsForMs,
  );

  it("leaves nothing behind when it is killed, neither replicas nor routers", async () => {
    const demo = play("swept");
    await until("a node is drained", () => demo.said().includes("alpha  EnteringMaintenance"));

    demo.signal("SIGKILL");
    await demo.ended;

    await until("all is swept", () => demo.processes() === 0 && demo.files().length === 0);
  });

  it("sweeps no directory but that of a demo", async () => {
    const { code, stderr } = await run(["demo", "sweep", directory.path]);

    expect([code, stderr]).toEqual([
      2,
      `signalbox: invalid-request: ${directory.path} is not the directory of a demo.\n`,
    ]);
  });

  it("leaves nothing behind when somebody interrupts it", async () => {
    const demo = play("maintenance");
    await until("a node is drained", () => demo.said().includes("alpha  EnteringMaintenance"));

    demo.signal("SIGINT");
    const { code, stdout, stderr } = await demo.ended;

    expect([code, stderr]).toEqual([1, "\nThe demo stopped: interrupted\n"]);
    expect(stdout).toMatch(
      /^Ended 1 process of Signalbox, \d+ of the nodes and their routers; nothing is left behind\.$/m,
    );
    expect([demo.processes(), demo.files()]).toEqual([0, []]);
  });

  it("is one act of several, which its help lists", async () => {
    const { code, stdout } = await run(["demo", "--help"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}maintenance .*^ {2}rollouts /ms);
  });
});
