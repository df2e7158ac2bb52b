import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { SignalboxError } from "../../core/errors.ts";
import { programFile } from "./program-process.ts";

/** How the directory of a demo begins; no other one is ever swept. */
export const demoPrefix = "signalbox-demo-";

/** Stands beside a demo, and takes away what is left of it when it is killed and cannot do that itself. */
export interface Sweeper {
  began(pid: number): void;
  ended(pid: number): void;
  /** The demo has taken everything away itself. */
  dismiss(): Promise<void>;
}

export function startSweeper(dataDir: string): Sweeper {
  const child = spawn(process.execPath, [programFile, "demo", "sweep", dataDir], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true, // Ctrl-C is for the demo
  });
  const gone = new Promise((end) => child.once("exit", end).once("error", end));
  child.stdin.on("error", () => undefined); // without a sweeper a demo goes on as well
  const tell = (line: string) => void child.stdin.write(`${line}\n`);
  return {
    began: (pid) => tell(`+${pid}`),
    ended: (pid) => tell(`-${pid}`),
    async dismiss() {
      child.stdin.end("done\n");
      await gone;
    },
  };
}

/** The other side: listens for what runs, and ends it once nobody is left to speak. Answers with the exit code. */
export async function sweep(given: {
  dataDir: string;
  endAllProcesses(stateDir: string): Promise<unknown>;
}): Promise<number> {
  const { dataDir, endAllProcesses } = given;
  if (resolve(dirname(dataDir)) !== resolve(tmpdir()) || !basename(dataDir).startsWith(demoPrefix))
    throw new SignalboxError("invalid-request", `${dataDir} is not the directory of a demo.`);
  const running = new Set<number>();
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "done") return 0;
    const pid = Number(line.slice(1));
    if (line.startsWith("+")) running.add(pid);
    else running.delete(pid);
  }
  await Promise.all([...running].map(end));
  await endAllProcesses(join(dataDir, "processes"));
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }); // what was just killed may still be writing
  return 0;
}

const looksMax = 100; // two seconds: a process that was killed is gone long before
const lookEveryMs = 20;

async function end(pid: number): Promise<void> {
  for (let look = 0; look < looksMax && isSent(pid, look === 0 ? "SIGKILL" : 0); look += 1) await delay(lookEveryMs);
}

function isSent(pid: number, signal: "SIGKILL" | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // it has ended
  }
}
