import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../system-clock.ts";
import { endProcess } from "./end-process.ts";
import { silent } from "./log.ts";
import { closeSlot } from "./slot.ts";
import { takeOver } from "./take-over.ts";

/**
 * Ends every process that is recorded in the directory, routers included, and says which: for tests, demonstrations and
 * taking a machine down. Signalbox itself must not be running on that directory.
 */
export async function endAllProcesses(
  stateDir: string,
  { graceMs = 10_000, clock = systemClock() }: { graceMs?: number; clock?: Clock } = {},
): Promise<string[]> {
  const taken = await takeOver({ stateDir, clock, log: silent });
  const { signal } = new AbortController();
  await Promise.all(
    taken.map(async ({ record: { incarnation }, identity }) => {
      await endProcess({ identity, incarnation, graceMs, clock, signal });
      await closeSlot(stateDir, incarnation);
    }),
  );
  return taken.map(({ record }) => record.incarnation).toSorted();
}
