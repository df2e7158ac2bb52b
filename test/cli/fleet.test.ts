import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { applicationLines } from "../../src/cli/fleet-difference.ts";
import { describeFleet } from "../../src/cli/fleet-commands.ts";
import { createFleetSite, declarationOf, type FleetSite } from "../http/fleet-site.ts";
import { until } from "../providers/until.ts";
import { program, run, runHere, started, temporaryDirectory, type Ended } from "./processes.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());
const nowhere = "http://127.0.0.1:1";
const script = "script"; // util-linux: gives a command a terminal

function written(name: string, text: string): string {
  const path = join(directory.path, name);
  writeFileSync(path, text);
  return path;
}

const declared = (ref: string, changes: object = {}) =>
  written(`fleet-${ref}.json`, JSON.stringify(declarationOf(ref, changes), undefined, 2));

function commandLine({ url, settle }: FleetSite): (...args: string[]) => Promise<Ended> {
  return async (...args) => {
    const ended = await runHere(args, url);
    await settle();
    return ended;
  };
}

describe("signalbox fleet validate", () => {
  it("needs no server, and says what is declared, with what may be meant otherwise apart", async () => {
    const path = declared("v1", { budgets: [{ hosts: { tags: ["nobody"] }, maxInFlight: 1 }] });

    const human = await run(["fleet", "validate", path]);
    const json = await runHere(["fleet", "validate", path, "--json"], nowhere);

    expect([human.code, human.stderr]).toEqual([0, ""]);
    expect(human.stdout.split("\n")).toEqual([
      expect.stringMatching(/^warning: \/budgets\/0: its selector selects no host \(line \d+, column \d+\)$/),
      expect.stringMatching(/fleet-v1\.json: 2 channels, 4 hosts, hash [0-9a-f]{64}$/),
      "",
    ]);
    expect(JSON.parse(json.stdout)).toEqual({
      channels: 2,
      hosts: 4,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      warnings: [{ pointer: "/budgets/0", detail: expect.stringMatching(/selects no host \(line \d+, /) }],
    });
  });

  it("lists every fault at once, each with its place, and ends with 2", async () => {
    const path = written(
      "faulty.yaml",
      "channels:\n  stable: { ref: v1, policy: none }\nhosts:\n  a: { channel: beta }\n  b: { channel: stable, tag: x }\n",
    );

    const human = await runHere(["fleet", "validate", path], nowhere);
    const json = await runHere(["fleet", "validate", path, "--json"], nowhere);

    expect([human.code, human.stdout, json.code, json.stdout]).toEqual([2, "", 2, ""]);
    const [first, ...faults] = human.stderr.trimEnd().split("\n");
    expect(first).toBe(`signalbox: invalid-request: ${path} is not well formed:`);
    expect(faults.toSorted()).toEqual([
      expect.stringMatching(/^ {2}\/channels\/stable\/policy: there is no policy "none".*\(line 2, /),
      expect.stringMatching(/^ {2}\/hosts\/a\/channel: there is no channel "beta".*\(line 4, /),
      expect.stringMatching(/^ {2}\/hosts\/b\/tag: unknown field \(line 5, /),
    ]);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: "invalid-request", errors: { length: 3 } });
  });

  it("says what is wrong with a text that is no YAML, and with a file that is not there", async () => {
    const broken = await runHere(["fleet", "validate", written("broken.yaml", "channels: {\nhosts: [}\n")], nowhere);
    const missing = await runHere(["fleet", "validate", join(directory.path, "none.yaml")], nowhere);

    expect([broken.code, missing.code]).toEqual([2, 2]);
    expect(broken.stderr).toMatch(/broken\.yaml is not well formed:.*line 2, /s);
    expect(missing.stderr).toMatch(/^signalbox: invalid-request: The declaration cannot be read: ENOENT/);
  });
});

describe("signalbox fleet apply", () => {
  it("shows what would change, and changes nothing without a yes", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);

    const dry = await signalbox("fleet", "apply", declared("v1"), "--dry-run");
    const unasked = await signalbox("fleet", "apply", declared("v1"));
    const quiet = await signalbox("fleet", "apply", declared("v1"), "--json");
    const status = await signalbox("fleet", "status");

    const changes = [
      "+ channel edge: e1",
      "+ channel stable: v1",
      "+ 4 hosts: lab-1, web-1, web-2, web-3",
      "+ policies/careful",
      "> rollout of e1 over edge, 1 host",
      "> rollout of v1 over stable, 3 hosts",
    ].map((line) => line.replace("+ policies", "~ policies"));
    expect(dry.stdout.trimEnd().split("\n")).toEqual(expect.arrayContaining(changes));
    expect([unasked.code, unasked.stderr, quiet.code, quiet.stdout]).toEqual([
      2,
      "signalbox: invalid-request: Nobody is there to be asked: say --yes to apply it, or --dry-run.\n",
      2,
      "",
    ]);
    expect(status.stdout).toMatch(/^nothing is declared yet$/m);
  });

  it("makes it hold, and says which rollouts were opened", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);

    const first = await signalbox("fleet", "apply", declared("v1"), "--yes");
    const second = await signalbox("fleet", "apply", declared("v2"), "--yes", "--json");
    const again = await signalbox("fleet", "apply", declared("v2"), "--yes");
    const unasked = await signalbox("fleet", "apply", declared("v2"));
    const shown = await signalbox("fleet", "show");

    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(unasked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^It is what holds already.*\n$/) });
    expect(first.stdout).toMatch(/^applied: [0-9a-f]{64}\nopened: edge@e1\nopened: stable@v1$/m);
    expect(JSON.parse(second.stdout)).toMatchObject({ applied: true, rollouts: [{ rolloutId: "stable@v2" }] });
    expect(again.stdout).toMatch(/^It is what holds already; no rollout would be opened\.\napplied: [0-9a-f]{64}\n$/);
    expect(JSON.parse(shown.stdout)).toEqual(declarationOf("v2"));
  });

  const hasScript = canRun(script, ["--version"]);
  it.skipIf(!hasScript)(
    `asks on a terminal, and takes only a yes for a yes${hasScript ? "" : " (skipped: no script(1) here)"}`,
    async () => {
      const site = await createFleetSite();
      const answered = asksOnTerminal(site);

      const no = await answered("");
      const yes = await answered("y");

      expect(no.code).toBe(2);
      expect(no.stdout).toContain("Not applied: nothing was changed.");
      expect(yes.code).toBe(0);
      expect(yes.stdout).toMatch(/applied: [0-9a-f]{64}\r\nopened: edge@e1\r\n/);
    },
  );

  it.skipIf(!hasScript)(
    `applies nothing when somebody has applied another one since it was shown${hasScript ? "" : " (skipped: no script(1) here)"}`,
    async () => {
      const site = await createFleetSite();
      const answered = asksOnTerminal(site);

      const late = await answered("y", () => site.declare("v2"));

      expect(late.code).toBe(3);
      expect(late.stdout).toContain("version-mismatch: Another declaration was applied by local since.");
      expect((await site.get("/v1/fleet/declaration")).body.document).toEqual(declarationOf("v2"));
    },
  );
});

describe("signalbox fleet status, freeze, thaw and quarantine", () => {
  it("show the channels, what has failed, and that the line is stopped", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");
    await site.fail("web-1", "stable@v1");

    const frozen = await signalbox("freeze", "--reason", "the till is down");
    const status = await signalbox("fleet", "status");
    const thawed = await signalbox("thaw");
    const after = await signalbox("fleet", "status", "--json");

    expect(frozen.stdout).toBe("changed: the line is Stopped; `signalbox thaw` lets it run again\n");
    expect(status.stdout).toMatch(/^declared [0-9a-f]{64}, applied \S+Z by local$/m);
    expect(status.stdout).toMatch(/^THE LINE IS STOPPED: the till is down \(by local since \S+Z\)$/m);
    expect(status.stdout).toMatch(/^4 hosts: .*1 Failed/m);
    expect(status.stdout).toMatch(/^stable +v1 +3 +stable@v1 +(?:Failed|Reverted)/m);
    expect(status.stdout).toMatch(/^quarantined: v1 on stable: .+ \(since \S+Z\)$/m);
    expect(thawed.stdout).toBe("changed: the line is Running\n");
    expect(JSON.parse(after.stdout)).toMatchObject({ line: { state: "Running" } });
  });

  it("say that what is declared is not what runs, and how to make it so", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");
    for (const host of ["web-1", "web-2", "web-3"]) await site.converge(host, "stable@v1");
    await site.declare("v2");
    const before = await signalbox("fleet", "status");
    await site.fail("web-1", "stable@v2");

    await signalbox("rollout", "undo", "stable");
    const quarantined = await signalbox("fleet", "status");
    await signalbox("quarantine", "clear", "stable", "v2", "--reason", "a broken switch");
    const { stdout } = await signalbox("fleet", "status");

    const said =
      "NOT AS DECLARED: v2 is declared on stable, and stable@v1~2 brings v1: declare v1, or bring v2 again by";
    expect(before.stdout).not.toContain("NOT AS DECLARED");
    expect(quarantined.stdout).toContain(
      `${said} signalbox quarantine clear stable v2 --reason TEXT, then signalbox rollout open stable\n`,
    );
    expect(stdout).toContain(`${said} signalbox rollout open stable\n`);
    expect((await signalbox("rollout", "open", "stable")).code).toBe(0);
    expect((await signalbox("fleet", "status")).stdout).not.toContain("NOT AS DECLARED");
  });

  it("say why what a watched file declares does not hold", async () => {
    const site = await createFleetSite();
    await site.declare("v1");
    const { body } = await site.get("/v1/fleet");
    const fault = {
      source: "fleet.yaml",
      revision: "git:4711",
      detail: "/hosts: is missing",
      since: "2030-01-01T00:00:00Z",
    };

    const lines = describeFleet({ ...body, fault });

    const unread = describeFleet({ ...body, fault: { ...fault, revision: null, detail: "it is not there" } });

    expect(describeFleet(body).join()).not.toContain("NOT APPLIED");
    expect(unread).toContain(
      "NOT APPLIED: fleet.yaml: it is not there (since 2030-01-01T00:00:00Z; what was declared before holds)",
    );
    expect(lines).toContain(
      "NOT APPLIED: fleet.yaml at git:4711: /hosts: is missing (since 2030-01-01T00:00:00Z; what was declared before holds)",
    );
  });

  it("say that two agents have the name of one host", async () => {
    const site = await createFleetSite();
    const { body } = await site.get("/v1/fleet");
    const contested = [{ host: "web-1", since: "2030-01-01T00:00:00Z", why: "Another agent speaks for web-1." }];

    expect(describeFleet({ ...body, contested })).toContain(
      "TWO AGENTS: one for web-1 is refused since 2030-01-01T00:00:00Z. Another agent speaks for web-1.",
    );
  });

  it("list what is quarantined, and lift it with a reason", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");
    await site.fail("web-1", "stable@v1");

    const list = await signalbox("quarantine", "list");
    const silent = await signalbox("quarantine", "clear", "stable", "v1");
    const cleared = await signalbox("quarantine", "clear", "stable", "v1", "--reason", "the disk was full");
    const again = await signalbox("quarantine", "clear", "stable", "v1", "--reason", "twice");
    const empty = await signalbox("quarantine", "list", "--json");

    expect(list.stdout).toMatch(/^CHANNEL +REF +SINCE +ROLLOUT +REASON\nstable +v1 +\S+Z +stable@v1 +\S.+\n$/);
    expect(silent.code).toBe(2);
    expect([cleared.code, cleared.stdout]).toEqual([0, "changed: v1 may be offered on stable again\n"]);
    expect(again.code).toBe(3);
    expect(JSON.parse(empty.stdout)).toEqual({ items: [] });
  });

  it("say so when the server runs no fleet", async () => {
    const { createSite } = await import("../http/site.ts");
    const site = await createSite();

    const { code, stderr } = await runHere(["fleet", "status"], site.url);

    expect(code).toBe(4);
    expect(stderr).toMatch(/^signalbox: not-found: .*fleet/);
  });
});

describe("what applying changes", () => {
  it("is a line for each channel, and counts hosts where there are many", () => {
    const names = Array.from({ length: 2_000 }, (_, n) => `web-${n}`);

    const lines = applicationLines({
      hash: "0",
      version: 1,
      applied: false,
      difference: {
        channels: [
          { channel: "beta", from: null, to: "v1" },
          { channel: "old", from: "v7", to: null },
          { channel: "stable", from: "v1", to: "v2" },
        ],
        hosts: { added: names, removed: ["db-1"], changed: [] },
        parts: ["policies/careful", "budgets"],
      },
      rollouts: [{ channel: "stable", ref: "v2", from: "v1", hosts: 1, rolloutId: null }],
    });

    expect(lines).toEqual([
      "+ channel beta: v1",
      "- channel old: v7",
      "~ channel stable: v1 -> v2",
      `+ 2000 hosts: ${names.slice(0, 10).join(", ")} and 1990 more`,
      "- 1 host: db-1",
      "~ policies/careful",
      "~ budgets",
      "> rollout of v2 over stable, 1 host, from v1",
      expect.stringContaining("`signalbox rollout retry CHANNEL --reason TEXT`"),
    ]);
  });

  it("says how hosts come to the ref of a channel that opens no rollout for them, and nothing of it where all is new", () => {
    const added = { hosts: { added: ["web-9"], removed: [], changed: [] }, parts: [] };
    const application = { hash: "0", version: 1, applied: false, rollouts: [] };

    const later = applicationLines({ ...application, difference: { channels: [], ...added } });
    const first = applicationLines({
      ...application,
      difference: { channels: [{ channel: "stable", from: null, to: "v1" }], ...added },
    });

    expect(later).toEqual([
      "+ 1 host: web-9",
      "  hosts that are new in a channel whose ref stays get it with the channel's next rollout, or with `signalbox rollout retry CHANNEL --reason TEXT`",
    ]);
    expect(first).toEqual(["+ channel stable: v1", "+ 1 host: web-9"]);
  });
});

/** Applies v1 on a terminal, and answers its question when that stands there. */
function asksOnTerminal({ url }: FleetSite) {
  const command = `"${process.execPath}" "${program}" fleet apply "${declared("v1")}" --url ${url}`;
  return async (answer: string, meanwhile?: () => Promise<unknown>): Promise<Ended> => {
    const child = spawn(script, ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "pipe"] });
    const running = started(child);
    await until("it asks", () => running.said().includes("Apply it, and open 2 rollouts? [y/N]"));
    await meanwhile?.();
    child.stdin.end(`${answer}\n`);
    return running.ended;
  };
}

function canRun(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
