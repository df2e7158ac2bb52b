import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRuns, type Beginning } from "../../src/agent/runs.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { claimOf } from "../../src/providers/processes/slot.ts";
import { isRunning } from "../../src/providers/processes/process-identity.ts";
import { until } from "../providers/until.ts";
import { createWorkplace } from "./workplace.ts";

const { signal: never } = new AbortController();
const patience = { timeoutMs: 20_000, signal: never };

function site() {
  const workplace = createWorkplace();
  const dir = join(workplace.path, "data", "runs");
  /** Another one each time, as after a restart of the agent, that long after. */
  const runs = ({ laterMs = 0 } = {}) => {
    const { now, wakeAt } = systemClock();
    const clock = {
      now: () => now() + laterMs,
      wakeAt: (at: number, signal: AbortSignal) => wakeAt(at - laterMs, signal),
    };
    return createRuns({ dir, workDir: workplace.path, clock });
  };
  return { workplace, dir, runs };
}

function sh(script: string, key = "call-1"): Beginning {
  const command = ["/bin/sh", "-c", script];
  return {
    key,
    instance: "stable@v2/web-1",
    target: "v2",
    boot: "b",
    witnesses: [],
    command,
    env: { SIGNALBOX_TARGET: "v2" },
  };
}

describe("a run of a command", () => {
  it("tells the exit code, the end of what was said, and gives the command its environment but not ours", async () => {
    const { runs } = site();
    process.env["SIGNALBOX_TOKEN"] = "secret";
    const run = await runs().begin("a", sh('echo "to $SIGNALBOX_TARGET[$SIGNALBOX_TOKEN]"; echo oh no >&2; exit 7'));
    delete process.env["SIGNALBOX_TOKEN"];

    expect(await run.ended(patience)).toEqual({
      kind: "exited",
      exitCode: 7,
      stderrTail: "oh no\n",
      lastLine: "to v2[]",
    });
  });

  it("is found again by another agent while it runs, and waited for", async () => {
    const { workplace, runs } = site();
    workplace.closeGate();
    await runs().begin("a", sh("echo once >> count; while [ -e gate ]; do sleep 0.02; done; exit 4"));

    const found = await runs().find("a", "call-1");
    expect(await runs().isAnyRunning()).toBe(true);
    workplace.openGate();

    expect(await found?.ended(patience)).toMatchObject({ kind: "exited", exitCode: 4 });
    expect(await runs().isAnyRunning()).toBe(false);
    await expect(runs().find("a", "another call")).resolves.toBeUndefined();
  });

  it("has left its exit code when it ended while nobody was there", async () => {
    const { dir, runs } = site();
    await runs().begin("a", sh("exit 9"));
    await until("it has ended", () => existsSync(join(dir, "a", "exit")));

    expect(await (await runs().find("a", "call-1"))?.ended(patience)).toMatchObject({ exitCode: 9 });
  });

  it("is lost when its processes were killed", async () => {
    const { dir, runs } = site();
    const run = await runs().begin("a", sh("sleep 60"));
    const claim = await claimOf(join(dir, "a"));
    if (claim === undefined || claim === "void") throw new Error("it was not claimed");
    process.kill(-claim.pid, "SIGKILL");

    expect(await run.ended(patience)).toEqual({ kind: "lost" });
  });

  it("is ended with all that it started when its time is over", async () => {
    const { dir, runs } = site();
    const run = await runs().begin("a", sh("echo slow >&2; sleep 61 & sleep 62"));
    const claim = await claimOf(join(dir, "a"));

    expect(await run.ended({ timeoutMs: 200, signal: never })).toEqual({ kind: "timed-out", stderrTail: "slow\n" });
    expect(claim !== undefined && claim !== "void" && isRunning(claim)).toBe(false);
  });

  it("is left as it is when the agent stops", async () => {
    const { workplace, runs } = site();
    workplace.closeGate();
    const run = await runs().begin("a", sh("while [ -e gate ]; do sleep 0.02; done"));
    const stopping = new AbortController();
    const ended = run.ended({ timeoutMs: 20_000, signal: stopping.signal });
    stopping.abort(new Error("the agent stops"));

    await expect(ended).rejects.toThrow("the agent stops");
    expect(await runs().isAnyRunning()).toBe(true);
  });

  it("keeps the end of what a talkative command says, and not all of it", async () => {
    const { dir, workplace, runs } = site();
    workplace.closeGate();
    const talk = "i=0; while [ $i -lt 400 ]; do head -c 8192 /dev/zero | tr '\\0' x >&2; i=$((i+1)); done";
    const run = await runs().begin("a", sh(`${talk}; while [ -e gate ]; do sleep 0.02; done; printf last >&2`));
    const ended = run.ended(patience);
    await until("it is cut", () => statSync(join(dir, "a", "stderr")).size < 2_000_000);
    workplace.openGate();

    const end = await ended;
    expect(end.kind === "exited" && end.stderrTail.length).toBe(8_192);
    expect(end.kind === "exited" && end.stderrTail.endsWith("xlast")).toBe(true);
  });

  it("is not found when nothing of it was ever started, and nothing starts later", async () => {
    const { dir, runs } = site();
    const run = await runs().begin("a", sh("exit 0"));
    await run.ended(patience);
    const { record } = run;
    await runs().begin("b", sh("exit 0", "other"));
    writeFileSync(join(dir, "b", "record.json"), JSON.stringify(record));
    writeFileSync(join(dir, "b", "pid"), "void\n");

    expect(await runs().find("b", "call-1")).toBeUndefined();
  });

  it("is forgotten when nobody asks for it, but not while it runs", async () => {
    const { workplace, dir, runs } = site();
    workplace.closeGate();
    await (await runs().begin("done", sh("exit 0"))).ended(patience);
    await (await runs().begin("kept", sh("exit 0"))).ended(patience);
    await runs().begin("running", sh("while [ -e gate ]; do sleep 0.02; done"));

    const wanted = async () => new Set(["kept"]);
    await runs().tidy(wanted);
    expect(readdirSync(dir)).toHaveLength(3); // something that it has left running may yet write

    await runs({ laterMs: 600_000 }).tidy(wanted);
    expect(readdirSync(dir).toSorted()).toEqual(["kept", "running"]);
  });

  it("is kept small when it is over, whatever it has left running writes", async () => {
    const { dir, runs } = site();
    await (await runs().begin("a", sh("head -c 1500000 /dev/zero | tr '\\0' x"))).ended(patience);
    const path = join(dir, "a", "stdout");
    appendFileSync(path, `${"y".repeat(1_500_000)}last`);

    await runs().tidy(async () => new Set(["a"]));

    expect(readFileSync(path, "utf8").endsWith("yylast")).toBe(true);
    expect(statSync(path).size).toBe(8_192);
  });

  it("says why a command cannot be started", async () => {
    const { runs } = site();
    const run = await runs().begin("a", { ...sh(""), command: ["./no-such-program"] });

    expect(await run.ended(patience)).toMatchObject({ kind: "exited", exitCode: 127 });
  });
});
