import { z } from "zod";
import { probeModes } from "../../machines/host/events.ts";
import { hostPattern } from "../../machines/rollout/rollout-id.ts";
import { SignalboxError } from "../core/errors.ts";
import { describeFaults, pointerTo, readBy, type SchemaFault } from "../core/schema-faults.ts";
import { readYamlText } from "../core/yaml-text.ts";
import { parseDuration } from "../planning/duration.ts";

export interface Command {
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export interface Activation extends Command {
  /** The exit code by which the command says that the version takes a reboot. */
  readonly deferExitCode?: number;
}

interface AnyProbe {
  readonly name: string;
  readonly mode: (typeof probeModes)[number];
  readonly everyMs: number;
  /** How long one look may take. */
  readonly timeoutMs: number;
}

export interface HttpProbe extends AnyProbe {
  readonly kind: "http";
  readonly url: string;
  readonly expectStatus: number;
  readonly bodyContains?: string;
}

export interface TcpProbe extends AnyProbe {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

export interface ExecProbe extends AnyProbe {
  readonly kind: "exec";
  readonly command: readonly string[];
  readonly expectExit: number;
}

export type AgentProbe = HttpProbe | TcpProbe | ExecProbe;

/** What an agent does on its host, and how it knows that it went well. */
export interface AgentFile {
  readonly host?: string;
  readonly url?: string;
  /** Prints the version that runs. */
  readonly version: Command;
  readonly activate: Activation;
  readonly rollBack: Command;
  readonly probes: readonly AgentProbe[];
  /** URLs (`http:`, `https:`, `tcp:`) that answer as long as the host is not cut off. */
  readonly confirmTargets: readonly string[];
}

/**
 * Reads the YAML of an agent's configuration. Throws `invalid-request` with every fault at once, each with a pointer into it and
 * its line. `name` is what the file is called.
 */
export function parseAgentFile(text: string, name = "The agent's configuration"): AgentFile {
  if (text.length > sizeMax)
    throw notWellFormed(name, [{ pointer: "", detail: `it is larger than ${sizeMax} characters` }]);
  const { document, faults, withLine } = readYamlText(text);
  if (faults.length > 0) throw notWellFormed(name, faults);
  const read = readBy(agentFile, document);
  const found = [...read.faults, ...doubledNames(document)];
  if (!read.fits || found.length > 0) throw notWellFormed(name, found.map(withLine));
  return resolved(read.data);
}

const sizeMax = 262_144; // a hundred probes take a tenth of it

function notWellFormed(name: string, errors: readonly SchemaFault[]): SignalboxError {
  return new SignalboxError("invalid-request", `${name} is not well formed: ${describeFaults(errors)}`, { errors });
}

const durationText = "expected a duration with its unit, such as 500ms, 30s or 10m";
const duration = z.string(durationText).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue(durationText);
  return z.NEVER;
});
const positive = (longestMs: number, longest: string) =>
  duration.refine((ms) => ms > 0 && ms <= longestMs, `expected more than nothing and at most ${longest}`);
const timeout = positive(86_400_000, "1d");

const word = z.string("a command is a list of words").regex(/^[^\0]*$/, "no program takes a word with a NUL");
const command = z
  .array(word, "a command is a list of words")
  .max(1_000)
  .refine(([program]) => program !== undefined && program !== "", "a command starts with a program");
const exitCode = z.int().min(0).max(255);
const ran = z.strictObject({ command, timeout: timeout.optional() }, "expected a command");
const webUrl = z.url({ protocol: /^https?$/, error: "expected a URL that begins with http:// or https://" });
const controlPlaneUrl = webUrl.refine(
  (url) => !hasCredentials(url),
  "take the user and the password out: the token says who asks, and the URL stands in the log",
);
const target = z
  .url({ protocol: /^(?:https?|tcp)$/, error: "expected a URL that begins with http://, https:// or tcp://" })
  .refine(
    (url) => !url.startsWith("tcp:") || Number(URL.parse(url)?.port) > 0,
    "say the port, as in tcp://10.0.0.1:22",
  );

const probe = z
  .strictObject({
    name: z.string().min(1).max(200),
    mode: z.enum(probeModes).default("enforce"),
    every: positive(3_600_000, "1h").default(10_000),
    http: z
      .strictObject({
        url: webUrl,
        expectStatus: z.int().min(100).max(599).default(200),
        bodyContains: z.string().min(1).max(1_000).optional(),
        timeout: timeout.default(3_000),
      })
      .optional(),
    tcp: z
      .strictObject({
        host: z.string().min(1).max(253).default("127.0.0.1"),
        port: z.int().min(1).max(65_535),
        timeout: timeout.default(3_000),
      })
      .optional(),
    exec: z.strictObject({ command, expectExit: exitCode.default(0), timeout: timeout.default(10_000) }).optional(),
  })
  .refine(
    ({ http, tcp, exec }) => [http, tcp, exec].filter((kind) => kind !== undefined).length === 1,
    "a probe has exactly one of http, tcp and exec",
  );

const agentFile = z.strictObject(
  {
    host: z.string().regex(hostPattern, "not the name of a host").optional(),
    url: controlPlaneUrl.optional(),
    version: ran,
    activate: ran.extend({ deferExitCode: exitCode.refine((code) => code > 0, "0 says that it is done").optional() }),
    rollBack: ran.optional(),
    probes: z.array(probe).max(100).default([]),
    confirm: z.strictObject({ targets: z.array(target).max(20) }).optional(),
  },
  "expected a configuration with version and activate",
);

function hasCredentials(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username + url.password !== "";
}

/** A probe is known by its name. Takes the file as it was read, so that these faults are told together with those of its shape. */
function doubledNames(raw: unknown): SchemaFault[] {
  const { probes } = (raw ?? {}) as { probes?: unknown };
  if (!Array.isArray(probes)) return [];
  const names = probes.map((each: unknown) => (each as { name?: unknown } | null)?.name);
  return names.flatMap((name, index) =>
    typeof name === "string" && names.indexOf(name) < index
      ? [{ pointer: pointerTo(["probes", index, "name"]), detail: `there is a probe ${name} already` }]
      : [],
  );
}

const versionWithinMs = 10_000; // it reads a file or asks a program
const activationWithinMs = 600_000; // as long as it takes to load and start a release

function resolved({ host, url, version, activate, rollBack, probes, confirm }: z.output<typeof agentFile>): AgentFile {
  const { deferExitCode, ...activation } = activate;
  return {
    ...(host !== undefined && { host }),
    ...(url !== undefined && { url }),
    version: within(version, versionWithinMs),
    activate: { ...within(activation, activationWithinMs), ...(deferExitCode !== undefined && { deferExitCode }) },
    rollBack: within(rollBack ?? activation, activationWithinMs),
    probes: probes.map(probeOf),
    confirmTargets: confirm?.targets ?? [],
  };
}

function within({ command, timeout }: z.output<typeof ran>, usualMs: number): Command {
  return { command, timeoutMs: timeout ?? usualMs };
}

function probeOf({ name, mode, every: everyMs, http, tcp, exec }: z.output<typeof probe>): AgentProbe {
  const common = { name, mode, everyMs };
  if (http !== undefined) {
    const { timeout: timeoutMs, bodyContains, ...asked } = http;
    return { ...common, ...asked, kind: "http", timeoutMs, ...(bodyContains !== undefined && { bodyContains }) };
  }
  if (tcp !== undefined) return { ...common, kind: "tcp", host: tcp.host, port: tcp.port, timeoutMs: tcp.timeout };
  const { timeout: timeoutMs, ...asked } = exec as NonNullable<typeof exec>; // exactly one is there
  return { ...common, ...asked, kind: "exec", timeoutMs };
}
