import { basename } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { endProcess } from "./end-process.ts";
import type { Log } from "./log.ts";
import { isRunning, type ProcessIdentity } from "./process-identity.ts";
import { closeSlot, readSlots, type SlotRecord, settleClaim } from "./slot.ts";

export interface Taken {
  readonly record: SlotRecord;
  readonly identity: ProcessIdentity;
  readonly isEnding: boolean;
}

/**
 * What earlier incarnations of us left running. Slots that nobody claimed are voided, those whose process ended are
 * forgotten; afterwards nothing runs in a slot that is not in the answer, nor ever will.
 */
export async function takeOver(options: { stateDir: string; clock: Clock; log: Log }): Promise<Taken[]> {
  const { stateDir, log } = options;
  const slots = await readSlots(stateDir);
  const taken = await Promise.all(
    slots.map(async (slot): Promise<Taken | undefined> => {
      const identity = await settleClaim(slot.dir);
      if (identity !== undefined && slot.record === undefined) {
        log.warn({ slot: slot.dir, processId: identity.pid }, "A slot's record cannot be read; its process is ended");
        await endUnknown(identity, slot.dir, options);
      } else if (identity !== undefined && slot.record !== undefined && isRunning(identity)) {
        return { record: slot.record, identity, isEnding: slot.isEnding };
      } else if (identity !== undefined) {
        await endUnknown(identity, slot.dir, options); // what it started may have outlived it
      }
      await closeSlot(stateDir, basename(slot.dir));
      return undefined;
    }),
  );
  return taken.filter((one) => one !== undefined);
}

const unknownGraceMs = 2_000;

async function endUnknown(identity: ProcessIdentity, dir: string, { clock }: { clock: Clock }): Promise<void> {
  const { signal } = new AbortController();
  await endProcess({ identity, incarnation: basename(dir), graceMs: unknownGraceMs, clock, signal });
}
