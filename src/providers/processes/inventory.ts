import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { endProcess } from "./end-process.ts";
import { launch } from "./launch.ts";
import type { Log } from "./log.ts";
import { isRunning, type ProcessIdentity } from "./process-identity.ts";
import { closeSlot, markEnding, type SlotRecord, slotDir } from "./slot.ts";
import { takeOver } from "./take-over.ts";

/** One process of ours, from its start to its end. */
export interface Incarnation {
  readonly record: SlotRecord;
  readonly identity: ProcessIdentity;
  /** Of a replica: `starting` until it was healthy once, then by what the last looks saw. */
  condition: "starting" | "ready" | "unhealthy";
  failedLooks: number;
  /** Taken out of the rotation on purpose, and may come back. */
  isLeaving: boolean;
  /** Told to end, and will not come back; settles when it is gone. */
  ending: Promise<void> | undefined;
}

/** What to start; the rest of its record is the inventory's. */
export type Start = Omit<SlotRecord, "incarnation" | "startedAt"> & { env: Readonly<Record<string, string>> };

/** The processes that are there: those taken over, and those started since. */
export interface Inventory {
  /** Begins with what earlier ones left running. `signal` ends every wait of this inventory, and no process. */
  begin(signal: AbortSignal): Promise<void>;
  start(what: Start): Promise<Incarnation>;
  /** Ends it: SIGTERM, the grace, SIGKILL. Asked again it is the same end. */
  end(incarnation: Incarnation, graceMs: number): Promise<void>;
  /** Looks whether all are still alive, forgets those that ended by themselves and returns them. */
  refresh(): Promise<Incarnation[]>;
  isAlive(incarnation: Incarnation): boolean;
  all(): Incarnation[];
  /** Those of a kind and name that were not told to end. */
  named(kind: SlotRecord["kind"], name: string): Incarnation[];
}

export interface InventoryOptions {
  readonly stateDir: string;
  readonly workDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

export function createInventory({ stateDir, workDir, clock, log }: InventoryOptions): Inventory {
  const present = new Map<string, Incarnation>();
  let over: AbortSignal = AbortSignal.abort();

  async function begin(signal: AbortSignal) {
    over = signal;
    present.clear();
    for (const { record, identity, isEnding } of await takeOver({ stateDir, clock, log })) {
      const incarnation = add(record, identity);
      log.info({ incarnation: record.incarnation, processId: identity.pid }, "Taken over");
      if (isEnding) void end(incarnation, takenOverGraceMs);
    }
  }

  function add(record: SlotRecord, identity: ProcessIdentity): Incarnation {
    const fresh = { condition: "starting", failedLooks: 0, isLeaving: false, ending: undefined } as const;
    const incarnation: Incarnation = { record, identity, ...fresh };
    present.set(record.incarnation, incarnation);
    return incarnation;
  }

  async function start({ env, ...what }: Start) {
    const record = { ...what, incarnation: newName(what), startedAt: clock.now() };
    const incarnation = add(record, await launch({ stateDir, record, env, workDir, clock }));
    log.info({ incarnation: record.incarnation, node: record.node, processId: incarnation.identity.pid }, "Started");
    return incarnation;
  }

  function end(incarnation: Incarnation, graceMs: number) {
    if (incarnation.ending === undefined) {
      incarnation.ending = endNow(incarnation, graceMs);
      incarnation.ending.catch(() => undefined); // nobody may be waiting when the inventory is over
    }
    return incarnation.ending;
  }

  async function endNow({ record: { incarnation, node }, identity }: Incarnation, graceMs: number) {
    await markEnding(slotDir(stateDir, incarnation));
    await endProcess({ identity, incarnation, graceMs, clock, signal: over });
    await forget(incarnation);
    log.info({ incarnation, node, processId: identity.pid }, "Ended");
  }

  async function refresh() {
    const dead = [...present.values()].filter((one) => one.ending === undefined && !isRunning(one.identity));
    await Promise.all(dead.map((one) => end(one, remnantsGraceMs)));
    for (const { record } of dead) log.warn({ incarnation: record.incarnation, node: record.node }, "Ended by itself");
    return dead;
  }

  async function forget(incarnation: string) {
    await closeSlot(stateDir, incarnation);
    present.delete(incarnation);
  }

  return {
    begin,
    start,
    end,
    refresh,
    isAlive: ({ identity, ending }) => ending === undefined && isRunning(identity),
    all: () => [...present.values()],
    named: (kind, name) =>
      [...present.values()].filter(
        ({ record, ending }) => record.kind === kind && record.name === name && ending === undefined,
      ),
  };
}

const takenOverGraceMs = 5_000; // it has had most of its grace before we died
const remnantsGraceMs = 2_000; // what a process left behind in its group when it ended

/** Never given twice. */
function newName({ name, node }: Pick<Start, "name" | "node">): string {
  return [name, node, randomBytes(6).toString("hex")].filter(Boolean).join("@");
}
