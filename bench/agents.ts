import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Answered, Part } from "./agents-process.ts";
import { quantile, type Figure } from "./measure.ts";

const agents = 2_000;
const processes = 2;
const inFlight = 64; // hosts that are out at once, as a careful policy has it

/**
 * One rollout over 2,000 hosts whose agents all wait for it at one server, each on a connection of its own. How long an event
 * takes until it is acknowledged, beside a bare node:http server that is sent the same body right afterwards; and whether each
 * host has had its dispatch, once.
 */
export async function measureAgents(parentDir: string): Promise<Figure> {
  const directory = mkdtempSync(join(parentDir, "agents-"));
  const ends: (() => void)[] = [];
  const open = (part: Part): ChildProcess => {
    const child = fork(join(import.meta.dirname, "agents-process.ts"), [JSON.stringify(part)]);
    ends.push(() => child.kill("SIGKILL"));
    return child;
  };
  try {
    const { url, end } = await startServer(directory);
    ends.push(end);
    const echo = open({ kind: "echo" });
    const { url: echoUrl } = await next(echo, "listening");
    const share = agents / processes;
    const crowds: ChildProcess[] = [];
    for (let from = 0; from < agents; from += share) {
      const crowd = open({ kind: "agents", from, to: from + share, url, echoUrl });
      crowds.push(crowd);
      await next(crowd, "waiting");
    }
    const begunAt = performance.now();
    const told = Promise.all(crowds.map((crowd) => next(crowd, "told")));
    await applyFleet(url);
    const results = await told;
    const seconds = (performance.now() - begunAt) / 1_000;
    const state = await stateOf(url);
    const dispatches = results.flatMap(({ dispatched }) => dispatched);
    const [ours, bare] = [results.flatMap(({ ourMs }) => ourMs), results.flatMap(({ echoMs }) => echoMs)];
    return {
      ratio: quantile(ours, 0.99) / quantile(bare, 0.99),
      baseline: "a bare node:http echo that is sent the same body, of the 99th percentiles (a ratio of times)",
      perSecond: ours.length / seconds,
      p50Ms: quantile(ours, 0.5),
      p99Ms: quantile(ours, 0.99),
      baselineP50Ms: quantile(bare, 0.5),
      baselineP99Ms: quantile(bare, 0.99),
      hostsPerSecond: agents / seconds,
      missedDispatches: agents - new Set(dispatches).size,
      doubledDispatches: dispatches.length - new Set(dispatches).size,
      state,
    };
  } finally {
    for (const end of ends) end();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `signalbox serve` as anybody runs it. */
async function startServer(directory: string): Promise<{ url: string; end(): void }> {
  const program = join(import.meta.dirname, "../bin/signalbox.js");
  const args = [program, "serve", "--data", directory, "--port", "0"];
  const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
  return { url: (JSON.parse(line) as { listening: string }).listening, end: () => void server.kill("SIGKILL") };
}

async function applyFleet(url: string): Promise<void> {
  const document = {
    channels: { stable: { ref: "v1", policy: "plain" } },
    hosts: { [`host-[0000-${agents - 1}]`]: { channel: "stable" } },
    policies: { plain: { waves: [{ name: "all", hosts: { all: true }, soak: "0s" }] } },
    budgets: [{ hosts: { all: true }, maxInFlight: inFlight }],
  };
  const answer = await fetch(`${url}/v1/fleet`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ document }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`The fleet was not taken: ${text}`);
}

async function stateOf(url: string): Promise<string> {
  for (let turn = 0; ; turn += 1) {
    const answer = await fetch(`${url}/v1/rollouts/${encodeURIComponent("stable@v1")}`);
    const { state } = (await answer.json()) as { state: string };
    if (state === "Terminal" || turn === 50) return state;
    await new Promise((resolve) => setTimeout(resolve, 100)); // the last host's counters are on their way
  }
}

async function next<Kind extends Answered["kind"]>(child: ChildProcess, kind: Kind) {
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`a part ended with ${code}`)));
  const [answered] = (await Promise.race([once(child, "message"), ended])) as [Answered];
  if (answered.kind !== kind) throw new Error(`expected ${kind}, not ${answered.kind}`);
  return answered as Extract<Answered, { kind: Kind }>;
}
