import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSite } from "../http/site.ts";
import { testMachines } from "../support/test-machines.ts";
import { recordingProvider, untilAborted } from "../support/world.ts";
import { post, program, run, runHere, startServer, temporaryDirectory, type Ended, type Server } from "./processes.ts";

const directory = temporaryDirectory();
let server: Server;

beforeAll(async () => {
  server = await startServer(directory.path);
});
afterAll(async () => {
  await server.end();
  directory.remove();
});

const signalbox = (...args: string[]) => run(args, { SIGNALBOX_URL: server.url });
const signalboxHere = (...args: string[]) => runHere(args, server.url);

/** What it says to people, and what it says with --json. */
async function both(...args: string[]): Promise<[Ended, Ended & { body: never }]> {
  const [human, json] = await Promise.all([signalboxHere(...args), signalboxHere(...args, "--json")]);
  const text = json.code === 0 || json.stdout !== "" ? json.stdout : json.stderr;
  expect(text.trimEnd()).not.toContain("\n"); // one line, whatever it is
  return [human, { ...json, body: JSON.parse(text) as never }];
}

async function addNode(name: string, groups: string[] = []): Promise<void> {
  const input = { node: name, groups, policy: { recoveryRampMs: 0 } };
  expect(await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: `node/${name}`, input })).toBe(201);
}

async function send(name: string, event: object): Promise<void> {
  expect(await post(server.url, `/v1/instances/node%2F${name}/events`, event)).toBe(200);
}

describe("signalbox instances, machines and diagram", () => {
  it("list, filter and show", async () => {
    await addNode("list-a");
    await addNode("list-b");
    await send("list-b", { type: "maintenance.enter" });

    const [listed, { body: items }] = await both(
      "instances",
      "--machine",
      "nodeMaintenance",
      "--state",
      "EnteringMaintenance",
    );
    const [shown, { body: instance }] = await both("instances", "node/list-b");
    const [machines, { body: catalogue }] = await both("machines");

    expect([listed.code, shown.code, machines.code]).toEqual([0, 0, 0]);
    expect(listed.stdout).toMatch(
      /^ID +MACHINE +STATE +SINCE +VERSION\nnode\/list-b +nodeMaintenance +EnteringMaintenance +\S+Z +2\n$/,
    );
    expect(items).toMatchObject({ items: [{ id: "node/list-b" }] });
    expect(shown.stdout.split("\n")[0]).toBe("node/list-b  nodeMaintenance v2");
    expect(shown.stdout).toMatch(/^ {2}state {3}EnteringMaintenance since \S+Z$/m);
    expect(shown.stdout).toMatch(/^ {2}waits {3}lifecycle: every replica .+ until \S+Z\)$/m);
    expect(instance).toMatchObject({ id: "node/list-b", version: 2 });
    expect(machines.stdout).toMatch(/^nodeMaintenance +1 +A node is taken out of service/m);
    expect(catalogue).toHaveProperty("items.0.name", "nodeMaintenance");
  });

  it("say so when no statechart or state is called what they are to be filtered by", async () => {
    const [machine, state, ofMachine, none, nodes] = await Promise.all([
      signalboxHere("instances", "--machine", "nowhere"),
      signalboxHere("instances", "--state", "Bogus"),
      signalboxHere("instances", "--machine", "maintenanceGroup", "--state", "Active"),
      signalboxHere("instances", "--machine", "rollout", "--state", "Terminal"),
      signalboxHere("nodes", "--state", "maintenance"),
    ]);

    expect([machine, state, ofMachine, none, nodes].map(({ code }) => code)).toEqual([4, 4, 4, 0, 4]);
    expect(nodes.stderr).toContain("nodeMaintenance has no state maintenance; it has Active, ");
    expect(machine.stderr).toContain("There is no machine nowhere; known are: nodeMaintenance");
    expect(state.stderr).toContain("No statechart has a state Bogus.");
    expect(ofMachine.stderr).toMatch(/maintenanceGroup has no state Active; it has \w+/);
    expect(none.stdout).toBe("ID  MACHINE  STATE  SINCE  VERSION\n");
  });

  it("print a picture", async () => {
    const [human, { body }] = await both("diagram", "maintenanceGroup");

    expect(human.code).toBe(0);
    expect(human.stdout).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(body).toEqual({ machine: "maintenanceGroup", svg: expect.stringMatching(/^<svg /) });
  });

  it("end with 4 when there is no such thing", async () => {
    const [human, json] = await both("instances", "node/none");
    const others = await Promise.all([
      signalboxHere("diagram", "none"),
      signalboxHere("instances", ".."),
      signalboxHere("verify", "none"),
    ]);

    expect([human.code, human.stdout, json.code]).toEqual([4, "", 4]);
    expect(human.stderr).toBe("signalbox: not-found: There is no instance node/none.\n");
    expect(json.body).toMatchObject({ code: "not-found", detail: "There is no instance node/none." });
    expect(others.map(({ code }) => code)).toEqual([4, 4, 4]);
  });
});

describe("signalbox create", () => {
  it("makes an instance, and no second one of the same id and input", async () => {
    const args = [
      "create",
      "nodeMaintenance",
      "--id",
      "node/made",
      "--input",
      '{"node":"made"}',
      "--label",
      "rack:a:1",
    ];

    const human = await signalbox(...args);
    const again = await signalboxHere(...args, "--json");
    const other = await signalboxHere("create", "nodeMaintenance", "--id", "node/made", "--input", '{"node":"else"}');

    expect([human.code, human.stdout]).toEqual([0, "node/made is in Active, at version 1\n"]);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ id: "node/made", version: 1, labels: { rack: "a:1" } });
    expect([other.code, other.stderr]).toEqual([3, expect.stringContaining("already-exists")]);
  });

  it("takes the input from a file, and chooses an id where none is given", async () => {
    const file = join(directory.path, "input.json");
    writeFileSync(file, '{"node":"filed"}');

    const { code, stdout } = await signalboxHere("create", "nodeMaintenance", "--input", `@${file}`, "--json");

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: expect.stringMatching(/./), context: { node: "filed" } });
  });

  it("says what does not fit, and ends with 2, or with 4 when there is no such statechart", async () => {
    const [missing, text, label, file, unknown] = await Promise.all([
      signalboxHere("create", "nodeMaintenance"),
      signalboxHere("create", "nodeMaintenance", "--input", `[${"1,".repeat(10_000)}1]`),
      signalboxHere("create", "nodeMaintenance", "--label", "rack"),
      signalboxHere("create", "nodeMaintenance", "--input", "@nowhere.json"),
      signalboxHere("create", "none"),
    ]);

    expect([missing, text, label, file, unknown].map(({ code }) => code)).toEqual([2, 2, 2, 2, 4]);
    expect(missing.stderr).toContain("/input/node: required");
    expect(text.stderr).toContain("--input is a JSON object, or @FILE with one");
    expect(text.stderr.length).toBeLessThan(500);
    expect(label.stderr).toContain("--label is NAME:VALUE");
    expect(file.stderr).toContain("nowhere.json");
  });
});

describe("signalbox send and explain", () => {
  it("send an event and say where it led", async () => {
    await addNode("send");

    const human = await signalbox(
      "send",
      "node/send",
      "maintenance.enter",
      "--data",
      '{"reason":"a new disk","drainForMs":60000}',
    );
    const json = await signalbox("send", "node/send", "node.cordon", "--json", "--expected-version", "2");

    expect([human.code, human.stdout]).toEqual([0, "changed: node/send is in EnteringMaintenance\n"]);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({ outcome: "changed", version: 3, instance: { id: "node/send" } });
  });

  it("end with 3 when the statechart refuses, and say why and what to send instead", async () => {
    await addNode("refuse");
    await send("refuse", { type: "maintenance.enter" });

    const [human, json] = await both("send", "node/refuse", "maintenance.exit");
    const stale = await signalboxHere("send", "node/refuse", "node.cordon", "--expected-version", "7");
    const internal = await signalboxHere("send", "node/refuse", "drain.deadlineElapsed");

    expect([human.code, human.stdout, json.code, json.stdout]).toEqual([3, "", 3, ""]);
    expect(human.stderr.split("\n")).toEqual([
      "refused: maintenance.exit in EnteringMaintenance",
      "  not-accepted: EnteringMaintenance does not accept maintenance.exit.",
      "  instead: maintenance.abort",
      expect.stringMatching(/^ {2}it hears: drain\.progressed, maintenance\.abort, /),
      "",
    ]);
    expect(json.body).toMatchObject({
      code: "event-refused",
      from: "EnteringMaintenance",
      reasons: [{ hint: "maintenance.abort" }],
    });
    expect([stale.code, internal.code]).toEqual([3, 3]);
    expect(stale.stderr).toContain("version-mismatch: node/refuse is at version 2, not 7");
  });

  it("tell with --dry-run what would happen", async () => {
    await addNode("dry");
    await send("dry", { type: "maintenance.enter" });

    const [human, { body }] = await both("send", "node/dry", "maintenance.abort", "--dry-run");
    const refused = await signalboxHere("send", "node/dry", "maintenance.exit", "--dry-run");

    expect([human.code, human.stdout]).toEqual([
      0,
      "would be changed: node/dry is then in DrainFailed > ExitingMaintenance\n",
    ]);
    expect(body).toMatchObject({ outcome: "changed", via: ["DrainFailed"], effects: expect.any(Array) });
    expect(refused.stdout).toContain("would be refused");
    expect(refused.stdout).toContain("  instead: maintenance.abort\n");
  });

  it("explain an instance, and an event that is not sent", async () => {
    await addNode("explain");
    await send("explain", { type: "maintenance.enter" });

    const [about, { body }] = await both("explain", "node/explain");
    const [no, verdict] = await both("explain", "node/explain", "maintenance.exit");
    const yes = await signalboxHere("explain", "node/explain", "maintenance.abort", "--data", '{"reason":"x"}');

    expect(about.stdout).toMatch(/^ {2}timer {3}drainDeadline: waiting, due \S+Z$/m);
    expect(about.stdout).toMatch(/^ {2}call {4}drainNode: manual$/m);
    expect(body).toHaveProperty("pending");
    expect([no.code, no.stdout]).toEqual([
      0,
      "maintenance.exit would be refused in EnteringMaintenance\n  not-accepted: EnteringMaintenance does not accept maintenance.exit.\n  instead: maintenance.abort\n",
    ]);
    expect(verdict.body).toMatchObject({ verdict: { outcome: "refused" } });
    expect(yes.stdout).toBe("maintenance.abort would be accepted in EnteringMaintenance\n");
  });
});

describe("signalbox journal, pending and verify", () => {
  it("show what happened, what is to happen, and that both agree", async () => {
    await addNode("journal");
    await send("journal", { type: "maintenance.enter" });
    await signalboxHere("send", "node/journal", "maintenance.exit");

    const [journal, { body: entries }] = await both("journal", "node/journal");
    const [pending, { body: rows }] = await both("pending", "node/journal");
    const [timers, verified] = await Promise.all([
      signalboxHere("pending", "list", "node/journal", "--kind", "timer"),
      signalboxHere("verify", "node/journal"),
    ]);
    const all = await both("verify");

    expect(journal.stdout.split("\n")[0]).toMatch(/^SEQ +AT +VERSION +EVENT +OUTCOME +BY +PATH$/);
    expect(journal.stdout).toMatch(/ 2 +maintenance\.enter +changed +local +Active > EnteringMaintenance$/m);
    expect(journal.stdout).toMatch(
      / 2 +maintenance\.exit +refused +local +EnteringMaintenance \(EnteringMaintenance does not accept maintenance\.exit\.\)$/m,
    );
    expect((entries as { entries: unknown[] }).entries).toHaveLength(3);
    expect(pending.stdout.trimEnd().split("\n")).toHaveLength(4);
    expect((rows as { items: unknown[] }).items).toHaveLength(3);
    expect(timers.stdout).toMatch(
      /^KEY +KIND +STATE +DUE +ATTEMPTS +ERROR\nnode\/journal#2:drainDeadline +timer +waiting +\S+Z +0\n$/,
    );
    expect([verified.code, verified.stdout]).toEqual([0, "1 checked, 0 differences, 0 unverifiable\n"]);
    expect(all[0].code).toBe(0);
    expect(all[1].body).toMatchObject({ differences: [], unverifiable: [] });
  });

  it("try a row again, or give it up", async () => {
    await addNode("rows");
    await send("rows", { type: "maintenance.enter" });
    const key = "node/rows#2:drainNode";

    const retried = await signalbox("pending", "retry", key);
    const early = await signalboxHere("pending", "retry", "node/rows#2:drainDeadline");
    const discarded = await signalbox("pending", "discard", key, "--json");
    const again = await signalboxHere("pending", "discard", key);

    expect([retried.code, retried.stdout]).toEqual([0, `${key} is manual: nobody here performs it\n`]);
    expect([early.code, early.stdout]).toEqual([0, expect.stringContaining("is waiting: it comes at its own time")]);
    expect([discarded.code, JSON.parse(discarded.stdout)]).toEqual([0, { key, discarded: true }]);
    expect((await signalboxHere("node", "status", "rows")).stdout).toContain("DrainFailed");
    expect(again.code).toBe(4);
  });

  it("say that a row is being performed already", async () => {
    const provider = recordingProvider({ watch: untilAborted });
    const { url, engine, settle } = await createSite({ machines: testMachines, providers: [provider] });
    await engine.create({ machine: "caller", id: "c", input: {} });
    await engine.send("c", { type: "watch" });
    await settle();
    const [row] = (await engine.pending({ state: "leased" })).items;

    const { code, stdout } = await runHere(["pending", "retry", row?.key ?? ""], url);

    expect(code).toBe(0);
    expect(stdout).toBe(`${row?.key} is leased: it is being performed right now, and a retry changes nothing\n`);
    expect(provider.calls).toHaveLength(1);
  });
});

describe("signalbox nodes and node", () => {
  it("take a node out of service and put it back", async () => {
    await addNode("round");
    const step = async (...args: string[]) => {
      const { code, stdout, stderr } = await signalbox("node", ...args);
      return [code, stdout.trimEnd() || stderr.split("\n")[0]];
    };

    expect(
      await step("drain", "round", "--reason", "a new disk", "--no-deadline", "--until", "2040-01-31T18:00:00Z"),
    ).toEqual([0, "changed: round is in EnteringMaintenance"]);
    expect((await step("status", "round"))[1]).toMatch(/^ {2}asked {3}by local: a new disk$/m);
    expect(await step("resume", "round")).toEqual([3, "refused: maintenance.exit in EnteringMaintenance"]);
    expect(await step("abort", "round", "--reason", "not today")).toEqual([
      0,
      "changed: round is in ExitingMaintenance",
    ]);
    expect(await step("resume", "round", "--force", "--keep-cordoned")).toEqual([0, "changed: round is in Recovery"]);
    expect((await step("uncordon", "round"))[0]).toBe(0);
    expect(await step("cordon", "round", "--reason", "a fan fails")).toEqual([
      0,
      "changed: round is in Active and Cordoned",
    ]);
    const [listed, { body }] = await both("nodes");
    const [shown] = await both("node", "status", "round");
    expect(listed.stdout).toMatch(/^NODE +STATE +SCHEDULING +SINCE +WAITS FOR\n/);
    expect(listed.stdout).toMatch(/^round +Active +Cordoned +\S+Z +somebody to ask for maintenance/m);
    expect((body as { items: { id: string }[] }).items.map(({ id }) => id)).toContain("node/round");
    expect(shown.stdout).toMatch(/^node\/round {2}nodeMaintenance v\d+\n {2}state {3}Active since /);
    expect(shown.stdout).not.toContain("asked");
  });

  it("try a failed drain again", async () => {
    await addNode("failed");
    await send("failed", { type: "maintenance.enter" });
    await signalboxHere("pending", "discard", "node/failed#2:drainNode");

    const { code, stdout } = await signalbox("node", "retry", "failed", "--for", "1.5m", "--json");

    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { outcome: "changed", instance: { state: "EnteringMaintenance" } },
    ]);
  });

  it("end with 2, 3 and 4 when they are asked for what cannot be", async () => {
    await addNode("asked");
    const code = async (...args: string[]) => (await signalboxHere("node", ...args)).code;

    const codes = await Promise.all([
      code("drain", "asked", "--for", "soon"),
      code("drain", "asked", "--for", "0s"),
      code("drain", "asked", "--for", "60000"),
      code("drain", "asked", "--for", "5s", "--no-deadline"),
      code("drain", "asked", "--until", "tomorrow"),
      code("drain", "asked", "--until", "tomorrow at 5"),
      code("drain", "asked", "--until", "2040-01-31"),
      code("drain"),
      code("retry", "asked"),
      code("drain", "nobody"),
    ]);

    expect(codes).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 3, 4]);
    expect((await signalboxHere("node", "status", "asked")).stdout).toContain("state   Active");
  });
});

describe("the command line", () => {
  it("ends with 2 and a hint on what it does not understand", async () => {
    const [bogus, json, data, option, nothing] = await Promise.all([
      signalbox("bogus"),
      signalbox("send", "x", "--json"),
      signalboxHere("send", "x", "y", "--data", "{oops"),
      signalboxHere("nodes", "--colour"),
      signalboxHere("rollout", "--json"),
    ]);

    expect([bogus, json, data, option, nothing].map(({ code, stdout }) => [code, stdout])).toEqual(
      Array.from({ length: 5 }, () => [2, ""]),
    );
    expect(JSON.parse(nothing.stderr)).toMatchObject({ detail: expect.stringContaining("A command is missing") });
    expect(bogus.stderr).toBe("error: unknown command 'bogus'\n(add --help for the options)\n");
    expect(JSON.parse(json.stderr)).toEqual({ code: "invalid-request", detail: "missing required argument 'type'" });
    expect(data.stderr).toContain("--data is a JSON object");
  });

  it("gives each of several faults a line", async () => {
    await addNode("faults");

    const { code, stderr } = await signalbox(
      "send",
      "node/faults",
      "maintenance.retry",
      "--data",
      '{"drainForMs":-1,"reason":7}',
    );

    expect(code).toBe(2);
    expect(stderr.split("\n")).toEqual([
      "signalbox: invalid-request: The event does not fit maintenance.retry of nodeMaintenance:",
      expect.stringMatching(/^ {2}\/reason: /),
      expect.stringMatching(/^ {2}\/drainForMs: /),
      "",
    ]);
  });

  it("ends with 69 when no server answers, with 2 when the URL is none, and with 1 when something else answers", async () => {
    const { createServer } = await import("node:http");
    const stranger = createServer((_, response) => response.end("<h1>It works!</h1>"));
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const { port } = stranger.address() as { port: number };

    const [silent, json, none, other] = await Promise.all([
      signalbox("nodes", "--url", "http://127.0.0.1:1"),
      signalbox("--json", "--url", "http://127.0.0.1:1", "nodes"),
      signalboxHere("nodes", "--url", "localhost:4100"),
      signalbox("nodes", "--url", `http://127.0.0.1:${port}`),
    ]);
    stranger.close();

    expect([silent.code, json.code, none.code, other.code]).toEqual([69, 69, 2, 1]);
    expect(silent.stderr).toMatch(
      /^signalbox: server-unreachable: No server answers at http:\/\/127\.0\.0\.1:1 \(.+\)\. Start one with/,
    );
    expect(JSON.parse(json.stderr)).toMatchObject({ code: "server-unreachable" });
    expect(other.stderr).toContain("is no Signalbox server");
  });

  it("lets nothing from outside steer the terminal", async () => {
    const id = "node/evil\u009b31m\u202eback";
    const input = { node: "evil\u0007\u001b[2J" };
    expect(await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id, input })).toBe(201);
    await post(server.url, `/v1/instances/${encodeURIComponent(id)}/events`, {
      type: "maintenance.enter",
      reason: "\u001b]0;owned\u0007\nfake: line",
    });

    const said = await Promise.all([
      signalboxHere("instances"),
      signalbox("instances", "--json"),
      signalboxHere("instances", id),
      signalbox("nodes"),
      signalboxHere("journal", id),
      signalboxHere("journal", id, "--json"),
      signalboxHere("send", id, "maintenance.exit"),
      signalboxHere("instances", "none\u001b[31m"),
      signalboxHere("bogus\u001b[31m"),
    ]);

    for (const { stdout, stderr } of said) {
      // oxlint-disable-next-line no-control-regex -- exactly these must not be there
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      expect(stdout + stderr).not.toMatch(/^fake/m);
    }
    expect((JSON.parse(said[1]?.stdout ?? "") as { items: { id: string }[] }).items.map((each) => each.id)).toContain(
      id,
    );
  });

  it("ends with 1 and a sentence when there is no room for what it says", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `"${process.execPath}" "${program}" machines > /dev/full`], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], SIGNALBOX_URL: server.url },
    });

    expect([status, stderr]).toEqual([1, expect.stringMatching(/^signalbox: standard output cannot be .*ENOSPC.*\n$/)]);
  });

  it("stops quietly when its reader has seen enough", async () => {
    const { promisify } = await import("node:util");
    const { exec } = await import("node:child_process");
    const { program } = await import("./processes.ts");
    const command = `"${process.execPath}" "${program}" diagram nodeMaintenance --url ${server.url} | head -c 10`;

    const { stdout, stderr } = await promisify(exec)(command);

    expect([stdout.slice(0, 4), stderr]).toEqual(["<svg", ""]);
  });
});
