import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { endProcess } from "../providers/processes/end-process.ts";
import { launcherCommand } from "../providers/processes/launcher.ts";
import { isRunning, type ProcessIdentity } from "../providers/processes/process-identity.ts";
import { slotMark } from "../providers/processes/remnants.ts";
import { claimOf, settleClaim } from "../providers/processes/slot.ts";
import { waitUntil } from "../providers/processes/wait-until.ts";
import { randomId } from "../providers/random-id.ts";
import { inherited } from "./run-command.ts";

const runRecord = z.object({
  /** Marks the processes of this run and of no other. */
  incarnation: z.string(),
  /** Of the call that it is done for. */
  key: z.string(),
  instance: z.string(),
  target: z.string(),
  startedAt: z.number(),
  /** Of the machine's start during which it was begun. */
  boot: z.string(),
  /** Who had answered in the minute before. */
  witnesses: z.array(z.string()),
});
export type RunRecord = Readonly<z.infer<typeof runRecord>>;

export type RunEnd =
  | { readonly kind: "exited"; readonly exitCode: number; readonly stderrTail: string; readonly lastLine: string }
  /** It took too long, and was ended. */
  | { readonly kind: "timed-out"; readonly stderrTail: string }
  /** It is gone, and nobody knows how it ended: the machine was restarted, say. */
  | { readonly kind: "lost" };

/** One execution of a command that outlives this process. */
export interface Run {
  readonly record: RunRecord;
  /**
   * Waits until the command has ended, or ends it when its time is over. Throws the signal's reason when that is aborted, and
   * then leaves it as it is, to be found again.
   */
  ended(given: { timeoutMs: number; signal: AbortSignal }): Promise<RunEnd>;
}

/**
 * Commands in process groups of their own, each with a directory:
 *
 *     INSTANCE.KIND/record.json   what it is run for; written before anything is started
 *                   pid           who runs it, by pid and start time, or that nobody ever will
 *                   stdout, stderr
 *                   exit          its exit code; written by the process that ran it, whoever still lives then
 *
 * So after a crash at any point a run is waited for or known to have ended, and never doubled.
 */
export interface Runs {
  /** The run of a call; undefined when it was never begun, or nothing of it was started. */
  find(name: string, key: string): Promise<Run | undefined>;
  /** Starts a command. What was known under the name before is forgotten. */
  begin(name: string, given: Beginning): Promise<Run>;
  /** What was written down when the last run of that name began. */
  recordOf(name: string): Promise<RunRecord | undefined>;
  /** Whether a command is under way, for whatever instance. */
  isAnyRunning(): Promise<boolean>;
  /**
   * Forgets runs that are over and that nobody asks for any more, and keeps small what they have left running writes. `wanted` is asked
   * for after the runs were listed, so that one that begins meanwhile is not taken for one of nobody's.
   */
  tidy(wanted: () => Promise<ReadonlySet<string>>): Promise<void>;
}

export interface Beginning extends Omit<RunRecord, "incarnation" | "startedAt"> {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Of what the run of an instance is called. */
export function runNameOf(instance: string, kind: "activate" | "rollBack"): string {
  return `${encodeURIComponent(instance)}.${kind}`;
}

const pollMs = 50;
const outputBytesMax = 1_048_576; // of each stream on disk; what is beyond it is cut off while an agent runs
const tailBytes = 8_192; // what a report carries
const graceMs = 5_000;

export function createRuns(given: { dir: string; workDir: string; clock: Clock }): Runs {
  const { dir, workDir, clock } = given;
  const placeOf = (name: string) => join(dir, name);

  async function recordOf(name: string): Promise<RunRecord | undefined> {
    const text = await readFile(join(placeOf(name), "record.json"), "utf8").catch(() => "");
    return runRecord.safeParse(parsed(text)).data;
  }

  async function find(name: string, key: string): Promise<Run | undefined> {
    const record = await recordOf(name);
    if (record?.key !== key) return undefined;
    const identity = await settleClaim(placeOf(name));
    return identity === undefined ? undefined : runOf(name, record, identity);
  }

  function runOf(name: string, record: RunRecord, identity: ProcessIdentity): Run {
    return { record, ended: (limits) => ended({ place: placeOf(name), record, identity, ...limits }) };
  }

  async function ended(run: {
    place: string;
    record: RunRecord;
    identity: ProcessIdentity;
    timeoutMs: number;
    signal: AbortSignal;
  }): Promise<RunEnd> {
    const { place, record, identity, timeoutMs, signal } = run;
    const forMs = Math.max(0, record.startedAt + timeoutMs - clock.now());
    const isOver = async () => {
      await keepSmall(place);
      return !isRunning(identity) || (await exitCodeIn(place)) !== undefined;
    };
    const isInTime = await waitUntil(isOver, { clock, everyMs: pollMs, forMs, signal });
    if (!isInTime) {
      await endProcess({ identity, incarnation: record.incarnation, graceMs, clock, signal });
      return { kind: "timed-out", stderrTail: await tailOf(place, "stderr") };
    }
    const exitCode = await exitCodeIn(place);
    if (exitCode === undefined) return { kind: "lost" };
    const stdout = await tailOf(place, "stdout");
    const lastLine = stdout.trimEnd().split("\n").at(-1)?.trim() ?? "";
    return { kind: "exited", exitCode, stderrTail: await tailOf(place, "stderr"), lastLine };
  }

  /** Ends what the older run of that name may have left, and takes its directory away. */
  async function clear(name: string): Promise<void> {
    const record = await recordOf(name);
    if (record !== undefined) {
      const identity = await settleClaim(placeOf(name));
      const { signal } = new AbortController();
      if (identity !== undefined && isRunning(identity))
        await endProcess({ identity, incarnation: record.incarnation, graceMs, clock, signal });
    }
    const aside = asideOf(placeOf(name)); // a launcher that comes late finds nothing to claim
    await rm(aside, { recursive: true, force: true });
    await rename(placeOf(name), aside).catch(ifMissing);
    await rm(aside, { recursive: true, force: true });
  }

  async function names(): Promise<string[]> {
    const there = await readdir(dir).catch(() => []);
    return there.filter((name) => !name.endsWith(asideSuffix));
  }

  return {
    find,
    recordOf,

    async begin(name, { command, env, ...about }) {
      await clear(name);
      const record: RunRecord = { ...about, incarnation: randomId(), startedAt: clock.now() };
      const place = placeOf(name);
      await writeRecord(place, record);
      const identity = await launched({ place, record, command, env, workDir, clock });
      return runOf(name, record, identity);
    },

    async isAnyRunning() {
      for (const name of await names()) if (await isUnderWay(placeOf(name))) return true;
      return false;
    },

    async tidy(wantedNow) {
      const there = await names();
      const wanted = await wantedNow();
      for (const name of there) {
        const place = placeOf(name);
        if (await isUnderWay(place)) continue; // whoever waits for it does so
        await keepSmall(place);
        if (!wanted.has(name) && (await isQuiet(place, clock.now()))) await clear(name);
      }
    },
  };
}

const asideSuffix = ".aside";

/** Where a run is made ready, and taken apart. */
function asideOf(place: string): string {
  return `${place}${asideSuffix}`;
}

async function isUnderWay(place: string): Promise<boolean> {
  const claim = await claimOf(place);
  if (claim === undefined || claim === "void" || !isRunning(claim)) return false;
  return (await exitCodeIn(place)) === undefined;
}

/** Complete and on disk when it resolves, or not there at all. */
async function writeRecord(place: string, record: RunRecord): Promise<void> {
  const draft = asideOf(place);
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(join(draft, "record.json"), JSON.stringify(record), { mode: 0o600, flush: true });
  await syncDirectory(draft);
  await rename(draft, place);
  await syncDirectory(join(place, ".."));
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

interface Launch {
  place: string;
  record: RunRecord;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  workDir: string;
  clock: Clock;
}

// The launcher turns into this shell, which keeps its pid and start time: whoever waits for the run waits for it.
const wrapper = `
place=$1
shift
"$@"
code=$?
echo "$code" > "$place/exit.new" && command -p mv "$place/exit.new" "$place/exit"
`;

async function launched({ place, record, command, env, workDir, clock }: Launch): Promise<ProcessIdentity> {
  const [stdout, stderr] = [
    await open(join(place, "stdout"), "a", 0o600),
    await open(join(place, "stderr"), "a", 0o600),
  ];
  try {
    const wrapped = ["/bin/sh", "-c", wrapper, "signalbox-run", place, ...command];
    const [program, ...args] = launcherCommand(place, wrapped);
    const child = spawn(program, args, {
      detached: true,
      cwd: workDir,
      env: { ...inherited(), ...env, [slotMark]: record.incarnation },
      stdio: ["ignore", stdout.fd, stderr.fd],
    });
    child.unref();
    const fault = await claimOrFault(place, child, clock);
    const identity = await settleClaim(place);
    if (identity !== undefined) return identity;
    throw new Error(`The command was not started: ${fault ?? `its launcher did nothing for ${claimMs} ms`}`);
  } finally {
    await stdout.close();
    await stderr.close();
  }
}

const claimMs = 10_000; // a launcher takes milliseconds; this is for a machine that is out of breath

/** Waits until it is claimed, or known why it will not be. */
async function claimOrFault(place: string, child: ChildProcess, clock: Clock): Promise<string | undefined> {
  let fault: string | undefined;
  child.once("error", ({ message }) => (fault = message));
  child.once("exit", (code) => (fault = `its launcher ended with ${code}`));
  const { signal } = new AbortController();
  const isSettled = async () => fault !== undefined || (await claimOf(place)) !== undefined;
  await waitUntil(isSettled, { clock, everyMs: 5, forMs: claimMs, signal });
  return fault;
}

async function exitCodeIn(place: string): Promise<number | undefined> {
  const text = await readFile(join(place, "exit"), "utf8").catch(() => "");
  return /^\d{1,3}\n$/.test(text) ? Number(text) : undefined;
}

/** A command that talks without end must not fill the disk: its streams are appended to, so they may be cut while it writes. */
async function keepSmall(place: string): Promise<void> {
  for (const stream of ["stdout", "stderr"]) {
    const path = join(place, stream);
    const { size } = await stat(path).catch(() => ({ size: 0 }));
    if (size <= outputBytesMax) continue;
    const tail = await tailOf(place, stream);
    await truncate(path, 0);
    await writeFile(path, tail, { flag: "a" });
  }
}

const quietMs = 600_000; // a file that is taken away while somebody writes to it grows where nobody can cut it

async function isQuiet(place: string, now: number): Promise<boolean> {
  const written = await Promise.all(
    ["stdout", "stderr"].map((stream) =>
      stat(join(place, stream)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return now - Math.max(...written) >= quietMs;
}

async function tailOf(place: string, stream: string): Promise<string> {
  const file = await open(join(place, stream), "r").catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const length = Math.min(size, tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString("utf8").toWellFormed();
  } finally {
    await file.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ifMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
