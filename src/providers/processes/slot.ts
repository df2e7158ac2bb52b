import { link, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ProcessIdentity } from "./process-identity.ts";

/**
 * A slot is the place of one process that we start, in a directory of its own:
 *
 *     slots/INCARNATION/record.json   what is to run; written before anything is started
 *                       pid           the claim: who runs in the slot, or that nobody ever will
 *                       ending        it was told to end and is no longer counted on
 *
 * The claim is made once, by a hard link, which carries its content and fails when there is one. Either the launcher makes
 * it and then turns into the command, or we make it and a launcher that comes late ends without having run anything. So
 * after a crash at any point each slot either has its process, known by pid and start time, or never will.
 * A slot's name is never used twice, and it is renamed before it is taken apart: a late launcher finds nothing to claim.
 */
export interface Slot {
  readonly record: SlotRecord;
  readonly dir: string;
  readonly isEnding: boolean;
}

const slotRecord = z.object({
  incarnation: z.string(),
  kind: z.enum(["replica", "daemon", "router"]),
  /** Of a replica, a daemon, or of the group whose router it is. */
  name: z.string(),
  /** A router is on none. */
  node: z.string().optional(),
  group: z.string().optional(),
  command: z.array(z.string()),
  port: z.number().optional(),
  /** What a router asks of who controls it. */
  token: z.string().optional(),
  startedAt: z.number(),
});
export type SlotRecord = Readonly<z.infer<typeof slotRecord>>;

export function slotDir(stateDir: string, incarnation: string): string {
  return join(stateDir, "slots", incarnation);
}

/** Makes the slot, complete and on disk when it resolves, or not there at all. */
export async function openSlot(stateDir: string, record: SlotRecord): Promise<string> {
  const dir = slotDir(stateDir, record.incarnation);
  const draft = join(stateDir, "drafts", record.incarnation);
  await mkdir(join(stateDir, "slots"), { recursive: true, mode: 0o700 });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(join(draft, "record.json"), JSON.stringify(record), { mode: 0o600, flush: true });
  await syncDirectory(draft);
  await rename(draft, dir);
  await syncDirectory(join(stateDir, "slots"));
  return dir;
}

/** All slots. One whose record cannot be read comes back without it, so that its process can still be ended. */
export async function readSlots(stateDir: string): Promise<(Slot | { record: undefined; dir: string })[]> {
  await removeLeftovers(stateDir);
  const names = await readdir(join(stateDir, "slots")).catch(ifMissing<string[]>([]));
  return Promise.all(names.map((name) => readSlot(slotDir(stateDir, name))));
}

/** Who claimed the slot; `void` when nobody ever will run in it, `undefined` as long as that is open. */
export async function claimOf(dir: string): Promise<ProcessIdentity | "void" | undefined> {
  const text = await readFile(join(dir, "pid"), "utf8").catch(ifMissing(undefined));
  if (text === undefined) return undefined;
  const [pid, started] = text.split("\n");
  if (!Number(pid) || started === undefined) return "void";
  return { pid: Number(pid), started: started.trim().split(/\s+/).join(" ") };
}

/** Settles who runs in the slot: nobody (`undefined`), unless it was claimed before. */
export async function settleClaim(dir: string): Promise<ProcessIdentity | undefined> {
  await writeFile(join(dir, "pid.void"), "void\n");
  await link(join(dir, "pid.void"), join(dir, "pid")).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const claim = await claimOf(dir);
  return claim === "void" ? undefined : claim;
}

/** Remembers beyond a crash that the process was told to end. */
export async function markEnding(dir: string): Promise<void> {
  await writeFile(join(dir, "ending"), "", { flush: true });
}

/** Forgets the slot. Its process must have ended. Harmless when done twice. */
export async function closeSlot(stateDir: string, incarnation: string): Promise<void> {
  const ended = join(stateDir, "ended", incarnation);
  await mkdir(join(stateDir, "ended"), { recursive: true, mode: 0o700 });
  await rename(slotDir(stateDir, incarnation), ended).catch(ifMissing(undefined));
  await rm(ended, { recursive: true, force: true });
}

async function readSlot(dir: string): Promise<Slot | { record: undefined; dir: string }> {
  const text = await readFile(join(dir, "record.json"), "utf8").catch(ifMissing(""));
  const { data: record } = slotRecord.safeParse(parseJson(text));
  if (record === undefined) return { record, dir };
  const isEnding = await readFile(join(dir, "ending")).then(() => true, ifMissing(false));
  return { record, dir, isEnding };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Drafts never started anything, and what is in `ended` has ended. */
async function removeLeftovers(stateDir: string): Promise<void> {
  for (const name of ["drafts", "ended"]) await rm(join(stateDir, name), { recursive: true, force: true });
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function ifMissing<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return instead;
    throw error;
  };
}
