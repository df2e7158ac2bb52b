import { execFileSync, spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { createFleetSite, type FleetSite } from "../http/fleet-site.ts";
import { until } from "../providers/until.ts";
import { program, runHere, start, started, type Ended } from "./processes.ts";

const script = "script"; // util-linux: gives a command a terminal

/** The command line, and then whatever follows from it. */
function commandLine({ url, settle }: FleetSite): (...args: string[]) => Promise<Ended> {
  return async (...args) => {
    const ended = await runHere(args, url);
    await settle();
    return ended;
  };
}

function linesOf({ stdout }: Ended): string[] {
  return stdout.trimEnd().split("\n");
}

/** A fleet whose rollout of v1 over three hosts is Terminal. */
async function rolledOut(): Promise<FleetSite> {
  const site = await createFleetSite();
  await site.declare("v1");
  for (const host of ["web-1", "web-2", "web-3"]) await site.converge(host, "stable@v1");
  return site;
}

describe("signalbox rollout list, show, hosts, events and status", () => {
  it("tell where a rollout is", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");
    await site.converge("web-1", "stable@v1");

    const status = await signalbox("rollout", "status", "stable@v1");
    const list = await signalbox("rollout", "list", "--channel", "stable");
    const show = await signalbox("rollout", "show", "stable@v1");
    const hosts = await signalbox("rollout", "hosts", "stable@v1", "--wave", "rest");
    const events = await signalbox("rollout", "events", "stable@v1");

    expect([status, list, show, hosts, events].map(({ code, stderr }) => [code, stderr])).toEqual(
      Array.from({ length: 5 }, () => [0, ""]),
    );
    expect(linesOf(status).slice(0, 3)).toEqual([
      "stable@v1  Active  wave rest (2 of 2)",
      "  + canary  [#]  1/1 converged",
      "  > rest    [..]  0/2 converged, 2 pending",
    ]);
    expect(linesOf(list)[0]).toMatch(/^ROLLOUT +STATE +CONTROL +WAVE +HOSTS +SINCE +WAITS FOR$/);
    expect(linesOf(list)[1]).toMatch(/^stable@v1 +Active +Running +2\/2 +1\/3 converged, 2 pending +\S+Z/);
    expect(linesOf(show)[0]).toBe("stable@v1  v1 over stable");
    expect(show.stdout).toMatch(/^ {2}wave canary: done, 1\/1 converged$/m);
    expect(show.stdout).toMatch(/^ {2}opened {2}\S+Z \(journal \d+\), last moved with \d+$/m);
    expect(linesOf(hosts)).toHaveLength(3);
    expect((await signalbox("rollout", "hosts", "stable@v1", "--wave", "2")).stdout).toBe(hosts.stdout);
    expect((await signalbox("rollout", "hosts", "stable@v1", "--wave", "0")).code).toBe(4);
    expect(linesOf(hosts)[1]).toMatch(/^web-2 +rest +Pending +\S+ +- +offered$/);
    expect(events.stdout).toMatch(/ stable@v1\/web-1 +\d+ +host\.converged +changed /);
    expect(events.stdout).toMatch(/ stable@v1 +\d+ +host\.joined +changed /);
  });

  it("name, where there is room for one reason, none that goes without saying", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");

    const rows = [await signalbox("rollout", "list"), await signalbox("fleet", "status")].map(({ stdout }) => stdout);

    expect((await signalbox("rollout", "status", "stable")).stdout).toContain("wave-promotion");
    expect(rows.map((text) => [text.includes("stable@v1"), text.includes("wave-promotion")])).toEqual([
      [true, false],
      [true, false],
    ]);
  });

  it("take a channel for its newest rollout, and give JSON", async () => {
    const site = await rolledOut();
    const signalbox = commandLine(site);
    await site.declare("v2");

    const show = await signalbox("rollout", "show", "stable", "--json");
    const all = await signalbox("rollout", "list", "--json");
    const hosts = await signalbox("rollout", "hosts", "stable", "--json", "--state", "Pending");
    const unknown = await signalbox("rollout", "show", "nowhere");

    expect(JSON.parse(show.stdout)).toMatchObject({ rolloutId: "stable@v2", waves: [{ name: "canary" }, {}] });
    const listed = (JSON.parse(all.stdout) as { items: { rolloutId: string }[] }).items.map((each) => each.rolloutId);
    expect(listed).toEqual(expect.arrayContaining(["stable@v2", "stable@v1", "edge@e1"]));
    expect(JSON.parse(hosts.stdout)).toHaveProperty("items.length", 3);
    expect([unknown.code, unknown.stderr]).toEqual([
      4,
      "signalbox: not-found: Channel nowhere has no rollout. `signalbox rollout list` lists those that there are.\n",
    ]);
  });

  it("say which gates hold a host, in the newest rollout that has it", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");

    const held = await signalbox("rollout", "explain", "web-2");
    const offered = await signalbox("rollout", "explain", "web-1", "--rollout", "stable");
    const nobody = await signalbox("rollout", "explain", "web-9");

    expect(linesOf(held)[0]).toBe("web-2 in stable@v1, wave rest");
    expect(held.stdout).toMatch(/^ {2}held {4}wave-promotion: .+ \(since \S+Z\)$/m);
    expect(offered.stdout).toMatch(/^ {2}state {3}Pending since \S+Z, offered$/m);
    await site.fail("web-1", "stable@v1");
    const failed = await signalbox("rollout", "explain", "web-1");
    expect(failed.stdout).toMatch(/^ {2}failed {2}activation-failed: .+ exit code 1$/m);
    expect(failed.stdout).toMatch(/^ {2}stderr {2}no space left$/m);
    expect(failed.stdout).not.toContain("nobody here performs"); // its agent does
    expect([nobody.code, nobody.stderr]).toEqual([
      4,
      "signalbox: not-found: web-9 is in none of the channels' newest rollouts. Name an older one with --rollout.\n",
    ]);
  });
});

describe("signalbox rollout pause, resume, promote, approve, cancel and clear", () => {
  it("send what people say to a rollout, and show what came of it", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");

    const paused = await signalbox("rollout", "pause", "stable", "--reason", "a look at the canary");
    const status = await signalbox("rollout", "status", "stable");
    const resumed = await signalbox("rollout", "resume", "stable");
    const promoted = await signalbox("rollout", "promote", "stable", "--full");
    const cancelled = await signalbox("rollout", "cancel", "stable", "--reason", "not today");
    const again = await signalbox("rollout", "pause", "stable");

    expect(paused.stdout).toBe("changed: stable@v1 is in Active, Paused\n");
    expect(status.stdout).toMatch(/^ {2}waits for {2}somebody to resume it: paused by local, a look at the canary /m);
    expect(resumed.stdout).toBe("changed: stable@v1 is in Active\n");
    expect(promoted.code).toBe(0);
    expect(cancelled.stdout).toBe("changed: stable@v1 is in Superseded\n");
    expect((await signalbox("rollout", "status", "stable", "--wait")).stderr).toContain(
      "stable@v1 ended in Superseded (cancelled);",
    );
    expect(again.code).toBe(3);
    expect(again.stderr).toMatch(/^refused: rollout\.pause in Superseded\n/);
  });

  it("need a reason where somebody answers for it, a wave that there is, and an approver who is known", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");

    const clear = await signalbox("rollout", "clear", "stable");
    const wave = await signalbox("rollout", "approve", "stable", "--wave", "third");
    const local = await signalbox("rollout", "approve", "stable", "--wave", "1");

    expect([clear.code, clear.stderr.split("\n")[0]]).toEqual([
      2,
      "error: required option '--reason <text>' not specified",
    ]);
    expect([wave.code, wave.stderr]).toEqual([
      4,
      "signalbox: not-found: stable@v1 has no wave third; it has canary, rest.\n",
    ]);
    expect(local.code).toBe(3);
    expect(local.stderr).toMatch(/^signalbox: forbidden: /);
  });
});

describe("a refusal", () => {
  it("lists for people what they may send, and in JSON everything that is heard", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");

    const human = await signalbox("rollout", "clear", "stable", "--reason", "seen to");
    const json = await signalbox("rollout", "clear", "stable", "--reason", "seen to", "--json");

    const heard = /^ {2}it hears: (.*)$/m.exec(human.stderr)?.[1]?.split(", ");
    expect(human.code).toBe(3);
    expect(heard).toEqual(["rollout.cancel", "rollout.pause", "rollout.promote", "rollout.resume", "wave.approve"]);
    expect(JSON.parse(json.stderr).hears).toContainEqual({ type: "host.changed", needs: expect.any(Array) });
  });
});

describe("signalbox rollout open, abort, retry, undo and excuse", () => {
  it("open rollouts, and say over what and instead of which", async () => {
    const site = await rolledOut();
    const signalbox = commandLine(site);

    const nothing = await signalbox("rollout", "undo", "stable");
    const opened = await signalbox("rollout", "open", "stable", "v2");
    const aborted = await signalbox("rollout", "abort", "stable", "--reason", "errors at the till");
    const reopened = await signalbox("rollout", "open", "stable", "v2", "--json");
    const undone = await signalbox("rollout", "undo", "stable", "--reason", "errors at the till");
    const nowhere = await signalbox("rollout", "open", "nowhere");

    expect(opened.stdout).toBe("opened: stable@v2 over 3 hosts in 2 waves; stable@v1 is superseded\n");
    expect(aborted.stdout).toMatch(/^opened: stable@v1~2 over 3 hosts in 2 waves; stable@v2 is superseded$/m);
    expect(JSON.parse(reopened.stdout)).toMatchObject({ rolloutId: "stable@v2~2", superseded: "stable@v1~2" });
    expect(undone.stdout).toMatch(/^opened: stable@v1~3 over 3 hosts in 2 waves; stable@v2~2 is superseded$/m);
    expect([nothing.code, nothing.stderr.split("\n").slice(0, 2)]).toEqual([
      3,
      ["refused", expect.stringMatching(/^ {2}nothing-to-undo: /)],
    ]);
    expect(nowhere.code).toBe(4);
  });

  it("try a ref again that has failed, over the hosts that lack it", async () => {
    const site = await rolledOut();
    const signalbox = commandLine(site);
    await site.declare("v2");
    await site.fail("web-1", "stable@v2");

    const retried = await signalbox("rollout", "retry", "stable", "--reason", "the disk was full");

    expect(retried.stdout).toMatch(/^opened: stable@v2~2 over 3 hosts in 2 waves/);
  });

  it("go on without a host", async () => {
    const site = await createFleetSite();
    const signalbox = commandLine(site);
    await site.declare("v1");

    const excused = await signalbox("rollout", "excuse", "stable", "web-3", "--reason", "in repair");
    const hosts = await signalbox("rollout", "hosts", "stable", "--state", "Excused");

    expect(excused.stdout).toBe("excused: web-3 in stable@v1\n");
    expect(linesOf(hosts)[1]).toMatch(/^web-3 +rest +Pending \(Excused\) .* excused by local: in repair/);
  });
});

describe("signalbox rollout status --wait", () => {
  it("ends with 0 when it is Terminal, after a line for each change", async () => {
    const site = await createFleetSite();
    await site.declare("v1");

    const waiting = runHere(["rollout", "status", "stable", "--wait"], site.url);
    const quiet = runHere(["rollout", "status", "stable", "--wait", "--json"], site.url);
    for (const host of ["web-1", "web-2", "web-3"]) await site.converge(host, "stable@v1");
    const [said, json] = await Promise.all([waiting, quiet]);

    expect([said.code, said.stderr]).toEqual([0, ""]);
    expect(linesOf(said).at(-1)).toBe("stable@v1  Terminal  wave rest (2 of 2)  3/3 converged");
    expect(new Set(linesOf(said)).size).toBe(linesOf(said).length);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({ state: "Terminal" });
  });

  it("ends with 5 when it ended otherwise, and says how", async () => {
    const site = await rolledOut();
    await site.declare("v2");
    await site.fail("web-1", "stable@v2");

    const said = await runHere(["rollout", "status", "stable", "--wait"], site.url);
    const json = await runHere(["rollout", "status", "stable", "--wait", "--json"], site.url);
    const watched = await runHere(["rollout", "status", "stable", "--watch", "--json"], site.url);

    expect(said.code).toBe(5);
    expect(said.stderr).toMatch(/^signalbox: wait-ended-otherwise: stable@v2 ended in (?:Failed|Reverted) \(web-1\)/);
    expect(json.code).toBe(5);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: "wait-ended-otherwise" });
    expect([watched.code, watched.stderr]).toEqual([0, ""]);
  });

  it("waits for what it opens", async () => {
    const site = await rolledOut();

    const waiting = runHere(["rollout", "open", "stable", "v2", "--wait"], site.url);
    for (const host of ["web-1", "web-2", "web-3"]) await dispatched(site, host, "stable@v2");
    const { code, stdout } = await waiting;

    expect(code).toBe(0);
    expect(stdout).toMatch(/^opened: stable@v2 over 3 hosts.*^stable@v2 {2}Terminal .*3\/3 converged$/ms);
  });
});

describe("signalbox rollout status --watch", () => {
  const hasScript = canRun(script, ["--version"]);
  it.skipIf(!hasScript)(
    `draws waves as bars over themselves on a terminal${hasScript ? "" : " (skipped: no script(1) here)"}`,
    async () => {
      const site = await createFleetSite();
      await site.declare("v1");
      const command = `"${process.execPath}" "${program}" rollout status stable --watch --url ${site.url}`;

      const terminal = started(spawn(script, ["-qec", command, "/dev/null"], { stdio: ["ignore", "pipe", "pipe"] }));
      await until("it is drawn", () => terminal.said().includes("converged"));
      for (const host of ["web-1", "web-2", "web-3"]) await site.converge(host, "stable@v1");
      const { code, stdout } = await terminal.ended;

      expect(code).toBe(0);
      const [, first, ...next] = stdout.split("\r\u001b["); // each goes back to the first line of the one before
      expect(first).toMatch(/stable@v1 {2}Active {2}wave canary \(1 of 2\)\r\n/);
      expect(first).toMatch(/ {2}> canary {2}\[\.\] {2}0\/1 converged, 1 pending\r\n/);
      expect(next.at(-1)).toMatch(/stable@v1 {2}Terminal {2}/);
      expect(next.at(-1)).toMatch(/ rest {4}\[##\] {2}2\/2 converged\r\n/);
    },
  );

  it("ends well on Ctrl-C: who only looks breaks nothing", async () => {
    const site = await createFleetSite();
    await site.declare("v1");
    const watching = start(["rollout", "status", "stable", "--watch"], { SIGNALBOX_URL: site.url });
    await watching.firstLine;

    watching.signal("SIGINT");
    const { code, stdout, stderr } = await watching.ended;

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^stable@v1 {2}Active {2}.*\n$/);
  });
});

function canRun(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Converges as soon as it is offered the ref. */
async function dispatched(site: FleetSite, host: string, rolloutId: string): Promise<void> {
  await expect
    .poll(async () => {
      await site.settle();
      return site.ordersOf(host);
    })
    .toMatchObject([{ kind: "dispatch", dispatch: { rolloutId } }]);
  await site.converge(host, rolloutId);
}
