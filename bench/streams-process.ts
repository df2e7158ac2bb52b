/** One server of `streams.ts` in a process of its own: ours, or a bare one that writes the same to whoever is there. */
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { join } from "node:path";
import { nodeMaintenance } from "../machines/node-maintenance/node-maintenance.ts";
import { createEngine } from "../src/engine/engine.ts";
import { createApp } from "../src/http/app.ts";
import { sqliteStore } from "../src/store/sqlite/sqlite.ts";

/** What the process is asked, and what it answers with. */
export type Asked = { ask: "commit"; entry: string } | { ask: "memory" };
export type Answered =
  | { url: string }
  /** When the commit was done; monotonic, the same clock for all processes. */
  | { committedAtNs: string }
  | { rssBytes: number; heapBytes: number };

interface Served {
  app: RequestListener;
  commit(turn: number, entry: string): Promise<bigint>;
}

const [kind, directory = ""] = process.argv.slice(2);
const served = kind === "bare" ? bareServer() : await ourServer(directory);
const server = createServer(served.app).listen(0, "127.0.0.1", () => {
  tell({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` });
});
let turn = 0;
process.on("message", (asked: Asked) => void answer(asked));

async function answer(asked: Asked): Promise<void> {
  if (asked.ask === "commit") {
    turn += 1;
    return tell({ committedAtNs: String(await served.commit(turn, asked.entry)) });
  }
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  tell({ rssBytes: rss, heapBytes: heapUsed });
}

function tell(answered: Answered): void {
  process.send?.(answered);
}

async function ourServer(path: string): Promise<Served> {
  const engine = createEngine({ machines: [nodeMaintenance], store: sqliteStore(join(path, "bench.db")) });
  await engine.create({ machine: "nodeMaintenance", id: "node/n", input: { node: "n" } });
  return {
    app: createApp(engine, { streams: { perPrincipalMax: 10_000 } }),
    async commit(count) {
      await engine.send("node/n", { type: count % 2 === 1 ? "node.cordon" : "node.uncordon" });
      return process.hrtime.bigint();
    },
  };
}

function bareServer(): Served {
  const open = new Set<ServerResponse>();
  return {
    app(_, response) {
      open.add(response.writeHead(200, { "Content-Type": "text/event-stream" }));
      response.on("close", () => open.delete(response)).write(": hello\n\n");
    },
    async commit(count, entry) {
      const committedAt = process.hrtime.bigint();
      const frame = Buffer.from(`id: ${count}\nevent: entry\ndata: ${JSON.stringify(JSON.parse(entry))}\n\n`);
      for (const response of open) response.write(frame);
      return committedAt;
    },
  };
}
