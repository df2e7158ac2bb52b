import type { SchemaFault } from "../core/schema-faults.ts";
import { warningsOf } from "./fleet-warnings.ts";
import { parseFleetText } from "./parse-fleet-text.ts";

/** A declaration that was read and is well formed. */
export interface ReadFleet {
  /** As plain data: what is sent to a server. */
  document: unknown;
  hash: string;
  channels: number;
  hosts: number;
  /** What is allowed, and may well be meant otherwise, each with its line. */
  warnings: readonly SchemaFault[];
}

/** Reads YAML or JSON. Throws `invalid-request` with every fault, each with its pointer and line. */
export function readFleet(text: string): ReadFleet {
  const { fleet, document, withLine } = parseFleetText(text);
  const { hash, channels, hosts } = fleet;
  return {
    document,
    hash,
    channels: channels.size,
    hosts: hosts.size,
    warnings: warningsOf(fleet).map(withLine),
  };
}
