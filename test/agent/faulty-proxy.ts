import { once } from "node:events";
import { Agent, createServer, request, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A way between agents and their control plane on which requests and answers are lost, doubled and late. */
export interface FaultyProxy {
  url: string;
  /** Where it leads; to nowhere when not given: then every connection ends at once. */
  leadTo(url: string | undefined): void;
  /** What happens to the requests that tell events from now on, in turn and from the beginning again. */
  faults(...faults: Fault[]): void;
  /** How often each has happened. */
  happened(fault: Fault): number;
}

export type Fault =
  | "none"
  /** It never arrives. */
  | "request-lost"
  /** It arrives, and nobody hears what became of it. */
  | "answer-lost"
  /** It arrives twice at the same time. */
  | "doubled"
  /** One that was told before arrives once more, after this one. */
  | "older-again";

interface Told {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export async function createFaultyProxy(): Promise<FaultyProxy> {
  const connections = new Agent({ keepAlive: true });
  const counts = new Map<Fault, number>();
  const told: Told[] = [];
  let target: URL | undefined;
  let plan: Fault[] = ["none"];
  let turn = 0;

  const server = createServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on("error", () => undefined);
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => {
      const { method = "GET", url: path = "/", headers } = asked;
      void pass({ method, path, headers, body: Buffer.concat(chunks) }, answer);
    });
  });

  async function pass(one: Told, answer: ServerResponse): Promise<void> {
    const isTelling = one.method === "POST" && one.path.startsWith("/v1/agent/events");
    const fault = isTelling ? (plan[turn++ % plan.length] ?? "none") : "none";
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    if (fault === "request-lost") return void answer.destroy();
    const twin = fault === "doubled" ? forward(one).catch(() => undefined) : undefined;
    try {
      const { status, headers, body } = await forward(one, answer);
      await twin;
      const older = told[0];
      if (fault === "older-again" && older !== undefined) await forward(older);
      if (isTelling) told.push(one);
      if (fault === "answer-lost") answer.destroy();
      else answer.writeHead(status, headers).end(body);
    } catch {
      answer.destroy();
    }
  }

  function forward(
    one: Told,
    answer?: ServerResponse,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
    return new Promise((resolve, reject) => {
      if (target === undefined) return reject(new Error("it leads nowhere"));
      const { method, path, headers, body } = one;
      const sent = request(new URL(path, target), { method, headers, agent: connections }, (got) => {
        const chunks: Buffer[] = [];
        got.on("data", (chunk: Buffer) => chunks.push(chunk));
        got.on("error", reject);
        got.on("end", () =>
          resolve({ status: got.statusCode ?? 0, headers: got.headers, body: Buffer.concat(chunks) }),
        );
      });
      sent.on("error", reject);
      answer?.on("close", () => sent.destroy()); // whoever asked is gone
      sent.end(body);
    });
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    connections.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(url) {
      target = url === undefined ? undefined : new URL(url);
      server.closeAllConnections();
    },
    faults(...faults) {
      plan = faults;
      turn = 0;
    },
    happened: (fault) => counts.get(fault) ?? 0,
  };
}
