import { execFileSync, spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../providers/until.ts";
import { post, program, run, start, started, startServer, temporaryDirectory, type Server } from "./processes.ts";

const directory = temporaryDirectory();
let server: Server;

beforeAll(async () => {
  server = await startServer(directory.path);
});
afterAll(async () => {
  await server.end();
  directory.remove();
});

/** A node that nobody works on: the test says what happens to it. */
async function addNode(name: string, groups: string[] = []): Promise<void> {
  const input = { node: name, groups, policy: { recoveryRampMs: 0 } };
  expect(await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: `node/${name}`, input })).toBe(201);
}

async function stateOf(name: string): Promise<string> {
  const response = await fetch(`${server.url}/v1/nodes/${name}`);
  return ((await response.json()) as { state: string }).state;
}

const isIn = (name: string, state: string) =>
  until(`${name} is in ${state}`, async () => (await stateOf(name)) === state);
const drained = (name: string) =>
  post(server.url, `/v1/instances/node%2F${name}/events`, { type: "drain.progressed", replicas: [], daemons: [] });
const script = "script"; // util-linux: gives a command a terminal
const env = () => ({ SIGNALBOX_URL: server.url });

describe("--wait", () => {
  it("prints a line for each change when nobody watches, and ends with 0 when it came as asked", async () => {
    await addNode("well");
    const waiting = start(["node", "drain", "well", "--wait"], env());
    await isIn("well", "EnteringMaintenance");
    const quiet = start(["node", "status", "well", "--wait", "--json"], env());

    await drained("well");
    const [said, json] = await Promise.all([waiting.ended, quiet.ended]);

    expect([said.code, said.stderr]).toEqual([0, ""]);
    const lines = said.stdout.trimEnd().split("\n");
    expect(lines[0]).toBe("changed: well is in EnteringMaintenance");
    expect(lines.at(-1)).toMatch(/^well {2}Maintenance {2}the work to be done/);
    expect(new Set(lines).size).toBe(lines.length);
    expect(said.stdout).not.toContain("\r");
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({ state: "Maintenance" });
  });

  it("ends with 5 when the drain fails, and says how", async () => {
    await addNode("badly");

    const said = await run(["node", "drain", "badly", "--for", "1ms", "--wait"], env());
    const json = await run(["node", "status", "badly", "--wait", "--json"], env());

    expect(said.code).toBe(5);
    expect(said.stdout).toMatch(/^badly {2}DrainFailed {2}/m);
    expect(said.stderr).toMatch(/^signalbox: wait-ended-otherwise: badly came to rest in DrainFailed: an operator/);
    expect(json.code).toBe(5);
    expect(JSON.parse(json.stdout)).toMatchObject({ state: "DrainFailed" });
    expect(JSON.parse(json.stderr)).toMatchObject({ code: "wait-ended-otherwise", state: "DrainFailed" });
  });

  it("waits in line first, where a node has to", async () => {
    const group = { machine: "maintenanceGroup", id: "maintenance-group/racks", input: { name: "racks", members: 2 } };
    expect(await post(server.url, "/v1/instances", group)).toBe(201);
    for (const name of ["first", "second"]) await addNode(name, ["racks"]);
    expect(await post(server.url, "/v1/nodes/first/maintenance/enter", {})).toBe(200);

    const refused = await run(["node", "drain", "second"], env());
    const waiting = start(["node", "drain", "second", "--queue", "--wait"], env());
    expect(await waiting.firstLine).toBe(
      "queued: second is in line at racks; it enters maintenance when its turn comes",
    );
    await until("it says so again as it waits", () =>
      waiting.said().includes("second  in line for its maintenance groups\n"),
    );
    await drained("first");
    for (const force of [false, true]) await post(server.url, "/v1/nodes/first/maintenance/exit", { force });
    await isIn("second", "EnteringMaintenance");
    await drained("second");
    const { code, stdout } = await waiting.ended;

    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("budget-exhausted: racks allows 1 of its nodes out at once");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^second {2}Maintenance /m);
  });

  const hasScript = canRun(script, ["--version"]);
  it.skipIf(!hasScript)(
    `draws over one line on a terminal${hasScript ? "" : " (skipped: no script(1) here)"}`,
    async () => {
      await addNode("drawn");
      const command = `"${process.execPath}" "${program}" node drain drawn --for 1ms --wait --url ${server.url}`;

      const terminal = spawn(script, ["-qec", command, "/dev/null"], { stdio: ["ignore", "pipe", "pipe"] });
      const { code, stdout } = await started(terminal).ended;

      expect(code).toBe(5);
      expect(stdout).toContain("changed: drawn is in EnteringMaintenance\r\n");
      const drawn = stdout.split("\r\u001b[2K").slice(1);
      expect(drawn.at(-1)).toMatch(/^drawn {2}DrainFailed {2}an operator .+\r\n/);
      for (const line of drawn.slice(0, -1))
        expect(line).toMatch(/^drawn {2}EnteringMaintenance {2}until \S+Z {2}[^\n]{1,30}$/);
      expect(stdout).toContain("signalbox: wait-ended-otherwise: drawn came to rest in DrainFailed");
    },
  );
});

function canRun(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
