import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { checkExportFile } from "../../src/store/check-export.ts";
import { backUp, restore } from "../../src/store/sqlite/backup.ts";
import { readFleet } from "../../src/planning/read-fleet.ts";
import { simulateFile } from "../../src/simulation/simulate-file.ts";
import { runProgram } from "../../src/cli/program.ts";

export const program = join(import.meta.dirname, "../../bin/signalbox.js");

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  pid: number;
  /** The first line on standard output; rejects when the process ends without one. */
  firstLine: Promise<string>;
  /** What it has said so far. */
  said(): string;
  signal(name: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** The real program in a process of its own. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  return started(
    spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        NODE_ENV: "production",
        ...env,
      },
    }),
  );
}

export function started(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Running {
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      text[stream] += chunk;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...text }));
  const line = once(createInterface({ input: child.stdout }), "line").then(([first]) => String(first));
  const firstLine = Promise.race([
    line,
    ended.then(({ code, stderr }) => Promise.reject(new Error(`It ended with ${code} without a word: ${stderr}`))),
  ]);
  firstLine.catch(() => undefined); // for whoever does not ask
  return { pid: child.pid ?? 0, firstLine, said: () => text.stdout, signal: (name) => void child.kill(name), ended };
}

/** Runs a command to its end. */
export function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return start(args, env).ended;
}

export interface Server {
  url: string;
  pid: number;
  /** SIGKILL when it does not end by itself: nothing is left behind. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

export async function startServer(data: string, args: readonly string[] = []): Promise<Server> {
  const server = start(["serve", "--data", data, "--port", "0", ...args]);
  const { listening } = JSON.parse(await server.firstLine) as { listening: string };
  return {
    url: listening,
    pid: server.pid,
    end(signal = "SIGKILL") {
      server.signal(signal);
      return server.ended;
    },
  };
}

export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "signalbox-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Asks the server directly, for what no command makes. */
export async function post(url: string, path: string, body: object): Promise<number> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

/** The same program without a process of its own, which takes half a second to start. */
export async function runHere(args: readonly string[], url: string): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  const output = {
    line: (text: string) => void (said.stdout += `${text}\n`),
    error: (text: string) => void (said.stderr += `${text}\n`),
    isTerminal: false,
    redraw: () => undefined,
  };
  const composed = {
    serve: async () => 0,
    demo: async () => 0,
    readFleet: async (text: string) => readFleet(text),
    agent: async () => 0,
    backUp,
    restore,
    checkExport: checkExportFile,
    simulate: simulateFile,
  };
  const code = await runProgram({ argv: args, defaultUrl: url, version: "1.2.3", output, composed });
  return { code, ...said };
}
