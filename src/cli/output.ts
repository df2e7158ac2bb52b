import { errorCatalogue, isSignalboxError, messageOf } from "../core/errors.ts";
import type { Refusal } from "../core/law.ts";

/** Where a command writes. */
export interface Output {
  /** One line on standard output. */
  line(text: string): void;
  /** One line on standard error. */
  error(text: string): void;
  /** Whether somebody watches: progress may be drawn over itself. */
  isTerminal: boolean;
  /** Draws over what was drawn before; only for a terminal. */
  redraw(text: string): void;
}

export function standardOutput(): Output {
  return {
    line: (text) => void process.stdout.write(`${text}\n`),
    error: (text) => void process.stderr.write(`${text}\n`),
    isTerminal: process.stdout.isTTY,
    redraw: (text) => void process.stdout.write(`\r\u001b[2K${text}`),
  };
}

/** Rows under their headings, each column as wide as it must be. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows].map((row) => row.map(plain));
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Text from elsewhere must not steer the terminal. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- exactly these are taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
}

/** Says what went wrong, and answers with the exit code for it. */
export function report(error: unknown, output: Output, isJson: boolean): number {
  if (!isSignalboxError(error)) {
    output.error(
      isJson ? JSON.stringify({ code: "internal-fault", detail: messageOf(error) }) : `signalbox: ${messageOf(error)}`,
    );
    return 1;
  }
  const { code, detail, details } = error;
  if (isJson)
    output.error(JSON.stringify({ code, detail, ...(details.errors && { errors: details.errors }), ...details.extra }));
  else for (const text of sentences(code, detail, details.extra ?? {})) output.error(plain(text));
  return errorCatalogue[code].exit;
}

function sentences(code: string, detail: string, extra: Readonly<Record<string, unknown>>): string[] {
  const reasons = extra["reasons"] as Refusal[] | undefined;
  if (code !== "event-refused" || reasons === undefined) return [`signalbox: ${code}: ${detail}`];
  const hears = extra["hears"] as { type: string }[] | undefined;
  return [
    `refused: ${String(extra["event"])} in ${String(extra["from"])}`,
    ...reasons.flatMap((reason) => [
      `  ${reason.code}: ${reason.detail}`,
      ...(reason.hint === undefined ? [] : [`  instead: ${reason.hint}`]),
    ]),
    ...(hears === undefined ? [] : [`  it hears: ${hears.map(({ type }) => type).join(", ")}`]),
  ];
}
