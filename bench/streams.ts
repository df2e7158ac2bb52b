import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { quantile, type Figure } from "./measure.ts";
import type { Answered, Asked } from "./streams-process.ts";

const streams = 1_000;
const commits = 200;
const warmUps = 20;

/**
 * How long it takes from a commit until every one of 1,000 open streams has it, and what a stream costs, beside a bare node:http
 * server that writes the same bytes to the same number of connections. Each server has a process of its own; the readers share this one.
 */
export async function measureStreams(parentDir: string): Promise<Figure> {
  const directory = mkdtempSync(join(parentDir, "streams-"));
  const servers: Server[] = [];
  try {
    const ours = await openServer("ours", directory);
    servers.push(ours);
    const bare = await openServer("bare", directory);
    servers.push(bare);
    const [ourMs, bareMs]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < warmUps + commits; turn += 1) {
      const fanOutMs = [await ours.fanOutMs(""), await bare.fanOutMs(ours.entry())] as const; // in turns: what disturbs one disturbs the other
      if (turn < warmUps) continue;
      ourMs.push(fanOutMs[0]);
      bareMs.push(fanOutMs[1]);
    }
    const p50Ms = quantile(ourMs, 0.5);
    return {
      ratio: p50Ms / quantile(bareMs, 0.5),
      baseline: "a bare node:http server that writes the same bytes to 1,000 connections (a ratio of times)",
      perSecond: (streams * 1_000) / p50Ms,
      p50Ms,
      p99Ms: quantile(ourMs, 0.99),
      baselineP50Ms: quantile(bareMs, 0.5),
      baselineP99Ms: quantile(bareMs, 0.99),
      rssPerStreamKb: ours.rssPerStreamKb,
      baselineRssPerStreamKb: bare.rssPerStreamKb,
      heapPerStreamKb: ours.heapPerStreamKb,
      baselineHeapPerStreamKb: bare.heapPerStreamKb,
    };
  } finally {
    for (const { end } of servers) end();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Server {
  rssPerStreamKb: number;
  heapPerStreamKb: number;
  /** From a commit until every stream has it. */
  fanOutMs(entry: string): Promise<number>;
  /** The last entry that came, as JSON. */
  entry(): string;
  end(): void;
}

/** A server in a process of its own, with all its streams open. */
async function openServer(kind: "ours" | "bare", directory: string): Promise<Server> {
  const child = fork(join(import.meta.dirname, "streams-process.ts"), [kind, directory], { execArgv: ["--expose-gc"] });
  const { url } = (await next(child)) as { url: string };
  const before = await memoryOf(child);
  const counter = { arrived: 0, lastAtNs: 0n, done: Promise.withResolvers<void>() };
  const readers: Reader[] = [];
  while (readers.length < streams) {
    const more = Array.from({ length: 50 }, () => openReader(url, counter)); // no burst that the listener's queue would drop
    readers.push(...more);
    await Promise.all(more.map(({ opened }) => opened));
  }
  const after = await memoryOf(child);
  return {
    rssPerStreamKb: (after.rssBytes - before.rssBytes) / streams / 1_024,
    heapPerStreamKb: (after.heapBytes - before.heapBytes) / streams / 1_024,
    async fanOutMs(entry) {
      counter.arrived = 0;
      counter.done = Promise.withResolvers();
      const answered = ask(child, { ask: "commit", entry });
      await counter.done.promise;
      const { committedAtNs } = (await answered) as { committedAtNs: string };
      return Number(counter.lastAtNs - BigInt(committedAtNs)) / 1e6;
    },
    entry: () => /data: (.*)/.exec(readers[0]?.last() ?? "")?.[1] ?? "",
    end() {
      for (const { socket } of readers) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}

interface Reader {
  socket: Socket;
  opened: Promise<void>;
  last(): string;
}

/** As little as a reader can be: what is measured is the server. */
function openReader(
  url: string,
  counter: { arrived: number; lastAtNs: bigint; done: PromiseWithResolvers<void> },
): Reader {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const opened = Promise.withResolvers<void>();
  let last = "";
  socket.on("error", opened.reject);
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    last = chunk;
    opened.resolve();
    if (!chunk.includes("event: entry")) return;
    counter.arrived += 1;
    if (counter.arrived < streams) return;
    counter.lastAtNs = process.hrtime.bigint();
    counter.done.resolve();
  });
  socket.write(`GET /v1/journal/stream HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  return { socket, opened: opened.promise, last: () => last };
}

async function memoryOf(child: ChildProcess): Promise<{ rssBytes: number; heapBytes: number }> {
  return (await ask(child, { ask: "memory" })) as { rssBytes: number; heapBytes: number };
}

function ask(child: ChildProcess, asked: Asked): Promise<Answered> {
  const answered = next(child);
  child.send(asked);
  return answered;
}

async function next(child: ChildProcess): Promise<Answered> {
  const [answered] = (await once(child, "message")) as [Answered];
  return answered;
}
