import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A Signalbox server in a process of its own. */
export interface ServerProcess {
  url: string;
  pid: number;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const readyWithinMs = 30_000;

/** Starts `signalbox serve` and waits until it listens. Its log goes to a file in the directory. */
export async function startServer({
  dataDir,
  nodesFile,
}: {
  dataDir: string;
  nodesFile: string;
}): Promise<ServerProcess> {
  const program = join(
    import.meta.dirname,
    import.meta.url.endsWith(".ts") ? "../../../bin" : "../../../../bin",
    "signalbox.js",
  );
  const logFile = openSync(join(dataDir, "server.log"), "a");
  const child = spawn(process.execPath, [program, "serve", "--data", dataDir, "--port", "0", "--nodes", nodesFile], {
    stdio: ["ignore", "pipe", logFile],
    env: { ...process.env, NODE_ENV: "production" },
  });
  closeSync(logFile);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await listeningUrl(child);
  return {
    url,
    pid: child.pid ?? 0,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

function listeningUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`The server did not listen within ${readyWithinMs} ms; its log is in server.log.`));
    }, readyWithinMs);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`The server ended with code ${code} before it listened; its log is in server.log.`));
    });
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).once("line", (line) => {
      clearTimeout(timer);
      resolve((JSON.parse(line) as { listening: string }).listening);
    });
  });
}
