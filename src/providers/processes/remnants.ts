import { readdirSync, readFileSync } from "node:fs";
import { lookInProc, signalPid } from "./process-identity.ts";

/** The environment variable that marks whatever was started for a slot. */
export const slotMark = "SIGNALBOX_SLOT";

/**
 * Processes that a command started in its group and left behind when it ended, by pid. Only those that carry the mark of
 * the slot: the number of a group may have been given to another. Linux only; elsewhere nothing is found.
 */
export function remnantsOf({ pid, incarnation }: { pid: number; incarnation: string }): number[] {
  if (process.platform !== "linux" || !signalPid(-pid, 0)) return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((other) => other > 0 && other !== pid && isOfGroup(other, pid) && isMarked(other, incarnation));
}

function isOfGroup(pid: number, group: number): boolean {
  const seen = lookInProc(pid);
  return seen !== undefined && !seen.isZombie && seen.group === group;
}

function isMarked(pid: number, incarnation: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(`${slotMark}=${incarnation}`);
  } catch {
    return false;
  }
}
