import type { DatabaseSync } from "node:sqlite";
import { chainBeginning, kindsThatStandForOthers, type ChainHead, type ChainPage } from "../chain.ts";
import { chainHeadOf, chainRowOf, clamped, type Columns } from "./rows.ts";

const placed = (where: string) => `SELECT seq, hash FROM (
  SELECT * FROM (SELECT seq, hash FROM journal ${where} ORDER BY seq DESC LIMIT 1)
  UNION ALL SELECT * FROM (SELECT seq, hash FROM journal_cut ${where} ORDER BY seq DESC LIMIT 1)) ORDER BY seq DESC LIMIT 1`;

const kinds = [...kindsThatStandForOthers].map((kind) => `'${kind}'`).join();

/** Rows that are there and rows that were cut off, in order. */
const chainSql = `SELECT seq, 1 AS has_content, kind, at, instance, machine, version, event, from_state, to_state, via, outcome,
    reasons, emitted, principal, command_id, trace, stream, stream_seq, checkpoint, checkpoint_version, content_hash, hash,
    NULL AS compacted_by
  FROM journal WHERE seq > ?1
  UNION ALL SELECT seq, 0, NULL, NULL, instance, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, content_hash, hash,
    (SELECT max(c.seq) FROM journal c WHERE c.instance = journal_cut.instance
      AND c.kind IN (${kinds}) AND c.seq > journal_cut.seq)
  FROM journal_cut WHERE seq > ?1
  ORDER BY seq LIMIT ?2`;

const lowest = -(2n ** 63n);

/** Reads the journal as a chain, also where somebody else has written into the file. */
export function createChainReader(database: DatabaseSync): (query: { after?: number; limit: number }) => ChainPage {
  const rowsAfter = database.prepare(chainSql);
  const rowBefore = database.prepare(placed("WHERE seq <= ?1"));
  for (const statement of [rowsAfter, rowBefore]) statement.setReadBigInts(true);
  return ({ after, limit }) => {
    const from = after ?? lowest;
    const before = rowBefore.get(from) as Columns | undefined;
    const rows = rowsAfter.all(from, limit) as Columns[];
    return { before: before === undefined ? { ...chainBeginning } : chainHeadOf(before), rows: rows.map(chainRowOf) };
  };
}

/** The place that the next row is chained to: behind the last row, under the last number that was ever given. */
export function createChainEnd(database: DatabaseSync): () => ChainHead {
  const last = database.prepare(placed(""));
  last.setReadBigInts(true);
  const positionOf = createPosition(database);
  return () => {
    const row = last.get() as Columns | undefined;
    const { seq, hash } = row === undefined ? chainBeginning : chainHeadOf(row);
    return { seq: Math.max(seq, positionOf()), hash };
  };
}

/** The last number that was given to a journal row, also when it is gone. */
export function createPosition(database: DatabaseSync): () => number {
  const given = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'journal'");
  given.setReadBigInts(true);
  return () => clamped((given.get() as { seq: bigint } | undefined)?.seq ?? 0n);
}
