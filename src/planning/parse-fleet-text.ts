import { isSignalboxError } from "../core/errors.ts";
import type { SchemaFault } from "../core/schema-faults.ts";
import { readYamlText } from "../core/yaml-text.ts";
import type { Fleet } from "./fleet.ts";
import { notWellFormed, parseFleet } from "./parse-fleet.ts";

export interface FleetText {
  readonly fleet: Fleet;
  /** The declaration as plain data: what is sent to a server. */
  readonly document: unknown;
  /** The same fault or warning with the line in which it is. */
  withLine(fault: SchemaFault): SchemaFault;
}

const charactersMax = 8_388_608; // as much as a server takes

/** Reads YAML or JSON. Throws as `parseFleet` does, and says of each fault in which line it is. */
export function parseFleetText(text: string): FleetText {
  if (text.length > charactersMax)
    throw notWellFormed([
      { pointer: "", detail: `it is longer than ${charactersMax} characters: use ranges of hosts` },
    ]);
  const { document, faults, withLine } = readYamlText(text);
  if (faults.length > 0) throw notWellFormed(faults);
  try {
    return { fleet: parseFleet(document), document, withLine };
  } catch (error) {
    if (!isSignalboxError(error, "invalid-request")) throw error;
    throw notWellFormed(error.errors.map(withLine));
  }
}
