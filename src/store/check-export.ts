import { open } from "node:fs/promises";
import { isSignalboxError, messageOf, SignalboxError } from "../core/errors.ts";
import { chainBeginning, type ChainContent, type ChainHead } from "./chain.ts";
import { createChainCheck, type ChainReport } from "./check-chain.ts";

/** A row of the chain as it is handed out: with it and its successors alone the chain can be computed again. */
export interface ChainExportRow extends ChainHead {
  instance: string;
  /** The hash of the row before; of the first one 64 zeros. */
  previous: string;
  contentHash: string;
  /** null: cut off by retention. */
  content: ChainContent | null;
}

/**
 * Checks an export line by line. One that begins in the middle is taken to be right about the row before it. Throws
 * `invalid-request` for a line that is none of an export.
 */
export async function checkExport(
  lines: AsyncIterable<string>,
  { expect, onChecked }: { expect?: ChainHead; onChecked?(rows: number): void } = {},
): Promise<ChainReport> {
  let check: ReturnType<typeof createChainCheck> | undefined;
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === "") continue;
    const { previous, ...row } = rowIn(line, number);
    const from = row.seq === 1 ? chainBeginning : { seq: row.seq - 1, hash: previous };
    check ??= begun(from, expect);
    check.add({ ...row, compactedBy: null }, previous);
    if (check.isFull()) break;
    if (check.checked() % 1_000 === 0) onChecked?.(check.checked());
  }
  if (check === undefined) throw new SignalboxError("invalid-request", "The file is empty: there is nothing to check.");
  check.end();
  return check.report({ isComplete: true });
}

/** A file that begins behind the row that was noted says of it at most what its hash was. */
function begun(from: ChainHead, expect: ChainHead | undefined): ReturnType<typeof createChainCheck> {
  if (expect !== undefined && expect.seq < from.seq) {
    const detail = `The export begins at row ${from.seq + 1}: it says nothing of row ${expect.seq}. Export from there on, or from the beginning.`;
    throw new SignalboxError("invalid-request", detail);
  }
  const check = createChainCheck({ from, ...(expect && { expect }) });
  if (expect?.seq === from.seq) check.begin(expect);
  return check;
}

/** The same of a file. Throws `invalid-request` for one that cannot be read. */
export async function checkExportFile({
  file,
  ...options
}: { file: string } & Parameters<typeof checkExport>[1]): Promise<ChainReport> {
  try {
    await using opened = await open(file);
    return await checkExport(opened.readLines(), options);
  } catch (error) {
    if (isSignalboxError(error)) throw error;
    throw new SignalboxError("invalid-request", `${file} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

function rowIn(line: string, number: number): ChainExportRow {
  const { seq, instance, previous, contentHash, hash, content } = parse(line, number);
  const hasTexts = [instance, previous, contentHash, hash].every((text) => typeof text === "string");
  const isObject = typeof content === "object" && !Array.isArray(content);
  if (!Number.isSafeInteger(seq) || !hasTexts || !isObject) {
    throw notOfAnExport(number, "a row has seq, instance, previous, contentHash, hash and content");
  }
  return { seq, instance, previous, contentHash, hash, content: inOrder(content) } as ChainExportRow; // what is in the content, the hash says
}

function parse(line: string, number: number): Record<string, unknown> {
  try {
    return Object(JSON.parse(line)) as Record<string, unknown>;
  } catch (error) {
    throw notOfAnExport(number, messageOf(error));
  }
}

/** Whoever wrote the file may have put the keys in another order. */
function inOrder(content: object | null): object | null {
  return content && Object.fromEntries(Object.entries(content).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function notOfAnExport(number: number, why: string): SignalboxError {
  const detail = `Line ${number} is no row of an audit export: ${why}. Give a file that \`signalbox audit export\` wrote.`;
  return new SignalboxError("invalid-request", detail);
}
