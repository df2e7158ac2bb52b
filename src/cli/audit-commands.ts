import type { Command } from "commander";
import type { Client } from "../client/index.ts";
import { SignalboxError } from "../core/errors.ts";
import { wholeNumber } from "./commands.ts";
import { jsonLine, plain, type Output } from "./output.ts";
import type { CommandContext, Composed } from "./program.ts";

export interface Head {
  seq: number;
  hash: string;
}

/** What a check of the journal's chain has found. */
export interface Checked {
  checked: number;
  head: Head;
  faults: readonly { seq: number; detail: string }[];
}

/** Commands about the journal as evidence. */
export function addAuditCommands(
  program: Command,
  { action, output }: CommandContext,
  { checkExport }: Pick<Composed, "checkExport">,
): void {
  const audit = program.command("audit").description("check and export the journal's chain of hashes");

  audit
    .command("verify")
    .description("compute the chain again; exit 1 when something was changed, taken away or put in")
    .option("--expect <seq:hash>", "a head that was noted earlier: it must be there", headIn)
    .option("--file <file>", "check an export, without a server")
    .action(
      action(async ({ client, isJson }, { expect, file }: { expect?: Head; file?: string }) => {
        const asked = expect && { expect };
        const found = await withProgress(output, isJson, (onProgress) => {
          const onChecked = (rows: number) => onProgress(`${rows} rows checked`);
          return file === undefined
            ? verifyInParts(client, { ...asked, onChecked })
            : checkExport({ ...asked, file, onChecked });
        });
        if (isJson) output.line(jsonLine(found));
        else for (const line of describeChecked(found)) output.line(plain(line));
        return found.faults.length === 0 ? 0 : 1;
      }),
    );

  audit
    .command("export")
    .description("print the journal as JSON lines from which the chain can be computed again")
    .option("--after <seq>", "only rows after this number", wholeNumber)
    .action(
      action(async ({ client }, given: { after?: number }) => {
        for (let after = given.after ?? 0; ; ) {
          const page = await client.call("list-audit-rows", { query: { after, limit: pageSize } });
          for (const row of page.rows) output.line(jsonLine(row));
          if (page.rows.length < pageSize) return;
          after = page.nextAfter;
        }
      }),
    );
}

const pageSize = 500; // as many as a page may have

/** Lines for people: what was checked, what is wrong, and the head to be noted. */
export function describeChecked({ checked, head, faults }: Checked): string[] {
  const known =
    faults.length === 0 && head.seq > 0
      ? [
          "",
          `Note it: \`signalbox audit verify --expect ${head.seq}:${head.hash}\``,
          "shows later that nothing up to here was changed since.",
        ]
      : [];
  return [
    `${checked} rows checked, ${faults.length === 1 ? "1 fault" : `${faults.length} faults`}`,
    ...faults.map(({ seq, detail }) => `  row ${seq}: ${detail}`),
    `head ${head.seq}:${head.hash}`,
    ...known,
  ];
}

/** Draws over what it drew before, where somebody watches. */
export async function withProgress<T>(
  output: Output,
  isJson: boolean,
  work: (onProgress: (text: string) => void) => Promise<T>,
): Promise<T> {
  const isShown = output.isTerminal && !isJson;
  try {
    return await work((text) => {
      if (isShown) output.redraw(text);
    });
  } finally {
    if (isShown) output.redraw("");
  }
}

/** A server checks a bounded number of rows in one request. */
async function verifyInParts(
  client: Client,
  { expect, onChecked }: { expect?: Head; onChecked(rows: number): void },
): Promise<Checked> {
  const faults: Checked["faults"][number][] = [];
  let checked = 0;
  for (let from: Head | undefined; ; ) {
    const body = { ...(expect && { expect }), ...(from && { from }) };
    const part = await client.call("verify-audit", { body });
    checked += part.checked;
    faults.push(...part.faults);
    onChecked(checked);
    if (part.complete) return { checked, head: part.head, faults };
    from = part.head;
  }
}

function headIn(text: string): Head {
  const [, seq, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new SignalboxError(
    "invalid-request",
    `--expect is a row's number and its hash as \`audit verify\` prints them, such as 7:c0ff..., not ${text}.`,
  );
}
