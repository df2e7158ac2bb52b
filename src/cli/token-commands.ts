import type { Command } from "commander";
import { SignalboxError } from "../core/errors.ts";
import { describeFaults, readBy } from "../core/schema-faults.ts";
import { makeToken, principalSchema, roleSchema, type TokenEntry } from "../operations/token.ts";
import { changeTokenFile, readTokenFile } from "../operations/token-file.ts";
import { jsonLine, plain, table } from "./output.ts";
import type { CommandContext } from "./program.ts";

/** Commands about the file of those who may come in. They work on the file, and need no server. */
export function addTokenCommands(program: Command, { action, output }: CommandContext): void {
  const token = program.command("token").description("say who may come in: the tokens of a server");

  token
    .command("create")
    .description("make a token, print it once, and keep its digest in the file")
    .requiredOption("--principal <name>", "who carries it; stands in the journal")
    .requiredOption("--role <role>", "viewer, operator, approver, admin, or agent:HOST")
    .option("--expires <span>", "how long it counts: 90d, 12h or 30m; 366d at most", "90d")
    .requiredOption("--file <file>", "the file that `serve --tokens` reads; made when it is not there")
    .action(
      action(async ({ isJson }, { file, ...given }: CreateOptions) => {
        const { token: text, entry } = makeToken({ ...checked(given), at: Date.now() });
        changeTokenFile(file, (tokens) => [...tokens, entry]);
        const { sha256: _sha256, ...shown } = entry;
        if (isJson) return output.line(jsonLine({ ...shown, token: text }));
        output.line(text);
        const { id, principal, role, expiresAt } = entry;
        output.error(plain(`token ${id} of ${principal} (${role}) counts until ${expiresAt}; it is not shown again`));
      }),
    );

  token
    .command("list")
    .description("list the tokens of a file")
    .requiredOption("--file <file>", "the file")
    .action(
      action(async ({ show }, { file }: { file: string }) => {
        const items = readTokenFile(file).map(({ sha256: _sha256, ...entry }) => entry);
        const headings = ["ID", "PRINCIPAL", "ROLE", "CREATED", "EXPIRES"];
        show({ items }, () => table(headings, items.map(tokenRow)));
      }),
    );

  token
    .command("revoke")
    .description("take a token out of the file; a server that runs refuses it within a second")
    .argument("<id>", "as `token list` shows it")
    .requiredOption("--file <file>", "the file")
    .action(
      action(async ({ show }, id: string, { file }: { file: string }) => {
        readTokenFile(file); // a file that is not there is not made for this
        changeTokenFile(file, (tokens) => without(tokens, id));
        show({ id, revoked: true }, () => [`revoked: ${id}`]);
      }),
    );
}

interface CreateOptions {
  principal: string;
  role: string;
  expires: string;
  file: string;
}

/** Throws `invalid-request` with every fault. */
function checked({ principal, role, expires }: Omit<CreateOptions, "file">) {
  const lastsMs = msIn(expires);
  const who = readBy(principalSchema, principal);
  const as = readBy(roleSchema, role);
  if (lastsMs !== undefined && who.fits && as.fits) return { principal: who.data, role: as.data, lastsMs };
  const errors = [
    ...who.faults.map(({ detail }) => ({ pointer: "--principal", detail })),
    ...as.faults.map(({ detail }) => ({ pointer: "--role", detail })),
    ...(lastsMs === undefined ? [{ pointer: "--expires", detail: "expected 90d, 12h or 30m, and 366d at most" }] : []),
  ];
  throw new SignalboxError("invalid-request", `A token cannot be like this: ${describeFaults(errors)}.`, { errors });
}

const unitsMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000 };
const lastsMaxMs = 366 * 86_400_000; // nobody remembers who carries a token that is older

function msIn(span: string): number | undefined {
  const [, count = "", unit = ""] = /^([1-9]\d{0,6})([dhm])$/.exec(span) ?? [];
  const ms = Number(count) * (unitsMs[unit] ?? 0);
  return ms > 0 && ms <= lastsMaxMs ? ms : undefined;
}

function without(tokens: readonly TokenEntry[], id: string): TokenEntry[] {
  const left = tokens.filter((entry) => entry.id !== id);
  if (left.length < tokens.length) return left;
  throw new SignalboxError(
    "not-found",
    `There is no token ${id} in the file. \`signalbox token list\` shows those that there are.`,
  );
}

function tokenRow({ id, principal, role, createdAt, expiresAt }: Omit<TokenEntry, "sha256">): string[] {
  return [id, principal, role, createdAt, expiresAt];
}
