import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A real `signalbox serve` process. */
export interface Served {
  url: string;
  pid: number;
  /** Sends a signal and waits for the end; answers with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const program = join(import.meta.dirname, "../../bin/signalbox.js");

/** Starts a server on a directory. `listening` never resolves when it is killed before. */
export function launch(
  dataDir: string,
  options: readonly string[] = [],
): { listening: Promise<Served>; kill(): Promise<void> } {
  const log = openSync(join(dataDir, "server.log"), "a");
  const child = spawn(process.execPath, [program, "serve", "--data", dataDir, "--port", "0", ...options], {
    stdio: ["ignore", "pipe", log],
    env: { ...process.env, NODE_ENV: "production", SIGNALBOX_LOG_LEVEL: "warn" },
  });
  closeSync(log);
  const exited = once(child, "exit") as Promise<[number | null]>;
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return (await exited)[0];
  };
  const listening = new Promise<Served>((resolve) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once("line", (line) => {
      const { listening: url } = JSON.parse(line) as { listening: string };
      resolve({ url, pid: child.pid ?? 0, end });
    });
  });
  return { listening, kill: async () => void (await end("SIGKILL")) };
}

export function temporaryDirectory(): { path: string; log(): string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "signalbox-test-"));
  return {
    path,
    log: () => readFileSync(join(path, "server.log"), "utf8"),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
