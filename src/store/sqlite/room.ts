import { open, rm } from "node:fs/promises";
import { storeError } from "./errors.ts";

const roomBytes = 65_536; // for several commits: the log may have some room of its own that says nothing about the disk

/** Resolves when there is room on the disk of a database; throws `insufficient-storage`. */
export async function probeRoom(path: string): Promise<void> {
  const trial = `${path}-probe`;
  try {
    await writeAndRemove(trial);
  } catch (error) {
    throw storeError(error);
  }
}

async function writeAndRemove(path: string): Promise<void> {
  try {
    await using file = await open(path, "w");
    await file.writeFile(Buffer.alloc(roomBytes, 1)); // not zeros, which some file systems do not store
    await file.sync();
  } finally {
    await rm(path, { force: true });
  }
}
