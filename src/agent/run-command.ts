import { spawn, type ChildProcess } from "node:child_process";
import type { Clock } from "../core/clock.ts";
import { signalPid } from "../providers/processes/process-identity.ts";

export interface CommandRun {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workDir: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type CommandEnd =
  | { readonly kind: "exited"; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  /** It took too long, and was ended. */
  | { readonly kind: "timed-out" }
  /** There is no such program. */
  | { readonly kind: "not-started"; readonly reason: string };

const outputBytesMax = 8_192; // the last ones of each stream
const outputAfterExitMs = 200; // for what is in the pipe; what it left behind may hold it open for ever

/**
 * Runs a command that takes moments to its end, in a process group of its own. What of that is left when it has ended, or its
 * time is over, and holds its output is killed. What it does is lost with this process. Throws the signal's reason when that is
 * aborted.
 */
export async function runCommand({
  command,
  env = {},
  workDir,
  timeoutMs,
  clock,
  signal,
}: CommandRun): Promise<CommandEnd> {
  signal.throwIfAborted();
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: workDir,
    detached: true,
    env: { ...inherited(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = [tailOf(child.stdout), tailOf(child.stderr)];
  let isWhollyOver = false;
  void Promise.all([exitOf(child), stdout.ended, stderr.ended]).then(() => (isWhollyOver = true));
  const over = new AbortController();
  const limit = AbortSignal.any([signal, over.signal]);
  try {
    const end = await Promise.race([exitOf(child), clock.wakeAt(clock.now() + timeoutMs, limit)]);
    signal.throwIfAborted();
    if (end === undefined) return { kind: "timed-out" };
    if (typeof end === "string") return { kind: "not-started", reason: end };
    await Promise.race([
      Promise.all([stdout.ended, stderr.ended]),
      clock.wakeAt(clock.now() + outputAfterExitMs, limit),
    ]);
    return { kind: "exited", exitCode: end.exitCode, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    over.abort();
    if (!isWhollyOver && child.pid !== undefined) signalPid(-child.pid, "SIGKILL");
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }
}

/** Our own settings (the token among them) are not the commands' business. */
export function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SIGNALBOX_")));
}

const signalled = 128; // as shells tell it

/** A text says why it was not started. */
function exitOf(child: ChildProcess): Promise<{ exitCode: number } | string> {
  return new Promise((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("exit", (code) => resolve({ exitCode: code ?? signalled }));
  });
}

function tailOf(stream: NodeJS.ReadableStream): { text(): string; ended: Promise<void> } {
  let kept = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-outputBytesMax);
  });
  stream.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => stream.once("close", () => resolve()));
  return { text: () => kept.toString("utf8").toWellFormed(), ended };
}
