import type { Clock } from "../core/clock.ts";
import { messageOf, SignalboxError } from "../core/errors.ts";
import { freeze, thaw, type Frozen } from "../core/freeze.ts";
import { versionOf, type Machine } from "../core/machine.ts";
import type { InstanceRow, Loaded, Store } from "../store/store.ts";
import type { Catalogue } from "./catalogue.ts";
import { describedBy, type Head } from "./head.ts";
import { engineAsker, entryOf } from "./move.ts";

/** A loaded instance of an older chart as a head of the present one. Throws `needs-migration` when there is no way. */
export function migrated(machine: Machine, { row, pending }: Loaded, at: number): Head {
  const target = versionOf(machine);
  if (row.machineVersion > target) throw needsMigration(machine, row.id, row.machineVersion, "that one is newer");
  try {
    const snapshot = thaw(machine, carriedOver(machine, row) as Frozen);
    const described = describedBy(snapshot, undefined, at);
    const since = described.state === row.state ? row.since : described.since;
    const migratedRow = {
      ...row,
      ...described,
      since,
      machineVersion: target,
      version: row.version + 1,
      snapshot: JSON.stringify(freeze(snapshot)),
      at,
      updatedAt: at,
    };
    return { machine, row: migratedRow, snapshot, armed: new Map(pending.map((each) => [each.id, each])) };
  } catch (error) {
    throw needsMigration(machine, row.id, row.machineVersion, messageOf(error));
  }
}

function carriedOver(machine: Machine, row: InstanceRow): unknown {
  let stored: unknown = JSON.parse(row.snapshot);
  for (let version = row.machineVersion; version < versionOf(machine); version += 1) {
    const migration = machine.migrations?.[version];
    if (migration === undefined) throw new Error(`there is no migration from ${version}`);
    stored = migration(stored);
  }
  return stored;
}

function needsMigration(machine: Machine, id: string, found: number, why: string): SignalboxError {
  const detail = `${id} was made by version ${found} of ${machine.name}, and version ${versionOf(machine)} runs: ${why}. Give the machine a migration; the instance stays as it is until then.`;
  return new SignalboxError("needs-migration", detail, {
    extra: { machine: machine.name, found, current: versionOf(machine) },
  });
}

/** Writes the migrated form with its checkpoint, once; resolves with the committed head. To be called in the instance's turn. */
export function createMigrator({ store, catalogue, clock }: { store: Store; catalogue: Catalogue; clock: Clock }) {
  return async function migrate(id: string): Promise<Head> {
    const loaded = await store.load(id);
    if (loaded === undefined) throw new SignalboxError("not-found", `There is no instance ${id}.`);
    const machine = catalogue.machine(loaded.row.machine);
    const head = migrated(machine, loaded, Math.max(clock.now(), loaded.row.at));
    const journal = entryOf({
      kind: "migrated",
      row: head.row,
      at: head.row.at,
      event: null,
      from: loaded.row.state,
      via: [],
      outcome: "changed",
      asker: engineAsker,
      effects: [],
      checkpoint: { snapshot: head.row.snapshot, machineVersion: head.row.machineVersion },
    });
    const element = {
      writes: [{ row: head.row, expected: loaded.row.version }],
      expects: [],
      journal: [journal],
      fences: [],
      changes: [],
    };
    const [result] = await store.commit([element]);
    if (result === "committed") return head;
    throw new SignalboxError("store-unavailable", `${id} was moved while it was migrated. Try again.`);
  };
}
