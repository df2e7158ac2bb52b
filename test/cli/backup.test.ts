import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { until } from "../providers/until.ts";
import { post, run, runHere, startServer, temporaryDirectory, type Server } from "./processes.ts";

const directory = temporaryDirectory();
const inside = (name: string) => join(directory.path, name);
const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.end())));
afterAll(() => directory.remove());

async function serve(data: string): Promise<Server> {
  const server = await startServer(data);
  servers.push(server);
  return server;
}

interface Head {
  seq: number;
  hash: string;
}

const nodes = ["a", "b", "c"];

/** Cordons and uncordons a node under a key of its own each time, until it is told to stop. */
async function write(url: string, node: string, acknowledged: string[], signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    const key = `${node}-${n}`;
    const response = await fetch(`${url}/v1/nodes/${node}/${n % 2 === 0 ? "cordon" : "uncordon"}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: "{}",
    });
    await response.arrayBuffer();
    if (response.status === 200) acknowledged.push(key);
  }
}

async function json(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

async function commandsOf(url: string, node: string): Promise<string[]> {
  const commands: string[] = [];
  for (let after = 0; ; ) {
    const page = await json(`${url}/v1/instances/node%2F${node}/journal?limit=500&after=${after}`);
    const entries = page["entries"] as { commandId: string | null }[];
    commands.push(...entries.flatMap(({ commandId }) => commandId ?? []));
    if (entries.length < 500) return commands;
    after = page["nextAfter"] as number;
  }
}

describe("signalbox backup and restore", () => {
  it("keep every command that was acknowledged before, of a server that is written to, and go on elsewhere", async () => {
    const server = await serve(inside("data"));
    for (const node of [...nodes, "d"])
      await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: `node/${node}`, input: { node } });
    await post(server.url, "/v1/nodes/d/maintenance/enter", { reason: "a call that waits for somebody" });
    const [waiting] = (await json(`${server.url}/v1/pending?instance=node%2Fd&kind=call`))["items"] as {
      key: string;
    }[];
    const acknowledged: string[] = [];
    const stop = new AbortController();
    const writers = nodes.map((node) => write(server.url, node, acknowledged, stop.signal));
    await until("much has been written", () => acknowledged.length > 200);

    const before = [...acknowledged];
    const backup = await run(["--json", "backup", "--data", inside("data"), "--to", inside("backup")]);
    const meanwhile = acknowledged.length - before.length;
    stop.abort();
    await Promise.all(writers);
    const restored = await runHere(["restore", "--from", inside("backup"), "--data", inside("elsewhere")], server.url);
    const copy = await serve(inside("elsewhere"));

    expect([backup.code, backup.stderr, restored.code]).toEqual([0, "", 0]);
    expect(meanwhile).toBeGreaterThan(0);
    const { head, faults } = JSON.parse(backup.stdout) as { head: Head; faults: unknown[] };
    expect(faults).toEqual([]);
    const found = (await Promise.all(nodes.map((node) => commandsOf(copy.url, node)))).flat();
    expect(new Set(found).size).toBe(found.length);
    expect(before.filter((key) => !found.includes(key))).toEqual([]);
    expect((await runHere(["verify"], copy.url)).code).toBe(0);
    const expected = ["audit", "verify", "--expect", `${head.seq}:${head.hash}`];
    expect([(await runHere(expected, copy.url)).code, (await runHere(expected, server.url)).code]).toEqual([0, 0]);

    await post(copy.url, `/v1/pending/${encodeURIComponent(waiting?.key ?? "")}/discard`, {});
    expect(await json(`${copy.url}/v1/nodes/d`)).toMatchObject({ state: "DrainFailed" });
    expect(await json(`${server.url}/v1/nodes/d`)).toMatchObject({ state: "EnteringMaintenance" });
  });

  it("say what they refuse, and what to do", async () => {
    const nothing = await runHere(["backup", "--data", inside("nothing"), "--to", inside("x")], "http://127.0.0.1:1");
    const missing = await runHere(["restore", "--from", inside("x"), "--data", inside("y")], "http://127.0.0.1:1");

    expect([nothing.code, missing.code]).toEqual([4, 4]);
    expect(nothing.stderr).toContain("Name the directory that the server was started with");
    expect([existsSync(inside("x")), existsSync(inside("y"))]).toEqual([false, false]);
  });
});

describe("signalbox audit", () => {
  it("verifies a server, exports, verifies the export without one, and ends with 1 when it was changed", async () => {
    const server = await serve(inside("audited"));
    await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: "node/a", input: { node: "a" } });
    for (let n = 0; n < 3; n += 1) await post(server.url, "/v1/nodes/a/cordon", { reason: `reason ${n}` });

    const verified = await runHere(["audit", "verify"], server.url);
    const exported = await runHere(["audit", "export"], server.url);
    const later = await runHere(["audit", "export", "--after", "2"], server.url);
    writeFileSync(inside("export.jsonl"), exported.stdout);
    writeFileSync(inside("changed.jsonl"), exported.stdout.replace("reason 1", "reason 7"));
    const offline = await runHere(
      ["--json", "audit", "verify", "--file", inside("export.jsonl")],
      "http://127.0.0.1:1",
    );
    const changed = await runHere(["audit", "verify", "--file", inside("changed.jsonl")], "http://127.0.0.1:1");

    const { head } = JSON.parse(offline.stdout) as { head: Head };
    expect([verified.code, exported.code, offline.code, changed.code]).toEqual([0, 0, 0, 1]);
    expect(verified.stdout).toContain(`head ${head.seq}:${head.hash}\n`);
    expect(exported.stdout.trimEnd().split("\n")).toHaveLength(head.seq);
    expect(later.stdout).toBe(exported.stdout.split("\n").slice(2).join("\n"));
    expect(changed.stdout).toMatch(/ 1 fault\n {2}row \d: the content does not fit its hash\n/);
  });

  it("takes a head that was noted, and ends with 1 when it is not there any more", async () => {
    const server = await serve(inside("noted"));
    await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: "node/a", input: { node: "a" } });
    const { stdout } = await runHere(["--json", "audit", "verify"], server.url);
    const { head } = JSON.parse(stdout) as { head: Head };

    const there = await runHere(["audit", "verify", "--expect", `1:${head.hash}`], server.url);
    const gone = await runHere(["audit", "verify", "--expect", `9:${head.hash}`], server.url);
    const other = await runHere(["audit", "verify", "--expect", `1:${"0".repeat(64)}`], server.url);
    const wrong = await runHere(["audit", "verify", "--expect", "latest"], server.url);

    expect([there.code, gone.code, other.code, wrong.code]).toEqual([0, 1, 1, 2]);
    expect(gone.stdout).toContain("row 9: the row was noted, and the last one there is 1");
    expect(wrong.stderr).toContain("--expect is a row's number and its hash");
  });
});
