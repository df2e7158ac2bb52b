import type { DatabaseSync } from "node:sqlite";
import { chained, contentOf, type ChainHead } from "../chain.ts";
import type { CommitResult, Element, PendingChange, Write } from "../store.ts";
import { transitionsIn, type Transitions } from "../transitions.ts";
import { createChainEnd } from "./chain.ts";
import {
  commandValues,
  instanceColumns,
  instanceValues,
  journalColumns,
  journalValues,
  pendingColumns,
  pendingValues,
  placeholders,
} from "./rows.ts";

/** Judges and applies a batch inside a transaction that the caller holds. */
export function createBatchWriter(database: DatabaseSync): (batch: readonly Element[]) => CommitResult[] {
  const versionOf = database.prepare("SELECT version FROM instances WHERE id = ?");
  const hasCommand = database.prepare("SELECT 1 FROM commands WHERE principal = ? AND id = ?");
  const hasPending = database.prepare("SELECT 1 FROM pending WHERE key = ?");
  const insertInstance = database.prepare(
    `INSERT INTO instances (${instanceColumns}) VALUES (${placeholders(instanceColumns)})`,
  );
  const updateInstance = database.prepare(
    `UPDATE instances SET machine_version = ?, version = ?, status = ?, state = ?, tags = ?, snapshot = ?, streams = ?, at = ?, since = ?, regions_since = ?, updated_at = ?, transition_seq = coalesce(?, transition_seq) WHERE id = ? AND version = ?`,
  );
  const updateSnapshot = database.prepare(
    "UPDATE instances SET version = ?, snapshot = ?, at = ?, updated_at = ? WHERE id = ? AND version = ?",
  ); // touches no index
  const deleteInstance = database.prepare("DELETE FROM instances WHERE id = ?");
  const insertJournal = database.prepare(
    `INSERT INTO journal (${journalColumns}) VALUES (${placeholders(journalColumns)})`,
  );
  const insertPending = database.prepare(
    `INSERT INTO pending (${pendingColumns}) VALUES (${placeholders(pendingColumns)})`,
  );
  const deletePending = database.prepare("DELETE FROM pending WHERE key = ?");
  const withdraw = database.prepare("DELETE FROM pending WHERE instance = ? AND id = ? AND kind <> 'message'");
  const endAll = database.prepare("DELETE FROM pending WHERE instance = ? AND kind <> 'message'");
  const keepChain = database.prepare(
    "INSERT INTO journal_cut SELECT seq, instance, content_hash, hash FROM journal WHERE instance = ? AND seq < ?",
  );
  const cutJournal = database.prepare("DELETE FROM journal WHERE instance = ? AND seq < ?");
  const insertCommand = database.prepare(
    "INSERT INTO commands (principal, id, fingerprint, at, answer) VALUES (?, ?, ?, ?, ?)",
  );

  const chainEnd = createChainEnd(database);
  let end: ChainHead | undefined; // of the chain, read once in a batch
  const endOfChain = () => (end ??= chainEnd());

  const isAt = (id: string, version: number) =>
    ((versionOf.get(id) as { version: number } | undefined)?.version ?? 0) === version;

  const isKnown = (command: Element["command"]) =>
    command !== undefined && hasCommand.get(command.principal, command.id) !== undefined;

  function verdictOn({ command, fences, writes, expects }: Element): CommitResult {
    if (isKnown(command)) return "duplicate";
    if (fences.some(({ key }) => hasPending.get(key) === undefined)) return "settled";
    if (writes.some(({ row, expected }) => !isAt(row.id, expected))) return "stale";
    if (expects.some(({ id, version }) => !isAt(id, version))) return "stale";
    return "committed";
  }

  /** All but the instances that are written. */
  function writeRest({ fences, changes, cut, forget, journal, command }: Element): void {
    if (forget !== undefined) deleteInstance.run(forget);
    for (const { key, settle } of fences) if (settle) deletePending.run(key);
    for (const change of changes) applyChange(change);
    if (cut !== undefined) {
      keepChain.run(cut.instance, cut.before);
      cutJournal.run(cut.instance, cut.before);
    }
    writeJournal(journal);
    if (command !== undefined) insertCommand.run(...commandValues(command));
  }

  function writeJournal(rows: Element["journal"]): void {
    for (const row of rows) {
      const next = chained(endOfChain(), contentOf(row));
      insertJournal.run(...journalValues(next));
      end = next;
    }
  }

  /** Whether they were all at the versions that are expected. */
  function writeInstances({ writes, journal }: Element, seq: number): boolean {
    if (writes.length === 0) return true;
    const transitions = transitionsIn(journal, seq);
    return writes.every((write) => {
      const transition = transitions.get(write.row.id);
      return write.expected === 0
        ? insert(write, transition ?? { first: seq, last: seq })
        : update(write, transition?.last ?? null);
    });
  }

  function insert({ row }: Write, { first, last }: Transitions): boolean {
    const values = instanceValues({ ...row, createdSeq: first, transitionSeq: last });
    return insertInstance.run(...values).changes === 1;
  }

  function update({ row, expected, isWithinState }: Write, transitionSeq: number | null): boolean {
    if (isWithinState === true && transitionSeq === null) {
      const { version, snapshot, at, updatedAt, id } = row;
      return updateSnapshot.run(version, snapshot, at, updatedAt, id, expected).changes === 1;
    }
    const { changes } = updateInstance.run(
      row.machineVersion,
      row.version,
      row.status,
      row.state,
      JSON.stringify(row.tags),
      row.snapshot,
      JSON.stringify(row.streams),
      row.at,
      row.since,
      JSON.stringify(row.regionsSince),
      row.updatedAt,
      transitionSeq,
      row.id,
      expected,
    );
    return changes === 1;
  }

  function applyChange(change: PendingChange): void {
    switch (change.kind) {
      case "arm":
        if (change.row.kind !== "message") withdraw.run(change.row.instance, change.row.id);
        insertPending.run(...pendingValues(change.row));
        return;
      case "withdraw":
        withdraw.run(change.instance, change.id);
        return;
      case "end":
        endAll.run(change.instance);
        return;
      case "discard":
        deletePending.run(change.key);
        return;
      default:
        change satisfies never;
    }
  }

  function write(element: Element): CommitResult {
    const verdict = verdictOn(element);
    if (verdict !== "committed") return verdict;
    writeInstances(element, endOfChain().seq);
    writeRest(element);
    return verdict;
  }

  /** Judges them in order, and writes table after table: the pages of one are at hand then. */
  function writeUpdates(elements: readonly Element[]): CommitResult[] {
    let { seq } = endOfChain();
    const written: Element[] = [];
    const results = elements.map((element): CommitResult => {
      if (isKnown(element.command)) return "duplicate";
      if (!writeInstances(element, seq)) return "stale";
      if (element.command !== undefined) insertCommand.run(...commandValues(element.command));
      seq += element.journal.length;
      written.push(element);
      return "committed";
    });
    for (const { journal } of written) writeJournal(journal);
    for (const { changes } of written) for (const change of changes) applyChange(change);
    return results;
  }

  return (batch) => {
    end = undefined;
    const results: CommitResult[] = [];
    let updates: Element[] = [];
    for (const element of batch) {
      if (isUpdate(element)) {
        updates.push(element);
        continue;
      }
      results.push(...writeUpdates(updates), write(element));
      updates = [];
    }
    results.push(...writeUpdates(updates));
    return results;
  };
}

/** Of one instance that is there, with nothing else to be judged: writing it is the judgement. By far the most frequent. */
function isUpdate({ fences, writes, expects, cut, forget }: Element): boolean {
  const isAlone = fences.length === 0 && expects.length === 0 && cut === undefined && forget === undefined;
  return isAlone && writes.length === 1 && writes[0]?.expected !== 0;
}
