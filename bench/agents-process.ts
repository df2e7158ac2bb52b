/** One part of `agents.ts` in a process of its own: a bare echo, or a crowd of agents. */
import { createServer } from "node:http";
import { createBackoff } from "../src/agent/backoff.ts";
import type { Changes } from "../src/agent/changes.ts";
import { createControlPlane, type ControlPlane, type OrderOf } from "../src/agent/control-plane.ts";
import { createLink } from "../src/agent/link.ts";
import { createWitnesses } from "../src/agent/witnesses.ts";
import { createClient } from "../src/client/index.ts";
import { silentLog, type Log } from "../src/core/log.ts";
import type { NumberedEvent } from "../src/operations/agent-schemas.ts";
import { systemClock } from "../src/providers/system-clock.ts";

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

/** The link of a real agent, on hosts that keep no records and on which all goes well at once. */
async function runAgents({ from, to, url, echoUrl }: Extract<Part, { kind: "agents" }>): Promise<void> {
  const clock = systemClock();
  const client = createClient({ url, retries: { attemptsMax: 1 } });
  const [ourMs, echoMs, dispatched]: [number[], number[], string[]] = [[], [], []];
  const quiet: Changes = {
    count: () => 0,
    beyond: (_count, until, signal) => clock.wakeAt(until, signal),
    run: async () => undefined,
  };
  const log: Log = { ...silentLog, warn: (fields, text) => console.error(text, fields) };
  const asking = Promise.withResolvers<void>();
  let asked = 0;

  async function runAgent(host: string): Promise<void> {
    const converged = new AbortController();
    const known = createControlPlane({
      client,
      host,
      agent: "bench.1",
      witnesses: createWitnesses({ targets: [], url, clock }),
    });
    const controlPlane: ControlPlane = {
      ...known,
      orders(given) {
        const answering = known.orders(given);
        asked += 1;
        if (asked === to - from) asking.resolve();
        return answering;
      },
    };
    const link = createLink({
      controlPlane,
      hosts: { all: async () => [], ordersTaken: async () => [] },
      outbox: { sent: () => 0 },
      changes: quiet,
      backoff: createBackoff({ baseMs: 100, maxMs: 1_000, chance: Math.random }),
      clock,
      log,
      async takeOrder(order) {
        if (order.kind !== "dispatch") return false;
        dispatched.push(host);
        await tellAll(controlPlane, host, order.dispatch);
        converged.abort();
        return true;
      },
    });
    await link.run(converged.signal);
  }

  /** What an agent tells of a host, one by one; each time the bare server is sent the same. */
  async function tellAll(
    controlPlane: ControlPlane,
    host: string,
    { rolloutId, target }: OrderOf<"dispatch">["dispatch"],
  ): Promise<void> {
    const { signal } = new AbortController();
    const events: NumberedEvent["event"][] = [
      { type: "dispatch.acknowledged", observedPrior: "v0" },
      { type: "activation.started" },
      { type: "activation.completed", observedVersion: target },
      { type: "host.converged", version: target },
    ];
    for (const [index, event] of events.entries()) {
      const told = { rolloutId, orders: [], events: [{ seq: index + 1, event }] };
      ourMs.push(await timed(() => controlPlane.tell({ ...told, signal })));
      const body = JSON.stringify({ host, ...told });
      const headers = { "Content-Type": "application/json" };
      echoMs.push(await timed(async () => (await fetch(echoUrl, { method: "POST", headers, body })).json()));
    }
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
