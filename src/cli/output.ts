import { errorCatalogue, isSignalboxError, messageOf, type ErrorDetails, type SignalboxError } from "../core/errors.ts";
import type { Refusal } from "../core/law.ts";

/** Where a command writes. */
export interface Output {
  /** One line on standard output. */
  line(text: string): void;
  /** One line on standard error. */
  error(text: string): void;
  /** Whether somebody watches: progress may be drawn over itself. */
  isTerminal: boolean;
  /** Draws one line or several over what was drawn before; only for a terminal. */
  redraw(text: string): void;
}

export function standardOutput(): Output {
  const { stdout, stderr } = process;
  stdout.on("error", endWithReader);
  let drawn = 0; // lines that the next drawing goes over
  return {
    line(text) {
      drawn = 0;
      stdout.write(`${text}\n`);
    },
    error: (text) => void stderr.write(`${text}\n`),
    isTerminal: stdout.isTTY,
    redraw(text) {
      const [columns, rows] = [stdout.columns || 80, stdout.rows || 24];
      const lines = text.split("\n").flatMap((line) => wrapped(line, columns - 1));
      stdout.write(frame(lines, { drawn, columns, rows }));
      drawn = Math.min(lines.length, rows);
    },
  };
}

const hangingIndent = "    ";

/** A line as several that fit, broken between words where there are any. */
export function wrapped(line: string, width: number): string[] {
  if (line.length <= width || width <= 2 * hangingIndent.length) return [line];
  const space = line.lastIndexOf(" ", width);
  const end = space < 0 || line.slice(0, space).trim() === "" ? width : space;
  return [line.slice(0, end).trimEnd(), ...wrapped(`${hangingIndent}${line.slice(end).trimStart()}`, width)];
}

/** Goes back to the first line that was drawn, and writes over each; what is left of an older and longer one goes. */
export function frame(lines: readonly string[], given: { drawn: number; columns: number; rows: number }): string {
  const { drawn, columns, rows } = given;
  const fitting = lines.slice(0, rows).map((line) => `\u001b[2K${line.slice(0, columns - 1)}`); // what wraps or scrolls cannot be drawn over
  const back = drawn > 1 ? `\u001b[${drawn - 1}A` : "";
  const rest = drawn > fitting.length ? "\u001b[J" : "";
  return `\r${back}${fitting.join("\n")}${rest}`;
}

/** Whoever reads has seen enough (`signalbox journal ID | head`), or there is no room for what is said. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`signalbox: standard output cannot be written to: ${messageOf(error)}\n`);
  process.exit(1);
}

/** Rows under their headings, each column as wide as it must be. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [headings, ...rows].map((row) => row.map(plain));
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Control characters, and those that turn or break the line they stand in. */
// oxlint-disable-next-line no-control-regex -- exactly these
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text from elsewhere must not steer the terminal. */
export function plain(text: string): string {
  return text.replace(unprintable, " ");
}

/** JSON that may be shown as it is. */
export function jsonLine(body: unknown): string {
  return JSON.stringify(body).replace(unprintable, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Says what went wrong, and answers with the exit code for it. */
export function report(error: unknown, output: Output, isJson: boolean): number {
  if (!isSignalboxError(error)) {
    const detail = messageOf(error);
    output.error(isJson ? jsonLine({ code: "internal-fault", detail }) : plain(`signalbox: ${detail}`));
    return 1;
  }
  const { code, details } = error;
  const detail = adviceOn(error);
  if (isJson)
    output.error(jsonLine({ code, detail, ...(details.errors && { errors: details.errors }), ...details.extra }));
  else for (const text of sentences(error)) output.error(plain(text));
  return errorCatalogue[code].exit;
}

/** The sentence, with what to do on the command line. */
function adviceOn({ code, detail }: SignalboxError): string {
  if (code === "unauthenticated") return `${detail} A command takes it from SIGNALBOX_TOKEN.`;
  if (code !== "server-unreachable") return detail;
  return `${detail} Start one with \`signalbox serve --data DIR\`, or name it with --url.`;
}

function sentences(error: SignalboxError): string[] {
  const { code, details } = error;
  const { errors = [], extra = {} } = details;
  const detail = adviceOn(error);
  const reasons = extra["reasons"] as Refusal[] | undefined;
  if (code !== "event-refused" || reasons === undefined) return faultLines(`signalbox: ${code}: ${detail}`, errors);
  const hears = extra["hears"] as { type: string }[] | undefined;
  const { event, from, id } = extra as Partial<Record<"event" | "from" | "id", string>>;
  const where = id !== undefined && from !== undefined ? `: ${id} is in ${from}` : "";
  return [
    event === undefined ? `refused${where}` : `refused: ${event} in ${from}`, // an operation of several events has none of its own
    ...reasons.flatMap(reasonLines),
    ...(hears === undefined || hears.length === 0 ? [] : [`  it hears: ${hears.map(({ type }) => type).join(", ")}`]),
  ];
}

/** What a law said, and what to do instead. */
export function reasonLines(reason: { code: string; detail: string; hint?: string | undefined }): string[] {
  const { code, detail, hint } = reason;
  return [`  ${code}: ${detail}`, ...(hint === undefined ? [] : [`  instead: ${hint}`])];
}

/** Several faults get a line each, not a place in one long sentence. */
function faultLines(sentence: string, errors: NonNullable<ErrorDetails["errors"]>): string[] {
  const faults = errors.map(({ pointer, detail }) => `${pointer || "/"}: ${detail}`);
  const start = sentence.indexOf(faults[0] ?? "");
  if (faults.length < 2 || start < 0) return [sentence];
  return [sentence.slice(0, start).trimEnd(), ...faults.map((fault) => `  ${fault}`)];
}
