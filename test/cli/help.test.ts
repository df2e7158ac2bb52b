import { describe, expect, it } from "vitest";
import { runHere } from "./processes.ts";

const nowhere = "http://127.0.0.1:1";

/** Names of the commands that a help text lists. */
function listedIn(help: string): string[] {
  const [, commands = ""] = help.split(/^Commands:\n/m);
  return [...commands.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name as string).filter((name) => name !== "help");
}

async function helpOf(path: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere([...path, "--help"], nowhere);
  expect([path, code, stderr]).toEqual([path, 0, ""]);
  return stdout;
}

/** Every command with its help, those within others too. */
async function allHelp(path: readonly string[] = []): Promise<[path: string, help: string][]> {
  const help = await helpOf(path);
  const below = await Promise.all(listedIn(help).map((name) => allHelp([...path, name])));
  return [[path.join(" "), help], ...below.flat()];
}

describe("the help", () => {
  it("is there for every command, and says what each argument and option is for", async () => {
    const all = await allHelp();

    const names = [
      "",
      "serve",
      "agent",
      "demo",
      "freeze",
      "thaw",
      "nodes",
      "machines",
      "instances",
      "create",
      "send",
      "explain",
      "journal",
      "verify",
      "diagram",
      "backup",
      "restore",
    ];
    const ofNodes = ["", " drain", " resume", " abort", " retry", " cordon", " uncordon", " status"].map(
      (each) => `node${each}`,
    );
    const ofAudit = ["", " verify", " export"].map((each) => `audit${each}`);
    const ofPending = ["", " list", " retry", " discard"].map((each) => `pending${each}`);
    const ofTokens = ["", " create", " list", " revoke"].map((each) => `token${each}`);
    const ofDemo = [" maintenance", " rollouts"].map((each) => `demo${each}`);
    const ofFleet = ["", " validate", " apply", " status", " show"].map((each) => `fleet${each}`);
    const ofQuarantines = ["", " list", " clear"].map((each) => `quarantine${each}`);
    const reading = ["list", "show", "hosts", "events", "status", "explain", "simulate"];
    const moving = [
      "open",
      "pause",
      "resume",
      "promote",
      "approve",
      "cancel",
      "clear",
      "abort",
      "retry",
      "undo",
      "excuse",
    ];
    const ofRollouts = ["", ...[...reading, ...moving].map((each) => ` ${each}`)].map((each) => `rollout${each}`);
    const known = [names, ofNodes, ofAudit, ofPending, ofTokens, ofDemo, ofFleet, ofQuarantines, ofRollouts].flat();
    expect(all.map(([path]) => path).toSorted()).toEqual(known.toSorted());
    for (const [path, help] of all) {
      expect(help).toMatch(new RegExp(`^Usage: signalbox ${path}`));
      const undescribed = [...help.matchAll(/^ {2}(\S.*)$/gm)]
        .map(([, line]) => line)
        .filter((line) => !/\S {2,}\S/.test(line ?? ""));
      expect([path, undescribed.filter((line) => !/^-|^signalbox |^[a-z]+ .*[<[]/.test(line ?? ""))]).toEqual([
        path,
        [],
      ]);
      expect(help).toMatch(/--json +print JSON/);
      expect(help).toMatch(/--url <url>/);
    }
  });

  it("says what has to be given, and of nothing else that it has", async () => {
    const help = await helpOf(["backup"]);

    expect(help.match(/\(required\)/g)).toHaveLength(2);
    expect(await helpOf(["create"])).not.toMatch(/required|\{\}/);
  });

  it("says the version, and where to get help from when nothing is asked", async () => {
    const version = await runHere(["--version"], nowhere);
    const nothing = await runHere([], nowhere);

    expect(version).toEqual({ code: 0, stdout: "1.2.3\n", stderr: "" });
    expect([nothing.code, nothing.stdout]).toEqual([2, ""]);
    expect(nothing.stderr).toContain("Usage: signalbox");
  });
});
