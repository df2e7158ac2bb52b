import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { launcherCommand } from "./launcher.ts";
import { slotMark } from "./remnants.ts";
import { claimOf, closeSlot, openSlot, settleClaim, type SlotRecord } from "./slot.ts";
import { waitUntil } from "./wait-until.ts";

export interface Launch {
  readonly stateDir: string;
  readonly record: SlotRecord;
  readonly env: Readonly<Record<string, string>>;
  /** Where the command runs. */
  readonly workDir: string;
  readonly clock: Clock;
}

/**
 * Starts the record's command in a slot of its own, detached and in its own process group, its output appended to a file.
 * Resolves as soon as it is known by pid and start time. When it throws, nothing was started and nothing will be.
 */
export async function launch({ stateDir, record, env, workDir, clock }: Launch): Promise<ProcessIdentity> {
  const log = await openLog(stateDir, record);
  try {
    const dir = await openSlot(stateDir, record);
    const [program, ...args] = launcherCommand(dir, record.command);
    const child = spawn(program, args, {
      detached: true,
      cwd: workDir,
      env: { ...inherited(), ...env, ...portOf(record), [slotMark]: record.incarnation },
      stdio: ["ignore", log.fd, log.fd],
    });
    child.unref();
    const fault = await claimOrFault(dir, child, clock);
    const identity = await settleClaim(dir);
    if (identity !== undefined) return identity;
    await closeSlot(stateDir, record.incarnation);
    throw new Error(`${record.name} was not started: ${fault ?? `its launcher did nothing for ${claimMs} ms`}`);
  } finally {
    await log.close();
  }
}

/** Which file the output of a process goes to. */
export function logPath(stateDir: string, { kind, name, node }: Pick<SlotRecord, "kind" | "name" | "node">): string {
  return join(stateDir, "logs", `${[kind, name, node].filter(Boolean).join("@")}.log`);
}

const claimMs = 10_000; // a launcher takes milliseconds; this is for a machine that is out of breath

/** Waits until the slot is claimed, or it is known why it will not be. */
async function claimOrFault(dir: string, child: ChildProcess, clock: Clock): Promise<string | undefined> {
  let fault: string | undefined;
  child.once("error", (error) => (fault = error.message));
  child.once("exit", (code) => (fault = `its launcher ended with ${code}`));
  const { signal } = new AbortController();
  const isSettled = async () => fault !== undefined || (await claimOf(dir)) !== undefined;
  await waitUntil(isSettled, { clock, everyMs: 5, forMs: claimMs, signal });
  return fault;
}

const logSizeMax = 10_485_760; // two of them per process; a full disk stops more than one process

/** One file per process for both streams. One that has grown large is put aside, the last such one is kept. */
async function openLog(stateDir: string, record: SlotRecord) {
  const path = logPath(stateDir, record);
  await mkdir(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  const size = await stat(path).then(
    (seen) => seen.size,
    () => 0,
  );
  if (size > logSizeMax) await rename(path, `${path}.1`);
  return open(path, "a", 0o600);
}

/** Our own settings (tokens among them) are not the children's business. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SIGNALBOX_")));
}

function portOf({ kind, port }: SlotRecord): { PORT?: string } {
  return kind === "replica" && port !== undefined ? { PORT: String(port) } : {};
}
