import { createHash } from "node:crypto";
import { canonicalJson } from "../core/canonical.ts";

/** SHA-256 (hex) of the canonical JSON: the same content has the same hash, however its keys are ordered. */
export function contentHash(content: unknown): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}
