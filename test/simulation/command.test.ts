import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Simulation } from "../../src/simulation/simulate.ts";
import { runHere } from "../cli/processes.ts";

const nowhere = "http://127.0.0.1:1"; // nothing is contacted
const folder = mkdtempSync(join(tmpdir(), "signalbox-simulate-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, "fleet.yaml");
writeFileSync(
  file,
  `
channels:
  edge: { ref: v1, policy: careful }
  stable: { ref: v1, policy: careful }
hosts:
  "web-[1-4]": { channel: stable }
policies:
  careful:
    waves:
      - { name: first, hosts: { hosts: [web-1] }, soak: 5m }
      - { name: rest, hosts: { all: true } }
`,
);

const simulated = (...args: string[]) => runHere(["rollout", "simulate", file, ...args], nowhere);

describe("rollout simulate", () => {
  it("prints what would happen, without a server", async () => {
    const { code, stdout, stderr } = await simulated("--ref", "v2", "--channel", "stable", "--activation-time", "60s");

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^v2 over stable: 4 hosts simulated, seed 1$/m);
    expect(stdout).toMatch(/^first +1 +0s +6m +1 +0 +0 +0$/m);
    expect(stdout).toMatch(/^rest +3 +6m +7m +3 +0 +0 +0$/m);
    expect(stdout).toMatch(/^Terminal after 7m$/m);
    expect(stdout).toMatch(/^Assumed:$/m);
    expect(stdout).toContain("/channels/edge: no host is in this channel");
  });

  it("prints the same again with the same seed, byte by byte", async () => {
    const args = ["--ref", "v2", "--hosts", "40", "--failure-rate", "20%", "--seed", "lucky", "--json"];

    const [one, again] = [await simulated(...args), await simulated(...args, "--at", "2026-12-18T09:00Z")];

    const withoutStart = (text: string) => {
      const { settings, ...rest } = JSON.parse(text) as Simulation;
      return JSON.stringify({ ...rest, settings: { ...settings, startsAt: 0 } });
    };
    expect(one.code).toBe(0);
    expect(withoutStart(again.stdout)).toBe(withoutStart(one.stdout)); // without a calendar it does not matter when it starts
  });

  it("prints everything as JSON, of many runs how they are spread too", async () => {
    const { code, stdout } = await simulated("--ref", "v2", "--bad", "--runs", "3", "--json");

    const { run, spread, settings } = JSON.parse(stdout) as Simulation;
    expect(code).toBe(0);
    expect(settings).toMatchObject({ runs: 3, behaviour: { failureRate: 1 } });
    expect(run.rollouts.find(({ channel }) => channel === "stable")).toMatchObject({
      state: "Reverted",
      halt: { wave: "first", policy: "rollback-and-halt", isQuarantined: true },
      blast: { touched: 1, reverted: 1 },
    });
    expect(spread).toMatchObject({ runs: 3, halted: 1, completed: 0, touched: { p5: 1, p50: 1, p95: 1 } });
  });

  it("says what is wrong with what it is given, and plays nothing", async () => {
    const options = await simulated("--ref", "v2", "--hosts", "0", "--failure-rate", "200%");
    const missing = await runHere(["rollout", "simulate", join(folder, "none.yaml"), "--ref", "v2"], nowhere);
    const refless = await simulated();

    expect([options.code, options.stdout]).toEqual([2, ""]);
    expect(options.stderr).toMatch(/^ {2}--hosts: expected a number of hosts from 1 to 200000, not 0$/m);
    expect(options.stderr).toMatch(/^ {2}--failure-rate: expected a share such as 0\.02 or 2%, not 200%$/m);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("none.yaml cannot be read")]);
    expect([refless.code, refless.stderr]).toEqual([2, expect.stringContaining("--ref")]);
  });

  it("says in which line a faulty declaration is faulty", async () => {
    const faulty = join(folder, "faulty.yaml");
    writeFileSync(faulty, "channels:\n  stable: { ref: v1, policy: none }\nhosts:\n  web: { channel: stable }\n");

    const { code, stderr } = await runHere(["rollout", "simulate", faulty, "--ref", "v2"], nowhere);

    expect(code).toBe(2);
    expect(stderr).toContain("line 2");
  });
});
