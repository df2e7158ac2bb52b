import type { DatabaseSync } from "node:sqlite";
import { SignalboxError } from "../../core/errors.ts";

/** Numbered from 1; a released one is never edited. `user_version` says which have been applied. */
const migrations: readonly string[] = [
  `
  CREATE TABLE instances (
    id TEXT PRIMARY KEY, machine TEXT NOT NULL, machine_version INTEGER NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL, state TEXT NOT NULL, tags TEXT NOT NULL, labels TEXT NOT NULL, snapshot TEXT NOT NULL,
    input TEXT NOT NULL, parent TEXT, streams TEXT NOT NULL,
    at INTEGER NOT NULL, since INTEGER NOT NULL, regions_since TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    created_seq INTEGER NOT NULL, transition_seq INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX instances_by_machine ON instances (machine, state, id);
  CREATE INDEX instances_ended ON instances (updated_at) WHERE status <> 'active';

  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at INTEGER NOT NULL, instance TEXT NOT NULL,
    machine TEXT NOT NULL, version INTEGER NOT NULL, event TEXT, from_state TEXT, to_state TEXT NOT NULL, via TEXT NOT NULL,
    outcome TEXT NOT NULL, reasons TEXT, emitted TEXT, principal TEXT NOT NULL, command_id TEXT, trace TEXT,
    stream TEXT, stream_seq INTEGER, checkpoint TEXT, checkpoint_version INTEGER,
    content_hash BLOB NOT NULL, hash BLOB NOT NULL
  ) STRICT;
  CREATE INDEX journal_by_instance ON journal (instance, seq);
  CREATE INDEX journal_checkpoints ON journal (instance, seq) WHERE checkpoint IS NOT NULL;
  CREATE UNIQUE INDEX journal_streams ON journal (instance, stream, stream_seq) WHERE stream IS NOT NULL;

  CREATE TABLE journal_cut (
    seq INTEGER PRIMARY KEY, instance TEXT NOT NULL, content_hash BLOB NOT NULL, hash BLOB NOT NULL
  ) STRICT;

  CREATE TABLE pending (
    ord INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, instance TEXT NOT NULL, version INTEGER NOT NULL,
    kind TEXT NOT NULL, id TEXT NOT NULL, activity TEXT, payload TEXT NOT NULL, receiver TEXT, settles TEXT,
    due_at INTEGER, created_at INTEGER NOT NULL, trace TEXT, attempts INTEGER NOT NULL, error TEXT,
    lease_owner TEXT, lease_until INTEGER, dead INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX pending_of_instance ON pending (instance, id);
  CREATE INDEX pending_due ON pending (due_at) WHERE dead = 0 AND due_at IS NOT NULL;
  CREATE INDEX pending_dead ON pending (key) WHERE dead = 1;
  CREATE INDEX pending_leased ON pending (lease_until) WHERE lease_until IS NOT NULL;
  CREATE INDEX pending_pairs ON pending (instance, receiver, ord) WHERE kind = 'message' AND dead = 0;

  CREATE TABLE commands (
    principal TEXT NOT NULL, id TEXT NOT NULL, fingerprint TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (principal, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX commands_by_age ON commands (at);
  `,
  "CREATE INDEX instances_of_machine ON instances (machine, id)", // a page of a machine, whatever the state
];

/** The newest one. */
export const schemaVersion = migrations.length;

/** Brings the database to the newest schema; refuses one that a newer program has written. */
export function migrate(database: DatabaseSync, path: string): void {
  const found = schemaOf(database, path);
  for (const [index, sql] of migrations.entries()) {
    if (index < found) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

/** The schema that the database has; 0 for one without any. Throws `database-too-new`. */
export function schemaOf(database: DatabaseSync, path: string): number {
  const { user_version: found } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found <= schemaVersion) return found;
  const detail = `${path} has schema ${found}, and this version knows up to ${schemaVersion}. Run the version that wrote it, or a newer one.`;
  throw new SignalboxError("database-too-new", detail);
}
