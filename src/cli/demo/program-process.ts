import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** This program in a process of its own: a server, or an agent. */
export interface ProgramProcess {
  pid: number;
  /** Resolves when it is no more. */
  ended: Promise<void>;
  /** What it says first on standard output, when it is ready. Rejects when it ends before, or takes too long. */
  ready: Promise<string>;
  /** Sends the signal and waits for the end; SIGKILL follows a signal that is not heeded. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const readyWithinMs = 60_000; // many start at once
const endWithinMs = 10_000;

/** Starts `signalbox` with these arguments. What it logs goes to the file. */
export function startProgram(given: {
  name: string;
  args: readonly string[];
  logPath: string;
  env?: Readonly<Record<string, string>>;
  /** Options of Node.js itself. */
  nodeOptions?: readonly string[];
}): ProgramProcess {
  const { name, args, logPath, env = {}, nodeOptions = [] } = given;
  const log = openSync(logPath, "a");
  const child = spawn(process.execPath, [...nodeOptions, programFile, ...args], {
    stdio: ["ignore", "pipe", log],
    env: { ...process.env, NODE_ENV: "production", ...env },
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve()).once("error", () => resolve());
  });
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} was not ready within ${readyWithinMs} ms`)),
      readyWithinMs,
    );
    child.once("exit", (code) => reject(new Error(`${name} ended with code ${code} before it was ready`)));
    child.once("error", reject);
    if (child.stdout !== null) createInterface({ input: child.stdout }).once("line", resolve);
    child.stdout?.once("data", () => clearTimeout(timer));
    void ended.then(() => clearTimeout(timer));
  });
  ready.catch(() => undefined); // for whoever does not ask
  return {
    pid: child.pid ?? 0,
    ended,
    ready,
    async end(signal) {
      child.kill(signal);
      const kill = setTimeout(() => child.kill("SIGKILL"), endWithinMs);
      await ended;
      clearTimeout(kill);
    },
  };
}

/** In a checkout the sources run, in the package what was built of them. */
export const programFile = join(
  import.meta.dirname,
  import.meta.url.endsWith(".ts") ? "../../../bin" : "../../../../bin",
  "signalbox.js",
);
