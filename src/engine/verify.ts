import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../core/errors.ts";
import { versionOf } from "../core/machine.ts";
import type { InstanceRow, Store } from "../store/store.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Performs } from "./move.ts";
import { MissingCheckpoint, replay, type Replayed } from "./replay.ts";

export interface Verification {
  /** Instances whose journal was replayed. */
  checked: number;
  differences: { instance: string; seq: number | null; detail: string }[];
  /** Instances that cannot be replayed here, and why. */
  unverifiable: { instance: string; detail: string }[];
}

/** Replays journals and compares: fold(journal since the last checkpoint) must be the stored snapshot. */
export interface Verifier {
  /** One instance, or all. */
  verify(ids: AsyncIterable<InstanceRow> | Iterable<InstanceRow>): Promise<Verification>;
}

/** What lists and filters take from the row, and not from the snapshot. */
const shown = ["status", "state", "tags"] as const;

export function createVerifier(given: { store: Store; catalogue: Catalogue; performs: Performs }): Verifier {
  const { store, catalogue, performs } = given;

  /** A sentence about the first difference, or nothing. */
  async function differenceIn(row: InstanceRow): Promise<{ seq: number | null; detail: string } | undefined> {
    const machine = catalogue.machine(row.machine);
    let last: Replayed | undefined;
    for await (const replayed of replay({ store, machine, loaded: { row, pending: [] }, performs })) {
      const { entry, head, outcome = entry.outcome } = replayed;
      if (entry.version > row.version) break; // it moved on while it was verified
      const type = (JSON.parse(entry.event ?? "{}") as { type?: string }).type ?? entry.kind;
      if (outcome !== entry.outcome)
        return { seq: entry.seq, detail: `${type} was ${entry.outcome} then and is ${outcome} in the replay` };
      if (head.row.version !== entry.version)
        return {
          seq: entry.seq,
          detail: `the entry says version ${entry.version}, the replay ${head.row.version}`,
        };
      last = replayed;
    }
    if (last === undefined) return { seq: null, detail: "there is no journal" };
    const { head } = last;
    if (head.row.version !== row.version)
      return { seq: null, detail: `the instance is at version ${row.version}, the replay ends at ${head.row.version}` };
    if (!isDeepStrictEqual(JSON.parse(head.row.snapshot), JSON.parse(row.snapshot)))
      return { seq: null, detail: "the stored snapshot is not what the journal leads to" };
    const forged = shown.find((name) => !isDeepStrictEqual(head.row[name], row[name]));
    if (forged === undefined) return undefined;
    return { seq: null, detail: `the stored ${forged} is not what the journal leads to` };
  }

  return {
    async verify(rows) {
      const result: Verification = { checked: 0, differences: [], unverifiable: [] };
      for await (const row of rows) {
        const machine = catalogue.find(row.machine);
        if (machine === undefined || row.machineVersion !== versionOf(machine)) {
          const detail =
            machine === undefined
              ? `the machine ${row.machine} is not here`
              : `it is of version ${row.machineVersion}, ${versionOf(machine)} runs`;
          result.unverifiable.push({ instance: row.id, detail });
          continue;
        }
        result.checked += 1;
        try {
          const difference = await differenceIn(row);
          if (difference !== undefined) result.differences.push({ instance: row.id, ...difference });
        } catch (error) {
          const isCut = error instanceof MissingCheckpoint;
          const detail = isCut ? error.message : `the replay failed: ${messageOf(error)}`;
          result.differences.push({ instance: row.id, seq: isCut ? error.seq : null, detail });
        }
      }
      return result;
    },
  };
}
