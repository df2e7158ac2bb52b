import { z } from "zod";
import { SignalboxError } from "../../core/errors.ts";
import { pointerTo, readBy, type SchemaFault } from "../../core/schema-faults.ts";
import { readYamlText } from "../../core/yaml-text.ts";
import { crossFaults } from "./nodes-file-faults.ts";

/** Replicas that serve one port together. A router listens on it and goes round robin over those that are healthy. */
export interface Group {
  readonly name: string;
  readonly port: number;
  /** Answers 2xx when the replica may be sent requests. */
  readonly healthPath: string;
  /** Below this many healthy ones no drain takes any away. At least 1. */
  readonly minHealthy: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopGraceMs: number;
  /** How long a replica that left the rotation may take to finish its open requests. */
  readonly openRequestsMs: number;
  /** How long a start may take until it is healthy. */
  readonly healthTimeoutMs: number;
  readonly healthIntervalMs: number;
}

export interface Replica {
  readonly name: string;
  readonly group: string;
  /** Its home: where it runs unless that node is in maintenance. */
  readonly node: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Daemon {
  readonly name: string;
  readonly node: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Never stopped, and no blocker of a drain. */
  readonly essential: boolean;
}

export interface NodeSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly daemons: ReadonlyMap<string, Daemon>;
}

export interface MaintenanceGroup {
  readonly name: string;
  /** Labels that a member carries, all of them; an empty one selects every node. */
  readonly selector: Readonly<Record<string, string>>;
  /** A number of nodes, or a share of the members such as `25%`. */
  readonly maxUnavailable: number | `${number}%`;
}

/** What is meant to run, and where. */
export interface NodesFile {
  readonly groups: ReadonlyMap<string, Group>;
  readonly nodes: ReadonlyMap<string, NodeSpec>;
  readonly replicas: ReadonlyMap<string, Replica>;
  readonly maintenanceGroups: ReadonlyMap<string, MaintenanceGroup>;
  /** How fast replicas leave a node: so many at once, then a pause. */
  readonly drain: { readonly batchSize: number; readonly pauseMs: number };
  /** Between SIGTERM and SIGKILL of a daemon. */
  readonly stopGraceMs: number;
}

/**
 * Reads the YAML of a nodes file. Throws `invalid-request` with every fault at once, each with a pointer into the file and its line.
 */
export function parseNodesFile(text: string): NodesFile {
  if (text.length > sizeMax) throw notWellFormed([{ pointer: "", detail: `it is larger than ${sizeMax} characters` }]);
  const { document, faults, withLine } = readYamlText(text);
  if (faults.length > 0) throw notWellFormed(faults);
  const read = readBy(nodesFile, document);
  const between = crossFaults(document).map(({ path, detail }) => ({ pointer: pointerTo(path), detail }));
  const found = [...read.faults, ...between];
  if (!read.fits || found.length > 0) throw notWellFormed(found.map(withLine));
  return resolved(read.data);
}

const sizeMax = 1_048_576; // a thousand nodes take about a third of it

function notWellFormed(errors: readonly SchemaFault[]): SignalboxError {
  const list = errors.map(({ pointer, detail }) => `${pointer || "(the file)"}: ${detail}`).join("; ");
  return new SignalboxError("invalid-request", `The nodes file is not well formed: ${list}`, { errors });
}

// Names become file names and parts of ids.
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "A name is 1 to 63 letters, digits, dots, dashes or underscores");
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "Not the name of an environment variable");
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const env = z.record(variable, scalar).default({});
const command = z
  .array(z.string(), "A command is a list of words")
  .refine(([program]) => program !== undefined && program !== "", "A command starts with a program");
const ms = z.int().positive();

const knobs = {
  stopGraceMs: ms.optional(),
  openRequestsMs: ms.optional(),
  healthTimeoutMs: ms.optional(),
  healthIntervalMs: ms.optional(),
};

const group = z.strictObject({
  port: z.int().min(1).max(65_535),
  health: z.string().startsWith("/", "A path starts with /").default("/"),
  minHealthy: z.int().positive().default(1),
  ...knobs,
});

const node = z.strictObject({
  labels: z.record(z.string(), scalar).default({}),
  replicas: z.record(name, z.strictObject({ group: z.string(), command, env })).default({}),
  daemons: z.record(name, z.strictObject({ command, env, essential: z.boolean().default(false) })).default({}),
});

const share = /^(?:100|[1-9]\d?)%$/; // as the group's own machine takes it, and never none

const maintenanceGroup = z.strictObject({
  selector: z.record(z.string(), scalar),
  maxUnavailable: z
    .custom<number | `${number}%`>(
      (given) => (typeof given === "string" ? share.test(given) : Number.isSafeInteger(given) && Number(given) > 0),
      "A number of nodes from 1, or a share from 1% to 100% without a fraction, such as 25%",
    )
    .default(1),
});

const nodesFile = z.strictObject({
  groups: z.record(name, group).default({}),
  nodes: z.record(name, node),
  maintenanceGroups: z.record(name, maintenanceGroup).default({}),
  drain: z
    .strictObject({ batchSize: z.int().positive().default(2), pauseMs: z.int().nonnegative().default(500) })
    .default({ batchSize: 2, pauseMs: 500 }),
  ...knobs,
});

const usual = { stopGraceMs: 10_000, openRequestsMs: 30_000, healthTimeoutMs: 30_000, healthIntervalMs: 1_000 };

function resolved(file: z.infer<typeof nodesFile>): NodesFile {
  const { groups, nodes, maintenanceGroups, drain, ...ofFile } = file;
  const defaults = { ...usual, ...given(ofFile) };
  return {
    groups: named(groups, (name, { health, ...group }) => ({ ...defaults, ...given(group), name, healthPath: health })),
    nodes: named(nodes, (name, { labels, daemons }) => ({
      name,
      labels,
      daemons: named(daemons, (daemon, spec) => ({ ...spec, name: daemon, node: name })),
    })),
    replicas: new Map(
      Object.entries(nodes).flatMap(([node, { replicas }]) =>
        Object.entries(replicas).map(([name, spec]) => [name, { ...spec, name, node }] as const),
      ),
    ),
    maintenanceGroups: named(maintenanceGroups, (name, spec) => ({ ...spec, name })),
    drain,
    stopGraceMs: defaults.stopGraceMs,
  };
}

function named<Raw, Made>(raws: Record<string, Raw>, make: (name: string, raw: Raw) => Made): Map<string, Made> {
  return new Map(Object.entries(raws).map(([name, raw]) => [name, make(name, raw)]));
}

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without the knobs that were left out, so that a spread keeps the defaults. */
function given<T extends object>(knobs: T): Given<T> {
  return Object.fromEntries(Object.entries(knobs).filter(([, value]) => value !== undefined)) as Given<T>;
}
