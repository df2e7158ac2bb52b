import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import { describeFaults, readBy, type SchemaFault } from "../core/schema-faults.ts";
import { isReservedPrincipal, isTokenRole, type TokenRole } from "./permission.ts";

/** What is kept of a token: who carries it, and enough to know it again, but not the token. */
export interface TokenEntry {
  id: string;
  principal: string;
  role: TokenRole;
  /** Of the whole token, in hexadecimal. */
  sha256: string;
  /** RFC 3339, as is `expiresAt`. */
  createdAt: string;
  expiresAt: string;
}

const secretBytes = 32; // beyond any guessing
const idBytes = 6; // only has to be unique in its file
const tokensMax = 10_000; // a fleet of agents, twice; a file of 3 MB

export const principalSchema = z
  .string()
  .regex(/^[^\s\p{C}](?:[^\p{C}\p{Zl}\p{Zp}]{0,198}[^\s\p{C}])?$/u, "expected 1 to 200 printable characters")
  .refine((name) => !isReservedPrincipal(name), "this name is the server's own");

export const roleSchema = z.custom<TokenRole>(
  (role) => typeof role === "string" && isTokenRole(role),
  "expected viewer, operator, approver, admin or agent:HOST",
);

const timeSchema = z.iso.datetime("expected a time such as 2030-01-31T18:00:00Z");

const entrySchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/, "expected 12 hexadecimal digits"),
  principal: principalSchema,
  role: roleSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in 64 hexadecimal digits"),
  createdAt: timeSchema,
  expiresAt: timeSchema,
}) satisfies z.ZodType<TokenEntry>;

const fileSchema = z.strictObject({ tokens: z.array(entrySchema).max(tokensMax) });

/** A new token, to be shown once, and what is kept of it. */
export function makeToken(given: Pick<TokenEntry, "principal" | "role"> & { at: number; lastsMs: number }): {
  token: string;
  entry: TokenEntry;
} {
  const { principal, role, at, lastsMs } = given;
  const id = randomBytes(idBytes).toString("hex");
  const token = `signalbox_${id}_${randomBytes(secretBytes).toString("base64url")}`;
  const times = { createdAt: new Date(at).toISOString(), expiresAt: new Date(at + lastsMs).toISOString() };
  return { token, entry: { id, principal, role, sha256: sha256(token).toString("hex"), ...times } };
}

/** The id that a token carries; undefined when it is none of ours. */
export function idOfToken(token: string): string | undefined {
  return /^signalbox_([0-9a-f]{12})_[\w-]{43}$/.exec(token)?.[1];
}

/** Takes as long for every token. */
export function isTokenOf(token: string, entry: TokenEntry): boolean {
  return timingSafeEqual(sha256(token), Buffer.from(entry.sha256, "hex"));
}

/** Throws `invalid-request` with every fault of the text of a token file. */
export function parseTokens(text: string): TokenEntry[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SignalboxError("invalid-request", `The token file is no JSON: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  const parsed = readBy(fileSchema, json);
  const errors = [...parsed.faults, ...doubledIds(json)];
  if (parsed.fits && errors.length === 0) return parsed.data.tokens;
  throw new SignalboxError("invalid-request", `The token file is not well formed: ${describeFaults(errors)}.`, {
    errors,
  });
}

export function tokensText(tokens: readonly TokenEntry[]): string {
  return `${JSON.stringify({ tokens }, undefined, 2)}\n`;
}

function doubledIds(json: unknown): SchemaFault[] {
  const { tokens } = (json ?? {}) as { tokens?: unknown };
  if (!Array.isArray(tokens)) return [];
  const ids = tokens.map((each: unknown) => (each as { id?: unknown } | null)?.id);
  return ids.flatMap((id, index) =>
    id !== undefined && ids.indexOf(id) < index ? [{ pointer: `/tokens/${index}/id`, detail: "used twice" }] : [],
  );
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
