import type { Command } from "commander";
import type { Client, JournalEntryView } from "../client/index.ts";
import { messageOf } from "../core/errors.ts";
import { collected, wholeNumber } from "./commands.ts";
import { jsonLine, plain, table, type Output } from "./output.ts";
import type { CommandContext } from "./program.ts";

/** What happened, and what happens. */
export function addJournalCommand(program: Command, { action, output }: CommandContext): void {
  program
    .command("journal")
    .description("show what happened, to an instance or to all")
    .argument("[id]", "only to this instance")
    .option("--after <seq>", "only entries after this number", wholeNumber)
    .option("-f, --follow", "go on with what happens, until Ctrl-C; one line of JSON for each entry with --json")
    .action(
      action(async ({ client, isJson, show }, instance?: string, given: { after?: number; follow?: true } = {}) => {
        const query = { ...(instance !== undefined && { instance }), after: given.after ?? 0 };
        if (given.follow) return followJournal({ client, query, output, isJson });
        const entries = await collected(client.journal(query));
        show({ entries }, () => journalTable(entries, instance));
        return 0;
      }),
    );
}

/** Entries for people; those of one instance need not name it. */
export function journalTable(entries: readonly JournalEntryView[], instance?: string): string[] {
  const columns = columnsOf(instance);
  return table(
    columns.map(({ heading }) => heading),
    entries.map((entry) => columns.map(({ cell }) => cell(entry))),
  );
}

/** Shows what was, then what comes, over as many connections as it takes. */
async function followJournal(given: {
  client: Client;
  query: { instance?: string; after: number };
  output: Output;
  isJson: boolean;
}): Promise<number> {
  const { client, query, output, isJson } = given;
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  const { signal } = stop;
  const columns = columnsOf(query.instance);
  let { after } = query;
  const show = (entry: JournalEntryView) => {
    after = entry.seq;
    output.line(isJson ? jsonLine(entry) : plain(lineOf(columns, ({ cell }) => cell(entry))));
  };
  try {
    if (!isJson) output.line(lineOf(columns, ({ heading }) => heading));
    for await (const entry of client.journal(query, { signal })) show(entry); // a server that is not there is told at once
    const onLost = ({ error }: { error: unknown }) => {
      const detail = `The connection is lost, and made again: ${messageOf(error)}`;
      output.error(isJson ? jsonLine({ detail }) : plain(`signalbox: ${detail}`));
    };
    for await (const entry of client.follow({ ...query, after, signal, onLost })) show(entry);
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    throw error;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

interface Column {
  heading: string;
  /** Where the lines come one by one: what most of them need. */
  width: number;
  cell(entry: JournalEntryView): string;
}

/** One instance's journal need not name it. */
function columnsOf(instance: string | undefined): Column[] {
  return [
    { heading: "SEQ", width: 6, cell: ({ seq }) => String(seq) },
    { heading: "AT", width: 24, cell: ({ at }) => at },
    ...(instance === undefined
      ? [{ heading: "INSTANCE", width: 16, cell: (entry: JournalEntryView) => entry.instance }]
      : []),
    { heading: "VERSION", width: 7, cell: ({ version }) => String(version) },
    { heading: "EVENT", width: 20, cell: ({ event, kind }) => event?.type ?? kind },
    { heading: "OUTCOME", width: 9, cell: ({ outcome }) => outcome },
    { heading: "BY", width: 20, cell: ({ principal }) => principal },
    { heading: "PATH", width: 0, cell: pathOf }, // the last one: it tells why not, in as many words as that takes
  ];
}

function lineOf(columns: readonly Column[], textOf: (column: Column) => string): string {
  return columns.map((column) => textOf(column).padEnd(column.width)).join("  ");
}

/** "Active > EnteringMaintenance", and why not. */
function pathOf({ from, via, to, reasons }: JournalEntryView): string {
  const path = from === null ? to : [from, ...via, ...(to === from && via.length === 0 ? [] : [to])].join(" > ");
  return reasons === undefined ? path : `${path} (${reasons.map(({ detail }) => detail).join(" ")})`;
}
