/** One part of `agents.ts` in a process of its own: a bare echo, or a crowd of agents. */
import { Agent, createServer, request } from "node:http";

export type Part = { kind: "echo" } | { kind: "agents"; from: number; to: number; url: string; echoUrl: string };

export type Answered =
  | { kind: "listening"; url: string }
  /** Every agent has asked, and is not answered yet. */
  | { kind: "waiting" }
  /** Every host has converged. `dispatched`: a host for each dispatch that was handed out and acknowledged. */
  | { kind: "told"; dispatched: string[]; ourMs: number[]; echoMs: number[] };

const part = JSON.parse(process.argv[2] ?? "") as Part;
if (part.kind === "echo") runEcho();
else await runAgents(part);

function tell(answered: Answered): void {
  process.send?.(answered);
}

function runEcho(): void {
  const server = createServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => answer.writeHead(200, { "Content-Type": "application/json" }).end(Buffer.concat(chunks)));
  }).listen(0, "127.0.0.1", () => {
    tell({ kind: "listening", url: `http://127.0.0.1:${(server.address() as { port: number }).port}` });
  });
}

interface Dispatched {
  items: { kind: string; dispatch: { rolloutId: string; target: string } }[];
}

async function runAgents({ from, to, url, echoUrl }: Extract<Part, { kind: "agents" }>): Promise<void> {
  const connections = new Agent({ keepAlive: true });
  const [ourMs, echoMs, dispatched]: [number[], number[], string[]] = [[], [], []];
  const asking = Promise.withResolvers<void>();
  let asked = 0;

  async function runAgent(host: string): Promise<void> {
    for (;;) {
      const answering = ask("GET", `${url}/v1/agent/dispatch?wait=60&host=${host}`);
      asked += 1;
      if (asked === to - from) asking.resolve();
      const text = await answering;
      const [order] = text === "" ? [] : (JSON.parse(text) as Dispatched).items;
      if (order?.kind !== "dispatch") continue;
      dispatched.push(host);
      await tellAll(host, order.dispatch);
      return;
    }
  }

  /** What an agent tells of a host on which all goes well, one by one. */
  async function tellAll(host: string, { rolloutId, target }: { rolloutId: string; target: string }): Promise<void> {
    const events = [
      { type: "dispatch.acknowledged", observedPrior: "v0" },
      { type: "activation.started" },
      { type: "activation.completed", observedVersion: target },
      { type: "host.converged", version: target },
    ];
    for (const [index, event] of events.entries()) {
      const body = JSON.stringify({ host, rolloutId, events: [{ seq: index + 1, event }] });
      ourMs.push(await timed(() => ask("POST", `${url}/v1/agent/events`, body)));
      echoMs.push(await timed(() => ask("POST", echoUrl, body)));
    }
  }

  function ask(method: string, target: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": body.length };
      const sent = request(target, { method, agent: connections, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.on("end", () =>
          (answer.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(`${answer.statusCode}: ${text}`)),
        );
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const hosts = Array.from({ length: to - from }, (_, index) => `host-${String(from + index).padStart(4, "0")}`);
  const running: Promise<void>[] = [];
  for (const host of hosts) {
    running.push(runAgent(host));
    if (running.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 10)); // no burst that the listener's queue would drop
  }
  await asking.promise;
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // the last ones are with the server
  tell({ kind: "waiting" });
  await Promise.all(running);
  tell({ kind: "told", dispatched, ourMs, echoMs });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
