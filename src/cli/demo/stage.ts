import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../core/errors.ts";
import type { Output } from "../output.ts";
import { startProgram, type ProgramProcess } from "./program-process.ts";
import { demoPrefix, startSweeper } from "./sweeper.ts";

/** What an act plays on: a directory that goes away with it, and processes that end with it. */
export interface Stage {
  output: Output;
  dataDir: string;
  /** Aborted when somebody interrupts. */
  signal: AbortSignal;
  /** Starts a server and waits until it listens. */
  startServer(options: readonly string[]): Promise<ServerProcess>;
  start(given: Parameters<typeof startProgram>[0]): ProgramProcess;
  /** Done when the act is over, however it ends; the newest first. What it answers is told. */
  atEnd(work: () => Promise<string | void>): void;
}

export interface ServerProcess extends ProgramProcess {
  url: string;
}

/** Plays an act, and takes everything away again, also when it fails, is interrupted or killed. Answers with the exit code. */
export async function onStage(output: Output, play: (stage: Stage) => Promise<number>): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), demoPrefix));
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error("interrupted"));
  const onSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const each of onSignals) process.on(each, interrupt); // a second one does not leave half of it behind
  const compileCache = process.env["NODE_COMPILE_CACHE"] ?? join(dataDir, "compile-cache"); // all of them load the same modules
  const sweeper = startSweeper(dataDir);
  const running = new Set<ProgramProcess>();
  const ends: (() => Promise<string | void>)[] = [];
  const stage: Stage = {
    output,
    dataDir,
    signal: interrupted.signal,
    start(given) {
      const started = startProgram({ ...given, env: { NODE_COMPILE_CACHE: compileCache, ...given.env } });
      const listed: ProgramProcess = {
        ...started,
        async end(signal) {
          await started.end(signal);
          running.delete(listed);
        },
      };
      running.add(listed);
      sweeper.began(started.pid);
      void started.ended.then(() => sweeper.ended(started.pid));
      return listed;
    },
    async startServer(options) {
      const logPath = join(dataDir, "server.log");
      const args = ["serve", "--data", dataDir, ...options];
      const server = stage.start({ name: "The server", args, logPath });
      return { ...server, url: (JSON.parse(await server.ready) as { listening: string }).listening };
    },
    atEnd: (work) => void ends.unshift(work),
  };
  try {
    return await play(stage);
  } catch (error) {
    output.error(`\nThe demo stopped: ${interrupted.signal.aborted ? "interrupted" : messageOf(error)}`);
    return 1;
  } finally {
    const processes = running.size;
    await Promise.all([...running].map((each) => each.end("SIGKILL")));
    const said = [];
    for (const end of ends) said.push(await end());
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }); // what was just killed may still be writing
    await sweeper.dismiss();
    const ours = `${processes} ${processes === 1 ? "process" : "processes"} of Signalbox`;
    output.line(`\nEnded ${[ours, ...said].filter(Boolean).join(", ")}; nothing is left behind.`);
    for (const each of onSignals) process.off(each, interrupt);
  }
}

export function title({ output }: Stage, text: string): void {
  output.line(`\n== ${text}`);
}

export async function settle({ signal }: Stage, ms: number): Promise<void> {
  await delay(ms, undefined, { signal });
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
