import { afterEach, describe, expect, it } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { startServer, temporaryDirectory, type Server } from "../cli/processes.ts";
import { until } from "../providers/until.ts";
import { createCuttingProxy } from "./cutting-proxy.ts";

const kills = Number(process.env["SIGNALBOX_STREAM_KILLS"] ?? 3);
const readers = 6;
const nodes = ["n0", "n1", "n2", "n3"];
const sendsBetweenKills = 40;
const directory = temporaryDirectory();
let server: Server | undefined;

afterEach(async () => {
  await server?.end();
  directory.remove();
});

describe("readers of streams", () => {
  it("have every journal entry once and in order, whatever becomes of their connections and of the server", {
    timeout: 60_000 + kills * 5_000,
  }, async () => {
    const proxy = await createCuttingProxy();
    const quick = { baseMs: 1, maxMs: 20 };
    const client = createClient({ url: proxy.url, retries: { ...quick, attemptsMax: 10_000 }, following: quick });
    const stop = new AbortController();
    const seen: number[][] = [];
    let lost = 0;
    await serveAgain();
    for (const node of nodes) await client.create({ machine: "nodeMaintenance", id: `node/${node}`, input: { node } });
    const following = Array.from({ length: readers }, async (_, index) => {
      const own: number[] = [];
      seen.push(own);
      const instance = index % 2 === 0 ? {} : { instance: "node/n0" };
      for await (const { seq } of client.follow({
        after: 0,
        signal: stop.signal,
        onLost: () => void (lost += 1),
        ...instance,
      }))
        own.push(seq);
    });

    for (let kill = 0; kill <= kills; kill += 1) {
      const commands = nodes.map(async (node, index) => {
        for (let n = 0; n < sendsBetweenKills; n += 1) {
          await client.send(`node/${node}`, { type: n % 2 === 0 ? "node.cordon" : "node.uncordon" });
          if ((n * 7 + index) % 5 === 0) proxy.cutOne();
        }
      });
      await until(
        "half of them are sent",
        async () => proxy.requests() > sendsBetweenKills * nodes.length * (kill + 0.5),
      );
      if (kill < kills) await serveAgain();
      await Promise.all(commands);
    }
    proxy.leaveAlone();
    const all: number[] = [];
    const ofOne: number[] = [];
    for await (const { seq, instance } of client.journal()) {
      all.push(seq);
      if (instance === "node/n0") ofOne.push(seq);
    }
    await until("all of them are up to date", () =>
      seen.every((own, index) => own.at(-1) === (index % 2 === 0 ? all : ofOne).at(-1)),
    );
    stop.abort();
    await Promise.all(following);

    console.log(`${kills} kills, ${proxy.cuts()} connections cut, ${lost} streams lost, ${all.length} entries`);
    expect(all).toEqual(Array.from(all, (_, index) => index + 1));
    expect(all).toHaveLength(nodes.length * (1 + (kills + 1) * sendsBetweenKills)); // each command once, too
    expect(seen).toEqual(seen.map((_, index) => (index % 2 === 0 ? all : ofOne)));
    expect(lost).toBeGreaterThan(readers);

    /** Kills what runs, and lets the proxy lead to a new one. */
    async function serveAgain(): Promise<void> {
      proxy.leadTo(undefined);
      await server?.end();
      server = await startServer(directory.path);
      proxy.leadTo(server.url);
    }
  });
});
