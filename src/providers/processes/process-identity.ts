import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** One process and no other: a pid is given out again, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** On Linux the boot's id and the ticks since then, elsewhere the time that `ps` tells. */
  readonly started: string;
}

/** Whether that very process runs. One that ended and was not reaped (a zombie) does not. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  const seen = process.platform === "linux" ? lookInProc(pid) : askPs(pid);
  return seen !== undefined && !seen.isZombie && seen.started === started;
}

/**
 * Signals the process group which that process leads, and says whether it did: never a pid that was given to another.
 * Synchronous, so that nothing comes between the look and the signal.
 */
export function signalGroup(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  return isRunning(identity) && signalPid(-identity.pid, signal);
}

/** False when there is no such process any more. */
export function signalPid(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** What /proc says of a process; `undefined` when there is none. */
export function lookInProc(pid: number): { started: string; isZombie: boolean; group: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // The program's name, which may hold spaces and brackets, ends with the last bracket; then come fields 3, 4, ...
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, , group] = fields;
    return { started: `${boot}/${fields[19]}`, isZombie: state === "Z" || state === "X", group: Number(group) };
  } catch {
    return undefined;
  }
}

function askPs(pid: number): { started: string; isZombie: boolean } | undefined {
  try {
    const options = { env: { ...process.env, LC_ALL: "C", TZ: "UTC0" }, encoding: "latin1" } as const;
    const answer = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], options).trim();
    const [state, ...started] = answer.split(/\s+/);
    return { started: started.join(" "), isZombie: state?.startsWith("Z") ?? true };
  } catch {
    return undefined;
  }
}
