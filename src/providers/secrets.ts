import { readFile } from "node:fs/promises";

/**
 * Reads a secret at the moment it is needed: `env:NAME` from the environment, `file:PATH` from a file, without the line
 * end. A rotated secret is the new one at the next call.
 */
export async function readSecret(reference: string): Promise<string> {
  const colon = reference.indexOf(":");
  const place = reference.slice(colon + 1);
  if (reference.slice(0, colon) === "file") return (await readFile(place, "utf8")).replace(/\r?\n$/, "");
  const value = process.env[place];
  if (value === undefined) throw new Error(`The secret ${reference} is not set in the environment of the server.`);
  return value;
}
