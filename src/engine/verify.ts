import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../core/errors.ts";
import { freeze, thaw, type Frozen } from "../core/freeze.ts";
import type { Refusal } from "../core/law.ts";
import { versionOf, type Snapshot } from "../core/machine.ts";
import { step, type StampedEvent } from "../core/step.ts";
import type { InstanceRow, JournalRow, Store } from "../store/store.ts";
import type { Catalogue } from "./catalogue.ts";
import { afterEarlierMoves } from "./plan.ts";

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

const pageSize = 1_000;

/** A refusal that rests on moves which were given up with it. */
function isJudgedElsewhere({ outcome, reasons }: JournalRow): boolean {
  if (outcome !== "refused") return false;
  return (JSON.parse(reasons ?? "[]") as Refusal[]).some(({ code }) => code === afterEarlierMoves.code);
}

export function createVerifier({ store, catalogue }: { store: Store; catalogue: Catalogue }): Verifier {
  async function* entriesOf(instance: string): AsyncGenerator<JournalRow> {
    let query: { after?: number; sinceCheckpoint?: true } = { sinceCheckpoint: true };
    for (;;) {
      const rows = await store.journal({ instance, ...query, limit: pageSize });
      yield* rows;
      if (rows.length < pageSize) return;
      query = { after: rows.at(-1)?.seq ?? 0 };
    }
  }

  /** A sentence about the first difference, or nothing. */
  async function differenceIn(row: InstanceRow): Promise<{ seq: number | null; detail: string } | undefined> {
    const machine = catalogue.machine(row.machine);
    let snapshot: Snapshot | undefined;
    let version = 0;
    for await (const entry of entriesOf(row.id)) {
      if (entry.version > row.version) break; // it moved on while it was verified
      if (entry.checkpoint !== null) {
        snapshot = thaw(machine, JSON.parse(entry.checkpoint.snapshot) as Frozen);
        version = entry.version;
        continue;
      }
      if (snapshot === undefined) return { seq: entry.seq, detail: "the journal does not begin with a checkpoint" };
      const event = JSON.parse(entry.event ?? "null") as StampedEvent | null;
      if (event === null || event.type.startsWith("signalbox.") || isJudgedElsewhere(entry)) continue;
      const stepped = step(machine, snapshot, event);
      if (stepped.outcome !== entry.outcome) {
        return {
          seq: entry.seq,
          detail: `${event.type} was ${entry.outcome} then and is ${stepped.outcome} in the replay`,
        };
      }
      if (stepped.outcome === "changed") version += 1;
      if (version !== entry.version)
        return { seq: entry.seq, detail: `the entry says version ${entry.version}, the replay ${version}` };
      snapshot = stepped.snapshot;
    }
    if (snapshot === undefined) return { seq: null, detail: "there is no journal" };
    if (version !== row.version)
      return { seq: null, detail: `the instance is at version ${row.version}, the replay ends at ${version}` };
    const replayed: unknown = JSON.parse(JSON.stringify(freeze(snapshot)));
    if (isDeepStrictEqual(replayed, JSON.parse(row.snapshot))) return undefined;
    return { seq: null, detail: "the stored snapshot is not what the journal leads to" };
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
          result.differences.push({ instance: row.id, seq: null, detail: `the replay failed: ${messageOf(error)}` });
        }
      }
      return result;
    },
  };
}
