import { hash } from "node:crypto";
import type { JournalKind, NewJournalRow } from "./store.ts";

/**
 * What is hashed of a journal row: every column but its number and its hashes, as it is stored. JSON within is text here.
 * The keys are in order, so that `JSON.stringify` writes it as RFC 8785 wants it.
 */
export interface ChainContent {
  readonly at: number;
  readonly checkpoint: string | null;
  readonly checkpointVersion: number | null;
  readonly commandId: string | null;
  readonly emitted: string | null;
  readonly event: string | null;
  readonly from: string | null;
  readonly instance: string;
  readonly kind: string;
  readonly machine: string;
  readonly outcome: string;
  readonly principal: string;
  readonly reasons: string | null;
  readonly stream: string | null;
  readonly streamSeq: number | null;
  readonly to: string;
  readonly trace: string | null;
  readonly version: number;
  readonly via: string;
}

/** A place in the chain. Hashes are SHA-256 in lower-case hex. */
export interface ChainHead {
  seq: number;
  hash: string;
}

/** A journal row in the chain, and what is left of one whose content was cut off. */
export interface ChainRow extends ChainHead {
  instance: string;
  contentHash: string;
  /** null: cut off by retention. */
  content: ChainContent | null;
  /** Of a row without content: the number of the later row of the instance that stands for it; null when there is none. */
  compactedBy: number | null;
}

/** Kinds of rows that stand for the rows before them of their instance, whose content may be cut off. */
export const kindsThatStandForOthers: ReadonlySet<string> = new Set<JournalKind>(["compacted", "forgotten"]);

export interface ChainPage {
  /** The row before the first one, whatever its number; the beginning when there is none. */
  before: ChainHead;
  rows: ChainRow[];
}

/** What stands before the first row. */
export const chainBeginning: Readonly<ChainHead> = { seq: 0, hash: "0".repeat(64) };

export function contentOf(row: NewJournalRow): ChainContent {
  return {
    at: row.at,
    checkpoint: row.checkpoint?.snapshot ?? null,
    checkpointVersion: row.checkpoint?.machineVersion ?? null,
    commandId: row.commandId,
    emitted: row.emitted,
    event: row.event,
    from: row.from,
    instance: row.instance,
    kind: row.kind,
    machine: row.machine,
    outcome: row.outcome,
    principal: row.principal,
    reasons: row.reasons,
    stream: row.stream?.name ?? null,
    streamSeq: row.stream?.seq ?? null,
    to: row.to,
    trace: row.trace,
    version: row.version,
    via: JSON.stringify(row.via),
  };
}

/** The next row of the chain. */
export function chained(before: ChainHead, content: ChainContent): ChainRow & { content: ChainContent } {
  const { instance } = content;
  const contentHash = contentHashOf(content);
  const seq = before.seq + 1;
  const linked = linkHashOf({ contentHash, instance, previous: before.hash, seq });
  return { seq, instance, content, contentHash, hash: linked, compactedBy: null };
}

/** A sentence for everything that is wrong with a row behind the one before it. */
export function chainFaultsOf(
  { seq, instance, content, contentHash, hash: stored }: ChainRow,
  before: ChainHead,
): string[] {
  const faults: string[] = [];
  if (content !== null && contentHashOf(content) !== contentHash) faults.push("the content does not fit its hash");
  if (content !== null && content.instance !== instance) faults.push("the content is of another instance");
  const missing = missingBetween(before.seq, seq);
  if (missing !== undefined) faults.push(missing);
  else if (linkHashOf({ contentHash, instance, previous: before.hash, seq }) !== stored)
    faults.push("the row does not fit the row before it");
  return faults;
}

function missingBetween(before: number, seq: number): string | undefined {
  if (seq === before + 1) return undefined;
  if (seq <= before) return `the row is out of order: ${before} comes before it`;
  if (seq === before + 2) return `row ${before + 1} is missing`;
  return `rows ${before + 1} to ${seq - 1} are missing`;
}

function contentHashOf(content: ChainContent): string {
  return sha256(JSON.stringify(content));
}

/** The keys are in order here too. */
function linkHashOf(link: { contentHash: string; instance: string; previous: string; seq: number }): string {
  const { contentHash, instance, previous, seq } = link;
  return sha256(JSON.stringify({ contentHash, instance, previous, seq }));
}

function sha256(text: string): string {
  return hash("sha256", text, "hex");
}
