import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { endAllProcesses } from "../../src/providers/processes/end-all.ts";
import { until } from "../providers/until.ts";
import { post, program, run, start, started, startServer, temporaryDirectory } from "./processes.ts";

const directory = temporaryDirectory();
const inside = (name: string) => join(directory.path, name);

beforeAll(() => mkdirSync(inside("in-the-way")));
afterAll(() => directory.remove());

describe("signalbox serve", () => {
  it("prints one line of JSON when it is ready, logs JSON, owns its directory alone, and ends well on SIGTERM", async () => {
    const data = inside("owned");
    const first = start(["serve", "--data", data, "--port", "0"]);
    const { listening } = JSON.parse(await first.firstLine) as { listening: string };
    await (await fetch(`${listening}/livez`)).text(); // keeps a connection open

    const second = await run(["serve", "--data", data, "--port", "0"]);
    first.signal("SIGTERM");
    const { code, stdout, stderr } = await first.ended;

    expect(listening).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^signalbox: database-in-use: .*owned.* belongs to process /);
    expect(second.stderr).toContain(`process ${first.pid} `);
    expect(code).toBe(0);
    expect(stdout).toBe(`${JSON.stringify({ listening })}\n`);
    const logged = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string; signal?: string });
    expect(logged.map(({ msg }) => msg)).toEqual(["listening", expect.stringContaining("stopping")]);
    expect(logged[1]?.signal).toBe("SIGTERM");
  });

  it("ends well on SIGINT too, and has everything again when it comes back", async () => {
    const data = inside("again");
    const first = await startServer(data);
    await post(first.url, "/v1/instances", { machine: "nodeMaintenance", id: "node/a", input: { node: "a" } });
    await post(first.url, "/v1/nodes/a/cordon", {});

    const { code } = await first.end("SIGINT");
    const second = await startServer(data);
    const response = await fetch(`${second.url}/v1/nodes/a`);
    const { version, value } = (await response.json()) as { version: number; value: object };
    await second.end();

    expect(code).toBe(0);
    expect([version, value]).toEqual([2, { lifecycle: "Active", scheduling: "Cordoned" }]);
  });

  it("ends well when the npx that runs it is told to end, which ends its shell alone", async () => {
    const data = inside("by-npx");
    const bin = inside("node_modules/.bin");
    mkdirSync(bin, { recursive: true });
    const script = `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`;
    writeFileSync(join(bin, "signalbox"), script, { mode: 0o700 });
    const command = ["exec", "--", "signalbox", "serve", "--data", data, "--port", "0"];
    const npx = started(spawn("npm", command, { cwd: directory.path, stdio: ["ignore", "pipe", "pipe"] }));
    const { listening } = JSON.parse(await npx.firstLine) as { listening: string };
    const server = ownerOf(data);
    onTestFinished(() => endIfItRuns(server));

    npx.signal("SIGTERM");
    const { stderr } = await npx.ended; // only when nobody holds its output any more

    expect(stderr).toMatch(/"signal":"(SIGTERM|npx has ended)".*"stopping/);
    await expect(fetch(listening)).rejects.toThrow();
  });

  it("can be stopped while its nodes are still coming up", async () => {
    const data = inside("unfinished");
    const never = { group: "web", command: [process.execPath, "-e", "setInterval(() => {}, 1e6)"] };
    const nodes = { groups: { web: { port: await freePort() } }, nodes: { alpha: { replicas: { "web-1": never } } } };
    writeFileSync(inside("unfinished.yaml"), JSON.stringify(nodes));

    const server = start(["serve", "--data", data, "--port", "0", "--nodes", inside("unfinished.yaml")]);
    await until("a replica has been started", () => existsSync(join(data, "processes", "logs")));
    server.signal("SIGTERM");
    const { code, stdout } = await server.ended;
    await endAllProcesses(join(data, "processes"), { graceMs: 100 });

    expect([code, stdout]).toEqual([0, ""]);
  });

  it("lets nobody in from outside without authentication", async () => {
    const hosts = ["0.0.0.0", "::", "192.0.2.1", "example.org"];

    const ends = await Promise.all(hosts.map((host) => run(["serve", "--data", inside("public"), "--host", host])));

    for (const [index, { code, stdout, stderr }] of ends.entries()) {
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(`--host ${hosts[index]} would let others in without authentication`);
    }
    expect(existsSync(inside("public"))).toBe(false);
  });

  it("lists every fault of a nodes file, and touches nothing", async () => {
    writeFileSync(
      inside("bad.yaml"),
      "groups: { web: { port: 99999 } }\nnodes: { alpha: { replicas: { r: { group: wob, command: [] } } } }\nnode: {}\n",
    );

    const bad = run(["serve", "--data", inside("untouched"), "--nodes", inside("bad.yaml")]);
    const missing = run(["serve", "--data", inside("untouched"), "--nodes", inside("none.yaml")]);

    const { code, stdout, stderr } = await bad;
    expect([code, stdout]).toEqual([2, ""]);
    const [first, ...faults] = stderr.trimEnd().split("\n");
    expect(first).toBe("signalbox: invalid-request: The nodes file is not well formed:");
    expect(faults.map((line) => line.trim().split(":")[0])).toEqual(
      expect.arrayContaining(["/groups/web/port", "/nodes/alpha/replicas/r/group", "/nodes/alpha/replicas/r/command"]),
    );
    expect(stderr).toContain("/node: unknown field");
    expect(await missing).toMatchObject({ code: 2, stderr: expect.stringContaining("The nodes file cannot be read") });
    expect(existsSync(inside("untouched"))).toBe(false);
  });

  it("says what is wrong with a directory, a port or its environment, and ends", async () => {
    writeFileSync(inside("a-file"), "");
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;

    const [data, file, inUse, odd, without, environment] = await Promise.all([
      run(["serve", "--data", join(inside("a-file"), "below")]),
      run(["serve", "--data", inside("a-file")]),
      run(["serve", "--data", inside("port"), "--port", String(port)]),
      run(["serve", "--data", inside("port"), "--port", "65536"]),
      run(["serve"]),
      run(["nodes"], { SIGNALBOX_URL: "nowhere", SIGNALBOX_LOG_LEVEL: "loud" }),
    ]);
    taken.close();

    for (const { code, stdout, stderr } of [data, file, inUse, odd, without, environment]) {
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
    expect(data.stderr).toContain("cannot be written to");
    expect(inUse.stderr).toContain(`Cannot listen on 127.0.0.1:${port}`);
    expect(odd.stderr).toContain("A port is a number from 0 to 65535");
    expect(without.stderr).toContain("--data");
    expect(environment.stderr).toMatch(/SIGNALBOX_URL: .*SIGNALBOX_LOG_LEVEL: /s);
  });
});

describe("the program", () => {
  const system = versionOf("/usr/bin/env", ["node", "--version"]);
  const isOld = system !== undefined && system < 24;

  it.skipIf(!isOld)(
    `says in a sentence that Node is too old (${isOld ? "this one is" : "skipped: no old one here"})`,
    () => {
      const environment = { PATH: "/usr/local/bin:/usr/bin:/bin" };
      let error: { status?: number; stdout?: Buffer; stderr?: Buffer } = {};
      try {
        execFileSync("/usr/bin/env", ["node", program, "nodes"], { env: environment, stdio: "pipe" });
      } catch (thrown) {
        error = thrown as typeof error;
      }

      expect(error.status).toBe(78);
      expect(String(error.stdout)).toBe("");
      expect(String(error.stderr)).toMatch(/^signalbox needs Node\.js 24 or newer; this is v\d+\.[\d.]+\. .+\n$/);
    },
  );
});

/** Of a Node that is not the one of this checkout. */
function versionOf(command: string, args: string[]): number | undefined {
  try {
    const text = execFileSync(command, args, { env: { PATH: "/usr/local/bin:/usr/bin:/bin" }, stdio: "pipe" });
    return Number(/^v(\d+)\./.exec(String(text))?.[1]);
  } catch {
    return undefined;
  }
}

function ownerOf(data: string): number {
  return (JSON.parse(readFileSync(join(data, "signalbox.db-owner.json"), "utf8")) as { pid: number }).pid;
}

function endIfItRuns(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
