import { SignalboxError } from "../core/errors.ts";
import { fieldsSetByOperation, sendersOf, versionOf, type Machine } from "../core/machine.ts";
import { describeFaults, readBy, type SchemaFault } from "../core/schema-faults.ts";
import { checkFitness } from "../core/registration.ts";

/** The machines that an engine runs, by name; every one has been found fit. */
export interface Catalogue {
  readonly machines: readonly Machine[];
  /** Throws `not-found`. */
  machine(name: string): Machine;
  find(name: string): Machine | undefined;
}

export function createCatalogue(machines: readonly Machine[]): Catalogue {
  const byName = new Map<string, Machine>();
  for (const machine of machines) {
    if (byName.has(machine.name)) {
      throw new SignalboxError(
        "machine-unfit",
        `There are two machines named ${machine.name}; give each its own name.`,
      );
    }
    if (!Number.isInteger(versionOf(machine)) || versionOf(machine) < 1) {
      throw new SignalboxError(
        "machine-unfit",
        `${machine.name} has the version ${versionOf(machine)}; use 1, 2, 3 and so on.`,
      );
    }
    checkFitness(machine);
    byName.set(machine.name, machine);
  }
  return {
    machines,
    find: (name) => byName.get(name),
    machine(name) {
      const machine = byName.get(name);
      if (machine !== undefined) return machine;
      const known = [...byName.keys()].join(", ") || "none";
      throw new SignalboxError("not-found", `There is no machine ${name}; known are: ${known}.`);
    },
  };
}

/** Checks what `create` is given. Throws `invalid-request` with every fault. */
export function parseInput(machine: Machine, input: unknown): unknown {
  const { fits, data, faults } = readBy(machine.input, input, ["input"]);
  if (fits) return data;
  throw invalid(`The input does not fit ${machine.name}`, faults);
}

/** A checked event without the engine's stamps. */
export interface ParsedEvent {
  type: string;
  payload: Readonly<Record<string, unknown>>;
}

/**
 * Checks an event from outside, from an operation of the server, or of the engine's own. Throws `invalid-request` with every
 * fault, or `internal-event` for one that only the engine may send.
 */
export function parseEvent(machine: Machine, event: unknown, sender?: "engine" | "operation"): ParsedEvent {
  const { type, ...payload } = (typeof event === "object" && event !== null ? event : {}) as Record<string, unknown>;
  if (typeof type !== "string" || type === "") {
    throw new SignalboxError("invalid-request", "An event needs a type.", {
      errors: [{ pointer: "/type", detail: "expected the name of an event" }],
    });
  }
  if (type.startsWith("xstate.")) {
    throw new SignalboxError("internal-event", `${type} is XState's own; only the engine sends it.`);
  }
  const schema = Object.hasOwn(machine.events, type) ? machine.events[type] : undefined;
  if (schema === undefined) {
    const known = Object.keys(machine.events).join(", ");
    throw new SignalboxError("invalid-request", `${machine.name} has no event ${type}; it has ${known}.`, {
      errors: [{ pointer: "/type", detail: `expected one of ${known}` }],
    });
  }
  if (sender !== "engine" && sendersOf(schema).every((each) => each === "engine")) {
    throw new SignalboxError("internal-event", `${type} is sent by the engine only.`);
  }
  const stamped = stamps.filter((field) => field in payload);
  if (stamped.length > 0) throw notToBeSet(stamped, "the engine");
  const ours = sender !== undefined ? [] : fieldsSetByOperation(schema).filter((field) => field in payload);
  if (ours.length > 0) throw notToBeSet(ours, "an operation of the server only");
  const { fits, data, faults } = readBy(schema, payload);
  if (!fits) throw invalid(`The event does not fit ${type} of ${machine.name}`, faults);
  return { type, payload: data as Record<string, unknown> };
}

/** What the engine puts on each event. */
const stamps = ["at", "principal"];

function notToBeSet(fields: readonly string[], setBy: string): SignalboxError {
  const [are, them] = fields.length === 1 ? ["is", "it"] : ["are", "them"];
  return new SignalboxError("invalid-request", `${fields.join(" and ")} ${are} set by ${setBy}; leave ${them} out.`, {
    errors: fields.map((field) => ({ pointer: `/${field}`, detail: `set by ${setBy}` })),
  });
}

function invalid(what: string, errors: readonly SchemaFault[]): SignalboxError {
  return new SignalboxError("invalid-request", `${what}: ${describeFaults(errors)}.`, { errors });
}
