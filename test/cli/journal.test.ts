import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../providers/until.ts";
import { post, run, start, startServer, temporaryDirectory, type Running, type Server } from "./processes.ts";

let directory: ReturnType<typeof temporaryDirectory>;
let server: Server;

beforeEach(async () => {
  directory = temporaryDirectory();
  server = await startServer(directory.path);
});
afterEach(async () => {
  await server.end();
  directory.remove();
});

const lines = (following: Running) => following.said().split("\n").slice(0, -1);

describe("signalbox journal --follow", () => {
  it("shows what was and what comes, over a server that is killed and comes back, and ends with 0", async () => {
    const add = (name: string) =>
      post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: `node/${name}`, input: { node: name } });
    await add("alpha");
    const following = start(["journal", "-f", "--json"], { SIGNALBOX_URL: server.url });
    await until("what was is shown", () => lines(following).length === 1);

    await add("beta");
    await until("what comes is shown", () => lines(following).length === 2);
    await server.end("SIGKILL");
    server = await startServer(directory.path, ["--port", new URL(server.url).port]);
    await add("gamma");
    await until("it goes on", () => lines(following).length === 3);
    following.signal("SIGINT");
    const { code, stderr } = await following.ended;

    const entries = lines(following).map((line) => JSON.parse(line) as { seq: number; instance: string });
    expect(entries.map(({ seq, instance }) => [seq, instance])).toEqual([
      [1, "node/alpha"],
      [2, "node/beta"],
      [3, "node/gamma"],
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stderr.split("\n")[0] ?? "")).toEqual({
      detail: expect.stringMatching(/^The connection is lost, and made again: server-unreachable: /),
    });
  });
});

describe("signalbox journal", () => {
  it("shows the whole journal, and names the instances", async () => {
    await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: "node/alpha", input: { node: "alpha" } });
    const signalbox = (...args: string[]) => run(["journal", ...args], { SIGNALBOX_URL: server.url });

    const [people, json, later] = await Promise.all([signalbox(), signalbox("--json"), signalbox("--after", "1")]);

    expect(people.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["SEQ", "AT", "INSTANCE", "VERSION", "EVENT", "OUTCOME", "BY", "PATH"],
      ["1", expect.stringMatching(/Z$/), "node/alpha", "1", "created", "changed", "local", "Active"],
      [""],
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({ entries: [{ seq: 1, instance: "node/alpha" }] });
    expect(later.stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it("that is to be followed says at once that no server is there, or no such instance", async () => {
    const [{ code, stderr }, none] = await Promise.all([
      run(["journal", "-f", "--url", "http://127.0.0.1:1"]),
      run(["journal", "node/none", "--follow", "--url", server.url]),
    ]);

    expect([code, none.code]).toEqual([69, 4]);
    expect(stderr).toMatch(/server-unreachable: No server answers at http:\/\/127\.0\.0\.1:1 \(.+\)\. Start one with/);
  });
});
